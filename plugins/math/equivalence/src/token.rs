//! What a text is made of: one list of tokens for LaTeX and plain text.
//!
//! Both notations, and the typographic characters that models like, meet here: `\cdot`, `*`
//! and `×` are one token, as are `\frac` and its sisters. What only changes the look
//! (`\left`, `\displaystyle`, `\mathbf`) leaves no token at all.

use dashu_ratio::RBig;

use crate::expr::{Constant, Function};

mod characters;
mod commands;

pub use characters::{character, greek_character, subscript, superscript, vulgar};
pub use commands::{Meaning, command, function, greek};

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
    /// Nearly equal.
    About,
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
        !matches!(self, Self::Equal | Self::About | Self::NotEqual)
    }
}
