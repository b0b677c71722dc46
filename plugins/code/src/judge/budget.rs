//! The time of an attempt, and whose fault it is when it is over.
//!
//! The time is kept by the clock, because a stage drops attempts that take longer, and programs could be slow on
//! purpose. So a machine that is too busy uses it up as well, and an attempt whose time is over is judged or given up by
//! how much of it its runs are known to have waited for a processor. The rest is the program's: what its runs took, and
//! what comparing its answers took, which it can make as large as it likes. Making sandboxes is nobody's part, and counts
//! as the machine's where it takes more than half of the time.

use std::time::{Duration, Instant};

use farthing_sandbox::{Finished, starved};
use farthing_sdk::prelude::{Error, Result};

/// The time of one attempt.
#[derive(Debug)]
pub struct Budget {
    begun: Instant,
    total: Duration,
    own: Duration,
    waited: Duration,
}

impl Budget {
    pub fn new(total: Duration) -> Self {
        Self {
            begun: Instant::now(),
            total,
            own: Duration::ZERO,
            waited: Duration::ZERO,
        }
    }

    pub fn left(&self) -> Duration {
        self.total.saturating_sub(self.begun.elapsed())
    }

    /// Adds a run of the program.
    pub fn ran(&mut self, finished: &Finished) {
        self.spend(finished.wall, finished.waited);
    }

    /// Adds this much time, of which the program waited for a processor for so long.
    pub fn spend(&mut self, wall: Duration, waited: Duration) {
        self.own += wall.saturating_sub(waited);
        self.waited += waited;
    }

    /// Adds what comparing an answer took since then.
    pub fn compared(&mut self, since: Instant) {
        self.own += since.elapsed();
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
        if starved(elapsed, self.waited) || self.own < elapsed / 2 {
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

    fn after(wall: u64, waited: u64, elapsed: u64) -> Result<bool> {
        let mut budget = Budget::new(Duration::from_secs(8));
        budget.spend(Duration::from_secs(wall), Duration::from_secs(waited));
        budget.is_over_after(Duration::from_secs(elapsed))
    }

    #[test]
    fn time_that_the_program_used_up_is_over_and_time_that_it_was_not_given_is_a_fault() {
        assert!(!after(0, 0, 7).unwrap());
        assert!(after(8, 0, 8).unwrap());
        assert!(after(5, 1, 8).unwrap());
        assert!(after(8, 3, 8).is_err());
        let error = after(1, 0, 8).unwrap_err();
        assert!(error.to_string().contains("had 1.0s"), "{error}");
        assert!(error.remedy().contains("limits.total_seconds"), "{error}");
    }
}
