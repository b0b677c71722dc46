//! A key of a manifest that takes one value or a list: `train = "a.jsonl"`,
//! `train = ["a.jsonl", "b.jsonl"]`.

use farthing_sdk::prelude::*;

/// A value, or a list of values. None at all by default.
#[config]
#[derive(Clone, Debug)]
#[serde(untagged, expecting = "expected one value or a list of values")]
pub enum OneOrMany<T> {
    /// One, without brackets.
    One(T),
    /// Any number.
    Many(Vec<T>),
}

impl<T> Default for OneOrMany<T> {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

impl<T> OneOrMany<T> {
    /// All of them.
    pub fn as_slice(&self) -> &[T] {
        match self {
            Self::One(value) => std::slice::from_ref(value),
            Self::Many(values) => values,
        }
    }
}
