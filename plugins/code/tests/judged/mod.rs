//! What the tests of `code/tests` share: a reward with room on a busy machine, and what it says.

#![allow(dead_code)] // Each binary of tests uses some of it.

use farthing_code::TestsReward;
use farthing_sdk::{
    Parts,
    prelude::*,
    testing::{self, RewardKit},
};

/// Limits by the clock that no test meets by accident on a busy machine.
pub fn reward(mut config: Value) -> RewardKit {
    for (limit, least) in [("wall_seconds", 60.0), ("total_seconds", 300.0)] {
        if config["limits"][limit].is_null() {
            config["limits"][limit] = json!(least);
        }
    }
    testing::reward::<TestsReward>(config).unwrap()
}

pub fn scored(reward: &RewardKit, facts: &Value, completion: &str) -> (f64, Parts) {
    match reward.score(facts, completion).unwrap() {
        Outcome::Scored { value, parts, .. } => (value, parts),
        Outcome::Abstain => panic!("abstained on {completion:?}"),
    }
}

pub fn refusal(config: Value) -> String {
    testing::reward::<TestsReward>(config)
        .err()
        .unwrap()
        .to_string()
}

/// Parts that are not 0, without the counts of all tests.
pub fn verdicts(parts: &Parts) -> Vec<(String, f64)> {
    parts
        .iter()
        .filter(|(name, value)| *value != 0.0 && !matches!(*name, "tests" | "passed"))
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}
