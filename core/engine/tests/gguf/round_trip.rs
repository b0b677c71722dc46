//! A model into a file and back: the same configuration, and the same weights as far as the packing holds them.

use candle_core::Device;
use farthing_engine::gguf::{WeightType, write};
use farthing_engine::{Architecture, Model, ModelConfig, RopeScaling, Tokenizer, read_config};

use crate::support::{assert_close, batch, fixture, flat, small_config};

fn tokenizer() -> Tokenizer {
    Tokenizer::load(&fixture("tokenizer/byte_level")).unwrap()
}

fn config(architecture: Architecture, tied: bool, scaling: RopeScaling) -> ModelConfig {
    let tokenizer = tokenizer();
    ModelConfig {
        vocab_size: 330,
        hidden_size: 64,
        intermediate_size: 96,
        head_dim: 16,
        rope_scaling: scaling,
        // GGUF does not hold it.
        initializer_range: 0.02,
        bos_token_id: tokenizer.bos_id(),
        eos_token_id: tokenizer.eos_ids().to_vec(),
        pad_token_id: tokenizer.pad_id(),
        ..small_config(architecture, tied)
    }
}

/// A model whose biases and norms say something.
fn model(config: ModelConfig) -> Model {
    let wide = ModelConfig {
        initializer_range: 0.15,
        ..config.clone()
    };
    let model = Model::init(wide, 5, &Device::Cpu).unwrap();
    for (index, (_, tensor)) in model.parameters().enumerate() {
        if tensor.dims().len() == 1 {
            let numbers = crate::support::numbers(tensor.elem_count(), index as u64);
            let values = numbers.iter().map(|number| number * 0.5 + 0.8).collect();
            let values =
                candle_core::Tensor::from_vec(values, tensor.shape(), &Device::Cpu).unwrap();
            tensor.slice_set(&values, 0, 0).unwrap();
        }
    }
    let directory = tempfile::tempdir().unwrap();
    model.save(directory.path()).unwrap();
    config.write(directory.path()).unwrap();
    Model::load(directory.path(), &Device::Cpu).unwrap()
}

fn scalings() -> [RopeScaling; 5] {
    [
        RopeScaling::None,
        RopeScaling::Linear { factor: 2.5 },
        RopeScaling::Llama3 {
            factor: 8.0,
            low_freq_factor: 1.0,
            high_freq_factor: 4.0,
            original_max_position_embeddings: 1024,
        },
        RopeScaling::Llama3 {
            factor: 3.0,
            low_freq_factor: 0.5,
            high_freq_factor: 4.0,
            original_max_position_embeddings: 1111,
        },
        // Only one of the eight frequencies is on the ramp.
        RopeScaling::Llama3 {
            factor: 4.0,
            low_freq_factor: 1.0,
            high_freq_factor: 4.0,
            original_max_position_embeddings: 64,
        },
    ]
}

#[test]
fn models_of_both_families_come_back() {
    let directory = tempfile::tempdir().unwrap();
    let tokenizer = tokenizer();
    let packed = batch(&[(20, 4), (33, 9), (2, 1)], 320);
    for (architecture, tied) in [
        (Architecture::Llama, false),
        (Architecture::Llama, true),
        (Architecture::Qwen2, true),
    ] {
        for scaling in scalings() {
            let llama3 = matches!(scaling, RopeScaling::Llama3 { .. });
            if llama3 && architecture == Architecture::Qwen2 {
                continue;
            }
            let model = model(config(architecture, tied, scaling.clone()));
            let scores = model.score(&packed, 1.0).unwrap();
            for (weights, tolerance) in [(WeightType::F16, 5e-3), (WeightType::Q8_0, 5e-2)] {
                let what = format!("{architecture:?} tied {tied} {scaling:?} {weights:?}");
                let path = directory.path().join("model.gguf");
                write(&path, &model, &tokenizer, weights).unwrap();
                let loaded = Model::load(&path, &Device::Cpu).unwrap();
                assert_eq!(read_config(&path).unwrap(), *loaded.config(), "{what}");
                assert_eq!(*loaded.config(), *model.config(), "{what}");
                for ((name, expected), (_, found)) in model.parameters().zip(loaded.parameters()) {
                    match expected.dims().len() {
                        1 => assert_eq!(flat(found), flat(expected), "{what}: {name}"),
                        _ => assert_close(name, &flat(found), &flat(expected), tolerance),
                    }
                }
                let found = loaded.score(&packed, 1.0).unwrap();
                assert_close(&what, &found.logp, &scores.logp, tolerance);
                // A second trip changes nothing at all.
                let first = std::fs::read(&path).unwrap();
                write(&path, &loaded, &Tokenizer::load(&path).unwrap(), weights).unwrap();
                assert_eq!(std::fs::read(&path).unwrap().len(), first.len(), "{what}");
                let again = Model::load(&path, &Device::Cpu).unwrap();
                assert_eq!(
                    again.score(&packed, 1.0).unwrap().logp,
                    found.logp,
                    "{what}"
                );
            }
        }
    }
    // Nothing half-written stays behind.
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[test]
fn rows_of_the_llama_family_are_in_llama_cpps_order() {
    let model = model(config(Architecture::Llama, true, RopeScaling::None));
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("model.gguf");
    write(&path, &model, &tokenizer(), WeightType::F16).unwrap();
    // Head 1 of the query: row 2 i + j of the file is row i + 8 j of ours.
    let rows = model.layer(0).q_proj.weight.narrow(0, 16, 16).unwrap();
    let order: Vec<u32> = (0..8).flat_map(|pair| [pair, pair + 8]).collect();
    let order = candle_core::Tensor::from_vec(order, 16, &Device::Cpu).unwrap();
    let expected: Vec<u8> = flat(&rows.index_select(&order, 0).unwrap())
        .into_iter()
        .flat_map(|value| half::f16::from_f32(value).to_le_bytes())
        .collect();
    let bytes = std::fs::read(&path).unwrap();
    assert!(bytes.windows(expected.len()).any(|part| part == expected));
}

#[test]
fn a_number_that_does_not_fit_leaves_no_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("model.gguf");
    for (value, weights) in [
        (1e6, WeightType::F16),
        (f32::NAN, WeightType::Q8_0),
        (f32::INFINITY, WeightType::F16),
    ] {
        let model = model(config(Architecture::Qwen2, true, RopeScaling::None));
        let row = candle_core::Tensor::full(value, (1, 64), &Device::Cpu).unwrap();
        model.embed_tokens().slice_set(&row, 0, 5).unwrap();
        let error = write(&path, &model, &tokenizer(), weights)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("token_embd.weight holds a number"),
            "{error}"
        );
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}

#[test]
fn what_gguf_cannot_say_is_refused() {
    let path = Path::new("never-written.gguf");
    let [.., llama3] = scalings();
    let model = Model::init(config(Architecture::Qwen2, true, llama3), 1, &Device::Cpu).unwrap();
    let error = write(path, &model, &tokenizer(), WeightType::F16)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("llama.cpp has it for llama models only"),
        "{error}"
    );
    let mut small = config(Architecture::Llama, true, RopeScaling::None);
    small.vocab_size = 100;
    let model = Model::init(small, 1, &Device::Cpu).unwrap();
    let error = write(path, &model, &tokenizer(), WeightType::F16)
        .unwrap_err()
        .to_string();
    assert!(error.contains("the model has 100 rows"), "{error}");
    assert!(!path.exists());
}

use std::path::Path;
