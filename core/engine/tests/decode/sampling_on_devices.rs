//! The sampler that GPUs use, on the CPU, beside the host's.

use candle_core::{Device, Tensor};
use farthing_engine::DecodingPlan;
use farthing_engine::sampling::{ComposedSampler, Drawn, Sampler};
use proptest::prelude::*;

/// Sums are made in another order, and `e^x` by another function.
const ROUNDING: f64 = 1e-5;

fn composed(
    plan: &DecodingPlan,
    rows: &[Vec<f32>],
    histories: &[&[u32]],
    uniforms: &[f64],
) -> Vec<Option<Drawn>> {
    let vocab_size = rows[0].len();
    let logits = Tensor::from_vec(rows.concat(), (rows.len(), vocab_size), &Device::Cpu).unwrap();
    let sampler = ComposedSampler::new(plan, vocab_size, &Device::Cpu).unwrap();
    sampler.draw(&logits, histories, uniforms).unwrap()
}

fn plans() -> impl Strategy<Value = DecodingPlan> {
    let off = |off: f32, on: std::ops::Range<f32>| prop_oneof![Just(off), on];
    (
        prop_oneof![Just(1.0_f32), Just(0.0), 0.3_f32..2.0],
        off(1.0, 0.05..1.0),
        prop_oneof![Just(0_usize), 1_usize..50],
        off(0.0, 0.001..0.5),
        off(1.0, 0.5..2.0),
        proptest::collection::btree_map(0_u32..30, -4.0_f32..4.0, 0..3),
    )
        .prop_map(
            |(temperature, top_p, top_k, min_p, repetition_penalty, logit_bias)| DecodingPlan {
                temperature,
                top_p,
                top_k,
                min_p,
                repetition_penalty,
                logit_bias,
                ..DecodingPlan::default()
            },
        )
}

/// Rows of one vocabulary. Logits of half precision are often equal, so these are.
fn rows() -> impl Strategy<Value = Vec<Vec<f32>>> {
    (30_usize..700, 1_usize..4).prop_flat_map(|(vocab_size, rows)| {
        let logit = (-64_i32..64).prop_map(|step| step as f32 / 8.0);
        proptest::collection::vec(proptest::collection::vec(logit, vocab_size), rows)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_device_draws_as_the_host_does(
        plan in plans(),
        rows in rows(),
        history in proptest::collection::vec(0_u32..30, 0..12),
        uniforms in proptest::collection::vec(0.0_f64..1.0, 3),
    ) {
        let whole: Vec<u32> = history.clone();
        // Histories of different lengths, an empty one among them.
        let histories = [whole.as_slice(), &whole[..whole.len() / 2], &[]];
        let count = rows.len();
        let found = composed(&plan, &rows, &histories[..count], &uniforms[..count]);
        for (row, found) in found.into_iter().enumerate() {
            let (logits, history, uniform) = (&rows[row], histories[row], uniforms[row]);
            let mut sampler = Sampler::default();
            let expected = sampler.draw(&plan, logits, None, history, uniform).unwrap();
            let found = found.unwrap();
            if found.token == expected.token {
                prop_assert!((found.logp - expected.logp).abs() < 1e-4, "{found:?} {expected:?}");
                continue;
            }
            // The number lies on a border between two tokens.
            prop_assert!(plan.temperature > 0.0, "{found:?} {expected:?}");
            let probabilities = sampler.probabilities(&plan, logits, history).unwrap();
            let before: f64 = probabilities[..found.token as usize].iter().sum();
            let after = before + probabilities[found.token as usize];
            let near = before - ROUNDING <= uniform && uniform <= after + ROUNDING;
            prop_assert!(near, "{found:?} {expected:?}: {uniform} is not in {before}..{after}");
            prop_assert!(probabilities[found.token as usize] > 0.0, "{found:?} was cut away");
        }
    }
}

#[test]
fn the_first_of_the_likeliest_is_taken_across_blocks() {
    let mut logits = vec![0.0_f32; 1000];
    logits[700] = 3.0;
    logits[300] = 3.0;
    let plan = DecodingPlan {
        temperature: 0.0,
        ..DecodingPlan::default()
    };
    let drawn = composed(&plan, &[logits], &[&[]], &[0.0]);
    assert_eq!(drawn[0].unwrap().token, 300);
}

/// Equally likely tokens on the nucleus's border: the first ones stay, as on the host.
#[test]
fn a_nucleus_takes_of_equals_what_it_needs() {
    let plan = DecodingPlan {
        top_p: 0.5,
        ..DecodingPlan::default()
    };
    // 600 equals: half of them hold half of the probability.
    let rows = vec![vec![1.25_f32; 600]; 1];
    for (uniform, token) in [(0.0, 0), (0.5, 150), (0.9999, 299)] {
        assert_eq!(
            composed(&plan, &rows, &[&[]], &[uniform])[0].unwrap().token,
            token
        );
    }
}

/// The last token of a vocabulary that does not fill its last block, and numbers at both ends.
#[test]
fn numbers_at_the_ends_stay_inside_the_vocabulary() {
    let plan = DecodingPlan::default();
    let rows = vec![vec![0.0_f32; 301]; 2];
    let drawn = composed(&plan, &rows, &[&[], &[]], &[0.0, 1.0 - f64::EPSILON / 2.0]);
    assert_eq!(drawn[0].unwrap().token, 0);
    assert_eq!(drawn[1].unwrap().token, 300);
}

#[test]
fn rows_that_cannot_be_drawn_from_are_told_apart() {
    let plan = DecodingPlan::default();
    let sound = vec![0.5_f32; 40];
    let mut nan = sound.clone();
    nan[7] = f32::NAN;
    let mut infinite = sound.clone();
    infinite[3] = f32::INFINITY;
    let drawn = composed(
        &plan,
        &[nan, sound, infinite],
        &[&[], &[], &[]],
        &[0.1, 0.1, 0.1],
    );
    assert!(drawn[0].is_none() && drawn[2].is_none());
    assert_eq!(drawn[1].unwrap().token, 4);
}

#[test]
fn a_row_whose_tokens_are_all_forbidden_is_not_drawn_from() {
    for temperature in [0.0, 1.0] {
        let plan = DecodingPlan {
            temperature,
            // Below what f32 holds: minus infinity.
            logit_bias: (0..40).map(|token| (token, -3e38)).collect(),
            ..DecodingPlan::default()
        };
        let drawn = composed(&plan, &[vec![-1e38; 40]], &[&[]], &[0.5]);
        assert!(drawn[0].is_none(), "{drawn:?}");
    }
}
