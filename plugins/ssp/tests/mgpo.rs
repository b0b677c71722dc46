//! MGPO through the test kit, that is through the shims that the host uses: against PyTorch,
//! finite differences, and arithmetic that one can do by hand. That lambda 0 is GRPO is tested
//! with both libraries loaded, in `tests/e2e`: two plugins cannot be linked into one program.

#![allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.

use std::collections::BTreeMap;

use farthing_sdk::{
    client::Metric,
    prelude::*,
    testing::{OptimizerKit, SampleBatch, optimizer},
};
use farthing_ssp::Mgpo;

fn kit(config: Value) -> OptimizerKit {
    optimizer::<Mgpo>(config).unwrap()
}

#[data]
struct Reference {
    groups: Vec<u32>,
    lengths: Vec<u32>,
    rewards: Vec<f64>,
    steps: BTreeMap<String, Step>,
    cases: Vec<Case>,
}

#[data]
struct Step {
    logp: Vec<f32>,
    old_logp: Vec<f32>,
    ref_logp: Vec<f32>,
}

#[data]
struct Case {
    config: Value,
    step: String,
    loss: f64,
    advantages: Vec<f64>,
    dlogp: Vec<f64>,
    p_c_mean: f64,
    w_mean: f64,
}

fn reference() -> Reference {
    serde_json::from_str(include_str!("reference.json")).unwrap()
}

/// A step of these groups with as many tokens in each attempt as `lengths` says.
fn step(groups: &[u32], lengths: &[u32], rewards: &[f64]) -> SampleBatch {
    let tokens = lengths.iter().sum::<u32>() as usize;
    SampleBatch {
        group_offsets: offsets(groups),
        sequence_offsets: offsets(lengths),
        rewards: rewards.to_vec(),
        logp: vec![-1.0; tokens],
        old_logp: vec![-1.0; tokens],
        ref_logp: vec![-1.0; tokens],
        entropy: vec![1.0; tokens],
        sampler_logp: vec![-1.0; tokens],
        values: vec![0.0; tokens],
        max_new_tokens: 9.0,
    }
}

fn offsets(lengths: &[u32]) -> Vec<u32> {
    let ends = lengths.iter().scan(0, |end, length| {
        *end += length;
        Some(*end)
    });
    std::iter::once(0).chain(ends).collect()
}

#[track_caller]
fn assert_near(found: f64, expected: f64, scale: f64, what: &str) {
    assert!(
        (found - expected).abs() <= 1e-5 * expected.abs().max(scale),
        "{what}: found {found}, expected {expected}"
    );
}

fn metric(metrics: &[Metric], name: &str) -> f64 {
    let found = metrics.iter().find(|metric| metric.name == name);
    found.unwrap_or_else(|| panic!("no metric {name}")).value
}

/// A metric of a step's advantages.
fn reported(config: Value, step: &SampleBatch, name: &str) -> f64 {
    metric(&kit(config).advantages(step).unwrap().metrics, name)
}

#[test]
fn equals_pytorch() {
    let reference = reference();
    assert_eq!(reference.cases.len(), 14);
    for case in &reference.cases {
        let what = format!("{} {}", case.config, case.step);
        let arrays = &reference.steps[&case.step];
        let step = SampleBatch {
            logp: arrays.logp.clone(),
            old_logp: arrays.old_logp.clone(),
            ref_logp: arrays.ref_logp.clone(),
            ..step(&reference.groups, &reference.lengths, &reference.rewards)
        };
        let mut kit = kit(case.config.clone());
        let advantages = kit.advantages(&step).unwrap();
        let loss = kit.loss_with(&step, &advantages).unwrap();
        for (&found, &expected) in advantages.sequence.iter().zip(&case.advantages) {
            assert_near(f64::from(found), expected, 1e-3, &what);
        }
        assert_eq!(loss.dlogp.len(), case.dlogp.len());
        for (&found, &expected) in loss.dlogp.iter().zip(&case.dlogp) {
            assert_near(f64::from(found), expected, 1e-3, &what);
        }
        assert_near(loss.loss, case.loss, 1e-2, &what);
        let metric = |name: &str| metric(&advantages.metrics, name);
        assert_near(metric("mgpo/p_c_mean"), case.p_c_mean, 1e-3, &what);
        assert_near(metric("mgpo/w_mean"), case.w_mean, 1e-3, &what);
    }
}

#[test]
fn derivatives_are_those_of_the_loss_and_splitting_changes_nothing() {
    for case in reference().cases {
        kit(case.config.clone())
            .check()
            .unwrap_or_else(|error| panic!("{}: {error}", case.config));
    }
}

/// The paper's own consequences: D_ME = ln 2 - H(p_c), so with lambda 1 an eighth weighs
/// 0.729 and a half 1.
#[test]
fn weights_are_those_of_the_paper() {
    let weight_of = |right: usize, lambda: f64| {
        let rewards: Vec<f64> = (0..16).map(|i| f64::from(u8::from(i < right))).collect();
        let step = step(&[16], &[2; 16], &rewards);
        reported(json!({ "lambda": lambda }), &step, "mgpo/w_mean")
    };
    for (right, expected) in [(8, 1.0), (4, 0.8774), (2, 0.7288), (1, 0.6317)] {
        let found = weight_of(right, 1.0);
        assert!((found - expected).abs() < 1e-4, "{right}: {found}");
        assert!((weight_of(16 - right, 1.0) - found).abs() < 1e-12);
        assert!((weight_of(right, 2.0) - found * found).abs() < 1e-9);
    }
    for right in [0, 16] {
        assert!((weight_of(right, 1.0) - 0.5).abs() < 1e-4);
    }
}

#[test]
fn the_histogram_counts_each_group_once() {
    // p_c is 0, 1/4, 1/2 and 1.
    let rewards = [
        [0.0, 0.0, 0.0, 0.0],
        [1.0, 0.0, 0.0, 0.0],
        [1.0, 1.0, 0.0, 0.0],
        [1.0, 1.0, 1.0, 1.0],
    ];
    let step = step(&[4; 4], &[1; 16], &rewards.concat());
    let bin = |bin: usize| reported(json!({}), &step, &format!("mgpo/p_c_histogram/0.{bin}"));
    let found: Vec<f64> = (0..10).map(bin).collect();
    assert_eq!(
        found,
        [0.25, 0.0, 0.25, 0.0, 0.0, 0.25, 0.0, 0.0, 0.0, 0.25]
    );
    assert_eq!(reported(json!({}), &step, "mgpo/p_c_mean"), 0.4375);
}

/// A weighted sum of rewards that should be 1 counts as correct although its rounding is below.
#[test]
fn correct_is_a_threshold_that_forgives_rounding() {
    let almost: f64 = (0..10).map(|_| 0.1).sum();
    assert!(almost < 1.0);
    let step = step(&[2], &[1, 1], &[almost, 0.9]);
    let p_c = |config| reported(config, &step, "mgpo/p_c_mean");
    assert_eq!(p_c(json!({})), 0.5);
    assert_eq!(p_c(json!({ "correct": 0.9 })), 1.0);
    assert_eq!(p_c(json!({ "correct": 1.5 })), 0.0);
}

/// The shifts of a group sum to zero, shorter right attempts gain, wrong ones keep theirs.
#[test]
fn long2short_moves_reward_from_long_right_attempts_to_short_ones() {
    // 1/2, 1/4 and 1/8 are 7/24 on average, from which they are 5, -1 and -4 parts in 24.
    let step = step(&[4], &[2, 4, 8, 1], &[1.0, 1.0, 1.0, 0.0]);
    let shifted = [1.0 + 0.2, 1.0 - 0.2 / 5.0, 1.0 - 0.2 * 4.0 / 5.0, 0.0];
    assert!((shifted.iter().sum::<f64>() - 3.0).abs() < 1e-12);
    let by_hand = SampleBatch {
        rewards: shifted.to_vec(),
        ..step.clone()
    };
    let advantages = |config, step| kit(config).advantages(step).unwrap().sequence;
    // With lambda 0 what differs are the rewards alone.
    let found = advantages(json!({ "lambda": 0.0, "long2short": 0.2 }), &step);
    let expected = advantages(json!({ "lambda": 0.0 }), &by_hand);
    for (&found, &expected) in found.iter().zip(&expected) {
        assert_near(f64::from(found), f64::from(expected), 1e-3, "advantage");
    }
}

#[test]
fn long2short_leaves_groups_alone_in_which_lengths_say_nothing() {
    for (lengths, rewards) in [
        ([3, 3, 3, 5], [1.0, 1.0, 1.0, 0.0]),
        ([3, 4, 5, 6], [1.0, 0.0, 0.0, 0.0]),
        ([3, 4, 5, 6], [0.0, 0.0, 0.0, 0.0]),
    ] {
        let step = step(&[4], &lengths, &rewards);
        let advantages = |config| kit(config).advantages(&step).unwrap().sequence;
        assert_eq!(
            advantages(json!({ "long2short": 0.2 })),
            advantages(json!({}))
        );
    }
}

#[test]
fn numbers_out_of_range_are_refused() {
    let schema = schemars::schema_for!(<Mgpo as Optimizer>::Config).to_value();
    for p_0 in [0.0, 1.0, -0.5, 2.0] {
        let config = json!({ "p_0": p_0 });
        assert!(!jsonschema::is_valid(&schema, &config), "{p_0}");
        let error = optimizer::<Mgpo>(config).err().unwrap().to_string();
        assert!(error.contains("more than 0 and less than 1"), "{error}");
    }
    for config in [json!({ "lambda": -1.0 }), json!({ "long2short": -0.1 })] {
        assert!(!jsonschema::is_valid(&schema, &config), "{config}");
    }
    for case in reference().cases {
        let accepted = jsonschema::is_valid(&schema, &case.config);
        assert!(accepted, "{}", case.config);
    }
}
