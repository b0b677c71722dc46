//! Scoring many attempts at once, with a deadline that holds even for a reward that never returns.
//!
//! A call into a plugin cannot be interrupted. So it is made on a thread that can be given up: when one attempt takes
//! longer than its reward's deadline, that attempt is [`Verdict::TimedOut`], the thread is abandoned with everything it
//! borrows (all of it in `Arc`s), and a fresh thread goes on with the attempts that are left. A reward reports outcomes
//! one by one, so it is known which attempt it is stuck on. Rewards that compare whole groups report at the end: for
//! them the deadline holds for the call.
//!
//! The verdicts of a call do not depend on threads or their order: each is stored under its attempt's place. The
//! calling thread is the watcher. It sleeps until the earliest moment at which a deadline could pass, which it can tell
//! from the calls in progress and the shortest deadline of the batch; nothing wakes it for a call that goes well.
//!
//! Threads live for one batch. Keeping them would save some 30 microseconds a step, and would need a way to stop them.

mod batch;
mod worker;

use std::{
    sync::{
        Arc, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use farthing_sdk::{
    Parts,
    client::{ProblemText, RewardClient},
};

use super::host_error::HostError;
use batch::Batch;
use worker::{Slot, Watched};

/// One reward for some attempts at one problem.
#[derive(Clone)]
pub struct Job {
    /// What the manifest calls the reward, for messages.
    pub name: Arc<str>,
    pub reward: Arc<RewardClient>,
    pub problem: Arc<ProblemText>,
    pub attempts: Arc<[AttemptText]>,
    /// For one attempt; for the whole call if the reward takes whole groups.
    pub deadline: Duration,
}

/// One completion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptText {
    pub completion: String,
    /// Its length in tokens.
    pub tokens: u64,
    /// False when it was cut off at the token limit.
    pub finished: bool,
}

/// What came of one attempt.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    Scored {
        value: f64,
        parts: Parts,
        /// What was read from the completion, for rewards that say so.
        answer: Option<String>,
        /// How it was reached, for rewards that say so.
        solution: Option<String>,
    },
    /// The reward has no opinion.
    Abstain,
    /// The reward is broken for this attempt.
    Failed {
        why: String,
        /// It panicked, and its shim caught the panic.
        panicked: bool,
    },
    /// The deadline passed.
    TimedOut,
}

/// Threads that score, and the count of those that were given up.
#[derive(Debug)]
pub struct ScoringPool {
    workers: usize,
    stuck_limit: usize,
    /// Threads that are stuck now. One that returns after all is subtracted again.
    stuck: Arc<AtomicUsize>,
}

impl ScoringPool {
    /// Stuck threads that are tolerated at once. Each may hold a core and whatever memory its call has taken; a reward
    /// that gets this far hangs on more than a freak completion.
    pub const STUCK_LIMIT: usize = 32;

    /// As many threads as the machine runs at once.
    pub fn new() -> Result<Self, HostError> {
        let cores = thread::available_parallelism().map_err(|error| HostError::NoThread {
            why: error.to_string(),
        })?;
        Ok(Self::with(cores.get(), Self::STUCK_LIMIT))
    }

    /// A pool of another size (at least one thread), with another limit of stuck threads.
    pub fn with(workers: usize, stuck_limit: usize) -> Self {
        Self {
            workers: workers.max(1),
            stuck_limit,
            stuck: Arc::default(),
        }
    }

    /// Threads that hang in a call whose deadline has passed.
    pub fn stuck(&self) -> usize {
        self.stuck.load(Ordering::Relaxed)
    }

    /// Scores every attempt of every job: one list for each job, one verdict for each attempt, in their order.
    ///
    /// # Errors
    /// When more threads are stuck than the limit allows; the error names the reward that exceeded it.
    pub fn score(&self, jobs: Vec<Job>) -> Result<Vec<Vec<Verdict>>, HostError> {
        let batch = Arc::new(Batch::new(jobs, self.workers));
        let watched = self.watch(&batch);
        if watched.is_err() {
            batch.stop();
        }
        watched.map(|()| batch.take_verdicts())
    }

    /// Starts the threads and waits until every attempt has its verdict.
    fn watch(&self, batch: &Arc<Batch>) -> Result<(), HostError> {
        let mut slots = Vec::new();
        for _ in 0..self.workers.min(batch.pieces()) {
            slots.push(self.start(batch)?);
        }
        let shortest = batch.shortest_deadline();
        loop {
            let now = Instant::now();
            // A call that begins from now on cannot pass its deadline before this.
            let mut wake = now.checked_add(shortest);
            for slot in &mut slots {
                match slot.watch(now) {
                    Watched::Idle => {}
                    Watched::Until(moment) => wake = wake.into_iter().chain(moment).min(),
                    Watched::Expired(call) => {
                        self.give_up(batch.job(&call))?;
                        if batch.time_out(call) {
                            *slot = self.start(batch)?;
                        }
                    }
                }
            }
            if batch.wait(wake) {
                return Ok(());
            }
        }
    }

    fn give_up(&self, job: &Job) -> Result<(), HostError> {
        let stuck = self.stuck.fetch_add(1, Ordering::Relaxed);
        tracing::debug!(
            reward = &*job.name,
            problem = job.problem.id,
            stuck = stuck + 1,
            "a deadline passed"
        );
        if stuck < self.stuck_limit {
            return Ok(());
        }
        Err(HostError::Stuck {
            reward: job.name.to_string(),
            stuck,
            deadline: job.deadline,
        })
    }

    fn start(&self, batch: &Arc<Batch>) -> Result<Arc<Slot>, HostError> {
        let slot = Arc::new(Slot::default());
        let (batch, its_slot, stuck) = (
            Arc::clone(batch),
            Arc::clone(&slot),
            Arc::clone(&self.stuck),
        );
        thread::Builder::new()
            .name("scoring".into())
            // As much as a main thread has: parsers of model output recurse, and the memory is only taken when used.
            .stack_size(8 << 20)
            .spawn(move || {
                if worker::work(&batch, &its_slot) == worker::End::GivenUp {
                    stuck.fetch_sub(1, Ordering::Relaxed);
                }
            })
            .map_err(|error| HostError::NoThread {
                why: error.to_string(),
            })?;
        Ok(slot)
    }
}

/// Takes a lock whose holders cannot panic halfway: what it guards is whole in any case.
fn locked<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
