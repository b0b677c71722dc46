//! Values as JSON, in the facts of problems.
//!
//! Plain JSON means what it says; what JSON lacks is an object with one key that begins with
//! `$`:
//!
//! ```text
//! {"$tuple": [..]}  {"$list": [..]}  {"$set": [..]}  {"$dict": [[key, value], ..]}
//! {"$int": "123456789012345678901234567890"}  {"$float": "nan"}  {"$bytes": "c3bf"}
//! ```
//! A plain array is a list or a tuple (see [`Value::Array`]). The keys of a plain object have lost
//! their order before they come here; a `$dict` keeps it. Whole numbers beyond 64 bits
//! must be written with `$int`, and floats of that size with `$float`: programs that handle
//! JSON turn the former into the latter without a word, and an answer that is right would
//! then be compared with a rounded number.

use farthing_sdk::prelude::{Error, Result, Value as Json, bail, serde_json};
use num_bigint::BigInt;

use super::{DEPTH_LIMIT, Value, dict, set};

/// Reads a value.
///
/// # Errors
/// When an object with a `$` key is none of the above, or a number may have been rounded.
pub fn from_json(json: &Json) -> Result<Value> {
    read(json, 0)
}

fn read(json: &Json, depth: usize) -> Result<Value> {
    if depth > DEPTH_LIMIT {
        bail!("a value is nested more than {DEPTH_LIMIT} deep");
    }
    let items = |items: &[Json]| -> Result<Vec<Value>> {
        items.iter().map(|item| read(item, depth + 1)).collect()
    };
    Ok(match json {
        Json::Null => Value::None,
        Json::Bool(truth) => Value::Bool(*truth),
        Json::Number(number) => return read_number(number),
        Json::String(text) => Value::Text(text.clone()),
        Json::Array(array) => Value::Array(items(array)?),
        Json::Object(object) => {
            if let (1, Some((key, inner))) = (object.len(), object.iter().next())
                && key.starts_with('$')
            {
                return read_tagged(key, inner, depth, &items);
            }
            let entry = |(key, value): (&String, &Json)| {
                Ok((Value::Text(key.clone()), read(value, depth + 1)?))
            };
            Value::Dict(object.iter().map(entry).collect::<Result<_>>()?)
        }
    })
}

fn read_number(number: &serde_json::Number) -> Result<Value> {
    const LARGEST: f64 = (1_u64 << 63) as f64;
    if let Some(whole) = number.as_i64() {
        return Ok(Value::Int(whole.into()));
    }
    if let Some(whole) = number.as_u64() {
        return Ok(Value::Int(whole.into()));
    }
    match number.as_f64() {
        Some(float) if float.abs() < LARGEST => Ok(Value::Float(float)),
        _ => Err(Error::new(format!(
            "the number {number} may be a whole number that was rounded on its way here"
        ))
        .help("write {\"$int\": \"digits\"} or {\"$float\": \"1e30\"}")),
    }
}

fn read_tagged(
    tag: &str,
    inner: &Json,
    depth: usize,
    items: &dyn Fn(&[Json]) -> Result<Vec<Value>>,
) -> Result<Value> {
    let bad = |expected: &str| {
        Error::new(format!("{{\"{tag}\": {inner}}} is no value"))
            .help(format!("expected {expected} behind \"{tag}\""))
    };
    let array = || inner.as_array().ok_or_else(|| bad("an array"));
    let text = || inner.as_str().ok_or_else(|| bad("a string"));
    Ok(match tag {
        "$list" => Value::List(items(array()?)?),
        "$tuple" => Value::Tuple(items(array()?)?),
        "$set" => set(items(array()?)?)?,
        "$dict" => {
            let entry = |pair: &Json| match pair.as_array().map(Vec::as_slice) {
                Some([key, value]) => Ok((read(key, depth + 1)?, read(value, depth + 1)?)),
                _ => Err(bad("an array of [key, value]")),
            };
            dict(array()?.iter().map(entry).collect::<Result<_>>()?)?
        }
        "$int" => Value::Int(
            text()?
                .parse::<BigInt>()
                .map_err(|_| bad("decimal digits"))?,
        ),
        "$float" => Value::Float(text()?.parse().map_err(|_| bad("a number, inf or nan"))?),
        "$bytes" => Value::Bytes(bytes(text()?).ok_or_else(|| bad("hexadecimal digits"))?),
        _ => {
            return Err(Error::new(format!("unknown kind of value {tag:?}")).help(
                "expected $tuple, $list, $set, $dict, $int, $float or $bytes; write a \
                 dictionary whose key begins with $ as {\"$dict\": [[key, value]]}",
            ));
        }
    })
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let pairs = hex.as_bytes().chunks(2);
    pairs
        .map(|pair| match pair {
            [high, low] => u8::try_from(digit(*high)? * 16 + digit(*low)?).ok(),
            _ => None,
        })
        .collect()
}
