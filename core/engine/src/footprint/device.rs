//! Where compositions compute. What they hold on the way is taken from the operations' expressions: of the 40.1 GiB that an
//! H100 had in use while a model of 1.5 billion parameters trained in bf16, it reckons 38.1.

use candle_core::DType;

use super::{FLOAT, Widths};
use crate::config::ModelConfig;
use crate::decode::LARGEST_PROMPT_BATCH;
use crate::ops::attention::LARGEST_RECTANGLE;
use crate::ops::head::DEVICE_CHUNK_VALUES;

/// Bytes of a training pass.
pub fn pass(config: &ModelConfig, tokens: usize, recomputed_layers: usize, dtype: DType) -> usize {
    let (widths, value) = (Widths::of(config), dtype.size_in_bytes());
    let kept = tokens * widths.kept_by_pass(recomputed_layers);
    // Scores, their exponentials, weights and the derivatives of both, in f32.
    let scores = LARGEST_RECTANGLE.min(tokens * tokens * widths.heads);
    // Gate, up and activation widened, the sigmoid and what is made of it.
    let gated = 8 * tokens * widths.inner;
    // The gradient of a weight: rounded, widened, and the sum that replaces the old one.
    let of_weight = |matrix: usize| matrix * (value + 2 * FLOAT);
    let layer = (5 * scores).max(gated) * FLOAT + of_weight(widths.largest_matrix());
    let logits = DEVICE_CHUNK_VALUES.min(tokens * config.vocab_size);
    let head = 5 * logits * FLOAT + of_weight(config.vocab_size * config.hidden_size);
    kept * value + layer.max(head)
}

/// Bytes of decoding with keys and values of `positions` altogether, and of what sampling makes of the logits. The weights
/// are those of the passes.
pub fn decoding(config: &ModelConfig, rows: usize, positions: usize, dtype: DType) -> usize {
    let cache = 2 * config.num_hidden_layers * config.num_key_value_heads * config.head_dim;
    let cache = cache * dtype.size_in_bytes();
    // Prompts that are computed together: their scores and what the feed-forward widens; and their keys and values, until
    // they are in the slots of attempts.
    let gated = 8 * LARGEST_PROMPT_BATCH * config.intermediate_size;
    let prompts = (5 * LARGEST_RECTANGLE).max(gated) * FLOAT + 2 * LARGEST_PROMPT_BATCH * cache;
    let sampling = 16 * rows * config.vocab_size * FLOAT;
    positions * cache + prompts.max(sampling)
}
