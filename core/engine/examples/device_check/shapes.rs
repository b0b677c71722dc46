//! The models that are compared and measured, all with random weights: a shape decides what a device has to do.

use anyhow::{Context, Result};
use farthing_engine::{Architecture, ModelConfig, RopeScaling};

/// One model of each family, small enough for any device: grouped heads, heads whose total size differs from the hidden
/// size, tied and untied.
pub fn tiny(architecture: Architecture, vocab_size: usize) -> ModelConfig {
    ModelConfig {
        architecture,
        vocab_size,
        hidden_size: 48,
        intermediate_size: 80,
        num_hidden_layers: 3,
        num_attention_heads: 4,
        num_key_value_heads: 2,
        head_dim: 16,
        rms_norm_eps: 1e-5,
        rope_theta: 10_000.0,
        rope_scaling: RopeScaling::None,
        max_position_embeddings: 256,
        tie_word_embeddings: matches!(architecture, Architecture::Qwen2 | Architecture::Qwen3),
        attention_bias: false,
        mlp_bias: false,
        sliding_window: None,
        // Ten times the usual, so that attention and logits are far from uniform.
        initializer_range: 0.2,
        bos_token_id: None,
        eos_token_id: Vec::new(),
        pad_token_id: None,
    }
}

/// The shapes that are measured by name. `tiny` is there to try the measuring itself.
pub fn named(name: &str) -> Result<ModelConfig> {
    let qwen2 = |hidden_size, intermediate_size, layers, heads, kv_heads| ModelConfig {
        architecture: Architecture::Qwen2,
        vocab_size: 151_936,
        hidden_size,
        intermediate_size,
        num_hidden_layers: layers,
        num_attention_heads: heads,
        num_key_value_heads: kv_heads,
        head_dim: hidden_size / heads,
        rms_norm_eps: 1e-6,
        rope_theta: 1_000_000.0,
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
    };
    let shape = match name {
        "qwen2.5-0.5b" => Some(qwen2(896, 4864, 24, 14, 2)),
        "qwen2.5-1.5b" => Some(qwen2(1536, 8960, 28, 12, 2)),
        "tiny" => Some(tiny(Architecture::Qwen2, 500)),
        _ => None,
    };
    shape.with_context(|| {
        format!("--shape: expected qwen2.5-0.5b, qwen2.5-1.5b or tiny, found {name:?}")
    })
}
