//! Low-rank adapters: PEFT's numbers and files, and what training them must not do.
//! `fixtures/make_fixtures.py` made the expected values.

#![allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.

mod support;

use std::collections::HashMap;
use std::path::Path;

use candle_core::{Device, Tensor};
use farthing_engine::{
    AdamW, AdamWConfig, AdapterBase, AdapterFile, Architecture, DecodingPlan, Gradients,
    LoraConfig, LoraTarget, Model, NoHooks, Packed, PassOptions, PromptGroup, Tokenizer, decode,
    decode_by_composition,
};
use serde_json::{Value, json};

use support::{assert_close, batch, fixture, flat, gradients_of, numbers, small_model};

const LENGTHS: [(usize, usize); 4] = [(9, 3), (60, 1), (30, 20), (33, 32)];

fn settings() -> LoraConfig {
    LoraConfig {
        rank: 4,
        alpha: 6.0,
        targets: LoraTarget::ALL.to_vec(),
        dropout: 0.0,
        rank_stabilized: false,
    }
}

/// A model whose adapters are not at zero.
fn adapted(architecture: Architecture, lora: LoraConfig) -> Model {
    let model = small_model(architecture, true);
    let directory = tempfile::tempdir().unwrap();
    let model = model.with_adapters(lora, 3).unwrap();
    model
        .save_adapters(directory.path(), &"base".into())
        .unwrap();
    let path = directory.path().join("adapter_model.safetensors");
    let tensors = candle_core::safetensors::load(&path, &Device::Cpu).unwrap();
    let mut seed = 0;
    let mut names: Vec<&String> = tensors.keys().collect();
    names.sort();
    let moved: HashMap<String, Tensor> = names
        .into_iter()
        .map(|name| {
            seed += 1;
            let shape = tensors[name].dims2().unwrap();
            let values: Vec<f32> = numbers(shape.0 * shape.1, seed)
                .iter()
                .map(|value| value * 0.3)
                .collect();
            let tensor = Tensor::from_vec(values, shape, &Device::Cpu).unwrap();
            (name.clone(), tensor)
        })
        .collect();
    candle_core::safetensors::save(&moved, &path).unwrap();
    small_model(architecture, true)
        .with_adapters_from(directory.path())
        .unwrap()
}

#[test]
fn pefts_adapter_gives_pefts_numbers() {
    let directory = fixture("lora");
    let file = AdapterFile::read(&directory).unwrap();
    assert_eq!(file.lora.scale(), (5.0 / 3.0_f64.sqrt()) as f32);
    assert!(AdapterFile::is_in(&directory) && !AdapterFile::is_in(&fixture("qwen2")));
    let model = Model::load(&directory.join(&file.base.name), &Device::Cpu).unwrap();
    let model = model.with_adapters_from(&directory).unwrap();
    let batch: Value =
        serde_json::from_str(&std::fs::read_to_string(directory.join("batch.json")).unwrap())
            .unwrap();
    let array = |name: &str| serde_json::from_value::<Vec<f32>>(batch[name].clone()).unwrap();
    let packed = Packed {
        tokens: serde_json::from_value(batch["tokens"].clone()).unwrap(),
        offsets: serde_json::from_value(batch["offsets"].clone()).unwrap(),
        prompt_lengths: serde_json::from_value(batch["prompt_lengths"].clone()).unwrap(),
    };
    let expected =
        candle_core::safetensors::load(directory.join("expected.safetensors"), &Device::Cpu)
            .unwrap();
    let scores = model.score(&packed, 1.0).unwrap();
    assert_close("logp", &scores.logp, &flat(&expected["1.0/logp"]), 1e-4);
    let gradients = gradients_of(&model, &packed, 1.0, &array("c"), Some(&array("e")));
    assert_eq!(
        gradients.len(),
        2 * 7 * 2,
        "two factors, seven projections, two layers"
    );
    for (name, found) in &gradients {
        let expected = flat(&expected[&format!("1.0/gradient/{name}")]);
        assert_close(name, found, &expected, 1e-4);
    }
}

#[test]
fn new_adapters_change_nothing_and_merged_ones_stay_the_same_function() {
    let packed = batch(&LENGTHS, 37);
    let base = small_model(Architecture::Qwen3, true);
    let fresh = small_model(Architecture::Qwen3, true)
        .with_adapters(settings(), 1)
        .unwrap();
    assert_eq!(
        base.score(&packed, 1.0).unwrap(),
        fresh.score(&packed, 1.0).unwrap()
    );
    let model = adapted(Architecture::Qwen3, settings());
    let scores = model.score(&packed, 1.0).unwrap();
    assert_ne!(scores, base.score(&packed, 1.0).unwrap());
    let merged = model.merged().unwrap();
    assert_eq!(merged.parameters().len(), base.parameters().len());
    let same = merged.score(&packed, 1.0).unwrap();
    assert_close("logp", &same.logp, &scores.logp, 1e-5);
}

#[test]
fn decoding_draws_from_the_adapted_model() {
    let alphabet: String = (b'!'..=b'C').map(char::from).collect();
    let tokenizer = Tokenizer::characters::<&str>(&alphabet, &[]).unwrap();
    let model = adapted(Architecture::Qwen2, settings());
    let prompt: Vec<u32> = (2..12).collect();
    let groups = [PromptGroup {
        tokens: &prompt,
        seeds: &[1, 2],
    }];
    let plan = DecodingPlan {
        max_new_tokens: 20,
        ..DecodingPlan::default()
    };
    let drawn = decode(&model, &tokenizer, &groups, &plan, 2, &mut NoHooks).unwrap();
    let composed =
        decode_by_composition(&model, &tokenizer, &groups, &plan, 2, &mut NoHooks).unwrap();
    for (attempt, composed) in drawn[0].iter().zip(&composed[0]) {
        assert_eq!(attempt.tokens, composed.tokens);
        let tokens = [prompt.as_slice(), &attempt.tokens].concat();
        let packed = Packed::from_sequences([(tokens.as_slice(), prompt.len())]);
        let scores = model.score(&packed, 1.0).unwrap();
        assert_close("logp", &attempt.logp, &scores.logp, 1e-4);
    }
}

#[test]
fn an_update_moves_the_adapters_alone() {
    let packed = batch(&LENGTHS, 37);
    let mut model = small_model(Architecture::Llama, false)
        .with_adapters(settings(), 1)
        .unwrap();
    let reference = model.snapshot().unwrap();
    let mut gradients = Gradients::zeros(&model).unwrap();
    let mut rule = AdamW::new(AdamWConfig::default(), &model).unwrap();
    let dlogp = vec![1.0; packed.predicted_count()];
    for step in 0..2 {
        gradients.zero().unwrap();
        let pass = model.forward(&packed, 1.0).unwrap();
        pass.backward(&dlogp, None, &mut gradients).unwrap();
        // The second factor starts at zero, so the first has no derivative before it has moved.
        let coverage = gradients.coverage(&model).unwrap();
        assert_eq!(coverage.uncovered, Vec::new());
        assert_eq!(coverage.waiting, if step == 0 { 2 * 7 } else { 0 });
        rule.step(&mut model, &gradients, 1e-2).unwrap();
    }
    for ((name, before), (_, after)) in reference.parameters().zip(model.parameters()) {
        let moved = flat(before) != flat(after);
        assert_eq!(moved, name.contains("lora_"), "{name}");
    }
    // The moments of a saved rule fit the adapters and nothing else.
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("rule.safetensors");
    rule.save(&path, &model).unwrap();
    AdamW::load(&path, AdamWConfig::default(), &model).unwrap();
    assert!(AdamW::load(&path, AdamWConfig::default(), &model.merged().unwrap()).is_err());
}

#[test]
fn dropout_depends_on_the_seed_and_the_tokens_and_not_on_the_batch() {
    let lora = LoraConfig {
        dropout: 0.3,
        ..settings()
    };
    let model = adapted(Architecture::Llama, lora);
    let options = |seed| PassOptions {
        dropout_seed: seed,
        ..PassOptions::from(1.0)
    };
    let packed = batch(&LENGTHS, 37);
    let whole = |seed| {
        model
            .forward(&packed, options(seed))
            .unwrap()
            .scores()
            .clone()
    };
    assert_eq!(
        whole(None),
        model.score(&packed, 1.0).unwrap(),
        "scoring drops nothing"
    );
    assert_ne!(whole(Some(1)), whole(None));
    assert_ne!(whole(Some(1)), whole(Some(2)));
    let together = whole(Some(1));
    for (index, range) in packed.predicted_ranges().into_iter().enumerate() {
        let alone =
            Packed::from_sequences([(packed.sequence(index), packed.prompt_lengths[index])]);
        let alone = model.forward(&alone, options(Some(1))).unwrap();
        assert_eq!(alone.scores().logp, together.logp[range]);
    }
}

/// The derivative of a pass with dropout, against differences of the same pass.
#[test]
fn gradients_with_dropout_agree_with_finite_differences() {
    let lora = LoraConfig {
        dropout: 0.3,
        rank: 2,
        ..settings()
    };
    let mut model = adapted(Architecture::Qwen3, lora);
    let packed = batch(&[(9, 3), (12, 3)], 37);
    let dlogp = numbers(packed.predicted_count(), 9);
    let options = PassOptions {
        dropout_seed: Some(5),
        ..PassOptions::from(1.0)
    };
    let loss = |model: &Model| -> f64 {
        let pass = model.forward(&packed, options).unwrap();
        let terms = pass.scores().logp.iter().zip(&dlogp);
        terms
            .map(|(logp, d)| f64::from(*logp) * f64::from(*d))
            .sum()
    };
    let mut gradients = Gradients::zeros(&model).unwrap();
    let pass = model.forward(&packed, options).unwrap();
    pass.backward(&dlogp, None, &mut gradients).unwrap();
    // Along the gradient the loss grows by the gradient's square.
    let mut rule = AdamW::new(
        AdamWConfig {
            betas: (0.0, 0.0),
            eps: 1e6,
            max_grad_norm: None,
            weight_decay: 0.0,
        },
        &model,
    )
    .unwrap();
    let norm = gradients.global_norm().unwrap();
    let before = loss(&model);
    // With such an eps the step is lr / eps times the gradient.
    let step = 1e-3 / norm;
    rule.step(&mut model, &gradients, step * 1e6).unwrap();
    let change = before - loss(&model);
    let expected = step * norm * norm;
    assert!(
        (change - expected).abs() < 0.02 * expected,
        "{change} {expected}"
    );
}

#[test]
fn files_go_back_and_forth_and_wrong_ones_are_refused() {
    let model = adapted(Architecture::Qwen2, settings());
    let directory = tempfile::tempdir().unwrap();
    let base = AdapterBase {
        name: "owner/name".to_owned(),
        revision: Some("v1".to_owned()),
    };
    model.save_adapters(directory.path(), &base).unwrap();
    let file = AdapterFile::read(directory.path()).unwrap();
    assert_eq!((&file.lora, &file.base), (&settings(), &base));
    let again = small_model(Architecture::Qwen2, true)
        .with_adapters_from(directory.path())
        .unwrap();
    for ((name, saved), (_, loaded)) in model.parameters().zip(again.parameters()) {
        assert_eq!(flat(saved), flat(loaded), "{name}");
    }
    assert!(
        model.with_adapters(settings(), 1).is_err(),
        "adapters upon adapters"
    );

    let path = directory.path().join("adapter_config.json");
    let good: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    let cases = [
        ("peft_type", json!("IA3"), "IA3"),
        ("use_dora", json!(true), "use_dora"),
        ("rank_pattern", json!({ "q_proj": 3 }), "rank_pattern"),
        ("something_new", json!("on"), "something_new"),
        ("bias", json!("all"), "bias"),
        ("target_modules", json!(["lm_head"]), "lm_head"),
        ("target_modules", json!(".*_proj"), "pattern"),
        ("r", json!(0), "rank is 0"),
        ("r", json!(5), "expected shape [5, 24], found [4, 24]"),
        ("lora_alpha", json!(-1.0), "alpha is -1"),
        ("lora_dropout", json!(1.0), "dropout is 1"),
        ("target_modules", json!(["q_proj"]), "has no such parameter"),
    ];
    for (key, value, words) in cases {
        let mut bad = good.clone();
        bad[key] = value;
        std::fs::write(&path, bad.to_string()).unwrap();
        let base = small_model(Architecture::Qwen2, true);
        let error = base
            .with_adapters_from(directory.path())
            .unwrap_err()
            .to_string();
        assert!(error.contains(words), "{key}: {error}");
    }
    std::fs::remove_file(&path).unwrap();
    let error = AdapterFile::read(Path::new(directory.path())).unwrap_err();
    assert!(error.to_string().contains("adapter_config.json"));
}
