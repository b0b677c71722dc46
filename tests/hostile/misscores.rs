//! Rewards that answer wrongly without failing: no number, no end, too few outcomes.

use farthing_sdk::prelude::*;

farthing_sdk::plugin!("misscores");

struct NotANumber;

/// A score that is not a number.
#[component("nan")]
impl Reward for NotANumber {
    type Config = Value;

    fn new(_: Value) -> Result<Self> {
        Ok(Self)
    }

    fn score(&self, _: &ProblemView<'_>, attempt: &Attempt<'_>) -> Result<Outcome> {
        Ok(Outcome::scored(match attempt.completion {
            "infinite" => f64::INFINITY,
            "finite" => 0.5,
            _ => f64::NAN,
        }))
    }
}

struct Slow;

/// Never returns for a completion that says `hang`.
#[component("slow")]
impl Reward for Slow {
    type Config = Value;

    fn new(_: Value) -> Result<Self> {
        Ok(Self)
    }

    fn score(&self, _: &ProblemView<'_>, attempt: &Attempt<'_>) -> Result<Outcome> {
        if attempt.completion == "hang" {
            loop {
                std::thread::park();
            }
        }
        Ok(Outcome::scored(1.0))
    }
}

struct SlowGroup;

/// Never returns for a group with a completion that says `hang`.
#[component("slow-group")]
impl Reward for SlowGroup {
    type Config = Value;
    const WHOLE_GROUPS: bool = true;

    fn new(_: Value) -> Result<Self> {
        Ok(Self)
    }

    fn score(&self, _: &ProblemView<'_>, _: &Attempt<'_>) -> Result<Outcome> {
        bail!("the host gives this reward whole groups")
    }

    fn score_group(
        &self,
        _: &ProblemView<'_>,
        attempts: &[Attempt<'_>],
    ) -> Result<Vec<Result<Outcome>>> {
        while attempts.iter().any(|attempt| attempt.completion == "hang") {
            std::thread::park();
        }
        let best = attempts
            .iter()
            .map(|attempt| attempt.completion.len())
            .max();
        let is_best = |attempt: &Attempt<'_>| Some(attempt.completion.len()) == best;
        Ok(attempts
            .iter()
            .map(|attempt| Ok(Outcome::scored(u8::from(is_best(attempt)))))
            .collect())
    }
}

struct TooFew;

/// Forgets the last attempt of a group.
#[component("too-few")]
impl Reward for TooFew {
    type Config = Value;
    const WHOLE_GROUPS: bool = true;

    fn new(_: Value) -> Result<Self> {
        Ok(Self)
    }

    fn score(&self, _: &ProblemView<'_>, _: &Attempt<'_>) -> Result<Outcome> {
        bail!("the host gives this reward whole groups")
    }

    fn score_group(
        &self,
        _: &ProblemView<'_>,
        attempts: &[Attempt<'_>],
    ) -> Result<Vec<Result<Outcome>>> {
        Ok(attempts
            .iter()
            .skip(1)
            .map(|_| Ok(Outcome::Abstain))
            .collect())
    }
}

struct Mixed;

/// Scores, abstains, fails or panics, as the completion says.
#[component("mixed")]
impl Reward for Mixed {
    type Config = Value;

    fn new(_: Value) -> Result<Self> {
        Ok(Self)
    }

    fn score(&self, _: &ProblemView<'_>, attempt: &Attempt<'_>) -> Result<Outcome> {
        match attempt.completion {
            "score" => Ok(Outcome::scored(0.25).with_answer("42").with_solution("6*7")),
            "abstain" => Ok(Outcome::Abstain),
            "panic" => panic!("as asked"),
            other => Err(Error::new(format!("asked for {other:?}"))),
        }
    }
}
