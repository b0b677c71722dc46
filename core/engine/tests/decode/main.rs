//! Drawing attempts, through the public surface.

#![allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.

mod agreement;
mod endings;
mod invariance;
mod refusals;
mod sampling;
mod sampling_on_devices;
mod script;
mod steering;

use std::path::{Path, PathBuf};

use candle_core::Device;
use farthing_engine::{
    Architecture, Attempt, DecodeHooks, DecodingPlan, Model, ModelConfig, NoHooks, PromptGroup,
    RopeScaling, Tokenizer, decode,
};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// The fixture models have 29 tokens: the two special ones, 26 letters and a space.
fn tokenizer() -> Tokenizer {
    Tokenizer::characters::<&str>("abcdefghijklmnopqrstuvwxyz ", &[]).unwrap()
}

fn fixture_model(name: &str) -> Model {
    Model::load(&fixtures().join(name), &Device::Cpu).unwrap()
}

/// Sizes that fill neither panels nor vectors nor lines, and seven query heads to a key-value head.
fn odd_config(architecture: Architecture) -> ModelConfig {
    ModelConfig {
        architecture,
        vocab_size: 29,
        hidden_size: 52,
        intermediate_size: 83,
        num_hidden_layers: 3,
        num_attention_heads: 14,
        num_key_value_heads: 2,
        head_dim: 18,
        rms_norm_eps: 1e-6,
        rope_theta: 10_000.0,
        rope_scaling: RopeScaling::None,
        max_position_embeddings: 256,
        tie_word_embeddings: architecture == Architecture::Qwen2,
        attention_bias: false,
        mlp_bias: false,
        sliding_window: None,
        // Large enough that tokens differ much in probability.
        initializer_range: 0.3,
        bos_token_id: None,
        eos_token_id: Vec::new(),
        pad_token_id: None,
    }
}

/// Weights that do not fit the caches: all threads share each operation.
fn large_model(architecture: Architecture) -> Model {
    let config = ModelConfig {
        hidden_size: 204,
        intermediate_size: 14_001,
        num_hidden_layers: 1,
        initializer_range: 0.05,
        ..odd_config(architecture)
    };
    Model::init(config, 5, &Device::Cpu).unwrap()
}

fn odd_model(architecture: Architecture) -> Model {
    Model::init(odd_config(architecture), 5, &Device::Cpu).unwrap()
}

fn prompt(length: usize, salt: usize) -> Vec<u32> {
    (0..length)
        .map(|at| ((at * at * 7 + at * salt + salt) % 29) as u32)
        .collect()
}

/// One group with one attempt.
fn draw_one(
    model: &Model,
    prompt: &[u32],
    seed: u64,
    plan: &DecodingPlan,
    hooks: &mut dyn DecodeHooks,
) -> Attempt {
    let groups = [PromptGroup {
        tokens: prompt,
        seeds: &[seed],
    }];
    decode(model, &tokenizer(), &groups, plan, 1, hooks)
        .unwrap()
        .remove(0)
        .remove(0)
}

fn draw_plain(model: &Model, prompt: &[u32], seed: u64, plan: &DecodingPlan) -> Attempt {
    draw_one(model, prompt, seed, plan, &mut NoHooks)
}
