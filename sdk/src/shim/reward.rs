//! [`Reward`] over the boundary: the one shim on a hot path.

use std::cell::Cell;

use farthing_abi::{
    Boxed, RawAttempt, RawCreate, RawError, RawOutcome, RawOutcomeKind, RawOutcomeSink_TO, RawPart,
    RawProblem, RawReward, RawReward_TO,
    abi_stable::{
        sabi_trait::TD_Opaque,
        sabi_types::RRef,
        std_types::{RResult, RSlice, RStr, RString},
    },
};
use smallvec::SmallVec;

use super::{caught, guard, made, to_json};
use crate::{Attempt, Error, Outcome, ProblemView, Result, Reward};

type Sink<'a, 'b> = RawOutcomeSink_TO<'a, RRef<'b, ()>>;

pub(crate) fn create<T: Reward>(create: RawCreate<'_>) -> Result<RawReward_TO<Boxed>> {
    let reward = made(create, T::new, T::load_state)?;
    Ok(RawReward_TO::from_value(Shim(reward), TD_Opaque))
}

struct Shim<T>(T);

impl<T: Reward> RawReward for Shim<T> {
    fn whole_groups(&self) -> bool {
        T::WHOLE_GROUPS
    }

    fn score(
        &self,
        problem: RawProblem<'_>,
        attempts: RSlice<'_, RawAttempt<'_>>,
        sink: Sink<'_, '_>,
    ) -> RResult<(), RawError> {
        guard(|| {
            let view = ProblemView::new(
                problem.id.as_str(),
                problem.tags.iter().map(RStr::as_str).collect(),
                problem.prompt.as_str(),
                problem.facts.as_str(),
            );
            if T::WHOLE_GROUPS {
                return self.score_whole_group(&view, attempts.as_slice(), &sink);
            }
            self.score_each(&view, attempts.as_slice(), &sink);
            Ok(())
        })
    }

    fn save_state(&self) -> RResult<RString, RawError> {
        guard(|| to_json(&self.0.save_state()?))
    }
}

impl<T: Reward> Shim<T> {
    /// One at a time, each reported at once: the host then knows which attempt a stuck
    /// reward is stuck on, and a panic costs one attempt.
    fn score_each(&self, view: &ProblemView<'_>, raw: &[RawAttempt<'_>], sink: &Sink<'_, '_>) {
        let next = Cell::new(0);
        while next.get() < raw.len() {
            // Caught around the loop and not in it: a panic is rare, an attempt is not.
            let run = caught(|| {
                for index in next.get()..raw.len() {
                    next.set(index);
                    push(sink, index, self.0.score(view, &attempt(&raw[index])));
                }
                next.set(raw.len());
                Ok(())
            });
            if let Err(panic) = run {
                push(sink, next.get(), Err(panic));
                next.set(next.get() + 1);
            }
        }
    }

    fn score_whole_group(
        &self,
        view: &ProblemView<'_>,
        raw: &[RawAttempt<'_>],
        sink: &Sink<'_, '_>,
    ) -> Result<()> {
        let attempts: Vec<_> = raw.iter().map(attempt).collect();
        let outcomes = self.0.score_group(view, &attempts)?;
        if outcomes.len() != attempts.len() {
            return Err(Error::new(format!(
                "score_group returned {} outcomes for {} attempts",
                outcomes.len(),
                attempts.len()
            ))
            .help("return one outcome for each attempt, in their order"));
        }
        for (index, outcome) in outcomes.into_iter().enumerate() {
            push(sink, index, outcome);
        }
        Ok(())
    }
}

fn attempt<'a>(raw: &RawAttempt<'a>) -> Attempt<'a> {
    Attempt {
        completion: raw.completion.as_str(),
        tokens: raw.tokens,
        finished: raw.finished,
    }
}

fn push(sink: &Sink<'_, '_>, index: usize, outcome: Result<Outcome>) {
    let mut raw = RawOutcome {
        index: index as u64,
        kind: RawOutcomeKind::Abstain,
        value: 0.0,
        parts: RSlice::EMPTY,
        answer: RStr::empty(),
        why: RStr::empty(),
    };
    match outcome {
        Ok(Outcome::Abstain) => sink.push(raw),
        Ok(Outcome::Scored {
            value,
            ref parts,
            ref answer,
            ref solution,
        }) => {
            let parts: SmallVec<[RawPart<'_>; 4]> = parts
                .iter()
                .map(|(name, value)| RawPart {
                    name: name.into(),
                    value,
                })
                .collect();
            raw.kind = RawOutcomeKind::Scored;
            raw.value = value;
            raw.parts = parts.as_slice().into();
            raw.answer = answer.as_deref().unwrap_or_default().into();
            if let Some(solution) = solution {
                sink.solution(raw.index, solution.as_str().into());
            }
            sink.push(raw);
        }
        Err(error) => {
            let why = error.to_string();
            raw.kind = match error.is_panic() {
                true => RawOutcomeKind::Panicked,
                false => RawOutcomeKind::Failed,
            };
            raw.why = why.as_str().into();
            sink.push(raw);
        }
    }
}
