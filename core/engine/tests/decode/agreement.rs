//! The decoder against transformers, against the training pass, and its two paths against each other.

use candle_core::Device;
use farthing_engine::{
    Architecture, DecodingPlan, Finish, Model, ModelConfig, NoHooks, Packed, PromptGroup,
    RopeScaling, decode, decode_by_composition,
};
use serde::Deserialize;

use crate::{draw_plain, fixture_model, fixtures, odd_config, odd_model, prompt, tokenizer};

#[derive(Deserialize)]
struct Fixture {
    greedy: Vec<GreedyCase>,
}

#[derive(Deserialize)]
struct GreedyCase {
    model: String,
    prompt: Vec<u32>,
    repetition_penalty: f32,
    completion: Vec<u32>,
}

#[test]
fn greedy_completions_equal_transformers() {
    let fixture = std::fs::read_to_string(fixtures().join("decoding.json")).unwrap();
    let fixture: Fixture = serde_json::from_str(&fixture).unwrap();
    for case in fixture.greedy {
        let plan = DecodingPlan {
            temperature: 0.0,
            repetition_penalty: case.repetition_penalty,
            max_new_tokens: case.completion.len(),
            ..DecodingPlan::default()
        };
        let attempt = draw_plain(&fixture_model(&case.model), &case.prompt, 0, &plan);
        assert_eq!(
            attempt.tokens, case.completion,
            "{} {:?}",
            case.model, case.prompt
        );
        assert_eq!(attempt.finish, Finish::Length);
    }
}

/// A model whose frequencies and cosines are scaled.
fn scaled_model() -> Model {
    let config = ModelConfig {
        rope_scaling: RopeScaling::Yarn {
            factor: 4.0,
            beta_fast: 8.0,
            beta_slow: 1.0,
            original_max_position_embeddings: 64,
            attention_factor: 1.2,
            truncate: true,
        },
        ..odd_config(Architecture::Llama)
    };
    Model::init(config, 5, &Device::Cpu).unwrap()
}

/// What the optimizer will compare: the sampler's log-probability and the training pass's.
#[test]
fn logp_equals_the_training_pass() {
    for (model, longest) in [
        (odd_model(Architecture::Llama), 90),
        (odd_model(Architecture::Qwen2), 90),
        (odd_model(Architecture::Qwen3), 90),
        (fixture_model("llama"), 30),
        (fixture_model("llama_biased"), 30),
        (fixture_model("mistral"), 30),
        (fixture_model("qwen2"), 30),
        (fixture_model("qwen3"), 30),
        (scaled_model(), 90),
    ] {
        for temperature in [1.0, 0.7, 0.0] {
            // What cuts the distribution for the draw does not touch the log-probability.
            for (top_p, repetition_penalty) in [(1.0, 1.0), (0.8, 1.3)] {
                let plan = DecodingPlan {
                    temperature,
                    top_p,
                    repetition_penalty,
                    max_new_tokens: longest,
                    ..DecodingPlan::default()
                };
                let prompts = [prompt(1, 3), prompt(longest / 3, 4)];
                let groups = prompts.each_ref().map(|tokens| PromptGroup {
                    tokens,
                    seeds: &[1, 2, 3],
                });
                let drawn = decode(&model, &tokenizer(), &groups, &plan, 4, &mut NoHooks).unwrap();
                let sequences: Vec<(Vec<u32>, usize)> = groups
                    .iter()
                    .zip(&drawn)
                    .flat_map(|(group, attempts)| {
                        attempts.iter().map(|attempt| (group.tokens, attempt))
                    })
                    .map(|(prompt, attempt)| ([prompt, &attempt.tokens].concat(), prompt.len()))
                    .collect();
                let packed = Packed::from_sequences(
                    sequences
                        .iter()
                        .map(|(tokens, prompt)| (tokens.as_slice(), *prompt)),
                );
                let scored_at = if temperature == 0.0 {
                    1.0
                } else {
                    f64::from(temperature)
                };
                let scores = model.score(&packed, scored_at).unwrap();
                let drawn: Vec<f32> = drawn
                    .iter()
                    .flatten()
                    .flat_map(|attempt| attempt.logp.clone())
                    .collect();
                assert_eq!(drawn.len(), scores.logp.len());
                for (at, (drawn, scored)) in drawn.iter().zip(&scores.logp).enumerate() {
                    assert!(
                        (drawn - scored).abs() < 1e-4 * scored.abs().max(1.0),
                        "{at}: {drawn} {scored}"
                    );
                }
            }
        }
    }
}

/// The path of other devices, run on this one.
#[test]
fn the_composition_gives_the_same_attempts() {
    for architecture in Architecture::ALL {
        let model = odd_model(architecture);
        let prompts = [prompt(1, 1), prompt(70, 2), prompt(5, 3)];
        let groups = prompts.each_ref().map(|tokens| PromptGroup {
            tokens,
            seeds: &[7, 8, 9],
        });
        for temperature in [0.0, 1.0] {
            // Attempts end at different lengths, so rows change their slots.
            let plan = DecodingPlan {
                temperature,
                eos: vec![4, 9],
                max_new_tokens: 40,
                ..DecodingPlan::default()
            };
            let fast = decode(&model, &tokenizer(), &groups, &plan, 4, &mut NoHooks).unwrap();
            let composed =
                decode_by_composition(&model, &tokenizer(), &groups, &plan, 4, &mut NoHooks)
                    .unwrap();
            for (fast, composed) in fast.iter().flatten().zip(composed.iter().flatten()) {
                assert_eq!(fast.tokens, composed.tokens);
                assert_eq!(fast.finish, composed.finish);
                for (a, b) in fast.logp.iter().zip(&composed.logp) {
                    assert!((a - b).abs() < 1e-4, "{a} {b}");
                }
            }
            let lengths: std::collections::HashSet<usize> = fast
                .iter()
                .flatten()
                .map(|attempt| attempt.tokens.len())
                .collect();
            assert!(temperature == 0.0 || lengths.len() > 3, "{lengths:?}");
        }
    }
}
