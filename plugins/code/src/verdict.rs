//! What came of each test, and what that makes of the attempt.

use farthing_sdk::prelude::*;

use crate::config::Score;

/// What came of one test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The only one that counts: the program ended well, and its answer is the expected one.
    Accepted,
    /// It ended well with another answer, or with none.
    Wrong,
    /// An exception, a signal, or an exit status other than 0.
    RuntimeError,
    Time,
    Memory,
    Output,
    /// The compiler refused the program.
    CompileError,
    /// Another test had failed already, or the attempt's time was over.
    NotRun,
}

impl Verdict {
    const ALL: [Self; 8] = [
        Self::Accepted,
        Self::Wrong,
        Self::RuntimeError,
        Self::Time,
        Self::Memory,
        Self::Output,
        Self::CompileError,
        Self::NotRun,
    ];

    /// The name of the part that counts it. These are logged, so they stay.
    fn part(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Wrong => "wrong",
            Self::RuntimeError => "runtime_error",
            Self::Time => "time_limit",
            Self::Memory => "memory_limit",
            Self::Output => "output_limit",
            Self::CompileError => "compile_error",
            Self::NotRun => "not_run",
        }
    }
}

/// The score of an attempt by its tests' verdicts, with every count as a part.
pub fn outcome(score: Score, tests: usize, verdicts: &[Verdict]) -> Outcome {
    let count = |verdict: Verdict| verdicts.iter().filter(|found| **found == verdict).count();
    let accepted = count(Verdict::Accepted);
    // A pass needs evidence for each test: verdicts that are missing would be no failure of
    // any test, and must not make a pass either.
    let all = accepted == tests && verdicts.len() == tests && tests > 0;
    let passed = accepted as f64 / tests.max(1) as f64;
    let value = match score {
        Score::All => f64::from(u8::from(all)),
        Score::Fraction => passed,
    };
    let mut outcome = Outcome::scored(value)
        .with_part("tests", tests as f64)
        .with_part("passed", passed);
    for verdict in Verdict::ALL {
        outcome = outcome.with_part(verdict.part(), count(verdict) as f64);
    }
    outcome.with_part("no_program", f64::from(u8::from(verdicts.is_empty())))
}
