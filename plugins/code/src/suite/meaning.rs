//! What each comparison of an assert means to Python, and which of them mean nothing certain.

use farthing_sdk::prelude::Result;

use super::{CallTest, Expected, View, asserts::refused, computed::to_float};
use crate::value::{Equality, Value};

pub fn truth(mut test: CallTest, truth: bool, line: usize) -> Result<CallTest> {
    if test.view != View::Itself {
        return Err(refused(line, "the truth of a view"));
    }
    test.view = View::Bool;
    test.expected = Expected::Value(Value::Bool(truth));
    test.equality = Some(Equality::Types);
    Ok(test)
}

/// An assert means what Python means by `==`, whatever the reward's own equality.
pub fn equal(mut test: CallTest, value: Value, line: usize) -> Result<CallTest> {
    if holds_nan(&value) {
        return Err(refused(line, "a comparison with nan"));
    }
    test.expected = Expected::Value(value);
    test.equality = Some(Equality::Python);
    Ok(test)
}

/// `is`, where it is certain: Python has one `None`, one `True`, one `False`, and one of each
/// small number.
pub fn identical(mut test: CallTest, value: Value, line: usize) -> Result<CallTest> {
    let is_one_of_a_kind = match &value {
        Value::None | Value::Bool(_) => true,
        Value::Int(number) => (-5..=256).any(|small| *number == small.into()),
        _ => false,
    };
    if !is_one_of_a_kind {
        return Err(refused(line, "the identity of a value"));
    }
    test.expected = Expected::Value(value);
    test.equality = Some(Equality::Types);
    Ok(test)
}

/// Nothing is equal to it in Python, but itself in a list.
fn holds_nan(value: &Value) -> bool {
    match value {
        Value::Float(number) => number.is_nan(),
        Value::List(items) | Value::Tuple(items) | Value::Array(items) | Value::Set(items) => {
            items.iter().any(holds_nan)
        }
        Value::Dict(entries) => entries.iter().any(|(k, v)| holds_nan(k) || holds_nan(v)),
        _ => false,
    }
}

pub fn number(value: Value, line: usize) -> Result<Value> {
    match value {
        Value::Bool(_) | Value::Int(_) | Value::Float(_) => Ok(value),
        _ => Err(refused(line, "a distance of something else than numbers")),
    }
}

pub fn float(value: Value, line: usize) -> Result<f64> {
    let float = match &value {
        Value::Bool(truth) => Some(f64::from(u8::from(*truth))),
        Value::Int(number) => to_float(number),
        Value::Float(number) => Some(*number),
        _ => None,
    };
    float.ok_or_else(|| refused(line, "a distance to something else than a number"))
}
