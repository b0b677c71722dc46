//! DAPO's condition on groups.

use farthing_grpo::DynamicSampling;
use farthing_sdk::{prelude::*, testing::curriculum};

fn keeps(config: Value, rewards: &[f64]) -> bool {
    let group = GroupReport {
        task: "sums".into(),
        index: 0,
        tags: Vec::new(),
        rewards: rewards.to_vec(),
        tokens: vec![1; rewards.len()],
    };
    curriculum::<DynamicSampling>(config)
        .unwrap()
        .keep(&group)
        .unwrap()
}

#[test]
fn keeps_groups_with_right_and_wrong_attempts() {
    assert!(keeps(json!({}), &[1.0, 0.0, 0.0]));
    assert!(keeps(json!({}), &[0.5, 0.5, 0.6]));
    assert!(!keeps(json!({}), &[1.0, 1.0, 1.0]));
    assert!(!keeps(json!({}), &[0.0, 0.0]));
}

#[test]
fn groups_that_lost_their_attempts_are_not_kept() {
    assert!(!keeps(json!({}), &[1.0]));
    assert!(!keeps(json!({}), &[]));
}

#[test]
fn small_differences_can_be_called_none() {
    assert!(!keeps(json!({ "min_spread": 0.2 }), &[1.0, 1.1, 0.95]));
    assert!(keeps(json!({ "min_spread": 0.2 }), &[1.0, 0.1]));
}

#[test]
fn is_a_well_behaved_curriculum() {
    curriculum::<DynamicSampling>(json!({}))
        .unwrap()
        .check()
        .unwrap();
}
