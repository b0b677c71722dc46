//! Runs a program on tests and judges what it did.
//!
//! The program gets inputs only; what it should have answered never enters its sandbox. So
//! there is no result to forge: whatever it prints, returns, or writes to the channel is its
//! answer, and passes if it is the expected one. What remains to be watched is that nothing
//! passes without an answer: a pass needs a process that ended by itself with status 0, and
//! exactly the answers that were asked for.
//!
//! A fault of the sandbox is an error and never a verdict.

mod budget;
mod self_check;

use std::time::{Duration, Instant};

use farthing_sandbox::{End, Finished, Job, Limits, Sandbox, SandboxError, starved};
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
use budget::Budget;

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
        judge.check_itself()?;
        Ok(judge)
    }

    /// The verdicts of one attempt, one for each test.
    ///
    /// # Errors
    /// When the sandbox is at fault: nothing is known of the program then.
    pub fn judge(&self, program: &str, tests: &[Test]) -> Result<Vec<Verdict>> {
        let mut budget = Budget::new(self.limits.total());
        let compiled = match &self.language {
            Language::Command(command) if command.compiles() => {
                match self.compile(command, program, &mut budget)? {
                    Ok(compiled) => Some(compiled),
                    Err(verdict) => return Ok(vec![verdict; tests.len()]),
                }
            }
            _ => None,
        };
        let mut verdicts = Vec::with_capacity(tests.len());
        while verdicts.len() < tests.len() {
            let failed = verdicts.iter().any(|verdict| *verdict != Verdict::Accepted);
            if (failed && self.stops_at_failure) || budget.is_over()? {
                verdicts.push(Verdict::NotRun);
                continue;
            }
            match &tests[verdicts.len()] {
                Test::Stream(test) => {
                    let prepared = match &self.language {
                        Language::Python(python) => python.script(program),
                        Language::Command(command) => command.script(program, compiled.as_deref()),
                    };
                    let written = [program.as_bytes(), compiled.as_deref().unwrap_or_default()];
                    verdicts.push(self.stream(&prepared, &written, test, &mut budget)?);
                }
                Test::Call(_) => {
                    let calls = self.next_calls(&tests[verdicts.len()..]);
                    let Language::Python(python) = &self.language else {
                        return Err(Error::new(
                            "the tests call functions, and the language is a `command`",
                        )
                        .help("such tests are for Python; others read stdin and print"));
                    };
                    verdicts.extend(self.calls(python, program, &calls, &mut budget)?);
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

    fn stream(
        &self,
        prepared: &Prepared,
        written: &[&[u8]],
        test: &StreamTest,
        budget: &mut Budget,
    ) -> Result<Verdict> {
        let limits = self.limits.of(1);
        if !fits(prepared, written, limits) {
            return Ok(Verdict::Wrong);
        }
        let Some(finished) = self.run(prepared, test.stdin.as_bytes(), limits, budget)? else {
            return Ok(Verdict::Time);
        };
        Ok(failure(&finished).unwrap_or_else(|| {
            let (checker, begun) = (test.checker.unwrap_or(self.checker), Instant::now());
            let accepted = checker.accepts(test.stdout.as_bytes(), &finished.stdout);
            budget.compared(begun);
            verdict(accepted)
        }))
    }

    fn calls(
        &self,
        python: &Python,
        program: &str,
        tests: &[&CallTest],
        budget: &mut Budget,
    ) -> Result<Vec<Verdict>> {
        let prepared = python.calls(program, tests);
        let limits = self.limits.of(tests.len());
        if !fits(&prepared, &[program.as_bytes()], limits) {
            return Ok(vec![Verdict::Wrong; tests.len()]);
        }
        let Some(finished) = self.run(&prepared, b"", limits, budget)? else {
            return Ok(vec![Verdict::Time; tests.len()]);
        };
        if let Some(failure) = failure(&finished) {
            return Ok(vec![failure; tests.len()]);
        }
        let begun = Instant::now();
        let Some(answers) = read(&finished.channel, tests.len()) else {
            // It ended well and did not answer: `sys.exit(0)` before the end, a second answer
            // from a child, something that is no answer at all.
            return Ok(vec![Verdict::Wrong; tests.len()]);
        };
        let judged = tests.iter().zip(answers);
        let verdicts = judged
            .map(|(test, answer)| match answer {
                Answer::Returned(value) => verdict(self.accepts(test, value)),
                Answer::NoData => Verdict::Wrong,
                Answer::Raised if reports_memory(&finished.stderr) => Verdict::Memory,
                Answer::Raised => Verdict::RuntimeError,
            })
            .collect();
        budget.compared(begun);
        Ok(verdicts)
    }

    fn accepts(&self, test: &CallTest, value: Value) -> bool {
        test.accepts(value, self.equality, self.checker.tolerance())
    }

    /// What the compiler made of the program, or how it failed.
    fn compile(
        &self,
        command: &Command,
        program: &str,
        budget: &mut Budget,
    ) -> Result<std::result::Result<Vec<u8>, Verdict>> {
        let limits = Command::compiler_limits(self.limits.of(1));
        let prepared = command.compilation(program);
        if !fits(&prepared, &[program.as_bytes()], limits) {
            return Ok(Err(Verdict::CompileError));
        }
        let left = budget.left();
        let finished = self.sandbox.run(&job(
            &prepared,
            &arguments(&prepared),
            &files(&prepared),
            b"",
            within(limits, left),
        ))?;
        // A compiler is several processes that wait for nothing but a processor and each other.
        let (wall, own) = (finished.wall, finished.cpu.min(finished.wall));
        budget.spend(wall, wall - own);
        match finished.end {
            End::Exited(0) if finished.channel.is_empty() => {
                Err(Error::new("`compile` ended well and left an empty {output}")
                    .help("name {output} as what it writes: [\"/usr/bin/gcc\", \"-o\", \"{output}\", \"{file}\"]"))
            }
            End::Exited(0) => Ok(Ok(finished.channel)),
            End::Wall if starved(wall, wall - own) => {
                let waited = wall - own;
                Err(SandboxError::Starved { wall, waited }.into())
            }
            End::Cpu | End::Wall => Ok(Err(Verdict::Time)),
            End::Exited(code) if ended_by_time(code, finished.cpu, limits.cpu) => {
                Ok(Err(Verdict::Time))
            }
            End::Memory => Ok(Err(Verdict::Memory)),
            End::Output => Ok(Err(Verdict::Output)),
            End::Exited(_) | End::Signalled(_) => Ok(Err(Verdict::CompileError)),
        }
    }

    /// `None` when the attempt's time was over before the program had ended, and the program used it up.
    fn run(
        &self,
        prepared: &Prepared,
        stdin: &[u8],
        limits: Limits,
        budget: &mut Budget,
    ) -> Result<Option<Finished>> {
        let left = budget.left();
        let limits_left = within(limits, left);
        let cut = limits_left.wall < limits.wall;
        let (arguments, files) = (arguments(prepared), files(prepared));
        let job = job(prepared, &arguments, &files, stdin, limits_left);
        let ended = match self.sandbox.run(&job) {
            Ok(finished) => {
                budget.ran(&finished);
                (!cut || finished.end != End::Wall).then_some(finished)
            }
            // Of the little time that was left it got too little: what counts is the attempt's.
            Err(SandboxError::Starved { wall, waited }) if cut => {
                budget.spend(wall, waited);
                None
            }
            Err(fault) => return Err(fault.into()),
        };
        if ended.is_none() {
            budget.is_over()?;
        }
        Ok(ended)
    }
}

/// Whether the kernel ended a part of a compiler for its processor time, and the rest made an exit code of it: the
/// shell's for that signal, or another behind nearly all of the time. The kernel's limit counts in ticks, and may run
/// ahead of its account.
fn ended_by_time(code: i32, used: Duration, limit: Duration) -> bool {
    const SIGXCPU: i32 = 24;
    used >= limit * 9 / 10 || (code == 128 + SIGXCPU && used >= limit / 2)
}

/// These limits, in no more time than is left. A process that is given no time at all would be no evidence of anything.
fn within(limits: Limits, left: Duration) -> Limits {
    Limits {
        wall: limits.wall.min(left.max(Duration::from_millis(50))),
        ..limits
    }
}

fn arguments(prepared: &Prepared) -> Vec<&str> {
    prepared.arguments.iter().map(String::as_str).collect()
}

fn files(prepared: &Prepared) -> Vec<(&str, &[u8])> {
    let files = prepared.files.iter();
    files
        .map(|(name, content)| (name.as_str(), content.as_slice()))
        .collect()
}

fn job<'a>(
    prepared: &'a Prepared,
    arguments: &'a [&'a str],
    files: &'a [(&'a str, &'a [u8])],
    stdin: &'a [u8],
    limits: Limits,
) -> Job<'a> {
    Job {
        program: &prepared.program,
        arguments,
        environment: &prepared.environment,
        files,
        stdin,
        limits,
        channel: prepared.channel,
    }
}

/// False where the working directory has room for everything but what is the program's doing. Where it has none for the
/// rest either, the sandbox says so, as that is no program's fault.
fn fits(prepared: &Prepared, written: &[&[u8]], limits: Limits) -> bool {
    const PAGE: usize = 4096;
    let pages = |bytes: usize| bytes.div_ceil(PAGE) as u64;
    let all: u64 = prepared
        .files
        .iter()
        .map(|(_, content)| pages(content.len()))
        .sum();
    let own: u64 = written.iter().map(|content| pages(content.len())).sum();
    let room = limits.disk / PAGE as u64;
    all <= room || all.saturating_sub(own) > room
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
