//! The objectives through the test kit, that is through the shims that the host uses.

#![allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.

mod advantages;
mod configuration;
mod derivatives;
mod dynamic_sampling;
mod identities;
mod reference;

use farthing_grpo::{Cispo, Dapo, DrGrpo, Grpo, Gspo, ReinforcePp, Rloo};
use farthing_sdk::{
    prelude::*,
    testing::{OptimizerKit, SampleBatch, optimizer},
};

const OBJECTIVES: [&str; 7] = [
    "grpo",
    "dr-grpo",
    "dapo",
    "gspo",
    "cispo",
    "rloo",
    "reinforce-pp",
];

fn try_kit(component: &str, config: Value) -> Result<OptimizerKit> {
    match component {
        "grpo" => optimizer::<Grpo>(config),
        "dr-grpo" => optimizer::<DrGrpo>(config),
        "dapo" => optimizer::<Dapo>(config),
        "gspo" => optimizer::<Gspo>(config),
        "cispo" => optimizer::<Cispo>(config),
        "rloo" => optimizer::<Rloo>(config),
        "reinforce-pp" => optimizer::<ReinforcePp>(config),
        _ => panic!("no objective {component:?}"),
    }
}

fn kit(component: &str, config: Value) -> OptimizerKit {
    try_kit(component, config).unwrap()
}

/// A step of three groups whose policy has not moved yet.
fn first_update(seed: u64) -> SampleBatch {
    let step = SampleBatch::random(seed, 3, 0.3);
    SampleBatch {
        logp: step.old_logp.clone(),
        ..step
    }
}

/// The tokens of sequence `i`.
fn tokens(step: &SampleBatch, i: usize) -> std::ops::Range<usize> {
    step.sequence_offsets[i] as usize..step.sequence_offsets[i + 1] as usize
}

#[track_caller]
fn assert_near(found: f64, expected: f64, what: &str) {
    assert!(
        (found - expected).abs() <= 1e-6 * expected.abs().max(1e-3),
        "{what}: found {found}, expected {expected}"
    );
}
