//! Log-probabilities, entropies and gradients equal those of transformers on small checkpoints of every family.
//! `fixtures/make_fixtures.py` made the expected values.

#![allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.

mod support;

use std::collections::HashMap;

use candle_core::{Device, Tensor};
use farthing_engine::{Model, ModelConfig, Packed};
use serde::Deserialize;

use support::{assert_close, fixture, flat, gradients_of};

const TOLERANCE: f32 = 1e-4;

#[derive(Deserialize)]
struct Batch {
    tokens: Vec<u32>,
    offsets: Vec<usize>,
    prompt_lengths: Vec<usize>,
    c: Vec<f32>,
    e: Vec<f32>,
}

struct Fixture {
    packed: Packed,
    c: Vec<f32>,
    e: Vec<f32>,
    expected: HashMap<String, Tensor>,
}

impl Fixture {
    fn read(name: &str) -> Self {
        let directory = fixture(name);
        let text = std::fs::read_to_string(directory.join("batch.json")).unwrap();
        let Batch {
            tokens,
            offsets,
            prompt_lengths,
            c,
            e,
        } = serde_json::from_str(&text).unwrap();
        let expected =
            candle_core::safetensors::load(directory.join("expected.safetensors"), &Device::Cpu)
                .unwrap();
        Self {
            packed: Packed {
                tokens,
                offsets,
                prompt_lengths,
            },
            c,
            e,
            expected,
        }
    }

    fn expected(&self, name: &str) -> Vec<f32> {
        flat(
            self.expected
                .get(name)
                .unwrap_or_else(|| panic!("the fixture has no {name}")),
        )
    }
}

fn agrees(name: &str) {
    let fixture_values = Fixture::read(name);
    let model = Model::load(&fixture(name), &Device::Cpu).unwrap();
    for temperature in [1.0, 0.7] {
        let at = if temperature == 1.0 { "1.0" } else { "0.7" };
        let scores = model.score(&fixture_values.packed, temperature).unwrap();
        assert_close(
            "logp",
            &scores.logp,
            &fixture_values.expected(&format!("{at}/logp")),
            TOLERANCE,
        );
        assert_close(
            "entropy",
            &scores.entropy,
            &fixture_values.expected(&format!("{at}/entropy")),
            TOLERANCE,
        );
        let pass = model.forward(&fixture_values.packed, temperature).unwrap();
        assert_eq!(pass.scores(), &scores, "score and forward compute the same");

        let Fixture { packed, c, e, .. } = &fixture_values;
        let gradients = gradients_of(&model, packed, temperature, c, Some(e));
        assert_eq!(gradients.len(), model.parameters().len());
        for (parameter, found) in &gradients {
            let expected = fixture_values.expected(&format!("{at}/gradient/{parameter}"));
            assert_close(parameter, found, &expected, TOLERANCE);
        }
    }
}

#[test]
fn an_untied_llama_with_grouped_heads_agrees() {
    agrees("llama");
}

#[test]
fn a_tied_qwen2_with_biases_agrees() {
    agrees("qwen2");
}

#[test]
fn a_qwen3_with_normed_heads_agrees() {
    agrees("qwen3");
}

#[test]
fn a_mistral_within_its_window_agrees() {
    agrees("mistral");
    let model = Model::load(&fixture("mistral"), &Device::Cpu).unwrap();
    assert_eq!(model.config().max_sequence_length(), 48);
    let tokens = [1; 49];
    let beyond = Packed::from_sequences([(tokens.as_slice(), 1)]);
    let error = model.score(&beyond, 1.0).unwrap_err().to_string();
    assert!(
        error.contains("49 tokens") && error.contains("48"),
        "{error}"
    );
}

#[test]
fn a_llama_with_every_bias_agrees() {
    agrees("llama_biased");
}

#[test]
fn every_kind_of_rope_scaling_agrees() {
    let values = Fixture::read("llama");
    let config: serde_json::Value = serde_json::from_str(
        &std::fs::read_to_string(fixture("llama").join("config.json")).unwrap(),
    )
    .unwrap();
    let scalings = [
        (
            "linear",
            serde_json::json!({ "rope_theta": 500.0, "rope_type": "linear", "factor": 3.0 }),
        ),
        (
            "llama3",
            serde_json::json!({
                "rope_theta": 500.0, "rope_type": "llama3", "factor": 4.0, "low_freq_factor": 1.0,
                "high_freq_factor": 4.0, "original_max_position_embeddings": 32,
            }),
        ),
        (
            "dynamic",
            serde_json::json!({ "rope_theta": 500.0, "type": "dynamic", "factor": 4.0 }),
        ),
        (
            "yarn",
            serde_json::json!({
                "rope_theta": 500.0, "rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 16,
            }),
        ),
        (
            "yarn_mscale",
            serde_json::json!({
                "rope_theta": 500.0, "rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 16,
                "beta_fast": 8.0, "beta_slow": 2.0, "mscale": 0.7, "mscale_all_dim": 1.3, "truncate": false,
            }),
        ),
        (
            "longrope",
            serde_json::json!({
                "rope_theta": 500.0, "rope_type": "longrope", "factor": 8.0, "short_factor": [1.0, 1.5, 2.5],
                "long_factor": [4.0, 5.0, 6.0], "original_max_position_embeddings": 48,
            }),
        ),
    ];
    for (kind, scaling) in scalings {
        let directory = tempfile::tempdir().unwrap();
        let mut config = config.clone();
        config["rope_parameters"] = scaling;
        std::fs::write(directory.path().join("config.json"), config.to_string()).unwrap();
        let weights = "model.safetensors";
        std::fs::copy(
            fixture("llama").join(weights),
            directory.path().join(weights),
        )
        .unwrap();
        let model = Model::load(directory.path(), &Device::Cpu).unwrap();
        let scores = model.score(&values.packed, 1.0).unwrap();
        assert_close(
            kind,
            &scores.logp,
            &values.expected(&format!("{kind}/logp")),
            TOLERANCE,
        );
        // The scaling survives our own file too.
        model.config().write(directory.path()).unwrap();
        assert_eq!(
            &ModelConfig::read(directory.path()).unwrap(),
            model.config()
        );
    }
}
