//! What must not change a result: the number of threads, the other rows of a batch, and how a step is cut into
//! micro-batches. And what must be noticed: a parameter that the loss does not reach.

#![allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.

mod support;

use candle_core::Device;
use farthing_engine::{
    Architecture, Coverage, EngineError, Gradients, Model, Packed, PassOptions, UncoveredReason,
};

use support::{assert_close, batch, gradients_of, numbers, small_config, small_model};

const LENGTHS: [(usize, usize); 6] = [(9, 3), (60, 1), (1, 1), (130, 20), (6, 6), (33, 32)];

fn with_threads<R: Send>(count: usize, f: impl FnOnce() -> R + Send) -> R {
    rayon::ThreadPoolBuilder::new()
        .num_threads(count)
        .build()
        .unwrap()
        .install(f)
}

#[test]
fn scores_and_gradients_are_the_same_bits_for_any_number_of_threads() {
    for (architecture, tied) in [
        (Architecture::Llama, false),
        (Architecture::Qwen2, true),
        (Architecture::Qwen3, true),
    ] {
        let packed = batch(&LENGTHS, 37);
        let (dlogp, dentropy) = (
            numbers(packed.predicted_count(), 1),
            numbers(packed.predicted_count(), 2),
        );
        let run = |threads| {
            with_threads(threads, || {
                let model = small_model(architecture, tied);
                let scores = model.score(&packed, 0.9).unwrap();
                (
                    scores,
                    gradients_of(&model, &packed, 0.9, &dlogp, Some(&dentropy)),
                )
            })
        };
        let expected = run(1);
        for threads in [2, 3] {
            assert!(
                run(threads) == expected,
                "{threads} threads give other bits than one"
            );
        }
    }
}

#[test]
fn a_sequence_scores_the_same_bits_alone_and_among_others() {
    let packed = batch(&LENGTHS, 37);
    let model = small_model(Architecture::Qwen2, false);
    let together = model.score(&packed, 1.0).unwrap();
    for (index, range) in packed.predicted_ranges().into_iter().enumerate() {
        let alone =
            Packed::from_sequences([(packed.sequence(index), packed.prompt_lengths[index])]);
        let alone = model.score(&alone, 1.0).unwrap();
        assert_eq!(alone.logp, together.logp[range.clone()]);
        assert_eq!(alone.entropy, together.entropy[range]);
    }
}

#[test]
fn micro_batches_add_up_to_the_whole() {
    let packed = batch(&LENGTHS, 37);
    let model = small_model(Architecture::Qwen2, true);
    let dlogp = numbers(packed.predicted_count(), 3);
    let whole = gradients_of(&model, &packed, 1.0, &dlogp, None);
    let ranges = packed.predicted_ranges();
    for size in [1, 2, 4] {
        let mut gradients = Gradients::zeros(&model).unwrap();
        for start in (0..packed.sequence_count()).step_by(size) {
            let sequences = start..(start + size).min(packed.sequence_count());
            let part = sequences
                .clone()
                .map(|index| (packed.sequence(index), packed.prompt_lengths[index]));
            let part = Packed::from_sequences(part);
            let dlogp = &dlogp[ranges[sequences.start].start..ranges[sequences.end - 1].end];
            model
                .forward(&part, 1.0)
                .unwrap()
                .backward(dlogp, None, &mut gradients)
                .unwrap();
        }
        for (name, tensor) in gradients.iter() {
            assert_close(name, &support::flat(tensor), &whole[name], 2e-5);
        }
    }
}

/// Attempts at one problem, as a step has them: the prompt is computed once for a run of sequences that share it.
fn attempts() -> Packed {
    let source = batch(&[(300, 1)], 37);
    let (prompts, completions) = source.tokens.split_at(60);
    let group = |prompt: std::ops::Range<usize>, lengths: &[usize]| -> Vec<(Vec<u32>, usize)> {
        let mut start = 0;
        lengths
            .iter()
            .map(|&length| {
                let own = &completions[start..start + length];
                start += length;
                ([&prompts[prompt.clone()], own].concat(), prompt.len())
            })
            .collect()
    };
    let mut sequences = group(0..23, &[30, 1, 0, 70, 2]);
    sequences.extend(group(23..24, &[5, 9]));
    sequences.extend(group(24..60, &[11]));
    sequences.extend(group(3..9, &[0, 0]));
    Packed::from_sequences(
        sequences
            .iter()
            .map(|(tokens, prompt)| (tokens.as_slice(), *prompt)),
    )
}

#[test]
fn a_shared_prompt_changes_no_bit_of_a_score_and_no_gradient() {
    for architecture in Architecture::ALL {
        let model = small_model(architecture, true);
        let packed = attempts();
        let together = model.score(&packed, 0.8).unwrap();
        let (dlogp, dentropy) = (
            numbers(packed.predicted_count(), 6),
            numbers(packed.predicted_count(), 7),
        );
        let shared = gradients_of(&model, &packed, 0.8, &dlogp, Some(&dentropy));
        let mut apart = Gradients::zeros(&model).unwrap();
        for (index, range) in packed.predicted_ranges().into_iter().enumerate() {
            let alone =
                Packed::from_sequences([(packed.sequence(index), packed.prompt_lengths[index])]);
            let pass = model.forward(&alone, 0.8).unwrap();
            assert_eq!(pass.scores().logp, together.logp[range.clone()]);
            assert_eq!(pass.scores().entropy, together.entropy[range.clone()]);
            let dentropy = Some(&dentropy[range.clone()]);
            pass.backward(&dlogp[range], dentropy, &mut apart).unwrap();
        }
        for (name, tensor) in apart.iter() {
            assert_close(name, &shared[name], &support::flat(tensor), 5e-5);
        }
    }
}

#[test]
fn layers_that_run_again_give_the_same_bits() {
    let model = small_model(Architecture::Qwen3, false);
    let packed = attempts();
    let dlogp = numbers(packed.predicted_count(), 8);
    let run = |recomputed_layers| {
        let options = PassOptions {
            recomputed_layers,
            ..PassOptions::from(1.0)
        };
        let mut gradients = Gradients::zeros(&model).unwrap();
        let pass = model.forward(&packed, options).unwrap();
        let scores = pass.scores().clone();
        pass.backward(&dlogp, None, &mut gradients).unwrap();
        let gradients: Vec<Vec<f32>> = gradients
            .iter()
            .map(|(_, tensor)| support::flat(tensor))
            .collect();
        (scores, gradients)
    };
    let kept = run(0);
    for recomputed_layers in [1, 2, 100] {
        assert!(run(recomputed_layers) == kept, "{recomputed_layers}");
    }
}

#[test]
fn a_pass_repeated_gives_the_same_bits_although_its_memory_is_used_again() {
    let model = small_model(Architecture::Llama, true);
    let (small, large) = (
        batch(&[(5, 1)], 37),
        batch(&[(200, 1), (190, 3), (240, 9)], 37),
    );
    let dlogp = numbers(large.predicted_count(), 4);
    let first = gradients_of(&model, &large, 1.0, &dlogp, None);
    for _ in 0..2 {
        gradients_of(&model, &small, 1.0, &[f32::NAN; 4], None);
        assert!(gradients_of(&model, &large, 1.0, &dlogp, None) == first);
    }
}

#[test]
fn every_parameter_of_both_families_is_covered() {
    for (architecture, tied) in [
        (Architecture::Llama, false),
        (Architecture::Qwen2, true),
        (Architecture::Qwen3, true),
    ] {
        let model = small_model(architecture, tied);
        let packed = batch(&LENGTHS, 37);
        let mut gradients = Gradients::zeros(&model).unwrap();
        assert_eq!(
            gradients.coverage(&model).unwrap().uncovered.len(),
            model.parameters().len(),
            "before a pass nothing is covered"
        );
        let dlogp = numbers(packed.predicted_count(), 5);
        model
            .forward(&packed, 1.0)
            .unwrap()
            .backward(&dlogp, None, &mut gradients)
            .unwrap();
        assert_eq!(gradients.coverage(&model).unwrap(), Coverage::default());
        assert!(gradients.global_norm().unwrap().is_finite());
    }
}

#[test]
fn coverage_names_a_parameter_that_is_cut_off() {
    // Projections of zero after the attention and the feed-forward cut off everything before them.
    let mut config = small_config(Architecture::Llama, false);
    config.num_hidden_layers = 1;
    let model = Model::init(config, 7, &Device::Cpu).unwrap();
    for (name, tensor) in model.parameters() {
        if name.ends_with("o_proj.weight") {
            tensor
                .slice_set(&tensor.zeros_like().unwrap(), 0, 0)
                .unwrap();
        }
    }
    let packed = batch(&[(12, 1)], 37);
    let mut gradients = Gradients::zeros(&model).unwrap();
    model
        .forward(&packed, 1.0)
        .unwrap()
        .backward(&numbers(11, 6), None, &mut gradients)
        .unwrap();
    let uncovered = gradients.coverage(&model).unwrap().uncovered;
    let names: Vec<&str> = uncovered.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "model.layers.0.input_layernorm.weight",
            "model.layers.0.self_attn.q_proj.weight",
            "model.layers.0.self_attn.k_proj.weight",
            "model.layers.0.self_attn.v_proj.weight",
        ]
    );
    assert!(
        uncovered
            .iter()
            .all(|one| one.reason == UncoveredReason::Zero)
    );
}

#[test]
fn coverage_tells_non_finite_from_zero() {
    let model = small_model(Architecture::Llama, true);
    let packed = batch(&[(12, 1)], 37);
    let mut gradients = Gradients::zeros(&model).unwrap();
    let mut dlogp = numbers(11, 6);
    dlogp[3] = f32::NAN;
    model
        .forward(&packed, 1.0)
        .unwrap()
        .backward(&dlogp, None, &mut gradients)
        .unwrap();
    let uncovered = gradients.coverage(&model).unwrap().uncovered;
    assert_eq!(uncovered.len(), model.parameters().len());
    assert!(
        uncovered
            .iter()
            .all(|one| one.reason == UncoveredReason::NonFinite)
    );
    assert!(!gradients.global_norm().unwrap().is_finite());
}

#[test]
fn a_batch_that_predicts_nothing_gives_nothing() {
    let model = small_model(Architecture::Llama, false);
    for packed in [batch(&[(4, 4), (1, 1)], 37), batch(&[], 37)] {
        let mut gradients = Gradients::zeros(&model).unwrap();
        let pass = model.forward(&packed, 1.0).unwrap();
        assert!(pass.scores().logp.is_empty());
        pass.backward(&[], Some(&[]), &mut gradients).unwrap();
        assert_eq!(gradients.global_norm().unwrap(), 0.0);
    }
}

#[test]
fn what_cannot_be_computed_is_refused_with_the_reason() {
    let model = small_model(Architecture::Llama, false);
    let good = batch(&[(5, 1)], 37);
    let refused = |packed: &Packed, temperature: f64| {
        model.score(packed, temperature).unwrap_err().to_string()
    };
    assert!(refused(&good, 0.0).contains("temperature"));
    assert!(refused(&good, f64::NAN).contains("temperature"));
    assert!(refused(&batch(&[(5, 0)], 37), 1.0).contains("prompt of 0"));
    assert!(refused(&batch(&[(5, 6)], 37), 1.0).contains("prompt of 6"));
    assert!(refused(&batch(&[(257, 1)], 37), 1.0).contains("256 positions"));
    assert!(
        refused(
            &Packed {
                tokens: vec![37],
                ..batch(&[(1, 1)], 37)
            },
            1.0
        )
        .contains("vocabulary of 37")
    );
    assert!(
        refused(
            &Packed {
                offsets: vec![0, 4],
                ..good.clone()
            },
            1.0
        )
        .contains("5 tokens")
    );
    assert!(
        refused(
            &Packed {
                offsets: vec![0, 9, 5],
                prompt_lengths: vec![1, 1],
                ..good.clone()
            },
            1.0
        )
        .contains("before")
    );
    let mut gradients = Gradients::zeros(&model).unwrap();
    let error = model
        .forward(&good, 1.0)
        .unwrap()
        .backward(&[1.0; 3], None, &mut gradients)
        .unwrap_err();
    assert!(matches!(error, EngineError::Argument(_)));
    let error = model
        .forward(&good, 1.0)
        .unwrap()
        .backward(&[1.0; 4], Some(&[1.0]), &mut gradients)
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("dentropy has 1 values, but the batch predicts 4"),
        "{error}"
    );
}
