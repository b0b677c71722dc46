//! `abs(f(x) - v) < t` and `math.isclose(f(x), v)`, as Python computes them.

use std::cmp::Ordering;

use num_bigint::BigInt;

use super::computed::to_float;
use crate::value::{Number, Value};

/// How near a number must be.
#[derive(Clone, Debug, PartialEq)]
pub enum Nearness {
    /// `abs(f(x) - a + b) < limit`: from left to right, exactly if all numbers are whole.
    Distance {
        terms: Vec<Term>,
        /// `math.fabs` makes a float of it.
        of_floats: bool,
        limit: Value,
        /// `<`, and not `<=`.
        strictly: bool,
    },
    /// `math.isclose(f(x), to)`: the tolerance is a share of the larger of both.
    Close {
        to: f64,
        relative: f64,
        absolute: f64,
    },
}

/// What is added to the result of a call, or subtracted.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    pub is_subtracted: bool,
    pub number: Value,
}

impl Nearness {
    /// Whether the assert holds. What raises an exception in Python does not.
    pub fn accepts(&self, found: &Value) -> bool {
        self.holds(found).unwrap_or(false)
    }

    fn holds(&self, found: &Value) -> Option<bool> {
        match self {
            Self::Distance {
                terms,
                of_floats,
                limit,
                strictly,
            } => {
                let mut sum = Computed::of(found)?;
                for term in terms {
                    sum = sum.plus(Computed::of(&term.number)?, term.is_subtracted)?;
                }
                let distance = match sum.absolute() {
                    Computed::Whole(number) if *of_floats => Value::Float(to_float(&number)?),
                    Computed::Whole(number) => Value::Int(number),
                    Computed::Float(number) => Value::Float(number),
                };
                if is_nan(&distance) || is_nan(limit) {
                    return Some(false);
                }
                let order = Number::of(&distance)?.cmp(&Number::of(limit)?);
                Some(order == Ordering::Less || (order == Ordering::Equal && !strictly))
            }
            Self::Close {
                to,
                relative,
                absolute,
            } => {
                let found = Computed::of(found)?.float()?;
                if found == *to {
                    return Some(true);
                }
                if found.is_infinite() || to.is_infinite() {
                    return Some(false);
                }
                let distance = (found - to).abs();
                Some(
                    distance <= (relative * to).abs()
                        || distance <= (relative * found).abs()
                        || distance <= *absolute,
                )
            }
        }
    }
}

fn is_nan(value: &Value) -> bool {
    matches!(value, Value::Float(number) if number.is_nan())
}

/// A number in the middle of a computation; truth values are whole numbers in Python.
enum Computed {
    Whole(BigInt),
    Float(f64),
}

impl Computed {
    fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Bool(truth) => Some(Self::Whole(u8::from(*truth).into())),
            Value::Int(number) => Some(Self::Whole(number.clone())),
            Value::Float(number) => Some(Self::Float(*number)),
            _ => None,
        }
    }

    fn float(&self) -> Option<f64> {
        match self {
            Self::Whole(number) => to_float(number),
            Self::Float(number) => Some(*number),
        }
    }

    fn plus(self, other: Self, is_subtracted: bool) -> Option<Self> {
        Some(match (self, other) {
            (Self::Whole(a), Self::Whole(b)) if is_subtracted => Self::Whole(a - b),
            (Self::Whole(a), Self::Whole(b)) => Self::Whole(a + b),
            (a, b) if is_subtracted => Self::Float(a.float()? - b.float()?),
            (a, b) => Self::Float(a.float()? + b.float()?),
        })
    }

    fn absolute(self) -> Self {
        match self {
            Self::Whole(number) => Self::Whole(number.magnitude().clone().into()),
            Self::Float(number) => Self::Float(number.abs()),
        }
    }
}
