//! A reward as the host holds it.

use std::cell::RefCell;

use farthing_abi::{
    Boxed, RawAttempt, RawOutcome, RawOutcomeKind, RawOutcomeSink, RawOutcomeSink_TO, RawPart,
    RawProblem, RawReward_TO,
    abi_stable::{
        sabi_trait::TD_Opaque,
        sabi_types::RRef,
        std_types::{RSlice, RStr},
    },
};
use serde_json::Value;

use super::{answered, state, to_json};
use crate::{Attempt, Error, Outcome, Problem, Result};

/// A problem whose structured parts are text already, once for all its rewards.
#[derive(Clone, Debug)]
pub struct ProblemText {
    pub id: String,
    pub prompt_json: String,
    pub facts_json: String,
    pub tags: Vec<String>,
}

impl ProblemText {
    pub fn new(problem: &Problem) -> Result<Self> {
        Ok(Self {
            id: problem.id.clone(),
            prompt_json: to_json(&problem.prompt)?,
            facts_json: to_json(&problem.facts)?,
            tags: problem.tags.clone(),
        })
    }
}

/// A reward behind the boundary.
pub struct RewardClient {
    raw: RawReward_TO<Boxed>,
    whole_groups: bool,
}

impl RewardClient {
    pub fn new(raw: RawReward_TO<Boxed>) -> Self {
        let whole_groups = raw.whole_groups();
        Self { raw, whole_groups }
    }

    /// True when all attempts of a group must come in one call.
    pub fn whole_groups(&self) -> bool {
        self.whole_groups
    }

    /// Scores attempts at one problem. `on_outcome` gets (index, outcome) as each is known,
    /// borrowed from the plugin; a score that is not finite arrives as an error.
    ///
    /// # Errors
    /// When the call as a whole failed; outcomes that were reported before still hold.
    pub fn score(
        &self,
        problem: &ProblemText,
        attempts: &[Attempt<'_>],
        on_outcome: &(dyn Fn(usize, Result<Reported<'_>>) + Sync),
    ) -> Result<()> {
        let tags: Vec<RStr<'_>> = problem.tags.iter().map(|tag| tag.as_str().into()).collect();
        let raw_problem = RawProblem {
            id: problem.id.as_str().into(),
            prompt: problem.prompt_json.as_str().into(),
            facts: problem.facts_json.as_str().into(),
            tags: tags.as_slice().into(),
            extras: RStr::empty(),
        };
        let sink = Sink {
            on_outcome,
            solution: RefCell::new(None),
        };
        let sink = RawOutcomeSink_TO::from_ptr(RRef::new(&sink), TD_Opaque);
        // A group of one is the common call of a worker; it needs no allocation.
        if let [attempt] = attempts {
            let raw = [raw_attempt(attempt)];
            return answered(self.raw.score(raw_problem, RSlice::from_slice(&raw), sink));
        }
        let raw: Vec<RawAttempt<'_>> = attempts.iter().map(raw_attempt).collect();
        answered(self.raw.score(raw_problem, raw.as_slice().into(), sink))
    }

    pub fn save_state(&self) -> Result<Value> {
        state(self.raw.save_state())
    }
}

/// An [`Outcome`] in the plugin's memory: what a caller keeps, it copies.
#[derive(Clone, Copy)]
pub enum Reported<'a> {
    Scored {
        value: f64,
        parts: &'a [RawPart<'a>],
        answer: Option<&'a str>,
        solution: Option<&'a str>,
    },
    Abstain,
}

impl From<Reported<'_>> for Outcome {
    fn from(reported: Reported<'_>) -> Self {
        match reported {
            Reported::Scored {
                value,
                parts,
                answer,
                solution,
            } => Self::Scored {
                value,
                parts: parts
                    .iter()
                    .map(|part| (part.name.as_str().to_owned(), part.value))
                    .collect(),
                answer: answer.map(str::to_owned),
                solution: solution.map(str::to_owned),
            },
            Reported::Abstain => Self::Abstain,
        }
    }
}

fn raw_attempt<'a>(attempt: &Attempt<'a>) -> RawAttempt<'a> {
    RawAttempt {
        completion: attempt.completion.into(),
        tokens: attempt.tokens,
        finished: attempt.finished,
        extras: RStr::empty(),
    }
}

struct Sink<'a> {
    on_outcome: &'a (dyn Fn(usize, Result<Reported<'_>>) + Sync),
    /// What was said of an attempt whose outcome has not come yet.
    solution: RefCell<Option<(u64, String)>>,
}

impl RawOutcomeSink for Sink<'_> {
    fn solution(&self, index: u64, solution: RStr<'_>) {
        *self.solution.borrow_mut() = Some((index, solution.into()));
    }

    fn push(&self, raw: RawOutcome<'_>) {
        let said = self.solution.take();
        let solution = said.filter(|(index, _)| *index == raw.index);
        let solution = solution.as_ref().map(|(_, text)| text.as_str());
        let outcome = match raw.kind {
            RawOutcomeKind::Abstain => Ok(Reported::Abstain),
            RawOutcomeKind::Failed => Err(Error::new(raw.why.as_str())),
            RawOutcomeKind::Panicked => Err(Error::panic(raw.why.as_str().to_owned())),
            RawOutcomeKind::Scored => scored(&raw, solution),
        };
        (self.on_outcome)(raw.index as usize, outcome);
    }
}

fn scored<'a>(raw: &RawOutcome<'a>, solution: Option<&'a str>) -> Result<Reported<'a>> {
    if !raw.value.is_finite() {
        return Err(Error::new(format!(
            "the score is {}, which is not finite",
            raw.value
        )));
    }
    Ok(Reported::Scored {
        value: raw.value,
        parts: raw.parts.as_slice(),
        answer: (!raw.answer.is_empty()).then(|| raw.answer.as_str()),
        solution,
    })
}
