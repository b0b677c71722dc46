//! Sequences of unequal length laid end to end, so that no arithmetic is spent on padding.

use std::ops::Range;

use crate::config::ModelConfig;
use crate::error::{EngineError, Result};

/// A batch of token sequences without padding.
///
/// Sequence `i` is `tokens[offsets[i]..offsets[i + 1]]`. Its positions start at 0 and its attention stays inside it.
/// The tokens that are predicted, and for which log-probabilities are made, are those from `prompt_lengths[i]`
/// (at least 1: the first token has no predecessor to predict it) to its end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Packed {
    pub tokens: Vec<u32>,
    pub offsets: Vec<usize>,
    pub prompt_lengths: Vec<usize>,
}

impl Packed {
    /// Packs `(tokens, prompt length)` pairs.
    pub fn from_sequences<'a>(sequences: impl IntoIterator<Item = (&'a [u32], usize)>) -> Self {
        let mut packed = Self {
            offsets: vec![0],
            ..Self::default()
        };
        for (tokens, prompt_length) in sequences {
            packed.tokens.extend_from_slice(tokens);
            packed.offsets.push(packed.tokens.len());
            packed.prompt_lengths.push(prompt_length);
        }
        packed
    }

    pub fn sequence_count(&self) -> usize {
        self.prompt_lengths.len()
    }

    pub fn sequence(&self, index: usize) -> &[u32] {
        &self.tokens[self.offsets[index]..self.offsets[index + 1]]
    }

    /// How many tokens of sequence `index` are predicted.
    pub fn predicted_in(&self, index: usize) -> usize {
        self.offsets[index + 1] - self.offsets[index] - self.prompt_lengths[index]
    }

    /// How many tokens are predicted in all: the length of every per-token array.
    pub fn predicted_count(&self) -> usize {
        (0..self.sequence_count())
            .map(|index| self.predicted_in(index))
            .sum()
    }

    /// Where each sequence lies among the predicted tokens.
    pub fn predicted_ranges(&self) -> Vec<Range<usize>> {
        let mut start = 0;
        (0..self.sequence_count())
            .map(|index| {
                let range = start..start + self.predicted_in(index);
                start = range.end;
                range
            })
            .collect()
    }

    /// Checks the batch against a model's vocabulary and longest sequence.
    pub fn validate(&self, model: &ModelConfig) -> Result<()> {
        let vocab_size = model.vocab_size;
        let refuse = |problem: String| Err(EngineError::Batch(problem));
        let count = self.sequence_count();
        if self.offsets.len() != count + 1 || self.offsets.first() != Some(&0) {
            return refuse(format!(
                "{count} prompt lengths need {} offsets that start at 0, found {:?}",
                count + 1,
                self.offsets
            ));
        }
        if self.offsets.last() != Some(&self.tokens.len()) {
            return refuse(format!(
                "the last offset is {:?}, but there are {} tokens",
                self.offsets.last(),
                self.tokens.len()
            ));
        }
        for index in 0..count {
            let (start, end) = (self.offsets[index], self.offsets[index + 1]);
            let prompt = self.prompt_lengths[index];
            if end < start {
                return refuse(format!(
                    "sequence {index} ends at {end}, before its start {start}"
                ));
            }
            let length = end - start;
            if prompt == 0 || prompt > length {
                return refuse(format!(
                    "sequence {index} has {length} tokens and a prompt of {prompt}; expected a prompt of 1 to {length}"
                ));
            }
            if length > model.max_sequence_length() {
                return refuse(format!(
                    "sequence {index} has {length} tokens, but the model has {}; make it shorter",
                    model.max_sequence_length_text()
                ));
            }
        }
        if let Some(at) = self
            .tokens
            .iter()
            .position(|&token| token as usize >= vocab_size)
        {
            return refuse(format!(
                "token {} at index {at} lies outside the vocabulary of {vocab_size}; the tokenizer does not fit the model",
                self.tokens[at]
            ));
        }
        Ok(())
    }
}
