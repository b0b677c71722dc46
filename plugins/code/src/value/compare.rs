//! When an answer is the expected value.
//!
//! Three rules to choose from, because "equal" depends on who wrote the test. All of them
//! compare numbers exactly, whatever their size: `2**53` and `2**53 + 1` differ, although as
//! floats they would not. "Not a number" matches itself, because a test that expects it could
//! not be passed otherwise.

use std::cmp::Ordering;

use farthing_sdk::prelude::config;
use num_bigint::BigInt;
use num_traits::FromPrimitive;

use super::Value;

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
pub struct Tolerance {
    /// Share of the expected number.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub relative: f64,
    #[serde(default)]
    #[schemars(range(min = 0.0))]
    pub absolute: f64,
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
    found: &Value,
    equality: Equality,
    tolerance: Option<Tolerance>,
) -> bool {
    Comparison {
        equality,
        tolerance,
    }
    .holds(expected, found)
}

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
            (List(a), List(b)) | (Tuple(a), Tuple(b)) | (Array(a), List(b) | Tuple(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| self.holds(a, b))
            }
            (Set(a), Set(b)) => {
                a.len() == b.len()
                    && sorted(a)
                        .iter()
                        .zip(sorted(b))
                        .all(|(a, b)| self.holds(a, b))
            }
            (Dict(a), Dict(b)) => {
                a.len() == b.len()
                    && by_key(a)
                        .iter()
                        .zip(by_key(b))
                        .all(|((ka, va), (kb, vb))| self.holds(ka, kb) && self.holds(va, vb))
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

/// In an order in which numbers that are equal in Python are equal: sets and the keys of
/// dictionaries can then be compared pairwise, without trying every pair.
fn sorted(values: &[Value]) -> Vec<&Value> {
    let mut values: Vec<&Value> = values.iter().collect();
    values.sort_by(|a, b| order(a, b));
    values
}

fn by_key(entries: &[(Value, Value)]) -> Vec<(&Value, &Value)> {
    let mut entries: Vec<(&Value, &Value)> = entries.iter().map(|(k, v)| (k, v)).collect();
    entries.sort_by(|a, b| order(a.0, b.0));
    entries
}

/// A total order of all values: by kind, then by content.
pub fn order(a: &Value, b: &Value) -> Ordering {
    use Value::*;
    match (a, b) {
        (Text(a), Text(b)) => a.cmp(b),
        (Bytes(a), Bytes(b)) => a.cmp(b),
        (List(a) | Tuple(a) | Array(a), List(b) | Tuple(b) | Array(b)) => {
            lexicographic(a.iter(), b.iter(), order)
        }
        (Set(a), Set(b)) => lexicographic(sorted(a).into_iter(), sorted(b).into_iter(), order),
        (Dict(a), Dict(b)) => {
            lexicographic(by_key(a).into_iter(), by_key(b).into_iter(), |a, b| {
                order(a.0, b.0).then_with(|| order(a.1, b.1))
            })
        }
        _ => match (Number::of(a), Number::of(b)) {
            (Some(a), Some(b)) => a.cmp(&b),
            _ => rank(a).cmp(&rank(b)),
        },
    }
}

fn lexicographic<T>(
    mut a: impl ExactSizeIterator<Item = T>,
    mut b: impl ExactSizeIterator<Item = T>,
    order: impl Fn(T, T) -> Ordering,
) -> Ordering {
    let lengths = a.len().cmp(&b.len());
    while let (Some(a), Some(b)) = (a.next(), b.next()) {
        match order(a, b) {
            Ordering::Equal => {}
            unequal => return unequal,
        }
    }
    lengths
}

fn rank(value: &Value) -> u8 {
    match value {
        Value::None => 0,
        Value::Bool(_) | Value::Int(_) | Value::Float(_) => 1,
        Value::Text(_) => 2,
        Value::Bytes(_) => 3,
        Value::List(_) | Value::Tuple(_) | Value::Array(_) => 4,
        Value::Set(_) => 5,
        Value::Dict(_) => 6,
    }
}

/// A number of any type, compared by its exact value.
enum Number<'a> {
    Whole(&'a BigInt),
    Small(u8),
    Float(f64),
}

impl<'a> Number<'a> {
    fn of(value: &'a Value) -> Option<Self> {
        match value {
            Value::Bool(truth) => Some(Self::Small(u8::from(*truth))),
            Value::Int(number) => Some(Self::Whole(number)),
            Value::Float(number) => Some(Self::Float(*number)),
            _ => None,
        }
    }

    fn cmp(&self, other: &Self) -> Ordering {
        use Number::*;
        match (self, other) {
            (Whole(a), Whole(b)) => a.cmp(b),
            (Small(a), Small(b)) => a.cmp(b),
            (Whole(a), Small(b)) => (*a).cmp(&BigInt::from(*b)),
            (Small(a), Whole(b)) => BigInt::from(*a).cmp(b),
            (Float(a), Float(b)) => floats(*a, *b),
            (Small(a), Float(b)) => floats(f64::from(*a), *b),
            (Float(a), Small(b)) => floats(*a, f64::from(*b)),
            (Whole(a), Float(b)) => whole_and_float(a, *b),
            (Float(a), Whole(b)) => whole_and_float(b, *a).reverse(),
        }
    }
}

/// With both zeros equal, and "not a number" equal to itself and above all.
fn floats(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b)
        .unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

fn whole_and_float(whole: &BigInt, float: f64) -> Ordering {
    match BigInt::from_f64(float.floor()) {
        Some(floor) => whole.cmp(&floor).then_with(|| match float > float.floor() {
            true => Ordering::Less,
            false => Ordering::Equal,
        }),
        None if float == f64::NEG_INFINITY => Ordering::Greater,
        None => Ordering::Less,
    }
}
