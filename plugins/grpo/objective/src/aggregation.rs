//! What each token counts in the loss.
//!
//! All four divide by the totals of the whole update, so the loss of a step is the sum of
//! its micro-batches' losses. `N` is the number of sequences, `|o_i|` the length of one.
//!
//! Papers write 1/G sum_i inside an expectation over problems. With groups of one size that
//! is 1/N. Groups become unequal when attempts are dropped, and then each *attempt* keeps
//! its weight 1/N: a group that lost attempts counts less, in proportion to what is known
//! of it. Weighting groups equally would also need the size of the whole group, which a
//! micro-batch that holds part of it cannot know.

use farthing_sdk::Totals;

/// The divisor of a token's term.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aggregation {
    /// sum_i |o_i|: every token counts the same (DAPO). verl: `token-mean`.
    TokenMean,
    /// N |o_i|: every sequence counts the same, so tokens of long ones count less (GRPO).
    /// verl: `seq-mean-token-mean`.
    SequenceMean,
    /// N: the sequence is one action (RLOO). verl: `seq-mean-token-sum`.
    SequenceSum,
    /// N times the stage's token limit: as [`Self::SequenceSum`], but of a size that does
    /// not depend on the lengths (Dr. GRPO). verl: `seq-mean-token-sum-norm`.
    SequenceSumOverLimit,
}

impl Aggregation {
    /// The weight of each token of a sequence of `length` > 0 tokens.
    pub fn weight(self, length: usize, totals: &Totals) -> f64 {
        let divisor = match self {
            Self::TokenMean => totals.tokens,
            Self::SequenceMean => totals.sequences * length as f64,
            Self::SequenceSum => totals.sequences,
            Self::SequenceSumOverLimit => totals.sequences * totals.max_new_tokens,
        };
        1.0 / divisor
    }
}
