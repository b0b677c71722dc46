//! What a manifest may say about the task, with the reason for each default.

use farthing_sdk::prelude::*;

use crate::{arithmetic::Operation, order::Order};

/// Bounds that keep exact arithmetic exact and the solver quick; see `arithmetic`.
pub const MOST_NUMBERS: usize = 6;
pub const LARGEST: u64 = 1_000_000;

#[config]
#[derive(Clone, Debug)]
#[serde(default)]
pub struct Config {
    /// How many numbers a problem has: a count from 2 to 6, a list of counts, or a range
    /// `{ from = 3, to = 5 }`. Three and four are what TinyZero trained on.
    pub numbers: Counts,
    /// Smallest number of a problem.
    #[schemars(range(min = 1, max = LARGEST))]
    pub min_number: u64,
    /// Largest number of a problem. TinyZero's data goes to 99.
    #[schemars(range(min = 1, max = LARGEST))]
    pub max_number: u64,
    /// Smallest target.
    #[schemars(range(min = 1, max = LARGEST))]
    pub min_target: u64,
    /// Largest target. TinyZero's data goes to 100.
    #[schemars(range(min = 1, max = LARGEST))]
    pub max_target: u64,
    /// Which operations the problem can be solved with.
    #[schemars(length(min = 1))]
    pub operations: Vec<Operation>,
    /// Also pose problems that only fractions on the way solve, such as 3, 3, 8, 8 to 24.
    pub fractions: bool,
    /// How a problem is put: `base` (TinyZero's prompt for base models, raw text), `chat`
    /// (its wording as messages, for the model's own chat template), `tiny` (a few
    /// characters, for a character-level model trained from scratch), or a text of your own
    /// with `{numbers}` and `{target}` in it.
    pub template: String,
    /// In which order a problem names its numbers: `sorted`, `mixed` (one order for each
    /// puzzle), or `every` (each order of a training puzzle is a problem of its own, for a
    /// model that would learn a small space by heart).
    pub order: Order,
    /// What worked solutions show.
    pub style: Style,
    /// Among how many solutions of a problem, easiest first, the worked ones are chosen.
    /// 1 always teaches the same one.
    #[schemars(range(min = 1, max = 100))]
    pub solutions: usize,
    /// Most failed attempts that a worked solution of style `search` shows.
    #[schemars(range(min = 0, max = 20))]
    pub tries: u64,
    /// Share of all problems that are held out. Which ones depends on nothing but the
    /// numbers and the target.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub test_share: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            numbers: Counts::Any(vec![3, 4]),
            min_number: 1,
            max_number: 99,
            min_target: 1,
            max_target: 100,
            operations: Operation::ALL.to_vec(),
            fractions: false,
            template: "base".into(),
            order: Order::Mixed,
            style: Style::Steps,
            solutions: 100,
            tries: 3,
            test_share: 0.1,
        }
    }
}

#[config]
#[derive(Clone, Debug)]
#[serde(
    untagged,
    expecting = "expected a count such as 3, a list such as [3, 4], or { from = 3, to = 5 }"
)]
pub enum Counts {
    One(#[schemars(range(min = 2, max = MOST_NUMBERS))] usize),
    Any(#[schemars(length(min = 1), inner(range(min = 2, max = MOST_NUMBERS)))] Vec<usize>),
    Range(CountRange),
}

#[config]
#[derive(Clone, Debug)]
pub struct CountRange {
    #[schemars(range(min = 2, max = MOST_NUMBERS))]
    pub from: usize,
    #[schemars(range(min = 2, max = MOST_NUMBERS))]
    pub to: usize,
}

/// What worked solutions show.
#[config]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Style {
    /// The steps of one solution.
    Steps,
    /// Some attempts that miss the target, then the steps of one solution.
    Search,
}

impl Config {
    /// The counts that problems have, ascending.
    ///
    /// # Errors
    /// Refuses what the schema cannot express: an empty range, a count that is too large.
    pub fn counts(&self) -> Result<Vec<usize>> {
        let mut counts = match &self.numbers {
            Counts::One(count) => vec![*count],
            Counts::Any(counts) => counts.clone(),
            Counts::Range(range) => (range.from..=range.to).collect(),
        };
        counts.sort_unstable();
        counts.dedup();
        if counts.is_empty() {
            return Err(Error::new("`numbers` allows no count at all")
                .help("write a count such as 3, a list such as [3, 4], or { from = 3, to = 5 }"));
        }
        match counts
            .iter()
            .find(|count| !(2..=MOST_NUMBERS).contains(*count))
        {
            Some(count) => bail!("`numbers` must be from 2 to {MOST_NUMBERS}, found {count}"),
            None => Ok(counts),
        }
    }

    /// # Errors
    /// Names the fields that contradict each other.
    pub fn check_ranges(&self) -> Result<()> {
        let ranges = [
            ("number", self.min_number, self.max_number),
            ("target", self.min_target, self.max_target),
        ];
        for (name, min, max) in ranges {
            if min > max {
                bail!("`min_{name}` is {min}, which is above `max_{name}` ({max})");
            }
            if min == 0 || max > LARGEST {
                bail!(
                    "`min_{name}` and `max_{name}` must be from 1 to {LARGEST}, found {min} and {max}"
                );
            }
        }
        if self.solutions == 0 {
            bail!("`solutions` is 0: expected 1 or more");
        }
        if self.operations.is_empty() {
            bail!("`operations` is empty: expected some of \"+\", \"-\", \"*\", \"/\"");
        }
        if !(0.0..=1.0).contains(&self.test_share) {
            bail!(
                "`test_share` must be from 0 to 1, found {}",
                self.test_share
            );
        }
        Ok(())
    }
}
