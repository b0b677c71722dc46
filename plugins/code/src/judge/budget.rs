//! The time of an attempt, and whose fault it is when it is over.
//!
//! The time is kept by the clock, because a stage drops attempts that take longer, and programs could be slow on
//! purpose. So a machine that is too busy uses it up as well. The program's own part of it is what its runs took, less
//! what they are known to have waited for a processor; making sandboxes is nobody's part. By that, and not by whether it
//! was quick otherwise, an attempt whose time is over is judged or given up.

use std::time::{Duration, Instant};

use farthing_sandbox::{Finished, starved};
use farthing_sdk::prelude::{Error, Result};

/// The time of one attempt.
#[derive(Debug)]
pub struct Budget {
    begun: Instant,
    total: Duration,
    own: Duration,
}

impl Budget {
    pub fn new(total: Duration) -> Self {
        Self {
            begun: Instant::now(),
            total,
            own: Duration::ZERO,
        }
    }

    pub fn left(&self) -> Duration {
        self.total.saturating_sub(self.begun.elapsed())
    }

    /// Adds a run of the program.
    pub fn ran(&mut self, finished: &Finished) {
        self.spend(finished.wall.saturating_sub(finished.waited));
    }

    /// Adds time that was the program's own.
    pub fn spend(&mut self, own: Duration) {
        self.own += own;
    }

    /// Whether the time is over by the program's fault.
    ///
    /// # Errors
    /// When it is over by the machine's.
    pub fn is_over(&self) -> Result<bool> {
        self.is_over_after(self.begun.elapsed())
    }

    fn is_over_after(&self, elapsed: Duration) -> Result<bool> {
        if elapsed < self.total {
            return Ok(false);
        }
        if starved(elapsed, elapsed.saturating_sub(self.own)) {
            return Err(Error::new(format!(
                "the machine is too busy: the {:.1?} of this attempt are over, and its programs had {:.1?} of them",
                self.total, self.own
            ))
            .help("score fewer attempts at a time, or raise `limits.total_seconds` (and the stage's `reward_deadline`)"));
        }
        Ok(true)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.
mod tests {
    use super::*;

    fn after(own: u64, elapsed: u64) -> Result<bool> {
        let mut budget = Budget::new(Duration::from_secs(8));
        budget.spend(Duration::from_secs(own));
        budget.is_over_after(Duration::from_secs(elapsed))
    }

    #[test]
    fn time_that_the_program_used_up_is_over_and_time_that_it_was_not_given_is_a_fault() {
        assert!(!after(0, 7).unwrap());
        assert!(after(8, 8).unwrap());
        assert!(after(6, 8).unwrap());
        let error = after(1, 8).unwrap_err();
        assert!(error.to_string().contains("had 1.0s"), "{error}");
        assert!(error.remedy().contains("limits.total_seconds"), "{error}");
    }
}
