//! Random streams of a run: every one a function of (run seed, purpose, stage, counters).

use farthing_sdk::rng;

/// The seeds of one stage. Two stages of a run never share a stream.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StageSeeds {
    seed: u64,
}

impl StageSeeds {
    pub fn new(run_seed: u64, stage: usize) -> Self {
        Self {
            seed: rng::word(run_seed, "stage", stage as u64, 0),
        }
    }

    /// For the curriculum: which problems come next.
    pub fn curriculum(self) -> u64 {
        rng::word(self.seed, "problems", 0, 0)
    }

    /// Attempt `attempt` of step `step`, counted through all groups that the step draws.
    pub fn attempt(self, step: u64, attempt: u64) -> u64 {
        rng::word(self.seed, "attempt", step, attempt)
    }

    /// Attempt of an evaluation. The same at every evaluation of the stage, so that a curve compares like with like.
    pub fn evaluation(self, attempt: u64) -> u64 {
        rng::word(self.seed, "evaluation", 0, attempt)
    }

    /// Which inputs of adapters the pass for update `update` of the stage drops.
    pub fn dropout(self, update: u64) -> u64 {
        rng::word(self.seed, "dropout", update, 0)
    }

    /// The order of the examples in one epoch.
    pub fn epoch(self, epoch: u64) -> rng::Stream {
        rng::stream(self.seed, "epoch", epoch)
    }
}
