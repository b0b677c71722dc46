//! The names that have a meaning: commands of LaTeX, and the same words in plain text.

use super::{Bracket, Comparison, Kind};
use crate::expr::{Constant, Function};

/// What a command of LaTeX, or a word of plain text, stands for.
pub enum Meaning {
    Token(Kind),
    /// A letter with a name.
    Name(&'static str),
    /// Nothing that changes the meaning.
    Nothing,
    Space,
    /// The group behind it is words.
    Words,
    /// A function's name may be inside: `\operatorname{lcm}`, `\mathrm{cm}`.
    Upright,
    /// `\overline`, which also repeats decimals.
    Overline,
    /// `\mathbb`.
    Blackboard,
    /// `\vec` and `\overrightarrow`.
    Arrow,
}

/// A command without its backslash.
pub fn command(name: &str) -> Option<Meaning> {
    use Bracket::{Abs, Angle, Brace, Ceiling, Floor};
    let token = |kind| Some(Meaning::Token(kind));
    match name {
        "frac" | "dfrac" | "tfrac" | "cfrac" | "sfrac" | "nicefrac" => token(Kind::Frac),
        "binom" | "dbinom" | "tbinom" => token(Kind::Binom),
        "over" => token(Kind::Over),
        "choose" => token(Kind::Choose),
        "cdot" | "times" | "ast" | "bullet" | "star" => token(Kind::Times),
        "div" => token(Kind::Slash),
        "pm" => token(Kind::PlusMinus),
        "mp" => token(Kind::MinusPlus),
        "le" | "leq" | "leqslant" | "leqq" => token(Kind::Compare(Comparison::LessEqual)),
        "ge" | "geq" | "geqslant" | "geqq" => token(Kind::Compare(Comparison::GreaterEqual)),
        "lt" => token(Kind::Compare(Comparison::Less)),
        "gt" => token(Kind::Compare(Comparison::Greater)),
        "ne" | "neq" => token(Kind::Compare(Comparison::NotEqual)),
        "equiv" | "doteq" => token(Kind::Compare(Comparison::Equal)),
        "approx" => token(Kind::Compare(Comparison::About)),
        "in" => token(Kind::In),
        "cup" | "bigcup" => token(Kind::Union),
        "cap" | "bigcap" => token(Kind::Intersection),
        "setminus" | "smallsetminus" | "backslash" => token(Kind::SetMinus),
        "emptyset" | "varnothing" => token(Kind::EmptySet),
        "mid" => token(Kind::Mid),
        "vert" => token(Kind::Bar),
        "lvert" => token(Kind::Open(Abs)),
        "rvert" => token(Kind::Close(Abs)),
        "lfloor" => token(Kind::Open(Floor)),
        "rfloor" => token(Kind::Close(Floor)),
        "lceil" => token(Kind::Open(Ceiling)),
        "rceil" => token(Kind::Close(Ceiling)),
        "langle" => token(Kind::Open(Angle)),
        "rangle" => token(Kind::Close(Angle)),
        "lbrace" => token(Kind::Open(Brace)),
        "rbrace" => token(Kind::Close(Brace)),
        "lbrack" => token(Kind::Open(Bracket::Square)),
        "rbrack" => token(Kind::Close(Bracket::Square)),
        "lparen" => token(Kind::Open(Bracket::Paren)),
        "rparen" => token(Kind::Close(Bracket::Paren)),
        "circ" | "degree" => token(Kind::Degree),
        "prime" => token(Kind::Prime),
        "ldots" | "cdots" | "dots" | "dotsc" | "dotsb" | "hdots" => token(Kind::Ellipsis),
        "land" | "wedge" => token(Kind::And),
        "lor" | "vee" => token(Kind::Or),
        "colon" => token(Kind::Colon),
        "angle" | "measuredangle" | "triangle" => token(Kind::Angle),
        "pounds" | "textsterling" => token(Kind::Currency("gbp")),
        "euro" | "texteuro" => token(Kind::Currency("eur")),
        "infty" | "infin" => token(Kind::Constant(Constant::Infinity)),
        "pi" => token(Kind::Constant(Constant::Pi)),
        "R" | "Reals" => token(Kind::NumberSet('R')),
        "text" | "textbf" | "textit" | "textrm" | "textsf" | "texttt" | "textnormal" | "mbox"
        | "emph" | "hbox" => Some(Meaning::Words),
        "mathrm" | "operatorname" | "rm" | "mathsf" | "mathtt" => Some(Meaning::Upright),
        "mathbb" | "Bbb" => Some(Meaning::Blackboard),
        "vec" | "overrightarrow" => Some(Meaning::Arrow),
        "overline" | "bar" => Some(Meaning::Overline),
        "left" | "right" | "big" | "Big" | "bigg" | "Bigg" | "bigl" | "bigr" | "Bigl" | "Bigr"
        | "biggl" | "biggr" | "middle" | "displaystyle" | "textstyle" | "scriptstyle"
        | "limits" | "nolimits" | "mathbf" | "boldsymbol" | "bm" | "bf" | "it" | "mathit"
        | "mathcal" | "mathscr" | "mathnormal" | "hat" | "widehat" | "tilde" | "boxed" | "fbox"
        | "ensuremath" | "underline" | "mathstrut" | "strut" | "phantom" | "large" | "Large"
        | "normalsize" | "small" => Some(Meaning::Nothing),
        "quad" | "qquad" | "enspace" | "thinspace" | "space" | "nobreakspace" => {
            Some(Meaning::Space)
        }
        "Re" => token(Kind::Function(Function::Re)),
        "Im" => token(Kind::Function(Function::Im)),
        _ => function(name)
            .map(|function| Meaning::Token(Kind::Function(function)))
            .or_else(|| greek(name).map(Meaning::Name)),
    }
}

/// Names of functions, the same in both notations.
pub fn function(name: &str) -> Option<Function> {
    use Function::*;
    Some(match name {
        "sin" => Sin,
        "cos" => Cos,
        "tan" | "tg" => Tan,
        "cot" | "ctg" | "cotan" => Cot,
        "sec" => Sec,
        "csc" | "cosec" => Csc,
        "arcsin" | "asin" => Arcsin,
        "arccos" | "acos" => Arccos,
        "arctan" | "atan" | "arctg" => Arctan,
        "arccot" | "acot" | "arcctg" => Arccot,
        "arcsec" | "asec" => Arcsec,
        "arccsc" | "acsc" => Arccsc,
        "sinh" => Sinh,
        "cosh" => Cosh,
        "tanh" => Tanh,
        "coth" => Coth,
        "sech" => Sech,
        "csch" => Csch,
        "arsinh" | "arcsinh" | "asinh" => Arsinh,
        "arcosh" | "arccosh" | "acosh" => Arcosh,
        "artanh" | "arctanh" | "atanh" => Artanh,
        "ln" => Ln,
        "log" | "lg" => Log,
        "exp" => Exp,
        "sqrt" => Sqrt,
        "cbrt" => Cbrt,
        "abs" => Abs,
        "sgn" | "sign" => Sign,
        "floor" => Floor,
        "ceil" | "ceiling" => Ceiling,
        "factorial" => Factorial,
        "binom" | "binomial" => Binomial,
        "gcd" => Gcd,
        "lcm" => Lcm,
        "max" => Max,
        "min" => Min,
        _ => return None,
    })
}

/// Greek letters by their names in LaTeX; variants of a letter are that letter.
pub fn greek(name: &str) -> Option<&'static str> {
    const LETTERS: [&str; 34] = [
        "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa",
        "lambda", "mu", "nu", "xi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega",
        "Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Upsilon", "Phi", "Psi", "Omega",
        "ell",
    ];
    let name = name.strip_prefix("var").unwrap_or(name);
    LETTERS.into_iter().find(|letter| *letter == name)
}
