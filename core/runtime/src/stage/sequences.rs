//! The sequences that a step learns from, and where their drawn tokens lie among those that a pass predicts.
//!
//! Injected text is in the sequence and among the predicted tokens, but the model did not draw it: nothing is learned
//! from it.

use std::ops::Range;

use farthing_engine::Packed;

/// One attempt that is trained on.
#[derive(Clone, Debug)]
pub(crate) struct Sequence {
    /// Prompt and completion.
    pub tokens: Vec<u32>,
    pub prompt_length: usize,
    /// Log-probabilities of the completion as drawn.
    pub sampler_logp: Vec<f32>,
    /// Ranges of the completion that were injected.
    pub injected: Vec<Range<usize>>,
    pub reward: f64,
}

impl Sequence {
    pub fn completion_length(&self) -> usize {
        self.tokens.len() - self.prompt_length
    }

    /// Positions in the completion that the model drew.
    pub fn drawn(&self) -> impl Iterator<Item = usize> + '_ {
        drawn(self.completion_length(), &self.injected)
    }
}

/// Positions in a completion of so many tokens that the model drew, and no hook put there.
pub(super) fn drawn(
    length: usize,
    injected: &[Range<usize>],
) -> impl Iterator<Item = usize> + use<'_> {
    (0..length).filter(|at| !injected.iter().any(|range| range.contains(at)))
}

/// The attempts of a step, group by group; attempts without a reward are not here.
pub(crate) struct Trainable {
    pub groups: Vec<Vec<Sequence>>,
}

pub(super) fn pack(sequences: &[&Sequence]) -> Packed {
    Packed::from_sequences(
        sequences
            .iter()
            .map(|sequence| (sequence.tokens.as_slice(), sequence.prompt_length)),
    )
}

/// Where the drawn tokens lie among the predicted ones.
pub(super) fn drawn_positions(sequences: &[&Sequence]) -> Vec<usize> {
    let mut start = 0;
    let mut positions = Vec::new();
    for sequence in sequences {
        positions.extend(sequence.drawn().map(|at| start + at));
        start += sequence.completion_length();
    }
    positions
}
