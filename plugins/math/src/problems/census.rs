//! How many rows became problems, and why the others did not.

use std::fmt;

/// Counts of rows; each row is in one of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// Problems to train on.
    pub train: usize,
    /// Problems that are held out.
    pub test: usize,
    /// Rows that `only` leaves out.
    pub filtered: usize,
    /// Rows whose answer is one of `skip_answers`.
    pub skipped: usize,
    /// Rows without a question or a gold answer, and those whose gold cannot be read or does
    /// not grade equal to itself.
    pub unusable: usize,
    /// Rows with the question and the gold of an earlier one.
    pub duplicate: usize,
    /// Rows with the question of another and another gold; neither is kept.
    pub conflicting: usize,
    /// Training rows whose question is held out.
    pub held_out: usize,
    /// Training rows that a benchmark has.
    pub contaminated: usize,
}

impl fmt::Display for Census {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} train and {} test problems", self.train, self.test)?;
        let dropped = [
            (self.filtered, "left out by `only`"),
            (self.skipped, "without a final answer"),
            (self.unusable, "with an unusable gold"),
            (self.duplicate, "twice there"),
            (self.conflicting, "with contradicting golds"),
            (self.held_out, "also in the test files"),
            (self.contaminated, "also in a benchmark"),
        ];
        for (count, why) in dropped.into_iter().filter(|(count, _)| *count > 0) {
            write!(f, ", {count} {why}")?;
        }
        Ok(())
    }
}
