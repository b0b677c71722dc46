//! What the scheduler needs from a device.

use crate::error::Result;

/// A prompt that was computed, and the logits after its last token.
pub(super) struct Start<P> {
    pub prompt: P,
    pub logits: Vec<f32>,
}

pub(super) trait Backend {
    /// A prompt's keys and values, from which attempts begin.
    type Prompt;
    /// One attempt's keys and values.
    type Sequence;

    fn compute_prompts(&mut self, prompts: &[&[u32]]) -> Result<Vec<Start<Self::Prompt>>>;

    /// Begins an attempt after a prompt.
    fn begin(&mut self, prompt: &Self::Prompt) -> Result<Self::Sequence>;

    /// Appends one token to each of the sequences, which are all that have begun and not ended. `logits`: `(rows,
    /// vocab_size)`, those after the token.
    fn step(&mut self, rows: &mut [(&mut Self::Sequence, u32)], logits: &mut [f32]) -> Result<()>;

    /// Gives back what an attempt held.
    fn end(&mut self, sequence: Self::Sequence) -> Result<()>;

    /// No more attempts begin after this prompt; those that did keep what they need.
    fn forget(&mut self, prompt: Self::Prompt);
}
