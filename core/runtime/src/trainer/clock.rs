//! The time that a run may take.

use std::time::Instant;

/// Wall-clock time of the run, for the budget: of this process, and of those that it goes on from.
pub(super) struct Clock {
    began: Instant,
    before: f64,
    limit_seconds: Option<f64>,
}

impl Clock {
    /// Starts the clock of a run that has taken `before` seconds already and may take `limit_seconds` altogether.
    pub fn start(before: f64, limit_seconds: Option<f64>) -> Self {
        Self {
            began: Instant::now(),
            before,
            limit_seconds,
        }
    }

    pub fn seconds(&self) -> f64 {
        self.before + self.began.elapsed().as_secs_f64()
    }

    pub fn is_spent(&self) -> bool {
        self.limit_seconds
            .is_some_and(|limit| self.seconds() > limit)
    }
}
