//! Metadata values, and taking them as the type that is needed.
//!
//! Writers differ in the width of their integers, so a number is asked for by what it must hold, not by its tag.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// One metadata value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Bool(bool),
    Text(String),
    Texts(Vec<String>),
    Integers(Vec<i64>),
    Floats(Vec<f32>),
    /// Something well formed that no key we read may be: bytes that are not UTF-8, lists of lists.
    Other(&'static str),
}

impl Value {
    fn describe(&self) -> String {
        match self {
            Self::Unsigned(number) => format!("the number {number}"),
            Self::Signed(number) => format!("the number {number}"),
            Self::Float(number) => format!("the number {number}"),
            Self::Bool(flag) => format!("{flag}"),
            Self::Text(text) => {
                let mut short: String = text.chars().take(40).collect();
                if short.len() < text.len() {
                    short.push('…');
                }
                format!("the text {short:?}")
            }
            Self::Texts(texts) => format!("a list of {} texts", texts.len()),
            Self::Integers(numbers) => format!("a list of {} integers", numbers.len()),
            Self::Floats(numbers) => format!("a list of {} numbers", numbers.len()),
            Self::Other(what) => (*what).to_owned(),
        }
    }
}

/// All metadata by key. Each getter's error is one sentence that names the key, what was expected and what was found.
#[derive(Debug, Default)]
pub(super) struct Metadata(pub BTreeMap<String, Value>);

type Found<T> = Result<Option<T>, String>;

impl Metadata {
    fn get<'a, T>(
        &'a self,
        key: &str,
        expected: &str,
        take: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Found<T> {
        let Some(value) = self.0.get(key) else {
            return Ok(None);
        };
        match take(value) {
            Some(taken) => Ok(Some(taken)),
            None => Err(format!(
                "{key}: expected {expected}, found {}",
                value.describe()
            )),
        }
    }

    pub fn text(&self, key: &str) -> Found<&str> {
        self.get(key, "a text", |value| match value {
            Value::Text(text) => Some(text.as_str()),
            _ => None,
        })
    }

    pub fn flag(&self, key: &str) -> Found<bool> {
        self.get(key, "true or false", |value| match value {
            Value::Bool(flag) => Some(*flag),
            _ => None,
        })
    }

    /// A number that is not negative, such as a size.
    pub fn count(&self, key: &str) -> Found<u64> {
        self.get(key, "a whole number, not negative", |value| match value {
            Value::Unsigned(number) => Some(*number),
            Value::Signed(number) => u64::try_from(*number).ok(),
            _ => None,
        })
    }

    /// A size that some writers give for each layer: taken if it is the same in all of them.
    pub fn same_count(&self, key: &str) -> Found<u64> {
        let expected =
            "one whole number for all layers (layers of different shapes are not implemented)";
        self.get(key, expected, |value| match value {
            Value::Unsigned(number) => Some(*number),
            Value::Signed(number) => u64::try_from(*number).ok(),
            Value::Integers(numbers) => {
                let first = *numbers.first()?;
                let same = numbers.iter().all(|&number| number == first);
                same.then_some(u64::try_from(first).ok()?)
            }
            _ => None,
        })
    }

    pub fn number(&self, key: &str) -> Found<f64> {
        self.get(key, "a finite number", |value| match value {
            Value::Float(number) => number.is_finite().then_some(*number),
            Value::Unsigned(number) => Some(*number as f64),
            Value::Signed(number) => Some(*number as f64),
            _ => None,
        })
    }

    pub fn texts(&self, key: &str) -> Found<&[String]> {
        self.get(key, "a list of texts", |value| match value {
            Value::Texts(texts) => Some(texts.as_slice()),
            _ => None,
        })
    }

    pub fn integers(&self, key: &str) -> Found<&[i64]> {
        self.get(key, "a list of integers", |value| match value {
            Value::Integers(numbers) => Some(numbers.as_slice()),
            _ => None,
        })
    }

    pub fn floats(&self, key: &str) -> Found<&[f32]> {
        self.get(key, "a list of numbers", |value| match value {
            Value::Floats(numbers) => Some(numbers.as_slice()),
            _ => None,
        })
    }
}

/// What `get` found, or a sentence that says it is missing.
pub(super) fn need<T>(key: &str, found: Found<T>, what: &str) -> Result<T, String> {
    found?.ok_or_else(|| {
        let mut message = format!("{key} is missing");
        let _ = write!(message, "; it holds {what}");
        message
    })
}
