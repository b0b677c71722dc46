//! Reads an answer: one pass over the bytes, no allocation, no recursion that the text
//! controls beyond a small depth.
//!
//! ```text
//! equation := sum ["=" ["-"] integer]
//! sum      := product (("+" | "-") product)*
//! product  := atom (("*" | "/") atom)*
//! atom     := integer | "(" sum ")"
//! ```
//! `×`, `÷` and `−` are read as `*`, `/` and `-`. Everything else is malformed, and some of
//! it on purpose: `**`, `//` and `4.2*5`, which scorers built on Python's `eval` take for
//! answers; a sign in front of a number or parenthesis, because the game has no negative
//! numbers; `2(3+4)`, because it leaves the operation to be guessed; and `007`, which is no
//! way to write a number.

use crate::{
    arithmetic::{Operation, Rational},
    expression::Expression,
};

/// Parentheses inside parentheses; six numbers need five.
const DEPTH_LIMIT: u32 = 32;

/// What the numbers may be used for.
#[derive(Clone, Copy)]
pub struct Rules<'a> {
    /// At most `MOST_GIVEN` of them.
    pub numbers: &'a [u64],
    pub target: i64,
    /// Whether every number must be used, not only none twice.
    pub use_all: bool,
}

/// One bit each in the record of used numbers.
pub const MOST_GIVEN: usize = 64;

/// What reading makes of an expression: its exact value, or the expression with its value.
pub trait Meaning: Sized {
    fn number(number: u64) -> Self;

    /// `None` for a division by zero and an overflow.
    fn combined(operation: Operation, left: Self, right: Self) -> Option<Self>;
}

impl Meaning for Rational {
    fn number(number: u64) -> Self {
        Self::from_integer(i128::from(number))
    }

    fn combined(operation: Operation, left: Self, right: Self) -> Option<Self> {
        operation.apply(left, right)
    }
}

impl Meaning for Expression {
    fn number(number: u64) -> Self {
        Self::number(number)
    }

    fn combined(operation: Operation, left: Self, right: Self) -> Option<Self> {
        let value = operation.apply(left.value(), right.value())?;
        Some(Self::binary(operation, left, right, value))
    }
}

/// A well-formed answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading<M> {
    /// What it means; `None` when it breaks the rules: a number that is not given or is
    /// used up, one left over, a division by zero, an overflow, or a right-hand side other
    /// than the target.
    pub meaning: Option<M>,
}

/// Reads an answer; `None` when it is malformed.
pub fn read<M: Meaning>(text: &str, rules: Rules<'_>) -> Option<Reading<M>> {
    let mut parser = Parser {
        rest: text.as_bytes(),
        width: 0,
        rules,
        used: 0,
    };
    let left = parser.sum::<M>(0)?;
    let right_holds = parser.right_side()?;
    if !parser.rest.is_empty() {
        return None;
    }
    let enough = !rules.use_all || parser.used.count_ones() as usize == rules.numbers.len();
    Some(Reading {
        meaning: left.filter(|_| right_holds && enough),
    })
}

struct Parser<'a> {
    rest: &'a [u8],
    /// Bytes of the character that `peek` saw.
    width: usize,
    rules: Rules<'a>,
    used: u64,
}

/// The outer `None` is malformed; the inner one has no value under the rules.
type Parsed<M> = Option<Option<M>>;

impl Parser<'_> {
    fn sum<M: Meaning>(&mut self, depth: u32) -> Parsed<M> {
        let mut value = self.product(depth)?;
        loop {
            let operation = match self.peek() {
                Some(b'+') => Operation::Add,
                Some(b'-') => Operation::Subtract,
                _ => return Some(value),
            };
            self.accept();
            value = combined(operation, value, self.product(depth)?);
        }
    }

    fn product<M: Meaning>(&mut self, depth: u32) -> Parsed<M> {
        let mut value = self.atom(depth)?;
        loop {
            let operation = match self.peek() {
                Some(b'*') => Operation::Multiply,
                Some(b'/') => Operation::Divide,
                _ => return Some(value),
            };
            self.accept();
            value = combined(operation, value, self.atom(depth)?);
        }
    }

    fn atom<M: Meaning>(&mut self, depth: u32) -> Parsed<M> {
        match self.peek()? {
            b'(' if depth < DEPTH_LIMIT => {
                self.accept();
                let value = self.sum(depth + 1)?;
                if self.peek()? != b')' {
                    return None;
                }
                self.accept();
                Some(value)
            }
            b'0'..=b'9' => {
                let number = self.integer()?;
                Some(number.and_then(|number| self.take(number)))
            }
            _ => None,
        }
    }

    /// The number, if it is given and not used up.
    fn take<M: Meaning>(&mut self, number: u64) -> Option<M> {
        let numbers = self.rules.numbers.iter().enumerate();
        let free =
            |(place, given): &(usize, &u64)| **given == number && self.used & (1 << place) == 0;
        let (place, _) = numbers.into_iter().find(free)?;
        self.used |= 1 << place;
        Some(M::number(number))
    }

    /// Decimal digits; the inner `None` is a number that no `u64` holds.
    fn integer(&mut self) -> Option<Option<u64>> {
        let digits = self
            .rest
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        if digits == 0 || (digits > 1 && self.rest[0] == b'0') {
            return None;
        }
        let number = self.rest[..digits].iter().try_fold(0_u64, |number, digit| {
            number.checked_mul(10)?.checked_add(u64::from(digit - b'0'))
        });
        self.rest = &self.rest[digits..];
        Some(number)
    }

    /// Whether what follows `=`, if anything does, is the target.
    fn right_side(&mut self) -> Option<bool> {
        if self.peek() != Some(b'=') {
            return Some(true);
        }
        self.accept();
        let negative = self.peek() == Some(b'-');
        if negative {
            self.accept();
        }
        self.peek()?;
        let right = self.integer()?.map(i128::from);
        self.peek();
        let signed = right.map(|right| if negative { -right } else { right });
        Some(signed == Some(i128::from(self.rules.target)))
    }

    /// The next byte after white space, with the typographic operators in ASCII.
    fn peek(&mut self) -> Option<u8> {
        self.rest = self.rest.trim_ascii_start();
        let (byte, width) = match self.rest {
            [] => return None,
            [0xc3, 0x97, ..] => (b'*', 2),
            [0xc3, 0xb7, ..] => (b'/', 2),
            [0xe2, 0x88, 0x92, ..] => (b'-', 3),
            [byte, ..] => (*byte, 1),
        };
        self.width = width;
        Some(byte)
    }

    /// Drops what `peek` saw.
    fn accept(&mut self) {
        self.rest = &self.rest[self.width..];
    }
}

fn combined<M: Meaning>(operation: Operation, left: Option<M>, right: Option<M>) -> Option<M> {
    M::combined(operation, left?, right?)
}
