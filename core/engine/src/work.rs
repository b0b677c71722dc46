//! How many floating-point operations a model has to do, so that a time becomes a share of a peak, and a plan becomes a
//! time.
//!
//! Counted is what the mathematics needs and not what this engine does: two for each weight and token forward and four
//! backward, causal attention over half of length x length, the head for predicted tokens alone. So a wasteful
//! implementation has a low share, which is what the share is for (model FLOP utilisation, Chowdhery et al. 2022, PaLM,
//! appendix B).
//!
//! `cargo xtask bench` counts by itself, because it is built without the engine.

use crate::config::ModelConfig;

/// Sequences of one length.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sequences {
    pub count: f64,
    pub prompt: f64,
    /// Tokens behind the prompt: those that are predicted.
    pub new_tokens: f64,
    /// Attempts that share one computation of their prompt.
    pub group: f64,
}

impl Sequences {
    /// Tokens that are computed, those of a shared prompt once.
    pub fn tokens(&self) -> f64 {
        self.count / self.group * self.prompt + self.count * self.new_tokens
    }
}

impl ModelConfig {
    /// Operations of one forward pass, which is also what drawing them takes: the prompts, and every new token by itself.
    pub fn forward_operations(&self, sequences: &Sequences) -> f64 {
        let Sequences {
            count,
            prompt,
            new_tokens,
            group,
        } = *sequences;
        let prompts = count / group;
        // Two products, over the pairs of a query and a key that it sees.
        let pairs = prompts * prompt * prompt / 2.0
            + count * (new_tokens * prompt + new_tokens * new_tokens / 2.0);
        let attention = 4.0 * pairs * (self.query_width() * self.num_hidden_layers) as f64;
        let head = (self.vocab_size * self.hidden_size) as f64;
        2.0 * self.layer_weights() as f64 * sequences.tokens()
            + 2.0 * head * count * new_tokens
            + attention
    }

    /// Operations of forward and backward.
    pub fn training_operations(&self, sequences: &Sequences) -> f64 {
        3.0 * self.forward_operations(sequences)
    }

    /// Weights of the layers, without embedding, head and norms between.
    fn layer_weights(&self) -> usize {
        let (queries, keys) = (self.query_width(), self.num_key_value_heads * self.head_dim);
        let attention = self.hidden_size * (2 * queries + 2 * keys);
        let bias = match self.query_key_value_bias() {
            true => queries + 2 * keys,
            false => 0,
        };
        let feed_forward = 3 * self.hidden_size * self.intermediate_size;
        let norms = 2 * self.hidden_size;
        self.num_hidden_layers * (attention + bias + feed_forward + norms)
    }

    /// Heads x head dimension.
    fn query_width(&self) -> usize {
        self.num_attention_heads * self.head_dim
    }
}
