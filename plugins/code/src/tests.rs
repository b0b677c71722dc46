//! The reward: does the program in the completion pass the problem's tests?

use farthing_sdk::prelude::*;

use crate::{
    config::Config,
    judge::Judge,
    language::Language,
    program::{assembled, extract},
    suite::{StreamTest, Suite, Test, Tests},
    verdict::{Verdict, outcome},
};

/// The reward `code/tests`.
pub struct TestsReward {
    config: Config,
    labels: Vec<String>,
    judge: Judge,
}

/// 1 when the completion's program passes every test, each run in a sandbox of its own.
#[component("tests")]
impl Reward for TestsReward {
    type Config = Config;

    fn new(config: Config) -> Result<Self> {
        config.check()?;
        Ok(Self {
            labels: Language::labels(&config),
            judge: Judge::new(&config)?,
            config,
        })
    }

    fn score(&self, problem: &ProblemView<'_>, attempt: &Attempt<'_>) -> Result<Outcome> {
        let tests = match problem.facts::<Suite>()? {
            Suite::Tests(tests) => tests,
            Suite::Refused(why) => {
                tracing::warn!(problem = problem.id, why = %why, "the tests of this problem cannot be run");
                return Ok(Outcome::Abstain);
            }
        };
        let verdicts = match extract(attempt.completion, self.config.program, &self.labels) {
            Some(written) => self.judge.judge(&assembled(tests, written), &tests.tests)?,
            None => Vec::new(),
        };
        // What a broken setup ends with; a program that used up the attempt's time leaves none to try it in.
        let failed = |verdict: &Verdict| matches!(verdict, Verdict::RuntimeError | Verdict::Memory);
        if verdicts.iter().any(failed) {
            self.check_setup(tests)?;
        }
        Ok(outcome(self.config.score, tests.tests.len(), &verdicts))
    }
}

impl TestsReward {
    /// Whether the source that goes before a program that failed can itself be run. It is run
    /// once for a group of attempts.
    ///
    /// # Errors
    /// When it cannot: then nothing is known of the program.
    fn check_setup(&self, tests: &Tests) -> Result<()> {
        if tests.setup.is_empty()
            || !self.config.command.is_empty()
            || tests.setup_runs.get().is_some()
        {
            return Ok(());
        }
        let stdin = tests.tests.iter().find_map(|test| match test {
            Test::Stream(test) => Some(test.stdin.clone()),
            Test::Call(_) => None,
        });
        let alone = Test::Stream(StreamTest {
            stdin: stdin.unwrap_or_default(),
            stdout: String::new(),
            checker: None,
        });
        match self.judge.judge(&tests.setup, &[alone])?[..] {
            // What it prints does not matter.
            [Verdict::Accepted | Verdict::Wrong] => {
                let _ = tests.setup_runs.set(());
                Ok(())
            }
            _ => Err(Error::new(format!(
                "the source that goes before every program of this problem does not run by itself: {:?}",
                tests.setup
            ))
            .help(
                "correct `setup` or `test_imports`; the reward's `python.site_packages` says where \
                 packages are",
            )),
        }
    }
}
