//! Exact arithmetic that cannot overflow silently.
//!
//! Numbers are fractions of `i128`. The task poses at most six numbers of at most 10^6, so
//! numerators and denominators of anything that can be written with them stay below
//! 10^36 * 2^5, which `i128` holds: an overflow means that the expression was none of ours.

use farthing_sdk::config;
use num_rational::Ratio;
use num_traits::{CheckedAdd, CheckedDiv, CheckedMul, CheckedSub, Zero};

/// An exact fraction in lowest terms.
pub type Rational = Ratio<i128>;

/// One of the four operations.
#[config]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operation {
    #[serde(rename = "+")]
    Add,
    #[serde(rename = "-")]
    Subtract,
    #[serde(rename = "*")]
    Multiply,
    #[serde(rename = "/")]
    Divide,
}

impl Operation {
    /// All four, cheapest for a person first.
    pub const ALL: [Self; 4] = [Self::Add, Self::Subtract, Self::Multiply, Self::Divide];

    /// As it is written in answers.
    pub fn symbol(self) -> char {
        match self {
            Self::Add => '+',
            Self::Subtract => '-',
            Self::Multiply => '*',
            Self::Divide => '/',
        }
    }

    /// Whether the order of the sides is free.
    pub fn commutes(self) -> bool {
        matches!(self, Self::Add | Self::Multiply)
    }

    /// `left op right`; `None` for a division by zero and for an overflow.
    pub fn apply(self, left: Rational, right: Rational) -> Option<Rational> {
        if left.is_integer() && right.is_integer() {
            return self.apply_to_whole(*left.numer(), *right.numer());
        }
        match self {
            Self::Add => left.checked_add(&right),
            Self::Subtract => left.checked_sub(&right),
            Self::Multiply => left.checked_mul(&right),
            Self::Divide if right.is_zero() => None,
            Self::Divide => left.checked_div(&right),
        }
    }

    /// The common case, without the greatest common divisors of the general one.
    fn apply_to_whole(self, left: i128, right: i128) -> Option<Rational> {
        let whole = match self {
            Self::Add => left.checked_add(right),
            Self::Subtract => left.checked_sub(right),
            Self::Multiply => left.checked_mul(right),
            Self::Divide if left.checked_rem(right)? == 0 => left.checked_div(right),
            Self::Divide => {
                return Rational::from_integer(left).checked_div(&Rational::from_integer(right));
            }
        };
        whole.map(Rational::from_integer)
    }
}
