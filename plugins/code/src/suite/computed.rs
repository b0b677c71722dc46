//! What is computed of values in tests: `10**9 + 7`, `[0] * 5`, `set([1, 2])`, to a bound.

use std::cmp::Ordering;

use farthing_sdk::prelude::{Error, Result, bail};
use num_bigint::BigInt;
use num_traits::{Num, ToPrimitive};

use super::literal::python_set;
use crate::value::{Value, order};

/// Integers of more bits, and sequences of more elements, are not computed.
const LARGEST_BITS: u64 = 1 << 14;
const LONGEST: usize = 100_000;

/// What `set([1, 2])` and its like are.
pub fn converted(name: &str, inner: Option<Value>, line: usize) -> Result<Value> {
    let bad = || Error::new(format!("line {line}: {name}(..) is not read in tests"));
    if let ("float", Some(inner)) = (name, &inner) {
        return match inner {
            Value::Text(text) => text.trim().parse().map(Value::Float).map_err(|_| bad()),
            Value::Int(number) => to_float(number).map(Value::Float).ok_or_else(bad),
            Value::Float(_) => Ok(inner.clone()),
            _ => Err(bad()),
        };
    }
    if name == "dict" {
        return match inner {
            None => Ok(Value::Dict(Vec::new())),
            Some(Value::Dict(entries)) => Ok(Value::Dict(entries)),
            _ => Err(bad()),
        };
    }
    let items = match inner {
        // In which order Python would go through a set, nobody can say.
        Some(Value::Set(items)) if items.len() > 1 && matches!(name, "list" | "tuple") => {
            bail!("line {line}: {name}(..) of a set is not read in tests: a set has no order")
        }
        Some(inner) => members(inner).ok_or_else(bad)?,
        None if name == "sorted" => return Err(bad()),
        None => Vec::new(),
    };
    match name {
        "set" | "frozenset" => python_set(items),
        "list" => Ok(Value::List(items)),
        "sorted" => Ok(Value::List(sorted(items).ok_or_else(bad)?)),
        "tuple" => Ok(Value::Tuple(items)),
        _ => Err(bad()),
    }
}

/// As Python makes a float of a whole number; `None` where that is too large.
pub fn to_float(number: &BigInt) -> Option<f64> {
    number.to_f64().filter(|float| float.is_finite())
}

/// What iterating over the value gives.
fn members(value: Value) -> Option<Vec<Value>> {
    match value {
        Value::List(items) | Value::Tuple(items) | Value::Set(items) => Some(items),
        Value::Dict(entries) => Some(entries.into_iter().map(|(key, _)| key).collect()),
        Value::Text(text) => Some(text.chars().map(|c| Value::Text(c.into())).collect()),
        _ => None,
    }
}

/// As Python's `sorted`; `None` where it would raise an exception, or the order means nothing.
fn sorted(items: Vec<Value>) -> Option<Vec<Value>> {
    let mut kept: Vec<Value> = Vec::with_capacity(items.len());
    for item in items {
        // Whichever way one sorts, what ends up side by side has been compared.
        let mut comparable = true;
        let place = kept.partition_point(|other| {
            let order = before(other, &item);
            comparable &= order.is_some();
            order != Some(Ordering::Greater)
        });
        if !comparable {
            return None;
        }
        kept.insert(place, item);
    }
    Some(kept)
}

/// Python's `<`, of what it can compare.
fn before(a: &Value, b: &Value) -> Option<Ordering> {
    use Value::{Bool, Bytes, Float, Int, List, Text, Tuple};
    match (a, b) {
        (Float(number), _) | (_, Float(number)) if number.is_nan() => None,
        (Text(_), Text(_)) | (Bytes(_), Bytes(_)) => Some(order(a, b)),
        (Bool(_) | Int(_) | Float(_), Bool(_) | Int(_) | Float(_)) => Some(order(a, b)),
        (List(a), List(b)) | (Tuple(a), Tuple(b)) => {
            for (a, b) in a.iter().zip(b) {
                match before(a, b)? {
                    Ordering::Equal => {}
                    unequal => return Some(unequal),
                }
            }
            Some(a.len().cmp(&b.len()))
        }
        _ => None,
    }
}

pub fn negated(value: Value) -> Result<Value> {
    match value {
        Value::Int(number) => Ok(Value::Int(-number)),
        Value::Float(number) => Ok(Value::Float(-number)),
        other => bail!("a minus stands before {other:?}"),
    }
}

pub fn combined(sign: &str, left: Value, right: Value) -> Result<Value> {
    use Value::{Float, Int, List, Text};
    Ok(match (sign, left, right) {
        ("+", Int(a), Int(b)) => Int(a + b),
        ("-", Int(a), Int(b)) => Int(a - b),
        ("*", Int(a), Int(b)) if a.bits() + b.bits() <= LARGEST_BITS => Int(a * b),
        ("**", Int(a), Int(b)) => match b.to_u32() {
            Some(power) if a.bits().saturating_mul(u64::from(power)) <= LARGEST_BITS => {
                Int(a.pow(power))
            }
            _ => bail!("a power is too large to be computed in a test"),
        },
        ("+", Float(a), Float(b)) => Float(a + b),
        ("-", Float(a), Float(b)) => Float(a - b),
        ("*", Float(a), Float(b)) => Float(a * b),
        ("+", Text(a), Text(b)) => Text(a + &b),
        ("+", List(a), List(b)) => List(a.into_iter().chain(b).collect()),
        ("*", List(a), Int(count)) | ("*", Int(count), List(a)) => {
            let count = times(&count, a.iter().map(size).sum())?;
            List(std::iter::repeat_n(a, count).flatten().collect())
        }
        ("*", Text(a), Int(count)) | ("*", Int(count), Text(a)) => {
            Text(a.repeat(times(&count, a.len())?))
        }
        _ => bail!("a {sign:?} between these values is not computed in tests"),
    })
}

/// How many values there are in a value.
fn size(value: &Value) -> usize {
    match value {
        Value::List(items) | Value::Tuple(items) | Value::Array(items) | Value::Set(items) => {
            1 + items.iter().map(size).sum::<usize>()
        }
        Value::Dict(entries) => {
            1 + entries
                .iter()
                .map(|(k, v)| size(k) + size(v))
                .sum::<usize>()
        }
        Value::Text(text) => 1 + text.len(),
        _ => 1,
    }
}

fn times(count: &BigInt, length: usize) -> Result<usize> {
    match count.to_usize() {
        Some(count) if count.saturating_mul(length) <= LONGEST => Ok(count),
        _ if count.sign() == num_bigint::Sign::Minus => Ok(0),
        _ => bail!("a repeated value of a test has more than {LONGEST} elements"),
    }
}

pub fn number(text: &str, line: usize) -> Result<Value> {
    let digits = text.trim_start_matches('0');
    let is_padded = digits.len() < text.len() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if text.contains("__") || text.ends_with('_') || (is_padded && !digits.is_empty()) {
        bail!("line {line}: Python does not read the number {text:?}");
    }
    let plain = text.replace('_', "");
    let radix = |digits: &str, radix| BigInt::from_str_radix(digits, radix).ok();
    let lower = plain.to_ascii_lowercase();
    let whole = if let Some(digits) = lower.strip_prefix("0x") {
        radix(digits, 16)
    } else if let Some(digits) = lower.strip_prefix("0o") {
        radix(digits, 8)
    } else if let Some(digits) = lower.strip_prefix("0b") {
        radix(digits, 2)
    } else {
        radix(&lower, 10)
    };
    if let Some(whole) = whole {
        return Ok(Value::Int(whole));
    }
    let decimal = lower
        .bytes()
        .all(|byte| byte.is_ascii_digit() || b".e+-".contains(&byte));
    match lower.parse() {
        Ok(float) if decimal => Ok(Value::Float(float)),
        _ => bail!("line {line}: {text:?} is no number that tests can have"),
    }
}
