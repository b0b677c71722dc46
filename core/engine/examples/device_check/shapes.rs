//! The models that are compared and measured, all with random weights: a shape decides what a device has to do.

use anyhow::{Context, Result};
use farthing_engine::{Architecture, ModelConfig};

use crate::support::{Sizes, plain_config};

/// One model of each family, small enough for any device: grouped heads, heads whose total size differs from the hidden
/// size, tied and untied.
pub fn tiny(architecture: Architecture, vocab_size: usize) -> ModelConfig {
    let sizes = Sizes {
        hidden: 48,
        inner: 80,
        layers: 3,
        heads: 4,
        kv_heads: 2,
    };
    ModelConfig {
        head_dim: 16,
        rms_norm_eps: 1e-5,
        max_position_embeddings: 256,
        tie_word_embeddings: matches!(architecture, Architecture::Qwen2 | Architecture::Qwen3),
        // Ten times the usual, so that attention and logits are far from uniform.
        initializer_range: 0.2,
        ..plain_config(architecture, vocab_size, sizes)
    }
}

/// The shapes that are measured by name. `tiny` is there to try the measuring itself.
pub fn named(name: &str) -> Result<ModelConfig> {
    let qwen2 = |hidden, inner, layers, heads, kv_heads| {
        let sizes = Sizes {
            hidden,
            inner,
            layers,
            heads,
            kv_heads,
        };
        ModelConfig {
            rope_theta: 1_000_000.0,
            max_position_embeddings: 32_768,
            ..plain_config(Architecture::Qwen2, 151_936, sizes)
        }
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
