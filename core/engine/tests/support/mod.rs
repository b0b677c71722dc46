//! What several test files need: the fixtures, small models and batches.
#![allow(dead_code)]

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor};
use farthing_engine::{Architecture, Gradients, Model, ModelConfig, Packed, RopeScaling};

pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

/// A small shape with grouped heads whose total size differs from the hidden size.
pub fn small_config(architecture: Architecture, tied: bool) -> ModelConfig {
    ModelConfig {
        architecture,
        vocab_size: 37,
        hidden_size: 24,
        intermediate_size: 40,
        num_hidden_layers: 2,
        num_attention_heads: 4,
        num_key_value_heads: 2,
        head_dim: 10,
        rms_norm_eps: 1e-5,
        rope_theta: 1000.0,
        rope_scaling: RopeScaling::None,
        max_position_embeddings: 256,
        tie_word_embeddings: tied,
        attention_bias: false,
        mlp_bias: false,
        sliding_window: None,
        initializer_range: 0.2,
        bos_token_id: None,
        eos_token_id: vec![1],
        pad_token_id: None,
    }
}

pub fn small_model(architecture: Architecture, tied: bool) -> Model {
    Model::init(small_config(architecture, tied), 7, &Device::Cpu)
        .expect("the configuration is possible")
}

/// Sequences of the given (length, prompt length), of arbitrary tokens.
pub fn batch(lengths: &[(usize, usize)], vocab_size: usize) -> Packed {
    let mut state = 1_u64;
    let sequences: Vec<Vec<u32>> = lengths
        .iter()
        .map(|&(length, _)| {
            (0..length)
                .map(|_| (scramble(&mut state) % vocab_size as u64) as u32)
                .collect()
        })
        .collect();
    Packed::from_sequences(
        sequences
            .iter()
            .zip(lengths)
            .map(|(tokens, &(_, prompt))| (tokens.as_slice(), prompt)),
    )
}

/// Arbitrary numbers between -1 and 1.
pub fn numbers(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..count)
        .map(|_| (scramble(&mut state) % 20_001) as f32 / 10_000.0 - 1.0)
        .collect()
}

fn scramble(state: &mut u64) -> u64 {
    *state = state
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    *state >> 33
}

/// The gradient of `sum(dlogp logp) + sum(dentropy entropy)` of one batch.
pub fn gradients_of(
    model: &Model,
    packed: &Packed,
    temperature: f64,
    dlogp: &[f32],
    dentropy: Option<&[f32]>,
) -> HashMap<String, Vec<f32>> {
    let mut gradients = Gradients::zeros(model).expect("zeros");
    let pass = model.forward(packed, temperature).expect("forward");
    pass.backward(dlogp, dentropy, &mut gradients)
        .expect("backward");
    gradients
        .iter()
        .map(|(name, tensor)| (name.to_owned(), flat(tensor)))
        .collect()
}

pub fn flat(tensor: &Tensor) -> Vec<f32> {
    tensor
        .flatten_all()
        .and_then(|tensor| tensor.to_vec1())
        .expect("an f32 tensor")
}

/// Asserts that two arrays agree to `tolerance`, absolutely for values below 1 and relatively above.
#[track_caller]
pub fn assert_close(what: &str, found: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(found.len(), expected.len(), "{what}: lengths differ");
    for (index, (&found, &expected)) in found.iter().zip(expected).enumerate() {
        let difference = (found - expected).abs();
        assert!(
            difference <= tolerance * expected.abs().max(1.0),
            "{what}[{index}]: found {found}, expected {expected}"
        );
    }
}
