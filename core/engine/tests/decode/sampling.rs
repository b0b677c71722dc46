//! From logits to tokens: the distribution, and draws from it.

use farthing_engine::DecodingPlan;
use farthing_engine::rng::uniform;
use farthing_engine::sampling::Sampler;
use proptest::prelude::*;
use serde::Deserialize;

use crate::fixtures;

#[derive(Deserialize)]
struct Fixture {
    sampling: SamplingFixture,
}

#[derive(Deserialize)]
struct SamplingFixture {
    logits: Vec<f32>,
    history: Vec<u32>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    plan: serde_json::Map<String, serde_json::Value>,
    probabilities: Vec<f64>,
}

fn plan_of(fields: &serde_json::Map<String, serde_json::Value>) -> DecodingPlan {
    let number = |name: &str, default: f32| {
        fields
            .get(name)
            .map_or(default, |n| n.as_f64().unwrap() as f32)
    };
    DecodingPlan {
        temperature: number("temperature", 1.0),
        top_p: number("top_p", 1.0),
        top_k: number("top_k", 0.0) as usize,
        min_p: number("min_p", 0.0),
        repetition_penalty: number("repetition_penalty", 1.0),
        ..DecodingPlan::default()
    }
}

#[test]
fn distributions_equal_those_of_transformers() {
    let fixture = std::fs::read_to_string(fixtures().join("decoding.json")).unwrap();
    let fixture = serde_json::from_str::<Fixture>(&fixture).unwrap().sampling;
    for case in fixture.cases {
        let plan = plan_of(&case.plan);
        let found = Sampler::default()
            .probabilities(&plan, &fixture.logits, &fixture.history)
            .unwrap();
        for (token, (found, expected)) in found.iter().zip(&case.probabilities).enumerate() {
            assert_eq!(
                *found == 0.0,
                *expected == 0.0,
                "{:?}, token {token}: {found} {expected}",
                case.plan
            );
            assert!(
                (found - expected).abs() < 1e-6,
                "{:?}, token {token}: {found} {expected}",
                case.plan
            );
        }
    }
}

/// Pearson's chi-square of 20,000 draws with fixed seeds; tokens expected fewer than 5 times are taken together.
#[test]
fn draws_follow_the_distribution() {
    let logits: Vec<f32> = (0..300)
        .map(|token| ((token * 37 % 101) as f32 / 20.0) - 2.0)
        .collect();
    for (seed, plan) in [
        DecodingPlan::default(),
        DecodingPlan {
            temperature: 0.5,
            ..DecodingPlan::default()
        },
        DecodingPlan {
            top_k: 20,
            ..DecodingPlan::default()
        },
        DecodingPlan {
            temperature: 1.3,
            top_p: 0.7,
            min_p: 0.1,
            repetition_penalty: 1.5,
            ..DecodingPlan::default()
        },
    ]
    .iter()
    .enumerate()
    {
        const DRAWS: u64 = 20_000;
        let mut sampler = Sampler::default();
        let history = [3, 50, 299];
        let probabilities = sampler.probabilities(plan, &logits, &history).unwrap();
        let mut counts = vec![0u32; logits.len()];
        for counter in 0..DRAWS {
            let number = uniform(seed as u64, counter);
            counts[sampler
                .draw(plan, &logits, None, &history, number)
                .unwrap()
                .token as usize] += 1;
        }
        let (mut chi_square, mut degrees) = (0.0, -1.0);
        let mut rare = (0.0, 0.0);
        for (&count, &probability) in counts.iter().zip(&probabilities) {
            let expected = probability * DRAWS as f64;
            if expected == 0.0 {
                assert_eq!(count, 0, "a token that was cut away was drawn");
            } else if expected < 5.0 {
                rare = (rare.0 + f64::from(count), rare.1 + expected);
            } else {
                chi_square += (f64::from(count) - expected).powi(2) / expected;
                degrees += 1.0;
            }
        }
        if rare.1 > 0.0 {
            chi_square += (rare.0 - rare.1).powi(2) / rare.1;
            degrees += 1.0;
        }
        // Wilson and Hilferty's approximation of the quantile at 1e-5 (z = 4.26).
        let limit = degrees
            * (1.0 - 2.0 / (9.0 * degrees) + 4.26 * f64::sqrt(2.0 / (9.0 * degrees))).powi(3);
        assert!(
            chi_square < limit,
            "{plan:?}: chi-square {chi_square} with {degrees} degrees of freedom"
        );
    }
}

/// The definition, in f64 and without shortcuts.
fn by_definition(plan: &DecodingPlan, logits: &[f32], history: &[u32]) -> Vec<f64> {
    let mut scores: Vec<f64> = logits.iter().map(|&logit| f64::from(logit)).collect();
    for token in 0..scores.len() {
        if history.contains(&(token as u32)) {
            let penalty = f64::from(plan.repetition_penalty);
            scores[token] = if scores[token] < 0.0 {
                scores[token] * penalty
            } else {
                scores[token] / penalty
            };
        }
    }
    for score in &mut scores {
        *score /= f64::from(plan.temperature);
    }
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
    let max = scores[order[0]];
    let mut weights: Vec<f64> = scores.iter().map(|score| (score - max).exp()).collect();
    if plan.top_k > 0 && plan.top_k < order.len() {
        let last = scores[order[plan.top_k - 1]];
        (0..scores.len())
            .filter(|&token| scores[token] < last)
            .for_each(|token| weights[token] = 0.0);
    }
    let sum: f64 = weights.iter().sum();
    let mut before = 0.0;
    for &token in &order {
        let probability = weights[token] / sum;
        if plan.top_p < 1.0 && before >= f64::from(plan.top_p) {
            weights[token] = 0.0;
        }
        before += probability;
    }
    for weight in &mut weights {
        if *weight < f64::from(plan.min_p) {
            *weight = 0.0;
        }
    }
    let sum: f64 = weights.iter().sum();
    weights.iter().map(|weight| weight / sum).collect()
}

fn plans() -> impl Strategy<Value = DecodingPlan> {
    let off = |off: f32, on: std::ops::Range<f32>| prop_oneof![Just(off), on];
    (
        off(1.0, 0.3..2.0),
        off(1.0, 0.05..1.0),
        0usize..50,
        off(0.0, 0.0..0.5),
        off(1.0, 0.5..2.0),
    )
        .prop_map(
            |(temperature, top_p, top_k, min_p, repetition_penalty)| DecodingPlan {
                temperature,
                top_p,
                top_k,
                min_p,
                repetition_penalty,
                ..DecodingPlan::default()
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn distributions_follow_their_definition(
        plan in plans(),
        logits in proptest::collection::vec(-8.0f32..8.0, 1..400),
        history in proptest::collection::vec(0u32..450, 0..20),
    ) {
        let found = Sampler::default().probabilities(&plan, &logits, &history).unwrap();
        let expected = by_definition(&plan, &logits, &history);
        // What f32 cannot hold counts as cut away. Rounding may move one token across a threshold.
        let is_kept = |probability: &f64| *probability > 1e-30;
        let moved = found.iter().zip(&expected).filter(|(found, expected)| is_kept(found) != is_kept(expected)).count();
        prop_assert!(moved <= 1, "{moved} tokens were cut differently");
        if moved == 0 {
            for (found, expected) in found.iter().zip(&expected) {
                prop_assert!((found - expected).abs() < 1e-5, "{found} {expected}");
            }
        }
        let kept = found.iter().filter(|&&probability| probability > 0.0).count();
        prop_assert!(kept >= 1);
        if plan.top_k > 0 {
            let mut logits = logits.clone();
            logits.sort_by(f32::total_cmp);
            logits.dedup();
            let ties = found.len() - logits.len();
            prop_assert!(kept <= plan.top_k + ties, "top_k {} kept {kept}", plan.top_k);
        }
        prop_assert!((found.iter().sum::<f64>() - 1.0).abs() < 1e-6);
    }

    #[test]
    fn a_token_that_was_cut_away_is_never_drawn(
        plan in plans(),
        logits in proptest::collection::vec(-8.0f32..8.0, 1..400),
        forbidden in proptest::collection::vec(any::<bool>(), 400),
        numbers in proptest::collection::vec(0.0f64..1.0, 1..20),
    ) {
        prop_assume!(!forbidden[..logits.len()].iter().all(|&forbidden| forbidden));
        let mut sampler = Sampler::default();
        let allowed = sampler.probabilities(&plan, &logits, &[]).unwrap();
        let edges = [0.0, 1.0 - f64::EPSILON / 2.0];
        for &number in numbers.iter().chain(&edges) {
            let free = sampler.draw(&plan, &logits, None, &[], number).unwrap();
            prop_assert!(allowed[free.token as usize] > 0.0);
            let mut forbid = |logits: &mut [f32]| {
                for (logit, &forbidden) in logits.iter_mut().zip(&forbidden) {
                    if forbidden {
                        *logit = f32::NEG_INFINITY;
                    }
                }
            };
            let bound = sampler.draw(&plan, &logits, Some(&mut forbid), &[], number).unwrap();
            prop_assert!(!forbidden[bound.token as usize]);
            prop_assert!(free.logp <= 1e-6 && bound.logp <= 1e-6);
        }
    }

    /// Temperature 0 is the first of the largest, as is the limit of small temperatures where there is one largest.
    #[test]
    fn temperature_zero_takes_the_likeliest(logits in proptest::collection::vec(-8.0f32..8.0, 1..400), number in 0.0f64..1.0) {
        let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let first = logits.iter().position(|&logit| logit == largest).unwrap();
        let plan = DecodingPlan { temperature: 0.0, ..DecodingPlan::default() };
        let greedy = Sampler::default().draw(&plan, &logits, None, &[], number).unwrap();
        prop_assert_eq!(greedy.token as usize, first);
        let sum: f64 = logits.iter().map(|&logit| f64::from(logit).exp()).sum();
        prop_assert!((f64::from(greedy.logp) - (f64::from(largest) - sum.ln())).abs() < 1e-5);
    }

    /// The inverse of the cumulative distribution: the tokens before the drawn one hold at most the number, with it more.
    #[test]
    fn one_number_decides_one_token(logits in proptest::collection::vec(-8.0f32..8.0, 1..700), number in 0.0f64..1.0) {
        let plan = DecodingPlan::default();
        let mut sampler = Sampler::default();
        let probabilities = sampler.probabilities(&plan, &logits, &[]).unwrap();
        let token = sampler.draw(&plan, &logits, None, &[], number).unwrap().token as usize;
        let before: f64 = probabilities[..token].iter().sum();
        prop_assert!(before <= number + 1e-12 && number <= before + probabilities[token] + 1e-12);
    }
}

#[test]
fn a_bias_is_added_to_the_logits_and_not_to_the_log_probability() {
    let logits = [0.5_f32, 1.0, -2.0, 0.0];
    let biased = [0.5_f32, 1.0 - 3.0, -2.0 + 4.0, 0.0];
    let plan = DecodingPlan {
        logit_bias: [(1, -3.0), (2, 4.0)].into(),
        repetition_penalty: 1.5,
        ..DecodingPlan::default()
    };
    let plain = DecodingPlan {
        repetition_penalty: 1.5,
        ..DecodingPlan::default()
    };
    let mut sampler = Sampler::default();
    let history = [1, 2];
    assert_eq!(
        sampler.probabilities(&plan, &logits, &history).unwrap(),
        sampler.probabilities(&plain, &biased, &history).unwrap()
    );
    let greedy = DecodingPlan {
        temperature: 0.0,
        ..plan
    };
    let drawn = sampler.draw(&greedy, &logits, None, &[], 0.0).unwrap();
    assert_eq!(drawn.token, 2);
    let sum: f64 = logits.iter().map(|&logit| f64::from(logit).exp()).sum();
    assert!((f64::from(drawn.logp) - (-2.0 - sum.ln())).abs() < 1e-6);
}
