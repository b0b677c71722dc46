//! The reward: does the program in the completion pass the problem's tests?

use farthing_sdk::prelude::*;

use crate::{
    config::Config,
    judge::Judge,
    language::Language,
    program::extract,
    suite::{Stub, Suite, Tests},
    verdict::outcome,
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
        let program = self.program(tests, attempt.completion);
        let verdicts = match &program {
            Some(program) => self.judge.judge(program, &tests.tests)?,
            None => Vec::new(),
        };
        Ok(outcome(self.config.score, tests.tests.len(), &verdicts))
    }
}

impl TestsReward {
    /// What is run: the problem's own source, and what the model wrote.
    fn program(&self, tests: &Tests, completion: &str) -> Option<String> {
        let written = extract(completion, self.config.program, &self.labels)?;
        let written = match &tests.stub {
            Some(stub) => completed(stub, written),
            None => written,
        };
        Some(match tests.setup.is_empty() {
            true => written,
            false => format!("{}\n{written}", tests.setup),
        })
    }
}

/// A program that defines the function goes behind what the stub has before it; one that does
/// not is its continuation.
fn completed(stub: &Stub, written: String) -> String {
    let definition = format!("def {}(", stub.entry_point);
    let defines = |line: &str| line.starts_with(&definition);
    if !written.lines().any(defines) {
        return format!("{}{written}", stub.source);
    }
    let before: String = stub
        .source
        .split_inclusive('\n')
        .take_while(|line| !defines(line))
        .collect();
    format!("{before}{written}")
}
