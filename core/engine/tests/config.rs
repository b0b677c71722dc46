//! `config.json`: both forms of transformers, what is refused, and what survives a round trip.

#![allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.

mod support;

use std::path::Path;

use farthing_engine::{Architecture, ModelConfig, RopeScaling};
use serde_json::{Value, json};

use support::{fixture, small_config};

fn read(value: &Value) -> Result<ModelConfig, String> {
    ModelConfig::from_json(&value.to_string())
}

/// SmolLM2's configuration in the form of transformers 4, with the given fields replaced.
fn with(fields: Value) -> Value {
    let mut config = json!({
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": 49152,
        "hidden_size": 576,
        "intermediate_size": 1536,
        "num_hidden_layers": 30,
        "num_attention_heads": 9,
        "num_key_value_heads": 3,
        "hidden_act": "silu",
        "rms_norm_eps": 1e-5,
        "rope_theta": 100000,
        "rope_scaling": null,
        "max_position_embeddings": 8192,
        "tie_word_embeddings": true,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "pad_token_id": 2,
        "torch_dtype": "bfloat16",
    });
    for (name, value) in fields.as_object().unwrap() {
        match value {
            Value::String(text) if text == "<absent>" => {
                drop(config.as_object_mut().unwrap().remove(name))
            }
            value => config[name] = value.clone(),
        }
    }
    config
}

#[test]
fn both_forms_give_the_same_model() {
    let old = read(&with(json!({}))).unwrap();
    let new = read(&with(json!({
        "rope_theta": "<absent>", "rope_scaling": "<absent>", "torch_dtype": "<absent>", "dtype": "bfloat16",
        "rope_parameters": { "rope_theta": 100000.0, "rope_type": "default" },
    })))
    .unwrap();
    assert_eq!(old, new);
    assert_eq!(old.rope_theta, 100_000.0);
    assert_eq!(old.head_dim, 64);
    assert_eq!(old.architecture, Architecture::Llama);
    assert_eq!(old.eos_token_id, [2]);
    assert_eq!(old.parameter_count(), 134_515_008);
}

#[test]
fn the_fixtures_are_one_of_each_form() {
    let llama = ModelConfig::read(&fixture("llama")).unwrap();
    assert_eq!(
        (llama.rope_theta, llama.head_dim, llama.tie_word_embeddings),
        (500.0, 6, false)
    );
    let qwen2 = ModelConfig::read(&fixture("qwen2")).unwrap();
    assert_eq!(
        (qwen2.rope_theta, qwen2.head_dim, qwen2.tie_word_embeddings),
        (1000.0, 4, true)
    );
    assert!(qwen2.attention_bias() && !llama.attention_bias());
}

#[test]
fn what_is_written_is_read_back() {
    let directory = tempfile::tempdir().unwrap();
    let llama3 = RopeScaling::Llama3 {
        factor: 8.0,
        low_freq_factor: 1.0,
        high_freq_factor: 4.0,
        original_max_position_embeddings: 8192,
    };
    for rope_scaling in [
        RopeScaling::None,
        RopeScaling::Linear { factor: 2.5 },
        llama3,
    ] {
        for eos_token_id in [vec![], vec![5], vec![5, 6]] {
            let config = ModelConfig {
                rope_scaling,
                eos_token_id,
                bos_token_id: Some(3),
                ..small_config(Architecture::Qwen2, true)
            };
            config.write(directory.path()).unwrap();
            assert_eq!(ModelConfig::read(directory.path()).unwrap(), config);
            // A reader that knows only one of the two forms finds all it needs.
            let mut old = config.to_json();
            old.as_object_mut().unwrap().remove("rope_parameters");
            assert_eq!(read(&old).unwrap(), config);
            let mut new = config.to_json();
            new.as_object_mut().unwrap().remove("rope_theta");
            new.as_object_mut().unwrap().remove("rope_scaling");
            assert_eq!(read(&new).unwrap(), config);
        }
    }
}

#[test]
fn absent_fields_have_the_defaults_of_transformers() {
    let config = read(&with(json!({
        "rope_theta": "<absent>", "rms_norm_eps": "<absent>", "max_position_embeddings": "<absent>",
        "tie_word_embeddings": "<absent>", "num_key_value_heads": "<absent>", "eos_token_id": "<absent>",
        "pad_token_id": -1,
    })))
    .unwrap();
    assert_eq!(
        (
            config.rope_theta,
            config.rms_norm_eps,
            config.max_position_embeddings
        ),
        (10_000.0, 1e-6, 2048)
    );
    assert_eq!(
        (config.tie_word_embeddings, config.num_key_value_heads),
        (false, 9)
    );
    assert_eq!((config.eos_token_id.len(), config.pad_token_id), (0, None));
}

#[test]
fn what_would_change_the_mathematics_is_refused() {
    let cases = [
        (json!({ "model_type": "gpt2" }), "model_type is \"gpt2\""),
        (json!({ "model_type": "<absent>" }), "model_type is missing"),
        (json!({ "vocab_size": "<absent>" }), "vocab_size is missing"),
        (json!({ "hidden_act": "gelu" }), "hidden_act is \"gelu\""),
        (json!({ "attention_bias": true }), "attention_bias"),
        (json!({ "mlp_bias": true }), "mlp_bias"),
        (json!({ "use_sliding_window": true }), "sliding-window"),
        (
            json!({ "layer_types": ["full_attention", "sliding_attention"] }),
            "sliding-window",
        ),
        (
            json!({ "quantization_config": { "bits": 4 } }),
            "quantization_config",
        ),
        (
            json!({ "rope_scaling": { "rope_type": "yarn", "factor": 4.0 } }),
            "\"yarn\" is not implemented",
        ),
        (
            json!({ "rope_scaling": { "type": "dynamic", "factor": 4.0 } }),
            "\"dynamic\" is not implemented",
        ),
        (
            json!({ "rope_scaling": { "rope_type": "linear" } }),
            "lacks factor",
        ),
        (
            json!({ "rope_parameters": { "rope_theta": 1e4, "partial_rotary_factor": 0.5 } }),
            "partial_rotary_factor",
        ),
        (
            json!({ "num_key_value_heads": 4 }),
            "not a multiple of num_key_value_heads 4",
        ),
        (
            json!({ "num_attention_heads": 0 }),
            "num_attention_heads is 0",
        ),
        (
            json!({ "num_attention_heads": 7, "num_key_value_heads": 7 }),
            "head_dim is missing",
        ),
        (json!({ "head_dim": 63 }), "even"),
        (json!({ "hidden_size": 0 }), "hidden_size is 0"),
        (json!({ "vocab_size": 1_u64 << 60 }), "vocab_size"),
        (
            json!({ "num_hidden_layers": 1_u64 << 40 }),
            "num_hidden_layers",
        ),
        (json!({ "rms_norm_eps": 0.0 }), "rms_norm_eps"),
        (json!({ "rope_theta": -1.0 }), "rope_theta"),
        (json!({ "eos_token_id": -5 }), "eos_token_id"),
        (
            json!({ "hidden_size": "large" }),
            "not a model configuration",
        ),
    ];
    for (fields, expected) in cases {
        let message = read(&with(fields.clone())).expect_err(&fields.to_string());
        assert!(message.contains(expected), "{fields}: {message}");
    }
}

#[test]
fn errors_name_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let message = |directory: &Path| ModelConfig::read(directory).unwrap_err().to_string();
    assert!(message(directory.path()).contains("config.json"));
    std::fs::write(directory.path().join("config.json"), "{").unwrap();
    assert!(message(directory.path()).contains("config.json: not a model configuration"));
}
