//! When an answer is the expected value.
//!
//! Three rules to choose from, because "equal" depends on who wrote the test. All of them
//! compare numbers exactly, whatever their size: `2**53` and `2**53 + 1` differ, although as
//! floats they would not. "Not a number" matches itself, because a test that expects it could
//! not be passed otherwise.

use std::cmp::Ordering;

use farthing_sdk::prelude::config;

use super::{
    Value,
    order::{Number, arranged},
};

/// When two values count as equal.
#[config]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Equality {
    /// As Python's `==`, except that truth values are no numbers: `True` is not `1`. `9.0` is
    /// `9`.
    #[default]
    Values,
    /// As Python's `==`: `True` is `1`. What a test means that was written as an `assert`.
    Python,
    /// The types are the same, too: `9.0` is not `9`.
    Types,
}

/// How far a float may be from the expected one: `|a - b| <= max(relative * |b|, absolute)`.
#[config]
#[derive(Clone, Copy, Debug, PartialEq)]
#[serde(try_from = "Written")]
pub struct Tolerance {
    pub relative: f64,
    pub absolute: f64,
}

/// A tolerance as it is written: at least one of both.
#[config]
#[schemars(extend("minProperties" = 1))]
struct Written {
    /// Share of the expected number, below 1.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    relative: Option<f64>,
    #[schemars(range(min = 0.0))]
    absolute: Option<f64>,
}

impl TryFrom<Written> for Tolerance {
    type Error = &'static str;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        let tolerance = Self {
            relative: written.relative.unwrap_or_default(),
            absolute: written.absolute.unwrap_or_default(),
        };
        let is_given = written.relative.or(written.absolute).is_some();
        let is_relative = (0.0..1.0).contains(&tolerance.relative);
        let is_absolute = tolerance.absolute >= 0.0 && tolerance.absolute.is_finite();
        match is_given && is_relative && is_absolute {
            true => Ok(tolerance),
            false => Err("expected relative in 0..1, or absolute, at least 0, or both"),
        }
    }
}

impl Tolerance {
    /// Whether `found` is close enough. Infinities match themselves only.
    pub fn accepts(self, expected: f64, found: f64) -> bool {
        if expected == found || (expected.is_nan() && found.is_nan()) {
            return true;
        }
        if !expected.is_finite() || !found.is_finite() {
            return false;
        }
        (expected - found).abs() <= (self.relative * expected.abs()).max(self.absolute)
    }
}

/// Whether `found` is what was expected. A tolerance holds where a float was expected.
pub fn matches(
    expected: &Value,
    found: Value,
    equality: Equality,
    tolerance: Option<Tolerance>,
) -> bool {
    let comparison = Comparison {
        equality,
        tolerance,
    };
    alike(expected, &found) && comparison.holds(&arranged(expected.clone()), &arranged(found))
}

/// Whether two values have the same kinds and lengths, as far as that is seen without sorting.
fn alike(a: &Value, b: &Value) -> bool {
    use Value::*;
    match (a, b) {
        (List(a) | Tuple(a) | Array(a), List(b) | Tuple(b) | Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| alike(a, b))
        }
        (Set(a), Set(b)) => a.len() == b.len(),
        (Dict(a), Dict(b)) => a.len() == b.len(),
        (List(_) | Tuple(_) | Array(_) | Set(_) | Dict(_), _)
        | (_, List(_) | Tuple(_) | Array(_) | Set(_) | Dict(_)) => false,
        _ => true,
    }
}

/// Of values that are arranged.
struct Comparison {
    equality: Equality,
    tolerance: Option<Tolerance>,
}

impl Comparison {
    fn holds(&self, expected: &Value, found: &Value) -> bool {
        use Value::*;
        match (expected, found) {
            (None, None) => true,
            (Text(a), Text(b)) => a == b,
            (Bytes(a), Bytes(b)) => a == b,
            (List(a), List(b))
            | (Tuple(a), Tuple(b))
            | (Array(a), List(b) | Tuple(b))
            | (Set(a), Set(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| self.holds(a, b))
            }
            (Dict(a), Dict(b)) => {
                let mut pairs = a.iter().zip(b);
                a.len() == b.len()
                    && pairs.all(|(a, b)| self.holds(&a.0, &b.0) && self.holds(&a.1, &b.1))
            }
            _ => self.numbers_match(expected, found),
        }
    }

    fn numbers_match(&self, expected: &Value, found: &Value) -> bool {
        use Value::{Bool, Float, Int};
        match (self.equality, expected, found) {
            (_, Bool(a), Bool(b)) => return a == b,
            (Equality::Values | Equality::Types, Bool(_), _)
            | (Equality::Values | Equality::Types, _, Bool(_))
            | (Equality::Types, Int(_), Float(_))
            | (Equality::Types, Float(_), Int(_)) => return false,
            _ => {}
        }
        if let (Some(tolerance), Float(expected)) = (self.tolerance, expected)
            && let Some(found) = as_float(found)
        {
            return tolerance.accepts(*expected, found);
        }
        let (Some(expected), Some(found)) = (Number::of(expected), Number::of(found)) else {
            return false;
        };
        expected.cmp(&found) == Ordering::Equal
    }
}

/// Truth values are numbers in Python.
fn as_float(value: &Value) -> Option<f64> {
    match value {
        Value::Bool(truth) => Some(f64::from(u8::from(*truth))),
        // A big integer that no float holds is infinite here, and infinities match nothing
        // but themselves.
        Value::Int(number) => num_traits::ToPrimitive::to_f64(number),
        Value::Float(number) => Some(*number),
        _ => None,
    }
}
