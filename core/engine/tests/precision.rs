//! Models that compute in another type than f32: what GPUs do. The CPU has no kernels for them, so these passes go the
//! way of every device; f64 tells how well the kernels and that way agree, f16 stands for bf16, which Candle cannot
//! multiply on the CPU.

#![allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.

mod support;

use candle_core::DType;
use farthing_engine::{
    AdamW, AdamWConfig, Architecture, DecodingPlan, Device, Gradients, LoraConfig, LoraTarget,
    Model, NoHooks, Packed, PassOptions, PromptGroup, Tokenizer, decode,
};
use support::{assert_close, batch, flat, gradients_of, numbers, small_config, small_model};

/// Two groups that share their prompts, and sequences alone; lengths that fill no block.
fn packed() -> Packed {
    let alone = batch(&[(9, 3), (60, 1), (130, 20), (33, 32)], 37);
    let mut sequences: Vec<(Vec<u32>, usize)> = (0..alone.sequence_count())
        .map(|index| (alone.sequence(index).to_vec(), alone.prompt_lengths[index]))
        .collect();
    for (prompt, lengths) in [(7, [8, 20, 31]), (50, [51, 52, 90])] {
        for (seed, length) in lengths.into_iter().enumerate() {
            let mut tokens = batch(&[(prompt, 1)], 37).tokens;
            let more = numbers(length - prompt, seed as u64 + 5);
            tokens.extend(more.iter().map(|number| ((number + 1.0) * 18.0) as u32));
            sequences.push((tokens, prompt));
        }
    }
    Packed::from_sequences(
        sequences
            .iter()
            .map(|(tokens, prompt)| (tokens.as_slice(), *prompt)),
    )
}

fn lora() -> LoraConfig {
    LoraConfig {
        rank: 3,
        alpha: 6.0,
        targets: vec![LoraTarget::Query, LoraTarget::Down],
        dropout: 0.0,
        rank_stabilized: false,
    }
}

fn models(architecture: Architecture) -> [Model; 2] {
    let plain = || small_model(architecture, architecture != Architecture::Llama);
    let mut adapted = plain().with_adapters(lora(), 3).unwrap();
    // Adapters begin at zero, where their first factor has no gradient.
    let packed = packed();
    for step in 0..2 {
        step_of(&mut adapted, &packed, 1e-2, step);
    }
    [plain(), adapted]
}

fn step_of(model: &mut Model, packed: &Packed, lr: f64, seed: u64) -> Gradients {
    let mut gradients = Gradients::zeros(model).unwrap();
    let dlogp = numbers(packed.predicted_count(), seed);
    let pass = model.forward(packed, 1.0).unwrap();
    pass.backward(&dlogp, None, &mut gradients).unwrap();
    let mut rule = AdamW::new(AdamWConfig::default(), model).unwrap();
    rule.step(model, &gradients, lr).unwrap();
    gradients
}

/// The largest difference of each gradient, relative to its largest value.
fn compare_passes(architecture: Architecture, dtype: DType, tolerance: f32) {
    let packed = packed();
    let count = packed.predicted_count();
    let (dlogp, dentropy) = (numbers(count, 1), numbers(count, 2));
    for model in models(architecture) {
        let other = model.snapshot().unwrap().computing_in(dtype).unwrap();
        assert_eq!(other.dtype(), dtype);
        let scores = [&model, &other].map(|model| model.score(&packed, 0.9).unwrap());
        assert_close("logp", &scores[1].logp, &scores[0].logp, tolerance);
        assert_close("entropy", &scores[1].entropy, &scores[0].entropy, tolerance);
        let [expected, found] = [&model, &other]
            .map(|model| gradients_of(model, &packed, 0.9, &dlogp, Some(&dentropy)));
        assert_eq!(found.len(), expected.len());
        for (name, expected) in &expected {
            let largest = expected.iter().fold(0.0_f32, |max, x| max.max(x.abs()));
            let scaled = |values: &[f32]| -> Vec<f32> {
                values.iter().map(|value| value / largest).collect()
            };
            assert!(largest > 0.0, "{name} has no gradient");
            assert_close(name, &scaled(&found[name]), &scaled(expected), tolerance);
        }
    }
}

#[test]
fn passes_of_devices_equal_those_of_the_kernels() {
    for architecture in Architecture::ALL {
        compare_passes(architecture, DType::F64, 2e-5);
    }
}

#[test]
fn half_precision_is_as_near_as_its_rounding_allows() {
    for architecture in Architecture::ALL {
        compare_passes(architecture, DType::F16, 2e-2);
    }
}

#[test]
fn layers_that_run_again_give_the_same_gradients_on_devices() {
    let model = small_model(Architecture::Qwen3, true)
        .computing_in(DType::F64)
        .unwrap();
    let packed = packed();
    let dlogp = numbers(packed.predicted_count(), 1);
    let [kept, again] = [0, 2].map(|recomputed_layers| {
        let options = PassOptions {
            recomputed_layers,
            ..PassOptions::from(1.0)
        };
        let mut gradients = Gradients::zeros(&model).unwrap();
        let pass = model.forward(&packed, options).unwrap();
        pass.backward(&dlogp, None, &mut gradients).unwrap();
        gradients
    });
    for ((name, kept), (_, again)) in kept.iter().zip(again.iter()) {
        assert_eq!(flat(kept), flat(again), "{name}");
    }
}

/// Updates far below half of a step of f16 are lost one by one, and not when f32 collects them.
#[test]
fn small_updates_add_up_in_the_master_weights() {
    let packed = packed();
    let mut model = small_model(Architecture::Qwen2, false)
        .computing_in(DType::F16)
        .unwrap();
    let before: Vec<Vec<f32>> = model.parameters().map(|(_, tensor)| flat(tensor)).collect();
    let rounded_before = flat(&model.embed_tokens().to_dtype(DType::F32).unwrap());
    let mut rule = AdamW::new(AdamWConfig::default(), &model).unwrap();
    let mut gradients = Gradients::zeros(&model).unwrap();
    let dlogp = vec![-1.0; packed.predicted_count()];
    const STEPS: usize = 40;
    const LR: f64 = 1e-6;
    for _ in 0..STEPS {
        gradients.zero().unwrap();
        let pass = model.forward(&packed, 1.0).unwrap();
        pass.backward(&dlogp, None, &mut gradients).unwrap();
        rule.step(&mut model, &gradients, LR).unwrap();
    }
    // AdamW's first steps have the size of the learning rate, all in one direction here.
    let expected = STEPS as f32 * LR as f32;
    let embedding = flat(model.parameters().next().unwrap().1);
    let moved: Vec<f32> = embedding
        .iter()
        .zip(&before[0])
        .map(|(after, before)| (after - before).abs())
        .filter(|moved| *moved > 0.0)
        .collect();
    let mean = moved.iter().sum::<f32>() / moved.len() as f32;
    assert!(
        mean > 0.8 * expected && mean < 1.1 * expected,
        "{mean} {expected}"
    );
    // A value of 0.2 has a step of 1.2e-4 in f16: the sum of the updates is below a third of it.
    let rounded = flat(&model.embed_tokens().to_dtype(DType::F32).unwrap());
    let crossed = rounded
        .iter()
        .zip(&rounded_before)
        .filter(|(after, before)| after != before)
        .count();
    assert!(crossed > 0 && crossed < rounded.len(), "{crossed}");
    for (rounded, master) in rounded.iter().zip(&embedding) {
        assert_eq!(*rounded, half::f16::from_f32(*master).to_f32());
    }
}

#[test]
fn what_is_saved_are_the_master_weights() {
    let packed = packed();
    let mut model = small_model(Architecture::Llama, false)
        .computing_in(DType::F16)
        .unwrap();
    step_of(&mut model, &packed, 1e-6, 1);
    let directory = tempfile::tempdir().unwrap();
    model.save(directory.path()).unwrap();
    let loaded = Model::load(directory.path(), &Device::Cpu).unwrap();
    let mut between = 0;
    for ((name, saved), (_, loaded)) in model.parameters().zip(loaded.parameters()) {
        assert_eq!(flat(saved), flat(loaded), "{name}");
        let rounds = |value: &&f32| half::f16::from_f32(**value).to_f32() != **value;
        between += flat(saved).iter().filter(rounds).count();
    }
    assert!(between > 0, "every value is one of f16");
    // The run goes on as if it had not been interrupted.
    let again = loaded.computing_in(DType::F16).unwrap();
    let [one, other] = [&model, &again].map(|model| model.score(&packed, 1.0).unwrap());
    assert_eq!(one, other);
}

#[test]
fn a_reference_stays_where_it_was_taken() {
    let packed = packed();
    let mut model = small_model(Architecture::Qwen2, true)
        .computing_in(DType::F16)
        .unwrap();
    let reference = model.snapshot().unwrap();
    let before = reference.score(&packed, 1.0).unwrap();
    assert_eq!(before, model.score(&packed, 1.0).unwrap());
    step_of(&mut model, &packed, 1e-2, 4);
    assert_eq!(before, reference.score(&packed, 1.0).unwrap());
    assert_ne!(before, model.score(&packed, 1.0).unwrap());
}

#[test]
fn decoding_in_half_precision_agrees_with_training() {
    let letters = "abcdefghijklmnopqrstuvwxyz 0123456";
    let tokenizer = Tokenizer::characters::<&str>(letters, &[]).unwrap();
    for (dtype, tolerance) in [(DType::F64, 1e-4), (DType::F16, 3e-2)] {
        for architecture in Architecture::ALL {
            let model = Model::init(small_config(architecture, true), 7, &Device::Cpu)
                .and_then(|model| model.with_adapters(lora(), 1))
                .and_then(|model| model.computing_in(dtype))
                .unwrap();
            let prompts = [vec![3_u32, 4, 5], vec![9; 20]];
            let groups = prompts.each_ref().map(|tokens| PromptGroup {
                tokens,
                seeds: &[1, 2, 3],
            });
            let plan = DecodingPlan {
                max_new_tokens: 12,
                eos: vec![2],
                top_k: 0,
                ..DecodingPlan::default()
            };
            let drawn = decode(&model, &tokenizer, &groups, &plan, 4, &mut NoHooks).unwrap();
            let sequences: Vec<(Vec<u32>, usize)> = prompts
                .iter()
                .zip(&drawn)
                .flat_map(|(prompt, attempts)| {
                    attempts.iter().map(move |attempt| {
                        ([prompt.as_slice(), &attempt.tokens].concat(), prompt.len())
                    })
                })
                .collect();
            let packed = Packed::from_sequences(
                sequences
                    .iter()
                    .map(|(tokens, prompt)| (tokens.as_slice(), *prompt)),
            );
            let scored = model.score(&packed, 1.0).unwrap();
            let drawn: Vec<f32> = drawn
                .iter()
                .flatten()
                .flat_map(|attempt| attempt.logp.clone())
                .collect();
            assert_close("logp", &drawn, &scored.logp, tolerance);
        }
    }
}
