//! What sets and dictionaries can hold, and what they keep of values that are equal.

use farthing_sdk::prelude::{Error, Result};

use super::{
    Value,
    order::{arranged, order},
    source,
};

/// Whether Python could put the value into a set. `Array` and `Set` stand for a tuple and a
/// frozen set where a value is only compared, and for a list and a set where it is an argument.
fn is_hashable(value: &Value, is_argument: bool) -> bool {
    match value {
        Value::List(_) | Value::Dict(_) => false,
        Value::Array(_) | Value::Set(_) if is_argument => false,
        Value::Tuple(items) | Value::Array(items) => {
            items.iter().all(|item| is_hashable(item, is_argument))
        }
        _ => true,
    }
}

fn hashable(value: &Value, is_argument: bool) -> Result<()> {
    match is_hashable(value, is_argument) {
        true => Ok(()),
        false => Err(Error::new(format!(
            "{} cannot be in a set or a key of a dictionary: Python cannot hash it",
            source(value)
        ))
        .help("write a tuple: {\"$tuple\": [..]}")),
    }
}

/// A set of these, each once, in the order in which they are written.
///
/// # Errors
/// When Python could not hash one of them.
pub fn set(members: Vec<Value>) -> Result<Value> {
    for member in &members {
        hashable(member, false)?;
    }
    let firsts = firsts(members.iter());
    let members = members.into_iter().enumerate();
    let kept = members.filter(|(place, _)| firsts[*place] == *place);
    Ok(Value::Set(kept.map(|(_, member)| member).collect()))
}

/// A dictionary of these: a key that is written twice stands where it was written first, and
/// has the value that was written last.
///
/// # Errors
/// When Python could not hash a key.
pub fn dict(entries: Vec<(Value, Value)>) -> Result<Value> {
    for (key, _) in &entries {
        hashable(key, false)?;
    }
    let firsts = firsts(entries.iter().map(|(key, _)| key));
    let mut kept: Vec<(Value, Value)> = Vec::with_capacity(entries.len());
    let mut places = vec![0; entries.len()];
    for (place, entry) in entries.into_iter().enumerate() {
        match firsts[place] == place {
            true => {
                places[place] = kept.len();
                kept.push(entry);
            }
            false => kept[places[firsts[place]]].1 = entry.1,
        }
    }
    Ok(Value::Dict(kept))
}

/// For each value, the place of the first that is equal to it.
fn firsts<'v>(values: impl Iterator<Item = &'v Value>) -> Vec<usize> {
    let values: Vec<Value> = values.cloned().map(arranged).collect();
    let mut places: Vec<usize> = (0..values.len()).collect();
    places.sort_by(|&a, &b| order(&values[a], &values[b]));
    let mut firsts = vec![0; values.len()];
    let equal = |a: &usize, b: &usize| order(&values[*a], &values[*b]).is_eq();
    // The sort is stable, so the first of a run is the one that was written first.
    for run in places.chunk_by(equal) {
        for place in run {
            firsts[*place] = run[0];
        }
    }
    firsts
}

/// # Errors
/// When the value cannot be written as an argument: what is in its sets, or is a key of its
/// dictionaries, would be a list or a set there.
pub fn check_argument(value: &Value) -> Result<()> {
    match value {
        Value::List(items) | Value::Tuple(items) | Value::Array(items) => {
            items.iter().try_for_each(check_argument)
        }
        Value::Set(items) => items.iter().try_for_each(|item| hashable(item, true)),
        Value::Dict(entries) => entries
            .iter()
            .try_for_each(|(key, value)| hashable(key, true).and_then(|()| check_argument(value))),
        _ => Ok(()),
    }
}
