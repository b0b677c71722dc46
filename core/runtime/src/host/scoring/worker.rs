//! A thread that scores, and the place where the watcher sees what it is doing.
//!
//! The [`Slot`] belongs to both. The thread puts each outcome there as it comes; the watcher may take the whole call
//! away, after which the thread's outcomes fall on deaf ears and it ends as soon as the plugin lets it.

use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

use farthing_sdk::{Attempt, Outcome, Result, client::Reported};

use super::{
    AttemptText, Job, Verdict,
    batch::{Batch, Piece},
    locked,
};

/// What one thread is doing.
#[derive(Default)]
pub(super) struct Slot(Mutex<State>);

#[derive(Default)]
enum State {
    #[default]
    Idle,
    Scoring(Call),
    /// The watcher has taken the call.
    GivenUp,
}

/// A call of a reward that has not returned.
pub(super) struct Call {
    pub piece: Piece,
    /// In the order of the piece's places.
    pub verdicts: Vec<Option<Verdict>>,
    /// What is wrong with the reward's reports as such.
    pub fault: Option<String>,
    /// When the attempt in progress began, or the call for a reward that takes whole groups.
    since: Instant,
    deadline: Duration,
    whole_groups: bool,
}

/// What the watcher sees of a thread.
pub(super) enum Watched {
    Idle,
    /// In a call whose deadline passes then; `None` for never.
    Until(Option<Instant>),
    /// In a call whose deadline has passed. The thread is given up.
    Expired(Call),
}

/// How a thread ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    NothingLeft,
    GivenUp,
}

/// Scores pieces until none is left or the watcher gives this thread up.
pub(super) fn work(batch: &Batch, slot: &Slot) -> End {
    while let Some((piece, job)) = batch.next() {
        let attempts: Vec<Attempt<'_>> = piece
            .places
            .iter()
            .map(|&place| borrowed(&job.attempts[place]))
            .collect();
        slot.begin(piece, job);
        let ended = job
            .reward
            .score(&job.problem, &attempts, &|index, outcome| {
                slot.report(index, outcome)
            });
        match slot.end() {
            Some(call) => batch.finish(call, ended),
            None => return End::GivenUp,
        }
    }
    End::NothingLeft
}

impl Slot {
    /// What the thread is doing, and the call itself if its deadline has passed.
    pub fn watch(&self, now: Instant) -> Watched {
        let mut state = locked(&self.0);
        let State::Scoring(call) = &*state else {
            return Watched::Idle;
        };
        let limit = call.since.checked_add(call.deadline);
        if limit.is_none_or(|limit| now < limit) {
            return Watched::Until(limit);
        }
        match std::mem::replace(&mut *state, State::GivenUp) {
            State::Scoring(call) => Watched::Expired(call),
            State::Idle | State::GivenUp => Watched::Idle,
        }
    }

    fn begin(&self, piece: Piece, job: &Job) {
        let attempts = piece.places.len();
        let call = Call {
            piece,
            verdicts: vec![None; attempts],
            fault: None,
            since: Instant::now(),
            deadline: job.deadline,
            whole_groups: job.reward.whole_groups(),
        };
        *locked(&self.0) = State::Scoring(call);
    }

    /// Called by the plugin, so it must not panic whatever the plugin says.
    fn report(&self, index: usize, outcome: Result<Reported<'_>>) {
        let mut state = locked(&self.0);
        let State::Scoring(call) = &mut *state else {
            return;
        };
        let attempts = call.verdicts.len();
        match call.verdicts.get_mut(index) {
            Some(place @ None) => *place = Some(verdict(outcome)),
            Some(_) => {
                call.fault = Some(format!(
                    "the reward reported two outcomes for attempt {index} of {attempts}"
                ))
            }
            None => {
                call.fault = Some(format!(
                    "the reward reported an outcome for attempt {index} of {attempts}"
                ))
            }
        }
        if !call.whole_groups {
            call.since = Instant::now();
        }
    }

    /// The call's end: the call, or `None` if the watcher took it.
    fn end(&self) -> Option<Call> {
        let mut state = locked(&self.0);
        match std::mem::take(&mut *state) {
            State::Scoring(call) => Some(call),
            State::Idle | State::GivenUp => None,
        }
    }
}

fn verdict(outcome: Result<Reported<'_>>) -> Verdict {
    match outcome.map(Outcome::from) {
        Ok(Outcome::Scored {
            value,
            parts,
            answer,
            solution,
        }) => Verdict::Scored {
            value,
            parts,
            answer,
            solution,
        },
        Ok(Outcome::Abstain) => Verdict::Abstain,
        Err(error) => Verdict::Failed {
            why: error.to_string(),
            panicked: error.is_panic(),
        },
    }
}

fn borrowed(text: &AttemptText) -> Attempt<'_> {
    Attempt {
        completion: &text.completion,
        tokens: text.tokens,
        finished: text.finished,
    }
}
