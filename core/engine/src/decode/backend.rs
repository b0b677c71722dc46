//! What the scheduler needs from a device.

use super::logits::Logits;
use crate::error::Result;

/// A prompt that was computed, and the logits after its last token.
pub(super) struct Start<P, L> {
    pub prompt: P,
    pub logits: L,
}

pub(super) type StartOf<B> = Start<<B as Backend>::Prompt, <<B as Backend>::Logits as Logits>::Row>;

pub(super) trait Backend {
    /// A prompt's keys and values, from which attempts begin.
    type Prompt;
    /// One attempt's keys and values.
    type Sequence;
    type Logits: Logits;

    /// Those of no rows.
    fn logits(&self) -> Result<Self::Logits>;

    fn compute_prompts(&mut self, prompts: &[&[u32]]) -> Result<Vec<StartOf<Self>>>;

    /// Begins an attempt after a prompt.
    fn begin(&mut self, prompt: &Self::Prompt) -> Result<Self::Sequence>;

    /// Appends one token to each of the sequences, which are all that have begun and not ended. `logits` become those
    /// after the token.
    fn step(
        &mut self,
        rows: &mut [(&mut Self::Sequence, u32)],
        logits: &mut Self::Logits,
    ) -> Result<()>;

    /// Gives back what an attempt held.
    fn end(&mut self, sequence: Self::Sequence) -> Result<()>;

    /// No more attempts begin after this prompt; those that did keep what they need.
    fn forget(&mut self, prompt: Self::Prompt);
}
