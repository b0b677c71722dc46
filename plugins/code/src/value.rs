//! Plain data of a Python program, as the host holds it: arguments, expected values, answers.
//!
//! A function's result is compared here and never inside the program's interpreter, where
//! the program could redefine what equality means. So a value is pure data, with nothing of
//! the object that it was read from: no class, no method, no identity.

mod compare;
mod hashing;
mod json;
mod json_text;
mod order;
mod python;

use num_bigint::BigInt;

pub use compare::{Equality, Tolerance, matches};
pub use hashing::{check_argument, dict, set};
pub use json::from_json;
pub use json_text::from_json_text;
pub use order::{Number, order};
pub use python::source;

/// Values nested deeper than this are refused wherever they come from, so that no input
/// decides how deep the host recurses. Python's own parser stops at 200 brackets.
pub const DEPTH_LIMIT: usize = 64;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    None,
    Bool(bool),
    Int(BigInt),
    Float(f64),
    Text(String),
    Bytes(Vec<u8>),
    List(Vec<Value>),
    Tuple(Vec<Value>),
    /// An array of JSON, which knows no tuples: as an argument a list, as an expected value a
    /// list or a tuple. LiveCodeBench compares in the same way.
    Array(Vec<Value>),
    /// A set or a frozen set: Python takes them for equal. Each member once.
    Set(Vec<Value>),
    /// In the order in which it was written, each key once.
    Dict(Vec<(Value, Value)>),
}

#[cfg(test)]
mod tests;
