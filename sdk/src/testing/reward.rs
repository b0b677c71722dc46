//! The kit for rewards.

use std::{sync::Mutex, thread};

use serde_json::{Value, json};

use super::create;
use crate::{
    Attempt, Error, Outcome, Problem, Prompt, Result, Reward,
    client::{ProblemText, RewardClient},
    shim,
};

/// Makes `T` with this configuration.
pub fn reward<T: Reward>(config: Value) -> Result<RewardKit> {
    let raw = create(&config, shim::reward::create::<T>)?;
    Ok(RewardKit(RewardClient::new(raw)))
}

/// A reward under test.
pub struct RewardKit(RewardClient);

impl RewardKit {
    /// The outcome of one finished completion to a problem with these facts.
    pub fn score(&self, facts: &Value, completion: &str) -> Result<Outcome> {
        let mut outcomes = self.score_group(facts, &[completion])?;
        outcomes.pop().unwrap_or_else(|| Err(unreported(0)))
    }

    /// The outcomes of a group. The outer error is that of the call, the inner ones those
    /// of single attempts.
    pub fn score_group(&self, facts: &Value, completions: &[&str]) -> Result<Vec<Result<Outcome>>> {
        let problem = ProblemText::new(&Problem {
            id: "under-test".into(),
            prompt: Prompt::Text(String::new()),
            facts: facts.clone(),
            tags: Vec::new(),
        })?;
        let attempts: Vec<Attempt<'_>> = completions
            .iter()
            .map(|&completion| Attempt {
                completion,
                tokens: completion.len() as u64,
                finished: true,
            })
            .collect();
        let outcomes = Mutex::new(vec![None; attempts.len()]);
        self.0.score(&problem, &attempts, &|index, outcome| {
            let mut outcomes = outcomes.lock().expect("no holder of this lock panics");
            outcomes[index] = Some(outcome.map(Outcome::from));
        })?;
        let outcomes = outcomes
            .into_inner()
            .expect("no holder of this lock panics");
        let reported = |(i, outcome): (usize, Option<Result<Outcome>>)| {
            outcome.unwrap_or_else(|| Err(unreported(i)))
        };
        Ok(outcomes.into_iter().enumerate().map(reported).collect())
    }

    /// Checks what every verifier owes its users: each `gold` completion scores more than
    /// each `wrong` one; hostile text neither panics nor scores like gold; the same text
    /// scores the same on every thread.
    ///
    /// # Errors
    /// Says which of these does not hold, and for which completion.
    pub fn check(&self, facts: &Value, gold: &[&str], wrong: &[&str]) -> Result<()> {
        let scored = |text: &str| match self.score(facts, text)? {
            Outcome::Scored { value, .. } => Ok(value),
            Outcome::Abstain => Err(Error::new(format!("abstained on {:?}", head(text)))),
        };
        let mut least_gold = f64::INFINITY;
        for text in gold {
            least_gold = least_gold.min(scored(text)?);
        }
        let hostile = hostile_texts();
        for text in wrong
            .iter()
            .copied()
            .chain(hostile.iter().map(String::as_str))
        {
            let value = match self.score(facts, text)? {
                Outcome::Scored { value, .. } => value,
                Outcome::Abstain => continue,
            };
            if !gold.is_empty() && value >= least_gold {
                return Err(Error::new(format!(
                    "{:?} scores {value}, no less than a gold completion ({least_gold})",
                    head(text)
                )));
            }
        }
        self.check_threads(facts, gold, wrong)
    }

    /// Checks that facts which lack what the reward reads are an error.
    pub fn check_missing_facts(&self, completion: &str) -> Result<()> {
        match self.score(&json!({ "unrelated": null }), completion) {
            Err(_) => Ok(()),
            Ok(outcome) => Err(Error::new(format!(
                "facts without what this reward reads gave {outcome:?}; expected an error"
            ))),
        }
    }

    fn check_threads(&self, facts: &Value, gold: &[&str], wrong: &[&str]) -> Result<()> {
        let texts: Vec<&str> = gold.iter().chain(wrong).copied().collect();
        let run = || -> Result<Vec<Outcome>> {
            texts.iter().map(|text| self.score(facts, text)).collect()
        };
        let expected = run()?;
        let others: Vec<Result<Vec<Outcome>>> = thread::scope(|scope| {
            let workers: Vec<_> = (0..4).map(|_| scope.spawn(run)).collect();
            workers
                .into_iter()
                .map(|worker| worker.join().expect("the shim catches panics"))
                .collect()
        });
        for other in others {
            if other? != expected {
                return Err(Error::new(
                    "the same completions scored differently on another thread",
                ));
            }
        }
        Ok(())
    }
}

/// Completions that break careless parsers: empty, huge, deeply nested, control characters,
/// unusual Unicode, look-alike tags.
pub fn hostile_texts() -> Vec<String> {
    vec![
        String::new(),
        " \n\t\r\n".into(),
        "\0\u{1}\u{7f}\u{202e}".into(),
        "\u{1d7d9}\u{ff11}\u{0661} \u{2212} \u{00d7} \u{200b}".into(),
        "e\u{301}\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}".into(),
        "(".repeat(100_000),
        ")".repeat(100_000),
        "{".repeat(100_000),
        "9".repeat(100_000),
        "<answer>".repeat(20_000),
        "</answer></think>".repeat(20_000),
        "\\boxed{".repeat(20_000),
        "-".repeat(100_000),
        "1/0".into(),
        "9**9**9**9".into(),
        "1e999999999".into(),
        "NaN".into(),
        "a".repeat(2_000_000),
    ]
}

fn unreported(index: usize) -> Error {
    Error::new(format!("no outcome was reported for attempt {index}"))
}

fn head(text: &str) -> String {
    text.chars().take(60).collect()
}
