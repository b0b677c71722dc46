//! `config.json`: both forms of transformers, what is refused, and what survives a round trip.

#![allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.

mod support;

use std::path::Path;

use farthing_engine::{Architecture, ModelConfig, RopeScaling, SlidingWindow};
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
    assert!(qwen2.query_key_value_bias() && !llama.query_key_value_bias());
    assert!(!qwen2.output_bias());
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
    let yarn = RopeScaling::Yarn {
        factor: 4.0,
        beta_fast: 32.0,
        beta_slow: 1.0,
        original_max_position_embeddings: 64,
        attention_factor: 1.25,
        truncate: false,
    };
    let longrope = RopeScaling::LongRope {
        short_factor: vec![1.0, 1.5, 2.0, 2.5, 3.0],
        long_factor: vec![5.0; 5],
        original_max_position_embeddings: 64,
        attention_factor: 1.5,
    };
    for rope_scaling in [
        RopeScaling::None,
        RopeScaling::Linear { factor: 2.5 },
        RopeScaling::Dynamic { factor: 2.0 },
        llama3,
        yarn,
        longrope,
    ] {
        for eos_token_id in [vec![], vec![5], vec![5, 6]] {
            let config = ModelConfig {
                rope_scaling: rope_scaling.clone(),
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
        (
            json!({ "model_type": "mistral", "attention_bias": true }),
            "attention_bias is true; mistral",
        ),
        (
            json!({ "model_type": "qwen3", "head_dim": 64, "mlp_bias": true }),
            "mlp_bias is true; qwen3",
        ),
        (
            json!({ "layer_types": ["full_attention", "sliding_attention"] }),
            "layer 1 slide, but no sliding_window",
        ),
        (
            json!({ "layer_types": ["linear_attention"] }),
            "\"linear_attention\"",
        ),
        (
            json!({ "model_type": "mistral", "sliding_window": 0 }),
            "sliding_window is 0",
        ),
        (
            json!({ "quantization_config": { "bits": 4 } }),
            "quantization_config",
        ),
        (
            json!({ "rope_scaling": { "rope_type": "proportional", "factor": 4.0 } }),
            "\"proportional\" is not implemented",
        ),
        (
            json!({ "rope_scaling": { "type": "dynamic" } }),
            "lacks factor",
        ),
        (
            json!({ "rope_scaling": { "rope_type": "longrope", "short_factor": [1.0], "long_factor": [1.0] } }),
            "1 numbers in short_factor; expected 32",
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
fn windows_are_read_as_each_family_means_them() {
    let window = |fields: Value| read(&with(fields)).unwrap().sliding_window;
    let mistral = |fields: Value| {
        let mut fields = fields;
        fields["model_type"] = json!("mistral");
        window(fields)
    };
    let sliding = |size, first_layer| Some(SlidingWindow { size, first_layer });
    // transformers takes 4096 for an absent key, and no window for null.
    assert_eq!(mistral(json!({})), sliding(4096, 0));
    assert_eq!(mistral(json!({ "sliding_window": null })), None);
    assert_eq!(mistral(json!({ "sliding_window": 32 })), sliding(32, 0));
    let qwen2 = |on: bool| {
        window(json!({
            "model_type": "qwen2", "use_sliding_window": on, "sliding_window": 64, "max_window_layers": 3,
        }))
    };
    assert_eq!((qwen2(true), qwen2(false)), (sliding(64, 3), None));
    let typed = |kinds: [&str; 2]| {
        window(json!({
            "model_type": "qwen3", "head_dim": 64, "use_sliding_window": true, "sliding_window": 64,
            "layer_types": kinds,
        }))
    };
    assert_eq!(
        typed(["full_attention", "sliding_attention"]),
        sliding(64, 1)
    );
    assert_eq!(typed(["full_attention", "full_attention"]), None);
    // A window in layers that the model does not have limits nothing.
    let config = read(&with(json!({
        "model_type": "qwen2", "use_sliding_window": true, "sliding_window": 64, "max_window_layers": 30,
    })))
    .unwrap();
    assert_eq!(config.max_sequence_length(), 8192);
}

/// A sequence that is too long is told which setting it is too long for.
#[test]
fn the_longest_sequence_says_what_sets_it() {
    let divisors = vec![1.0; 32];
    let cases = [
        (json!({}), "8192 positions (max_position_embeddings)"),
        (
            json!({ "model_type": "mistral", "sliding_window": 32 }),
            "32 positions (sliding_window; ",
        ),
        (
            // A window that is longer than the model changes nothing.
            json!({ "model_type": "mistral", "sliding_window": 9000 }),
            "8192 positions (max_position_embeddings)",
        ),
        (
            json!({ "rope_scaling": { "rope_type": "dynamic", "factor": 2.0 } }),
            "8192 positions (max_position_embeddings; dynamic rope scaling",
        ),
        (
            json!({ "rope_scaling": {
                "rope_type": "longrope", "short_factor": divisors, "long_factor": divisors,
                "original_max_position_embeddings": 1024,
            } }),
            "1024 positions (original_max_position_embeddings; longrope",
        ),
    ];
    for (fields, expected) in cases {
        let config = read(&with(fields)).unwrap();
        let text = config.max_sequence_length_text();
        assert!(text.starts_with(expected), "{text}");
        assert!(text.starts_with(&config.max_sequence_length().to_string()));
    }
}

#[test]
fn every_family_survives_its_own_file() {
    for architecture in Architecture::ALL {
        let config = ModelConfig {
            attention_bias: matches!(architecture, Architecture::Llama | Architecture::Qwen3),
            mlp_bias: architecture == Architecture::Llama,
            sliding_window: (architecture != Architecture::Llama).then_some(SlidingWindow {
                size: 100,
                first_layer: 0,
            }),
            ..small_config(architecture, true)
        };
        assert_eq!(read(&config.to_json()).unwrap(), config);
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
