//! Whether this machine, under these limits, calls a right program right.
//!
//! An interpreter that lacks a library, or memory to start in, fails on every program, and would make every program
//! wrong. So the judge runs two programs whose answers are known before it judges any other. Of another language no
//! program is known; that its compiler and its interpreter are there, inside, is looked up instead.

use std::time::Duration;

use farthing_sandbox::{Finished, Job};
use farthing_sdk::prelude::{Error, Result};
use num_bigint::BigInt;

use super::{Budget, Judge, failure};
use crate::{
    language::{Command, Language, Prepared},
    python::{Answer, Python, read},
    suite::{CallTest, Expected},
    value::{Equality, Value},
};

impl Judge {
    /// # Errors
    /// When the language's programs cannot be run here.
    pub(super) fn check_itself(&self) -> Result<()> {
        match &self.language {
            Language::Python(python) => self.check_python(python),
            Language::Command(command) => self.check_command(command),
        }
    }

    /// Whether a script, and a call with one of each kind of value, come out right.
    fn check_python(&self, python: &Python) -> Result<()> {
        let script = python.script("print(input()[::-1])");
        let finished = self.alone(&script, b"gnihtraf\n")?;
        if failure(&finished).is_some() || finished.stdout != b"farthing\n" {
            return Err(broken(&finished));
        }
        let mut test = CallTest::new("same");
        test.args = vec![samples()];
        test.expected = Expected::Value(samples());
        test.equality = Some(Equality::Types);
        let prepared = python.calls("def same(x): return x", &[&test]);
        let finished = self.alone(&prepared, b"")?;
        match read(&finished.channel, 1).as_deref() {
            Some([Answer::Returned(value)])
                if failure(&finished).is_none() && self.accepts(&test, value.clone()) =>
            {
                Ok(())
            }
            _ => Err(broken(&finished)),
        }
    }

    /// Whether the programs that a command line starts are there, inside.
    fn check_command(&self, command: &Command) -> Result<()> {
        const SCRIPT: &str = "for program; do test -f \"$program\" -a -x \"$program\" || { echo \"$program\"; exit 1; }; done";
        let mut programs = vec![command.script("", None).program];
        if command.compiles() {
            // Behind the shell's own: its script, and the name of what is made.
            programs.extend(command.compilation("").arguments.get(3).map(Into::into));
            programs.extend(["/bin/cat", "/bin/chmod"].map(Into::into));
        }
        let programs = programs.iter().map(|program| program.to_string_lossy());
        let looked_up = programs.filter(|program| !program.starts_with(Job::DIRECTORY));
        let arguments = ["-c", SCRIPT, "sh"].map(str::to_owned).into_iter();
        let look = Prepared {
            program: "/bin/sh".into(),
            arguments: arguments.chain(looked_up.map(Into::into)).collect(),
            environment: Vec::new(),
            files: Vec::new(),
            channel: false,
        };
        let finished = self.alone(&look, b"")?;
        match failure(&finished) {
            None => Ok(()),
            Some(_) if finished.stdout.is_empty() => Err(broken(&finished)),
            Some(_) => {
                let missing = String::from_utf8_lossy(&finished.stdout);
                Err(Error::new(format!(
                    "{} is no executable inside the sandbox",
                    missing.trim()
                ))
                .help("add the directory it lies in to `sandbox.read_only`"))
            }
        }
    }

    /// A run that no attempt's time ends.
    fn alone(&self, prepared: &Prepared, stdin: &[u8]) -> Result<Finished> {
        let mut budget = Budget::new(Duration::from_secs(3600));
        let finished = self.run(prepared, stdin, self.limits.of(1), &mut budget)?;
        finished.ok_or_else(|| Error::new("the machine is too busy to try the sandbox"))
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
