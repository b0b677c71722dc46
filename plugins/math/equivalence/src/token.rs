//! What a text is made of: one list of tokens for LaTeX and plain text.
//!
//! Both notations, and the typographic characters that models like, meet here: `\cdot`, `*`
//! and `×` are one token, as are `\frac` and its sisters. What only changes the look
//! (`\left`, `\displaystyle`, `\mathbf`) leaves no token at all.

use dashu_ratio::RBig;

use crate::expr::{Constant, Function};

#[derive(Clone, Debug, PartialEq)]
pub struct Token {
    pub kind: Kind,
    /// Bytes of the text.
    pub at: usize,
    pub end: usize,
    /// Whether white space comes before it.
    pub spaced: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    Number(RBig, Literal),
    /// A run of letters, as it stands: a variable, several, or a word.
    Letters(Box<str>),
    /// A name that is no product of its letters, such as the vector from A to B.
    Named(Box<str>),
    /// A command that means nothing here.
    Unknown(Box<str>),
    /// A word inside `\text{..}`.
    Text(Box<str>),
    Constant(Constant),
    Function(Function),
    Currency(&'static str),
    /// `\mathbb{R}` and its like, by letter.
    NumberSet(char),
    Open(Bracket),
    Close(Bracket),
    /// `\begin{name}`.
    Begin(Box<str>),
    End,
    Compare(Comparison),
    Frac,
    Binom,
    Over,
    Choose,
    Plus,
    Minus,
    PlusMinus,
    MinusPlus,
    Times,
    Slash,
    Caret,
    Underscore,
    Bang,
    Percent,
    Degree,
    Prime,
    Comma,
    Semicolon,
    Colon,
    Period,
    Bar,
    Mid,
    In,
    Union,
    Intersection,
    SetMinus,
    EmptySet,
    Conjugate,
    Ellipsis,
    Ampersand,
    Row,
    And,
    Or,
    Angle,
}

/// How a number was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Literal {
    Whole,
    Decimal,
    /// One character, such as `½`.
    Vulgar,
    /// With a base, such as `101_2`.
    Based,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bracket {
    Paren,
    Square,
    /// `\{`, or `{` around a set.
    Brace,
    /// `{` of LaTeX.
    Group,
    Angle,
    Floor,
    Ceiling,
    /// `\lvert`; a plain `|` may be either side.
    Abs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
}

impl Comparison {
    /// The same with its sides exchanged.
    pub fn flipped(self) -> Self {
        match self {
            Self::Less => Self::Greater,
            Self::LessEqual => Self::GreaterEqual,
            Self::Greater => Self::Less,
            Self::GreaterEqual => Self::LessEqual,
            same => same,
        }
    }

    pub fn is_order(self) -> bool {
        !matches!(self, Self::Equal | Self::NotEqual)
    }
}

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
        "equiv" | "approx" | "doteq" => token(Kind::Compare(Comparison::Equal)),
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

/// Greek letters as characters.
pub fn greek_character(character: char) -> Option<&'static str> {
    const SMALL: [&str; 25] = [
        "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa",
        "lambda", "mu", "nu", "xi", "omicron", "pi", "rho", "sigma", "sigma", "tau", "upsilon",
        "phi", "chi", "psi", "omega",
    ];
    match character {
        'α'..='ω' => Some(SMALL[character as usize - 'α' as usize]),
        'ϕ' => Some("phi"),
        'ϵ' => Some("epsilon"),
        'ϑ' => Some("theta"),
        'Γ' => Some("Gamma"),
        'Δ' => Some("Delta"),
        'Θ' => Some("Theta"),
        'Λ' => Some("Lambda"),
        'Σ' => Some("Sigma"),
        'Φ' => Some("Phi"),
        'Ψ' => Some("Psi"),
        'Ω' => Some("Omega"),
        'ℓ' => Some("ell"),
        _ => None,
    }
}

/// A character that is a token by itself.
pub fn character(character: char) -> Option<Kind> {
    use Bracket::{Angle, Ceiling, Floor, Group, Paren, Square};
    Some(match character {
        '+' => Kind::Plus,
        '-' | '−' | '–' | '—' | '‐' | '‑' | '－' => Kind::Minus,
        '±' => Kind::PlusMinus,
        '∓' => Kind::MinusPlus,
        '*' | '×' | '·' | '⋅' | '∙' | '•' | '∗' | '⨯' => Kind::Times,
        '/' | '÷' | '∕' | '⁄' => Kind::Slash,
        '^' => Kind::Caret,
        '_' => Kind::Underscore,
        '!' => Kind::Bang,
        '%' => Kind::Percent,
        '°' | '˚' | '∘' | 'º' => Kind::Degree,
        '\'' | '′' | '’' => Kind::Prime,
        ',' | '，' | '、' => Kind::Comma,
        ';' | '；' => Kind::Semicolon,
        ':' | '∶' | '：' => Kind::Colon,
        '|' | '∣' | '｜' => Kind::Bar,
        '=' | '≡' | '≈' | '＝' => Kind::Compare(Comparison::Equal),
        '<' | '＜' => Kind::Compare(Comparison::Less),
        '>' | '＞' => Kind::Compare(Comparison::Greater),
        '≤' | '⩽' | '≦' => Kind::Compare(Comparison::LessEqual),
        '≥' | '⩾' | '≧' => Kind::Compare(Comparison::GreaterEqual),
        '≠' => Kind::Compare(Comparison::NotEqual),
        '(' | '（' => Kind::Open(Paren),
        ')' | '）' => Kind::Close(Paren),
        '[' => Kind::Open(Square),
        ']' => Kind::Close(Square),
        '{' => Kind::Open(Group),
        '}' => Kind::Close(Group),
        '⟨' | '〈' => Kind::Open(Angle),
        '⟩' | '〉' => Kind::Close(Angle),
        '⌊' => Kind::Open(Floor),
        '⌋' => Kind::Close(Floor),
        '⌈' => Kind::Open(Ceiling),
        '⌉' => Kind::Close(Ceiling),
        '∈' => Kind::In,
        '∪' => Kind::Union,
        '∩' => Kind::Intersection,
        '∖' => Kind::SetMinus,
        '∅' | '⌀' | 'Ø' => Kind::EmptySet,
        'ℝ' => Kind::NumberSet('R'),
        'ℤ' => Kind::NumberSet('Z'),
        'ℚ' => Kind::NumberSet('Q'),
        'ℕ' => Kind::NumberSet('N'),
        'ℂ' => Kind::NumberSet('C'),
        '∞' => Kind::Constant(Constant::Infinity),
        'π' | '𝜋' => Kind::Constant(Constant::Pi),
        '√' => Kind::Function(Function::Sqrt),
        '∛' => Kind::Function(Function::Cbrt),
        '€' => Kind::Currency("eur"),
        '£' => Kind::Currency("gbp"),
        '¥' => Kind::Currency("jpy"),
        '₹' => Kind::Currency("inr"),
        '¢' => Kind::Currency("cent"),
        '…' | '⋯' => Kind::Ellipsis,
        '&' => Kind::Ampersand,
        '∧' => Kind::And,
        '∨' => Kind::Or,
        '∠' | '△' => Kind::Angle,
        _ => return None,
    })
}

/// A fraction that is one character.
pub fn vulgar(character: char) -> Option<(i64, u64)> {
    Some(match character {
        '½' => (1, 2),
        '⅓' => (1, 3),
        '⅔' => (2, 3),
        '¼' => (1, 4),
        '¾' => (3, 4),
        '⅕' => (1, 5),
        '⅖' => (2, 5),
        '⅗' => (3, 5),
        '⅘' => (4, 5),
        '⅙' => (1, 6),
        '⅚' => (5, 6),
        '⅐' => (1, 7),
        '⅛' => (1, 8),
        '⅜' => (3, 8),
        '⅝' => (5, 8),
        '⅞' => (7, 8),
        '⅑' => (1, 9),
        '⅒' => (1, 10),
        _ => return None,
    })
}

/// What a raised character would be on the line.
pub fn superscript(character: char) -> Option<char> {
    Some(match character {
        '⁰' => '0',
        '¹' => '1',
        '²' => '2',
        '³' => '3',
        '⁴'..='⁹' => char::from(b'4' + (character as u32 - '⁴' as u32) as u8),
        '⁺' => '+',
        '⁻' => '-',
        'ⁿ' => 'n',
        'ˣ' => 'x',
        _ => return None,
    })
}

/// What a lowered character would be on the line.
pub fn subscript(character: char) -> Option<char> {
    Some(match character {
        '₀'..='₉' => char::from(b'0' + (character as u32 - '₀' as u32) as u8),
        'ₙ' => 'n',
        'ₓ' => 'x',
        _ => return None,
    })
}
