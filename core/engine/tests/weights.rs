//! Checkpoints on disk: round trips, the types and layouts of other writers, and files that lie.

#![allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.

mod support;

use std::collections::HashMap;
use std::path::Path;

use candle_core::{DType, Device, Tensor};
use farthing_engine::{Architecture, EngineError, Model};
use proptest::prelude::*;

use support::{assert_close, fixture, flat, small_model};

fn tensors(model: &Model) -> HashMap<String, Tensor> {
    model
        .parameters()
        .map(|(name, tensor)| (name.to_owned(), tensor.clone()))
        .collect()
}

fn load_error(directory: &Path) -> EngineError {
    Model::load(directory, &Device::Cpu).unwrap_err()
}

/// A saved small model, and its directory.
fn saved(architecture: Architecture, tied: bool) -> (Model, tempfile::TempDir) {
    let model = small_model(architecture, tied);
    let directory = tempfile::tempdir().unwrap();
    model.save(directory.path()).unwrap();
    (model, directory)
}

#[test]
fn what_is_saved_comes_back_bit_by_bit() {
    for (architecture, tied) in [
        (Architecture::Llama, false),
        (Architecture::Qwen2, true),
        (Architecture::Qwen3, false),
    ] {
        let (model, directory) = saved(architecture, tied);
        let loaded = Model::load(directory.path(), &Device::Cpu).unwrap();
        assert_eq!(loaded.config(), model.config());
        for ((name, expected), (loaded_name, found)) in model.parameters().zip(loaded.parameters())
        {
            assert_eq!(name, loaded_name);
            assert_eq!(flat(found), flat(expected), "{name}");
        }
        let first = std::fs::read(directory.path().join("model.safetensors")).unwrap();
        loaded.save(directory.path()).unwrap();
        assert_eq!(
            std::fs::read(directory.path().join("model.safetensors")).unwrap(),
            first
        );
    }
}

#[test]
fn initial_weights_follow_the_seed_and_the_name() {
    let values = |seed: u64, layers: usize| {
        let mut config = support::small_config(Architecture::Qwen2, true);
        config.num_hidden_layers = layers;
        config.vocab_size = 1000;
        let model = Model::init(config, seed, &Device::Cpu).unwrap();
        model
            .parameters()
            .map(|(name, tensor)| (name.to_owned(), flat(tensor)))
            .collect::<HashMap<_, _>>()
    };
    let (first, same, other, deeper) = (values(1, 2), values(1, 2), values(2, 2), values(1, 3));
    assert_eq!(first, same);
    let embedding = &first["model.embed_tokens.weight"];
    assert_ne!(embedding, &other["model.embed_tokens.weight"]);
    for (name, values) in &first {
        assert_eq!(values, &deeper[name], "another layer changed {name}");
        match name {
            name if name.contains("norm") => assert!(values.iter().all(|&value| value == 1.0)),
            name if name.ends_with("bias") => assert!(values.iter().all(|&value| value == 0.0)),
            _ => assert!(values.iter().any(|&value| value != 0.0)),
        }
    }
    // 24,000 draws of normal(0, 0.2): mean, spread and tail.
    let count = embedding.len() as f32;
    let mean = embedding.iter().sum::<f32>() / count;
    let deviation = (embedding.iter().map(|value| value * value).sum::<f32>() / count).sqrt();
    let beyond_two = embedding.iter().filter(|value| value.abs() > 0.4).count() as f32 / count;
    assert!(
        mean.abs() < 0.005 && (deviation - 0.2).abs() < 0.004,
        "mean {mean}, deviation {deviation}"
    );
    assert!(
        (beyond_two - 0.0455).abs() < 0.006,
        "{beyond_two} beyond two deviations"
    );
}

#[test]
fn half_precision_is_widened() {
    let (model, directory) = saved(Architecture::Llama, false);
    for (dtype, tolerance) in [(DType::BF16, 4e-3), (DType::F16, 5e-4)] {
        let halves: HashMap<String, Tensor> = tensors(&model)
            .into_iter()
            .map(|(name, tensor)| (name, tensor.to_dtype(dtype).unwrap()))
            .collect();
        candle_core::safetensors::save(&halves, directory.path().join("model.safetensors"))
            .unwrap();
        let loaded = Model::load(directory.path(), &Device::Cpu).unwrap();
        for ((name, expected), (_, found)) in model.parameters().zip(loaded.parameters()) {
            assert_eq!(found.dtype(), DType::F32);
            assert_close(name, &flat(found), &flat(expected), tolerance);
            assert_eq!(
                flat(found),
                flat(&halves[name].to_dtype(DType::F32).unwrap())
            );
        }
    }
}

/// Splits a saved model into two shards with an index.
fn shard(model: &Model, directory: &Path, index: impl Fn(&str) -> String) {
    std::fs::remove_file(directory.join("model.safetensors")).unwrap();
    let mut shards: HashMap<String, HashMap<String, Tensor>> = HashMap::new();
    let mut map = serde_json::Map::new();
    for (name, tensor) in tensors(model) {
        let shard = format!(
            "model-0000{}-of-00002.safetensors",
            if name.contains("layers.0") { 1 } else { 2 }
        );
        map.insert(name.clone(), index(&shard).into());
        shards.entry(shard).or_default().insert(name, tensor);
    }
    for (file, tensors) in shards {
        candle_core::safetensors::save(&tensors, directory.join(file)).unwrap();
    }
    let text = serde_json::json!({ "metadata": {}, "weight_map": map }).to_string();
    std::fs::write(directory.join("model.safetensors.index.json"), text).unwrap();
}

#[test]
fn shards_are_put_together() {
    let (model, directory) = saved(Architecture::Qwen2, false);
    shard(&model, directory.path(), str::to_owned);
    let loaded = Model::load(directory.path(), &Device::Cpu).unwrap();
    for ((name, expected), (_, found)) in model.parameters().zip(loaded.parameters()) {
        assert_eq!(flat(found), flat(expected), "{name}");
    }
}

#[test]
fn an_index_may_not_point_outside_its_directory() {
    let (model, directory) = saved(Architecture::Qwen2, false);
    shard(&model, directory.path(), |shard| format!("../{shard}"));
    let message = load_error(directory.path()).to_string();
    assert!(
        message.contains("not the plain name of a file"),
        "{message}"
    );
}

#[test]
fn all_that_is_wrong_is_said_at_once() {
    let (model, directory) = saved(Architecture::Qwen2, false);
    let mut wrong = tensors(&model);
    wrong.remove("model.norm.weight");
    wrong.remove("model.layers.1.self_attn.k_proj.bias");
    wrong.insert(
        "lm_head.weight".to_owned(),
        Tensor::zeros((24, 37), DType::F32, &Device::Cpu).unwrap(),
    );
    wrong.insert(
        "model.embed_tokens.weight".to_owned(),
        Tensor::zeros((37, 24), DType::I64, &Device::Cpu).unwrap(),
    );
    wrong.insert(
        "model.layers.2.mlp.up_proj.weight".to_owned(),
        Tensor::zeros(3, DType::F32, &Device::Cpu).unwrap(),
    );
    candle_core::safetensors::save(&wrong, directory.path().join("model.safetensors")).unwrap();
    let error = load_error(directory.path());
    let EngineError::Weights { problems, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!(problems.len(), 5, "{error}");
    for part in [
        "model.norm.weight: missing; expected shape [24]",
        "model.layers.1.self_attn.k_proj.bias: missing",
        "lm_head.weight: expected shape [37, 24], found [24, 37]",
        "model.embed_tokens.weight: expected f32, bf16 or f16, found I64",
        "model.layers.2.mlp.up_proj.weight: the model has no such parameter",
    ] {
        assert!(error.to_string().contains(part), "{part:?} not in {error}");
    }
}

#[test]
fn a_redundant_tied_head_and_rotary_buffers_are_accepted() {
    let (model, directory) = saved(Architecture::Llama, true);
    let mut tensors = tensors(&model);
    tensors.insert(
        "lm_head.weight".to_owned(),
        tensors["model.embed_tokens.weight"].clone(),
    );
    tensors.insert(
        "model.layers.0.self_attn.rotary_emb.inv_freq".to_owned(),
        Tensor::zeros(5, DType::F32, &Device::Cpu).unwrap(),
    );
    candle_core::safetensors::save(&tensors, directory.path().join("model.safetensors")).unwrap();
    Model::load(directory.path(), &Device::Cpu).unwrap();
}

#[test]
fn a_missing_or_damaged_file_is_an_error_that_names_it() {
    let (_, directory) = saved(Architecture::Llama, true);
    let path = directory.path().join("model.safetensors");
    let whole = std::fs::read(&path).unwrap();
    let header_length = u64::from_le_bytes(whole[..8].try_into().unwrap()) as usize;
    for length in [0, 7, 8, 100, 8 + header_length, whole.len() - 1] {
        std::fs::write(&path, &whole[..length]).unwrap();
        let message = load_error(directory.path()).to_string();
        assert!(
            message.contains("model.safetensors"),
            "{length} bytes: {message}"
        );
    }
    let mut longer = whole.clone();
    longer.push(0);
    std::fs::write(&path, longer).unwrap();
    assert!(load_error(directory.path()).to_string().contains("bytes"));
    let mut huge = whole.clone();
    huge[..8].copy_from_slice(&u64::MAX.to_le_bytes());
    std::fs::write(&path, huge).unwrap();
    assert!(load_error(directory.path()).to_string().contains("header"));
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(
        load_error(directory.path()),
        EngineError::Io { .. }
    ));
}

#[test]
fn a_header_that_lies_about_sizes_is_refused() {
    let (_, directory) = saved(Architecture::Llama, true);
    let write = |header: &str, data: usize| {
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.as_bytes());
        bytes.resize(bytes.len() + data, 0);
        std::fs::write(directory.path().join("model.safetensors"), bytes).unwrap();
        load_error(directory.path()).to_string()
    };
    let overlapping = r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}"#;
    let overflowing =
        r#"{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]}}"#;
    let backwards = r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}"#;
    let beyond = r#"{"a":{"dtype":"F32","shape":[1000],"data_offsets":[0,4000]}}"#;
    for (header, data) in [
        (overlapping, 12),
        (overflowing, 8),
        (backwards, 8),
        (beyond, 8),
        ("[]", 0),
        ("{", 0),
    ] {
        let message = write(header, data);
        assert!(
            message.contains("model.safetensors: "),
            "{header}: {message}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever a damaged byte does, loading says so or loads; it never panics.
    #[test]
    fn a_flipped_byte_never_panics(at in 0_usize..2000, value: u8) {
        let directory = tempfile::tempdir().unwrap();
        std::fs::copy(fixture("qwen2").join("config.json"), directory.path().join("config.json")).unwrap();
        let mut bytes = std::fs::read(fixture("qwen2").join("model.safetensors")).unwrap();
        bytes[at] = value;
        std::fs::write(directory.path().join("model.safetensors"), bytes).unwrap();
        let _ = Model::load(directory.path(), &Device::Cpu);
    }

    /// The same for the configuration.
    #[test]
    fn a_flipped_byte_of_the_configuration_never_panics(at in 0_usize..650, value: u8) {
        let directory = tempfile::tempdir().unwrap();
        let mut bytes = std::fs::read(fixture("qwen2").join("config.json")).unwrap();
        bytes[at] = value;
        std::fs::write(directory.path().join("config.json"), bytes).unwrap();
        std::fs::copy(fixture("qwen2").join("model.safetensors"), directory.path().join("model.safetensors")).unwrap();
        let _ = Model::load(directory.path(), &Device::Cpu);
    }
}

#[test]
fn a_snapshot_does_not_follow_its_model() {
    let model = small_model(Architecture::Llama, true);
    let snapshot = model.snapshot().unwrap();
    let before = flat(snapshot.norm());
    model
        .norm()
        .slice_set(&model.norm().zeros_like().unwrap(), 0, 0)
        .unwrap();
    assert_eq!(flat(snapshot.norm()), before);
    assert_ne!(flat(model.norm()), before);
}

#[test]
fn a_large_model_is_written_in_shards() {
    let model = small_model(Architecture::Qwen3, false);
    let directory = tempfile::tempdir().unwrap();
    model.save_in_shards(directory.path(), 10_000).unwrap();
    let files: std::collections::BTreeSet<String> = std::fs::read_dir(directory.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(!files.contains("model.safetensors"));
    let shards: Vec<&String> = files
        .iter()
        .filter(|name| name.ends_with(".safetensors"))
        .collect();
    assert!(shards.len() > 2, "{files:?}");
    for (index, shard) in shards.iter().enumerate() {
        let expected = format!("model-{:05}-of-{:05}.safetensors", index + 1, shards.len());
        assert_eq!(**shard, expected);
        let size = directory.path().join(shard).metadata().unwrap().len();
        assert!(size < 12_000, "{shard}: {size}");
    }
    let loaded = Model::load(directory.path(), &Device::Cpu).unwrap();
    for ((name, saved), (_, loaded)) in model.parameters().zip(loaded.parameters()) {
        assert_eq!(support::flat(saved), support::flat(loaded), "{name}");
    }
}
