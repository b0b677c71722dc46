//! What holds for advantages whatever the rewards are.

use farthing_sdk::{prelude::*, testing::SampleBatch};

use crate::{OBJECTIVES, assert_near, kit, tokens};

const RELATIVE: [(&str, &str); 6] = [
    ("grpo", r#"{"scale": "group"}"#),
    ("grpo", r#"{"scale": "batch"}"#),
    ("grpo", r#"{"scale": "none"}"#),
    ("dr-grpo", "{}"),
    ("rloo", "{}"),
    ("cispo", r#"{"scale": "none"}"#),
];

/// Rewards with many values, instead of 0 and 1.
fn with_fine_rewards(seed: u64) -> SampleBatch {
    let mut step = SampleBatch::random(seed, 3, 0.3);
    let mut rng = stream(seed, "rewards", 0);
    step.rewards.fill_with(|| rng.random_range(-1.0..3.0));
    step
}

fn advantages_of(component: &str, config: &str, step: &SampleBatch) -> Vec<f32> {
    let config = serde_json::from_str(config).unwrap();
    kit(component, config).advantages(step).unwrap().sequence
}

#[test]
fn sum_to_zero_in_each_group() {
    for seed in 0..20 {
        let step = with_fine_rewards(seed);
        for (component, config) in RELATIVE {
            let a = advantages_of(component, config, &step);
            for group in a.chunks(4) {
                let sum: f32 = group.iter().sum();
                assert!(sum.abs() < 1e-5, "{component} {config}: {group:?}");
            }
        }
    }
}

#[test]
fn have_unit_deviation_where_they_are_scaled_by_it() {
    let step = with_fine_rewards(1);
    for group in advantages_of("dapo", "{}", &step).chunks(4) {
        let variance = group.iter().map(|a| f64::from(*a).powi(2)).sum::<f64>() / 3.0;
        assert!((variance - 1.0).abs() < 1e-4, "{group:?}");
    }
    let a = advantages_of("reinforce-pp", "{}", &step);
    let count = step.logp.len() as f64;
    let over_tokens = |power: i32| -> f64 {
        let weighted = |i: usize| tokens(&step, i).len() as f64 * f64::from(a[i]).powi(power);
        (0..a.len()).map(weighted).sum()
    };
    assert!(over_tokens(1).abs() / count < 1e-6);
    assert!((over_tokens(2) / (count - 1.0) - 1.0).abs() < 1e-4);
}

#[test]
fn do_not_depend_on_the_zero_of_the_rewards() {
    let step = with_fine_rewards(2);
    let mut shifted = step.clone();
    shifted
        .rewards
        .iter_mut()
        .for_each(|reward| *reward += 16.0);
    for component in OBJECTIVES {
        let (a, b) = (
            advantages_of(component, "{}", &step),
            advantages_of(component, "{}", &shifted),
        );
        for (a, b) in a.iter().zip(&b) {
            assert_near(f64::from(*a), f64::from(*b), component);
        }
    }
}

#[test]
fn equal_rewards_give_exactly_no_derivative() {
    for reward in [0.0, 1.0, 0.1, 0.7, -1e9] {
        for seed in 0..5 {
            let mut step = SampleBatch::random(seed, 3, 0.5);
            step.rewards.fill(reward);
            for component in OBJECTIVES {
                let loss = kit(component, json!({})).loss(&step).unwrap();
                assert_eq!(
                    loss.dlogp,
                    vec![0.0; step.logp.len()],
                    "{component} {reward}"
                );
            }
        }
    }
}

#[test]
fn groups_of_equal_rewards_give_nothing_beside_groups_that_differ() {
    let mut step = SampleBatch::random(1, 3, 0.5);
    step.rewards = [0.1, 0.7, 0.3].into_iter().flat_map(|r| [r; 4]).collect();
    for component in OBJECTIVES {
        let config = match component {
            "reinforce-pp" => json!({ "baseline": true }),
            "rloo" | "dr-grpo" => json!({}),
            _ => json!({ "scale": "batch" }),
        };
        let loss = kit(component, config).loss(&step).unwrap();
        assert_eq!(loss.dlogp, vec![0.0; step.logp.len()], "{component}");
    }
}

#[test]
fn a_group_of_one_has_advantage_zero() {
    let mut step = SampleBatch::random(3, 3, 0.5);
    // Groups of 1, 7 and 4 attempts.
    step.group_offsets = vec![0, 1, 8, 12];
    step.rewards[0] = 1.0;
    for component in OBJECTIVES {
        let config = match component {
            "reinforce-pp" => continue, // compares with the whole step
            "rloo" => json!({}),
            _ => json!({ "entropy_coef": 0.1 }),
        };
        let mut kit = kit(component, config);
        assert_eq!(
            kit.advantages(&step).unwrap().sequence[0],
            0.0,
            "{component}"
        );
        let loss = kit.loss(&step).unwrap();
        assert!(
            loss.dlogp[tokens(&step, 0)].iter().all(|&d| d == 0.0),
            "{component}"
        );
    }
}

#[test]
fn a_step_of_one_attempt_teaches_nothing_and_breaks_nothing() {
    let step = SampleBatch {
        group_offsets: vec![0, 1],
        sequence_offsets: vec![0, 3],
        rewards: vec![1.0],
        logp: vec![-1.0; 3],
        old_logp: vec![-1.5; 3],
        ref_logp: vec![-1.0; 3],
        entropy: vec![1.0; 3],
        sampler_logp: vec![-1.5; 3],
        values: vec![0.0; 3],
        max_new_tokens: 8.0,
    };
    for component in OBJECTIVES {
        let loss = kit(component, json!({})).loss(&step).unwrap();
        assert_eq!(loss.dlogp, [0.0; 3], "{component}");
    }
}

#[test]
fn reinforce_pp_with_hardly_any_kl_is_nearly_that_without() {
    let step = with_fine_rewards(4);
    for baseline in [false, true] {
        let without = kit("reinforce-pp", json!({ "baseline": baseline }));
        let with = kit(
            "reinforce-pp",
            json!({ "baseline": baseline, "beta": 1e-9 }),
        );
        let [a, b] = [without, with].map(|mut kit| kit.loss(&step).unwrap());
        for (a, b) in a.dlogp.iter().zip(&b.dlogp) {
            assert_near(f64::from(*a), f64::from(*b), "dlogp");
        }
    }
}

#[test]
fn reinforce_pp_charges_a_token_for_its_own_kl_and_what_follows() {
    let mut step = SampleBatch::random(5, 1, 0.0);
    step.sequence_offsets = vec![0, 3, 6, 9, 12];
    for array in [
        &mut step.logp,
        &mut step.old_logp,
        &mut step.ref_logp,
        &mut step.entropy,
    ] {
        *array = vec![-1.0; 12];
    }
    step.rewards = vec![1.0; 4];
    // The second token of the first attempt is likelier than under the reference.
    step.ref_logp[1] = -3.0;
    let a = kit("reinforce-pp", json!({ "beta": 0.1 }))
        .advantages(&step)
        .unwrap();
    assert_eq!(a.token[0], a.token[1]);
    assert!(a.token[1] < a.token[2]);
    assert!(a.token[2..].iter().all(|&token| token == a.token[2]));
}
