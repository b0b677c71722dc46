//! How much memory a pass and decoding take, for plans that are made before anything is loaded.
//!
//! The numbers follow what [`pass`](crate::Pass) keeps and what decoding allocates. They stand beside the engine because a
//! change there is a change here.

mod device;

use candle_core::DType;

use crate::config::ModelConfig;
use crate::decode::{LARGEST_KEPT, PAGE};
use crate::ops::head::CHUNK_VALUES;

const FLOAT: usize = size_of::<f32>();

impl ModelConfig {
    /// Whether what decoding and training passes free is given back between them: a small model's stays, because
    /// getting it again would take a large share of its steps.
    pub fn gives_memory_back(&self) -> bool {
        FLOAT * self.parameter_count() > LARGEST_KEPT
    }

    /// Bytes of a training pass over `tokens`, whose first `recomputed_layers` layers keep their input alone: what the
    /// forward keeps for the backward, and what exists while one layer, or the head, is computed.
    pub fn pass_footprint(
        &self,
        tokens: usize,
        recomputed_layers: usize,
        arithmetic: Arithmetic,
    ) -> usize {
        if !arithmetic.on_cpu {
            return device::pass(self, tokens, recomputed_layers, arithmetic.dtype);
        }
        let widths = Widths::of(self);
        // Logits of a chunk, and the head packed for both of its products.
        let logits = CHUNK_VALUES.min(tokens * self.vocab_size);
        let head = logits + 2 * self.vocab_size * self.hidden_size;
        let layer = tokens * widths.working() + widths.largest_matrix();
        FLOAT * (tokens * widths.kept_by_pass(recomputed_layers) + layer.max(head))
    }

    /// Bytes of decoding `rows` attempts at a time, with keys and values of `positions` altogether: the weights in the order of
    /// decoding, the cache and the logits.
    pub fn decoding_footprint(
        &self,
        rows: usize,
        positions: usize,
        arithmetic: Arithmetic,
    ) -> usize {
        if !arithmetic.on_cpu {
            return device::decoding(self, rows, positions, arithmetic.dtype);
        }
        // Pages are filled to half on average, one for each row and layer.
        let positions = positions + rows * PAGE / 2;
        let cache = 2 * self.num_hidden_layers * self.num_key_value_heads * self.head_dim;
        let logits = 3 * rows * self.vocab_size;
        FLOAT * (self.parameter_count() + positions * cache + logits)
    }
}

/// What passes and decoding compute in and where, as far as memory goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arithmetic {
    pub dtype: DType,
    pub on_cpu: bool,
}

impl Arithmetic {
    /// Bytes of weights: what is trained is f32, with a rounded copy where passes compute in something else.
    pub fn weights(self, trained: usize, frozen: usize) -> usize {
        let value = self.dtype.size_in_bytes();
        let rounded = if self.dtype == DType::F32 { 0 } else { value };
        trained * (FLOAT + rounded) + frozen * value
    }

    /// Bytes of gradients and of the update rule's two moments.
    pub fn training_state(self, trained: usize) -> usize {
        3 * trained * FLOAT
    }
}

/// Floats for each token.
struct Widths {
    layers: usize,
    hidden: usize,
    query: usize,
    key_value: usize,
    inner: usize,
    heads: usize,
    normed_heads: bool,
}

impl Widths {
    fn of(config: &ModelConfig) -> Self {
        Self {
            layers: config.num_hidden_layers,
            hidden: config.hidden_size,
            query: config.num_attention_heads * config.head_dim,
            key_value: config.num_key_value_heads * config.head_dim,
            inner: config.intermediate_size,
            heads: config.num_attention_heads,
            normed_heads: config.query_key_norm(),
        }
    }

    /// What a pass keeps from the forward to the backward, and what runs again for it.
    fn kept_by_pass(&self, recomputed_layers: usize) -> usize {
        let recomputed = recomputed_layers.min(self.layers);
        let kept = (self.layers - recomputed) * self.kept() + recomputed * self.hidden;
        // A layer that runs again has everything of its own for a moment.
        let again = if recomputed > 0 { self.kept() } else { 0 };
        // The last norm's input and output, and the derivative of the stream.
        let stream = 3 * self.hidden;
        kept + again + stream
    }

    /// What one layer keeps: the stream before attention and before the feed-forward, both normed as well; queries,
    /// keys, values and what attention made of them; gate and up.
    fn kept(&self) -> usize {
        let before_norms = match self.normed_heads {
            true => self.query + self.key_value,
            false => 0,
        };
        4 * self.hidden
            + 2 * self.query
            + 2 * self.key_value
            + self.heads
            + before_norms
            + 2 * self.inner
    }

    /// Derivatives in flight of one layer: of the feed-forward's activation, or of attention's inputs and output.
    fn working(&self) -> usize {
        let feed_forward = self.inner + self.hidden;
        let attention = 2 * self.query + 4 * self.key_value;
        feed_forward.max(attention)
    }

    /// A weight is packed while it is multiplied.
    fn largest_matrix(&self) -> usize {
        self.hidden * self.inner.max(self.query)
    }
}
