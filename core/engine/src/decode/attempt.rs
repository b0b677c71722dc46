//! What decoding takes and what it gives.

use std::ops::Range;

/// A prompt and the seeds of the attempts at it. The prompt is computed once for all of them.
#[derive(Clone, Copy, Debug)]
pub struct PromptGroup<'a> {
    pub tokens: &'a [u32],
    /// One attempt for each. With the prompt and the plan, the seed decides the attempt: nothing else does.
    pub seeds: &'a [u64],
}

/// Why an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Finish {
    /// An end-of-sequence token was drawn.
    Eos,
    /// A stop string appeared in the text.
    Stop,
    /// A token limit or the end of the model's context was reached.
    Length,
    /// Injected text ended it: its last token ends sequences, or it left no room to draw another token.
    Steered,
}

/// One completion.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempt {
    /// The completion, with the token that ended it.
    pub tokens: Vec<u32>,
    /// For each token its log-probability in nats under softmax(logits / temperature) of the model alone: before
    /// penalties, hooks and truncation, so that a training pass finds the same number. Greedy decoding takes
    /// temperature 1. Injected tokens have 0.
    pub logp: Vec<f32>,
    /// Ranges of `tokens` that a hook put there; they were not drawn from the model.
    pub injected: Vec<Range<usize>>,
    pub finish: Finish,
}
