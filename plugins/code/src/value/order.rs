//! A total order of values, so that sets and dictionaries can be compared pairwise.
//!
//! The program decides how deep its answer is nested and how much of it is alike. So a value is
//! arranged once, from the leaves up, and what is arranged is compared in one walk. Sorting
//! again at every comparison would cost four times as much for each level that doubles the size.

use std::cmp::Ordering;

use num_bigint::BigInt;
use num_traits::FromPrimitive;

use super::Value;

/// With the members of its sets and the entries of its dictionaries in order, at every depth.
pub fn arranged(value: Value) -> Value {
    let all = |items: Vec<Value>| items.into_iter().map(arranged).collect::<Vec<Value>>();
    match value {
        Value::List(items) => Value::List(all(items)),
        Value::Tuple(items) => Value::Tuple(all(items)),
        Value::Array(items) => Value::Array(all(items)),
        Value::Set(items) => {
            let mut items = all(items);
            items.sort_by(order);
            Value::Set(items)
        }
        Value::Dict(entries) => {
            let entries = entries.into_iter();
            let mut entries: Vec<_> = entries
                .map(|(key, value)| (arranged(key), arranged(value)))
                .collect();
            entries.sort_by(|a, b| order(&a.0, &b.0));
            Value::Dict(entries)
        }
        leaf => leaf,
    }
}

/// The order of two arranged values: by kind, then by length, then by content. Numbers that are
/// equal in Python are equal here, and so are sequences of any kind with equal items.
pub fn order(a: &Value, b: &Value) -> Ordering {
    use Value::*;
    match (a, b) {
        (Text(a), Text(b)) => a.cmp(b),
        (Bytes(a), Bytes(b)) => a.cmp(b),
        (List(a) | Tuple(a) | Array(a), List(b) | Tuple(b) | Array(b)) | (Set(a), Set(b)) => {
            let pairs = || a.iter().zip(b).map(|(a, b)| order(a, b));
            a.len()
                .cmp(&b.len())
                .then_with(|| pairs().find(|o| o.is_ne()).unwrap_or(Ordering::Equal))
        }
        (Dict(a), Dict(b)) => {
            let pairs = || {
                let pairs = a.iter().zip(b);
                pairs.map(|(a, b)| order(&a.0, &b.0).then_with(|| order(&a.1, &b.1)))
            };
            a.len()
                .cmp(&b.len())
                .then_with(|| pairs().find(|o| o.is_ne()).unwrap_or(Ordering::Equal))
        }
        _ => match (Number::of(a), Number::of(b)) {
            (Some(a), Some(b)) => a.cmp(&b),
            _ => rank(a).cmp(&rank(b)),
        },
    }
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
pub enum Number<'a> {
    Whole(&'a BigInt),
    Small(u8),
    Float(f64),
}

impl<'a> Number<'a> {
    pub fn of(value: &'a Value) -> Option<Self> {
        match value {
            Value::Bool(truth) => Some(Self::Small(u8::from(*truth))),
            Value::Int(number) => Some(Self::Whole(number)),
            Value::Float(number) => Some(Self::Float(*number)),
            _ => None,
        }
    }

    pub fn cmp(&self, other: &Self) -> Ordering {
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
