//! How many floating-point operations decoding and training have to do, so that a time becomes a share of a peak.
//!
//! Counted is what the mathematics needs and not what this engine does: two for each weight and token forward and four
//! backward, causal attention over half of length x length, the head for predicted tokens alone. So a wasteful
//! implementation has a low share, which is what the share is for (model FLOP utilisation, Chowdhery et al. 2022, PaLM,
//! appendix B).
//!
//! `cargo xtask bench` counts by itself, because it is built without the engine.

use farthing_engine::ModelConfig;

/// Sequences of one length.
#[derive(Clone, Copy, Debug)]
pub struct Sequences {
    pub count: usize,
    pub prompt: usize,
    /// Tokens behind the prompt: those that are predicted.
    pub new_tokens: usize,
    /// Attempts that share one computation of their prompt.
    pub group: usize,
}

/// Weights of the layers, without embedding, head and norms between.
fn layer_weights(config: &ModelConfig) -> usize {
    let (queries, keys) = widths(config);
    let attention = config.hidden_size * (2 * queries + 2 * keys);
    let bias = match config.query_key_value_bias() {
        true => queries + 2 * keys,
        false => 0,
    };
    let feed_forward = 3 * config.hidden_size * config.intermediate_size;
    let norms = 2 * config.hidden_size;
    config.num_hidden_layers * (attention + bias + feed_forward + norms)
}

/// Heads x head dimension, of queries and of keys.
fn widths(config: &ModelConfig) -> (usize, usize) {
    (
        config.num_attention_heads * config.head_dim,
        config.num_key_value_heads * config.head_dim,
    )
}

/// Weights that turn a hidden state into logits.
fn head(config: &ModelConfig) -> f64 {
    (config.vocab_size * config.hidden_size) as f64
}

/// Forward and backward over the sequences. A prompt is counted once for its group.
pub fn training(config: &ModelConfig, sequences: Sequences) -> f64 {
    3.0 * forward(config, sequences)
}

/// The prompts, and every new token by itself.
pub fn decoding(config: &ModelConfig, sequences: Sequences) -> f64 {
    forward(config, sequences)
}

fn forward(config: &ModelConfig, sequences: Sequences) -> f64 {
    let Sequences {
        count,
        prompt,
        new_tokens,
        group,
    } = sequences;
    let (count, prompt, new_tokens) = (count as f64, prompt as f64, new_tokens as f64);
    let prompts = count / group as f64;
    let tokens = prompts * prompt + count * new_tokens;
    // Two products, over the pairs of a query and a key that it sees.
    let pairs = prompts * prompt * prompt / 2.0
        + count * (new_tokens * prompt + new_tokens * new_tokens / 2.0);
    let attention = 4.0 * pairs * (widths(config).0 * config.num_hidden_layers) as f64;
    2.0 * layer_weights(config) as f64 * tokens
        + 2.0 * head(config) * count * new_tokens
        + attention
}

/// Operations a second over the peak of the device.
pub fn utilisation(operations: f64, seconds: f64, peak_tflops: f64) -> f64 {
    operations / seconds / (peak_tflops * 1e12)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shapes::named;

    /// All weights of a decoder, the head counted once where it is the embedding.
    fn parameters(config: &ModelConfig) -> usize {
        let tables = match config.tie_word_embeddings {
            true => 1,
            false => 2,
        };
        layer_weights(config) + tables * config.vocab_size * config.hidden_size + config.hidden_size
    }

    const SEQUENCES: Sequences = Sequences {
        count: 8,
        prompt: 100,
        new_tokens: 200,
        group: 4,
    };

    #[test]
    fn the_shapes_have_the_published_numbers_of_parameters() {
        let count = |name| parameters(&named(name).expect("it is a shape"));
        assert_eq!(count("qwen2.5-0.5b"), 494_032_768);
        assert_eq!(count("qwen2.5-1.5b"), 1_543_714_304);
    }

    #[test]
    fn six_for_each_weight_and_token_is_nearly_all_of_training() {
        let config = named("qwen2.5-1.5b").expect("it is a shape");
        // Without a prompt every token is computed and predicted.
        let whole = Sequences {
            prompt: 0,
            group: 1,
            ..SEQUENCES
        };
        let convention = 6.0 * parameters(&config) as f64 * 1600.0;
        let ratio = training(&config, whole) / convention;
        assert!((1.0..1.01).contains(&ratio), "{ratio}");
    }

    #[test]
    fn a_shared_prompt_is_counted_once() {
        let config = named("tiny").expect("it is a shape");
        let alone = Sequences {
            group: 1,
            ..SEQUENCES
        };
        let difference = decoding(&config, alone) - decoding(&config, SEQUENCES);
        let prompt = 2.0 * layer_weights(&config) as f64 * 100.0;
        let attention = 4.0 * 5000.0 * (64 * 3) as f64;
        assert_eq!(difference, 6.0 * (prompt + attention));
    }

    #[test]
    fn half_of_the_peak() {
        let share = utilisation(989e12, 2.0, 989.0);
        assert!((share - 0.5).abs() < 1e-12, "{share}");
    }
}
