//! Every objective equals PyTorch (`reference.py`, which explains the file) to 1e-5.

use std::collections::BTreeMap;

use farthing_sdk::{prelude::*, testing::SampleBatch};

use crate::kit;

#[data]
pub struct Reference {
    groups: Vec<u32>,
    lengths: Vec<u32>,
    rewards: Vec<f64>,
    max_new_tokens: f64,
    steps: BTreeMap<String, Step>,
    pub cases: Vec<Case>,
}

#[data]
struct Step {
    logp: Vec<f32>,
    old_logp: Vec<f32>,
    ref_logp: Vec<f32>,
    entropy: Vec<f32>,
}

#[data]
pub struct Case {
    pub component: String,
    pub config: Value,
    step: String,
    loss: f64,
    advantages: Vec<f64>,
    #[serde(default)]
    token_advantages: Vec<f64>,
    dlogp: Vec<f64>,
    #[serde(default)]
    dentropy: Vec<f64>,
    metrics: BTreeMap<String, f64>,
}

impl Reference {
    pub fn read() -> Self {
        serde_json::from_str(include_str!("../reference.json")).unwrap()
    }

    fn step(&self, name: &str) -> SampleBatch {
        let step = &self.steps[name];
        SampleBatch {
            group_offsets: offsets(&self.groups),
            sequence_offsets: offsets(&self.lengths),
            rewards: self.rewards.clone(),
            logp: step.logp.clone(),
            old_logp: step.old_logp.clone(),
            ref_logp: step.ref_logp.clone(),
            entropy: step.entropy.clone(),
            sampler_logp: step.old_logp.clone(),
            values: vec![0.0; step.logp.len()],
            max_new_tokens: self.max_new_tokens,
        }
    }
}

fn offsets(lengths: &[u32]) -> Vec<u32> {
    let ends = lengths.iter().scan(0, |end, length| {
        *end += length;
        Some(*end)
    });
    std::iter::once(0).chain(ends).collect()
}

#[test]
fn equals_pytorch() {
    let reference = Reference::read();
    assert!(reference.cases.len() >= 60);
    for case in &reference.cases {
        let what = format!("{} {} {}", case.component, case.config, case.step);
        let step = reference.step(&case.step);
        let mut kit = kit(&case.component, case.config.clone());
        let advantages = kit.advantages(&step).unwrap();
        let loss = kit.loss_with(&step, &advantages).unwrap();

        all_near(
            &advantages.sequence,
            &case.advantages,
            &format!("{what}: advantages"),
        );
        all_near(
            &advantages.token,
            &case.token_advantages,
            &format!("{what}: by token"),
        );
        all_near(&loss.dlogp, &case.dlogp, &format!("{what}: dlogp"));
        all_near(&loss.dentropy, &case.dentropy, &format!("{what}: dentropy"));
        near(loss.loss, case.loss, &format!("{what}: loss"));

        let metrics = advantages.metrics.iter().chain(&loss.metrics);
        let found: BTreeMap<String, f64> = metrics
            .map(|metric| (metric.name.clone(), metric.value))
            .collect();
        let names = |map: &BTreeMap<String, f64>| map.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&found), names(&case.metrics), "{what}");
        for (name, &expected) in &case.metrics {
            near(found[name], expected, &format!("{what}: {name}"));
        }
    }
}

fn all_near(found: &[f32], expected: &[f64], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (i, (&found, &expected)) in found.iter().zip(expected).enumerate() {
        within(f64::from(found), expected, 1e-3, &format!("{what}[{i}]"));
    }
}

/// For sums over tokens, whose terms are larger than they are.
fn near(found: f64, expected: f64, what: &str) {
    within(found, expected, 1e-2, what);
}

/// 1e-5 of the value, or of `scale` where the value is smaller: terms of opposite sign
/// leave the rounding of f32 arrays behind.
fn within(found: f64, expected: f64, scale: f64, what: &str) {
    assert!(
        (found - expected).abs() <= 1e-5 * expected.abs().max(scale),
        "{what}: found {found}, expected {expected}"
    );
}
