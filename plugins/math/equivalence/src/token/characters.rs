//! The characters that have a meaning, with those that only look like them: people paste
//! formulas, and models write the typographic signs of what they have read.

use super::{Bracket, Comparison, Kind};
use crate::expr::{Constant, Function};

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
        '=' | '≡' | '＝' => Kind::Compare(Comparison::Equal),
        '≈' => Kind::Compare(Comparison::About),
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
