//! Runs a program on tests and judges what it did.
//!
//! The program gets inputs only; what it should have answered never enters its sandbox. So
//! there is no result to forge: whatever it prints, returns, or writes to the channel is its
//! answer, and passes if it is the expected one. What remains to be watched is that nothing
//! passes without an answer: a pass needs a process that ended by itself with status 0, and
//! exactly the answers that were asked for.
//!
//! A fault of the sandbox is an error and never a verdict.

mod self_check;

use std::time::{Duration, Instant};

use farthing_sandbox::{End, Finished, Job, Limits, Sandbox};
use farthing_sdk::prelude::{Error, Result};

use crate::{
    checker::Checker,
    config::{Config, Score, TestLimits},
    language::{Command, Language, Prepared},
    python::{Answer, Python, read, reports_memory},
    suite::{CallTest, StreamTest, Test},
    value::{Equality, Value},
    verdict::Verdict,
};

/// Judges programs; used from many threads at a time.
#[derive(Debug)]
pub struct Judge {
    sandbox: Sandbox,
    language: Language,
    limits: TestLimits,
    calls_per_process: usize,
    stops_at_failure: bool,
    checker: Checker,
    equality: Equality,
}

impl Judge {
    /// # Errors
    /// When the machine lacks a layer or the interpreter, or a program that is known to be
    /// right does not come out right.
    pub fn new(config: &Config) -> Result<Self> {
        let (language, trees) = Language::new(config)?;
        let mut policy = config.sandbox.policy()?;
        policy.read_only.extend(trees);
        let judge = Self {
            sandbox: Sandbox::new(&policy)?,
            language,
            limits: config.limits.clone(),
            calls_per_process: config.calls_per_process,
            stops_at_failure: config.score == Score::All,
            checker: config.checker,
            equality: config.equality,
        };
        if let Language::Python(python) = &judge.language {
            judge.check_itself(python)?;
        }
        Ok(judge)
    }

    /// The verdicts of one attempt, one for each test.
    ///
    /// # Errors
    /// When the sandbox is at fault: nothing is known of the program then.
    pub fn judge(&self, program: &str, tests: &[Test]) -> Result<Vec<Verdict>> {
        let deadline = Instant::now() + self.limits.total();
        let compiled = match &self.language {
            Language::Command(command) if command.compiles() => {
                match self.compile(command, program, deadline)? {
                    Some(compiled) => Some(compiled),
                    None => return Ok(vec![Verdict::CompileError; tests.len()]),
                }
            }
            _ => None,
        };
        let mut verdicts = Vec::with_capacity(tests.len());
        while verdicts.len() < tests.len() {
            let failed = verdicts.iter().any(|verdict| *verdict != Verdict::Accepted);
            if (failed && self.stops_at_failure) || Instant::now() >= deadline {
                verdicts.push(Verdict::NotRun);
                continue;
            }
            match &tests[verdicts.len()] {
                Test::Stream(test) => {
                    let prepared = match &self.language {
                        Language::Python(python) => python.script(program),
                        Language::Command(command) => command.script(program, compiled.as_deref()),
                    };
                    verdicts.push(self.stream(&prepared, test, deadline)?);
                }
                Test::Call(_) => {
                    let calls = self.next_calls(&tests[verdicts.len()..]);
                    let Language::Python(python) = &self.language else {
                        return Err(Error::new(
                            "the tests call functions, and the language is a `command`",
                        )
                        .help("such tests are for Python; others read stdin and print"));
                    };
                    verdicts.extend(self.calls(python, program, &calls, deadline)?);
                }
            }
        }
        Ok(verdicts)
    }

    /// The calls that share the next process.
    fn next_calls<'t>(&self, tests: &'t [Test]) -> Vec<&'t CallTest> {
        let calls = tests.iter().map_while(|test| match test {
            Test::Call(call) => Some(call),
            Test::Stream(_) => None,
        });
        calls.take(self.calls_per_process).collect()
    }

    fn stream(&self, prepared: &Prepared, test: &StreamTest, deadline: Instant) -> Result<Verdict> {
        let finished = self.run(prepared, test.stdin.as_bytes(), self.limits.of(1), deadline)?;
        Ok(failure(&finished).unwrap_or_else(|| {
            let checker = test.checker.unwrap_or(self.checker);
            verdict(checker.accepts(test.stdout.as_bytes(), &finished.stdout))
        }))
    }

    fn calls(
        &self,
        python: &Python,
        program: &str,
        tests: &[&CallTest],
        deadline: Instant,
    ) -> Result<Vec<Verdict>> {
        let prepared = python.calls(program, tests);
        let finished = self.run(&prepared, b"", self.limits.of(tests.len()), deadline)?;
        if let Some(failure) = failure(&finished) {
            return Ok(vec![failure; tests.len()]);
        }
        let Some(answers) = read(&finished.channel, tests.len()) else {
            // It ended well and did not answer: `sys.exit(0)` before the end, a second answer
            // from a child, something that is no answer at all.
            return Ok(vec![Verdict::Wrong; tests.len()]);
        };
        let judged = tests.iter().zip(answers);
        Ok(judged
            .map(|(test, answer)| match answer {
                Answer::Returned(value) => verdict(self.accepts(test, value)),
                Answer::NoData => Verdict::Wrong,
                Answer::Raised if reports_memory(&finished.stderr) => Verdict::Memory,
                Answer::Raised => Verdict::RuntimeError,
            })
            .collect())
    }

    fn accepts(&self, test: &CallTest, value: Value) -> bool {
        test.accepts(value, self.equality, self.checker.tolerance())
    }

    /// `None` when the compiler refused the program.
    fn compile(
        &self,
        command: &Command,
        program: &str,
        deadline: Instant,
    ) -> Result<Option<Vec<u8>>> {
        let limits = Command::compiler_limits(self.limits.of(1));
        let finished = self.run(&command.compilation(program), b"", limits, deadline)?;
        match finished.end {
            End::Exited(0) if finished.channel.is_empty() => {
                Err(Error::new("`compile` ended well and left an empty {output}")
                    .help("name {output} as what it writes: [\"/usr/bin/gcc\", \"-o\", \"{output}\", \"{file}\"]"))
            }
            End::Exited(0) => Ok(Some(finished.channel)),
            _ => Ok(None),
        }
    }

    fn run(
        &self,
        prepared: &Prepared,
        stdin: &[u8],
        limits: Limits,
        deadline: Instant,
    ) -> Result<Finished> {
        let arguments: Vec<&str> = prepared.arguments.iter().map(String::as_str).collect();
        let files: Vec<(&str, &[u8])> = prepared
            .files
            .iter()
            .map(|(name, content)| (name.as_str(), content.as_slice()))
            .collect();
        let left = deadline.saturating_duration_since(Instant::now());
        let job = Job {
            program: &prepared.program,
            arguments: &arguments,
            environment: &prepared.environment,
            files: &files,
            stdin,
            limits: Limits {
                // A process that is given no time at all would be no evidence of anything.
                wall: limits.wall.min(left.max(Duration::from_millis(50))),
                ..limits
            },
            channel: prepared.channel,
        };
        Ok(self.sandbox.run(&job)?)
    }
}

/// How the process failed, if it did.
fn failure(finished: &Finished) -> Option<Verdict> {
    match finished.end {
        End::Exited(0) => None,
        End::Exited(_) if reports_memory(&finished.stderr) => Some(Verdict::Memory),
        End::Exited(_) | End::Signalled(_) => Some(Verdict::RuntimeError),
        End::Cpu | End::Wall => Some(Verdict::Time),
        End::Memory => Some(Verdict::Memory),
        End::Output => Some(Verdict::Output),
    }
}

fn verdict(accepted: bool) -> Verdict {
    match accepted {
        true => Verdict::Accepted,
        false => Verdict::Wrong,
    }
}
