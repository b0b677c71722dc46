//! Counting operations.

use farthing_engine::{Architecture, ModelConfig, RopeScaling, Sequences};

/// Qwen2.5's shape of 1.5B, as its `config.json` has it.
fn qwen() -> ModelConfig {
    ModelConfig {
        architecture: Architecture::Qwen2,
        vocab_size: 151_936,
        hidden_size: 1536,
        intermediate_size: 8960,
        num_hidden_layers: 28,
        num_attention_heads: 12,
        num_key_value_heads: 2,
        head_dim: 128,
        rms_norm_eps: 1e-6,
        rope_theta: 1e6,
        rope_scaling: RopeScaling::None,
        max_position_embeddings: 32_768,
        tie_word_embeddings: true,
        attention_bias: false,
        mlp_bias: false,
        sliding_window: None,
        initializer_range: 0.02,
        bos_token_id: None,
        eos_token_id: Vec::new(),
        pad_token_id: None,
    }
}

const SEQUENCES: Sequences = Sequences {
    count: 8.0,
    prompt: 100.0,
    new_tokens: 200.0,
    group: 4.0,
};

#[test]
fn six_for_each_weight_and_token_is_nearly_all_of_training() {
    // Without a prompt every token is computed and predicted.
    let whole = Sequences {
        prompt: 0.0,
        group: 1.0,
        ..SEQUENCES
    };
    // The published number of parameters.
    let convention = 6.0 * 1_543_714_304.0 * 1600.0;
    let ratio = qwen().training_operations(&whole) / convention;
    assert!((1.0..1.01).contains(&ratio), "{ratio}");
}

#[test]
fn a_shared_prompt_is_counted_once() {
    let config = qwen();
    let alone = Sequences {
        group: 1.0,
        ..SEQUENCES
    };
    let difference = config.forward_operations(&alone) - config.forward_operations(&SEQUENCES);
    // All parameters but the embedding and the last norm.
    let layers = 1_543_714_304.0 - 151_936.0 * 1536.0 - 1536.0;
    let prompt = 2.0 * layers * 100.0;
    let attention = 4.0 * 5000.0 * 1536.0 * 28.0;
    assert_eq!(difference, 6.0 * (prompt + attention));
    assert_eq!(SEQUENCES.tokens(), 2.0 * 100.0 + 8.0 * 200.0);
}
