//! The tests of a problem, whichever form its facts have.
//!
//! | form | facts |
//! |---|---|
//! | stdin | `{"tests": [{"stdin": "3\n", "stdout": "9\n"}]}` |
//! | calls | `{"entry_point": "square", "tests": [{"args": [3], "kwargs": {}, "expected": 9}]}` |
//! | HumanEval | `{"entry_point": "f", "test": "def check(candidate): ..", "stub": the prompt}` |
//! | MBPP | `{"test_list": ["assert f(3) == 9"], "test_imports": [..]}` |
//! | LiveCodeBench | `{"func_name": "f", "tests": [{"input": "3\n[1]", "output": "9", "testtype": "functional"}]}` |
//!
//! `setup` is source that goes before the program. A test may have a `checker` and, if it calls a
//! function, an `equality` of its own.
//!
//! A problem that cannot be judged is not a problem that no attempt solves. Facts that are no
//! facts are an error; tests of a known form that cannot be turned into calls are a
//! [`Suite::Refused`], for which the reward abstains.

mod asserts;
mod builtins;
mod computed;
mod facts;
mod literal;
mod meaning;
mod nearness;
mod tokens;

use std::cell::OnceCell;

use farthing_sdk::prelude::serde;
pub use nearness::{Nearness, Term};

use crate::{
    checker::Checker,
    value::{Equality, Tolerance, Value, matches},
};

/// What a reward reads of a problem, checked.
#[derive(Debug)]
pub enum Suite {
    Tests(Tests),
    /// Why the tests cannot be turned into calls.
    Refused(String),
}

/// At least one test.
#[derive(Debug)]
pub struct Tests {
    /// Source that goes before the program.
    pub setup: String,
    /// The beginning of the program that the model was shown, if its answer may continue it.
    pub stub: Option<Stub>,
    pub tests: Vec<Test>,
    /// That the setup runs by itself, once it is known.
    pub setup_runs: OnceCell<()>,
}

/// The beginning of a program: HumanEval's prompt.
#[derive(Debug)]
pub struct Stub {
    pub source: String,
    pub entry_point: String,
}

/// One test.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    Stream(StreamTest),
    Call(CallTest),
}

/// The program reads this and must print that.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamTest {
    pub stdin: String,
    pub stdout: String,
    /// `None`: the reward's own.
    pub checker: Option<Checker>,
}

/// A function of the program is given this and must return that.
#[derive(Clone, Debug, PartialEq)]
pub struct CallTest {
    /// `square`, or `Solution.square` for a method of a fresh object.
    pub entry_point: String,
    pub args: Vec<Value>,
    pub kwargs: Vec<(String, Value)>,
    pub expected: Expected,
    /// How the result is looked at before it is compared.
    pub view: View,
    /// `None`: the reward's own.
    pub equality: Option<Equality>,
    /// `None`: the reward's own.
    pub tolerance: Option<Tolerance>,
}

/// What a call must return.
#[derive(Clone, Debug, PartialEq)]
pub enum Expected {
    Value(Value),
    /// A list, a tuple or a set of these, in any order.
    Members(Vec<Value>),
    Near(Nearness),
}

/// What the test makes of the result before it compares: `set(f(x)) == ..`. The program's own
/// interpreter does it, because only there is the result more than plain data: a generator, an
/// object that is true or false. What to compare it with is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    Itself,
    Bool,
    FrozenSet,
    List,
    Set,
    Sorted,
    Tuple,
}

impl View {
    /// The name of Python's function.
    pub fn function(self) -> Option<&'static str> {
        match self {
            Self::Itself => None,
            Self::Bool => Some("bool"),
            Self::FrozenSet => Some("frozenset"),
            Self::List => Some("list"),
            Self::Set => Some("set"),
            Self::Sorted => Some("sorted"),
            Self::Tuple => Some("tuple"),
        }
    }
}

impl CallTest {
    /// A call without arguments that must return `True`.
    pub fn new(entry_point: &str) -> Self {
        Self {
            entry_point: entry_point.to_owned(),
            args: Vec::new(),
            kwargs: Vec::new(),
            expected: Expected::Value(Value::Bool(true)),
            view: View::Itself,
            equality: None,
            tolerance: None,
        }
    }

    /// Whether this result, as the view shows it, is what was expected. The equality and the
    /// tolerance are the reward's own, for a test that has none.
    pub fn accepts(&self, found: Value, equality: Equality, tolerance: Option<Tolerance>) -> bool {
        let equality = self.equality.unwrap_or(equality);
        let tolerance = self.tolerance.or(tolerance);
        match (&self.expected, found) {
            (Expected::Value(expected), found) => matches(expected, found, equality, tolerance),
            (Expected::Near(nearness), found) => nearness.accepts(&found),
            (
                Expected::Members(expected),
                Value::List(found) | Value::Tuple(found) | Value::Set(found),
            ) => matches(
                &Value::Set(expected.clone()),
                Value::Set(found),
                equality,
                tolerance,
            ),
            (Expected::Members(_), _) => false,
        }
    }
}

impl<'de> serde::Deserialize<'de> for Suite {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        facts::Facts::deserialize(deserializer)?
            .into_suite()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
#[path = "suite/tests.rs"]
mod tests;
