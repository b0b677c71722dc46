//! Whether this machine, under these limits, calls a right program right.
//!
//! An interpreter that lacks a library, or memory to start in, fails on every program, and
//! would make every program wrong. So the judge runs two programs whose answers are known
//! before it judges any other.

use std::time::{Duration, Instant};

use farthing_sandbox::Finished;
use farthing_sdk::prelude::{Error, Result};
use num_bigint::BigInt;

use super::{Judge, failure};
use crate::{
    python::{Answer, Python, read},
    suite::{CallTest, Expected},
    value::{Equality, Value},
};

impl Judge {
    /// # Errors
    /// When a script, or a call with one of each kind of value, does not come out right.
    pub(super) fn check_itself(&self, python: &Python) -> Result<()> {
        let deadline = Instant::now() + Duration::from_secs(60);
        let limits = self.limits.of(1);
        let script = python.script("print(input()[::-1])");
        let finished = self.run(&script, b"gnihtraf\n", limits, deadline)?;
        if failure(&finished).is_some() || finished.stdout != b"farthing\n" {
            return Err(broken(&finished));
        }
        let mut test = CallTest::new("same");
        test.args = vec![samples()];
        test.expected = Expected::Value(samples());
        test.equality = Some(Equality::Types);
        let prepared = python.calls("def same(x): return x", &[&test]);
        let finished = self.run(&prepared, b"", limits, deadline)?;
        match read(&finished.channel, 1).as_deref() {
            Some([Answer::Returned(value)])
                if failure(&finished).is_none() && self.accepts(&test, value.clone()) =>
            {
                Ok(())
            }
            _ => Err(broken(&finished)),
        }
    }
}

/// One of each kind of value.
fn samples() -> Value {
    Value::List(vec![
        Value::None,
        Value::Bool(true),
        Value::Int(BigInt::from(-7) << 200_usize),
        Value::Float(-0.1),
        Value::Float(f64::INFINITY),
        Value::Text("h\u{e9}\n\"\u{1f600}".into()),
        Value::Bytes(vec![0, 255]),
        Value::Tuple(vec![Value::Int(1.into())]),
        Value::Set(vec![]),
        Value::Dict(vec![(Value::Int(2.into()), Value::List(vec![]))]),
    ])
}

fn broken(finished: &Finished) -> Error {
    let stderr = String::from_utf8_lossy(&finished.stderr);
    Error::new(format!(
        "a program that is known to be right did not come out right: {:?}, {}",
        finished.end,
        stderr.trim()
    ))
    .help("see whether the limits leave the interpreter enough memory and time")
}
