//! Objectives that must agree where their definitions do.

use farthing_sdk::{prelude::*, testing::SampleBatch};

use crate::{OBJECTIVES, assert_near, first_update, kit, tokens};

/// With ratio 1 every objective is the plain policy gradient, each with its own divisor:
/// d L / d logp = -A / divisor.
#[test]
fn the_first_update_is_the_plain_policy_gradient() {
    for seed in 0..10 {
        let step = first_update(seed);
        let (n, t) = (step.rewards.len() as f64, step.logp.len() as f64);
        for component in OBJECTIVES {
            let mut kit = kit(component, json!({}));
            let a = kit.advantages(&step).unwrap().sequence;
            let loss = kit.loss(&step).unwrap();
            for (i, &a_i) in a.iter().enumerate() {
                let length = tokens(&step, i).len() as f64;
                let divisor = match component {
                    "grpo" | "gspo" => n * length,
                    "dr-grpo" => n * step.max_new_tokens,
                    "rloo" => n,
                    _ => t,
                };
                for token in tokens(&step, i) {
                    let expected = -f64::from(a_i) / divisor;
                    assert_near(f64::from(loss.dlogp[token]), expected, component);
                }
            }
        }
    }
}

#[test]
fn dapo_with_equal_clips_is_grpo_with_every_token_counted_once() {
    for seed in 0..10 {
        let step = SampleBatch::random(seed, 3, 0.5);
        let (n, t) = (step.rewards.len() as f64, step.logp.len() as f64);
        let clips = json!({ "epsilon_low": 0.2, "epsilon_high": 0.2 });
        let dapo = kit("dapo", clips).loss(&step).unwrap();
        let grpo = kit("grpo", json!({})).loss(&step).unwrap();
        for i in 0..step.rewards.len() {
            let length = tokens(&step, i).len() as f64;
            for token in tokens(&step, i) {
                let summed = f64::from(grpo.dlogp[token]) * n * length;
                assert_near(f64::from(dapo.dlogp[token]) * t, summed, "dlogp");
            }
        }
    }
}

#[test]
fn grpo_and_dapo_with_its_clips_agree_to_the_bit_when_lengths_are_equal() {
    let mut step = SampleBatch::random(1, 2, 0.5);
    // Two tokens each: N |o_i| and sum |o_i| are the same number.
    step.sequence_offsets = (0..=8).map(|i| 2 * i).collect();
    let arrays = SampleBatch::random(2, 4, 0.5);
    (step.logp, step.old_logp) = (arrays.logp[..16].to_vec(), arrays.old_logp[..16].to_vec());
    (step.ref_logp, step.entropy) = (
        arrays.ref_logp[..16].to_vec(),
        arrays.entropy[..16].to_vec(),
    );
    let grpo = kit("grpo", json!({ "epsilon_high": 0.28 }))
        .loss(&step)
        .unwrap();
    let dapo = kit("dapo", json!({})).loss(&step).unwrap();
    assert_eq!(grpo.dlogp, dapo.dlogp);
    assert_eq!(grpo.loss, dapo.loss);
}

#[test]
fn gspo_is_grpo_on_sequences_of_one_token() {
    for seed in 0..10 {
        let mut step = SampleBatch::random(seed, 3, 0.5);
        step.sequence_offsets = (0..=12).collect();
        for array in [
            &mut step.logp,
            &mut step.old_logp,
            &mut step.ref_logp,
            &mut step.entropy,
            &mut step.sampler_logp,
            &mut step.values,
        ] {
            array.truncate(12);
        }
        let clips = json!({ "epsilon_low": 0.2, "epsilon_high": 0.2 });
        let gspo = kit("gspo", clips).loss(&step).unwrap();
        let grpo = kit("grpo", json!({})).loss(&step).unwrap();
        for (a, b) in gspo.dlogp.iter().zip(&grpo.dlogp) {
            assert_near(f64::from(*a), f64::from(*b), "dlogp");
        }
    }
}

#[test]
fn gspo_treats_the_tokens_of_a_sequence_alike() {
    let step = SampleBatch::random(1, 3, 0.5);
    let clips = json!({ "epsilon_low": 0.2, "epsilon_high": 0.2 });
    let loss = kit("gspo", clips).loss(&step).unwrap();
    for i in 0..step.rewards.len() {
        let derivatives = &loss.dlogp[tokens(&step, i)];
        assert!(
            derivatives.iter().all(|d| d == &derivatives[0]),
            "{derivatives:?}"
        );
    }
}

#[test]
fn the_leave_one_out_advantage_is_the_centred_reward_times_g_over_g_minus_one() {
    let step = SampleBatch::random(1, 3, 0.5);
    let rloo = kit("rloo", json!({})).advantages(&step).unwrap().sequence;
    let centred = kit("dr-grpo", json!({}))
        .advantages(&step)
        .unwrap()
        .sequence;
    for (a, b) in rloo.iter().zip(&centred) {
        assert_near(f64::from(*a), f64::from(*b) * 4.0 / 3.0, "advantage");
    }
}

#[test]
fn rloo_with_kl_in_the_reward_is_rloo_on_the_reward_less_the_kl() {
    let step = SampleBatch::random(1, 3, 0.5);
    let mut charged = step.clone();
    for i in 0..step.rewards.len() {
        let difference = |t| f64::from(step.old_logp[t]) - f64::from(step.ref_logp[t]);
        charged.rewards[i] -= 0.05 * tokens(&step, i).map(difference).sum::<f64>();
    }
    let with = kit("rloo", json!({ "beta": 0.05 })).loss(&step).unwrap();
    let without = kit("rloo", json!({})).loss(&charged).unwrap();
    for (a, b) in with.dlogp.iter().zip(&without.dlogp) {
        assert_near(f64::from(*a), f64::from(*b), "dlogp");
    }
}

#[test]
fn delta_bounds_what_a_bad_attempt_can_cost() {
    let mut step = first_update(1);
    step.rewards = [0.0, 1.0, 1.0, 1.0].repeat(3);
    // The first token of the first, bad attempt has become e^10 times likelier.
    step.logp[0] = step.old_logp[0] + 10.0;
    let unbounded = kit("grpo", json!({})).loss(&step).unwrap();
    let bounded = kit("grpo", json!({ "delta": 4.0 })).loss(&step).unwrap();
    assert!(unbounded.loss > 1000.0 * bounded.loss);
    assert!(unbounded.dlogp[0] > 0.0);
    assert_eq!(bounded.dlogp[0], 0.0);
    assert_eq!(bounded.dlogp[1..], unbounded.dlogp[1..]);
}

#[test]
fn dr_grpo_divides_by_the_limit_and_not_by_lengths() {
    let step = SampleBatch::random(1, 3, 0.5);
    let doubled = SampleBatch {
        max_new_tokens: 2.0 * step.max_new_tokens,
        ..step.clone()
    };
    let loss = kit("dr-grpo", json!({})).loss(&step).unwrap();
    let halved = kit("dr-grpo", json!({})).loss(&doubled).unwrap();
    let twice: Vec<f32> = halved.dlogp.iter().map(|d| 2.0 * d).collect();
    assert_eq!(loss.dlogp, twice);
}

/// Permuting attempts within their groups, and the groups, permutes advantages and
/// derivatives and keeps the loss.
#[test]
fn order_does_not_matter() {
    for seed in 0..5 {
        let step = SampleBatch::random(seed, 3, 0.5);
        let mut order: Vec<usize> = (0..3).collect();
        let mut rng = stream(seed, "order", 0);
        order.shuffle(&mut rng);
        let order: Vec<usize> = order
            .into_iter()
            .flat_map(|group| {
                let mut attempts: Vec<usize> = (4 * group..4 * group + 4).collect();
                attempts.shuffle(&mut rng);
                attempts
            })
            .collect();
        let permuted = permute(&step, &order);
        for component in OBJECTIVES {
            let config = json!({ "beta": 0.05, "entropy_coef": 0.01 });
            let mut kit = kit(component, config);
            let a = kit.loss(&step).unwrap();
            let b = kit.loss(&permuted).unwrap();
            assert_near(a.loss, b.loss, component);
            let expected = order.iter().flat_map(|&i| &a.dlogp[tokens(&step, i)]);
            for (&expected, &found) in expected.zip(&b.dlogp) {
                assert_near(f64::from(found), f64::from(expected), component);
            }
        }
    }
}

fn permute(step: &SampleBatch, order: &[usize]) -> SampleBatch {
    let gather = |array: &[f32]| -> Vec<f32> {
        let parts = order.iter().map(|&i| &array[tokens(step, i)]);
        parts.flatten().copied().collect()
    };
    let mut sequence_offsets = vec![0];
    for &i in order {
        let end = sequence_offsets[sequence_offsets.len() - 1];
        sequence_offsets.push(end + tokens(step, i).len() as u32);
    }
    SampleBatch {
        group_offsets: step.group_offsets.clone(),
        sequence_offsets,
        rewards: order.iter().map(|&i| step.rewards[i]).collect(),
        logp: gather(&step.logp),
        old_logp: gather(&step.old_logp),
        ref_logp: gather(&step.ref_logp),
        entropy: gather(&step.entropy),
        sampler_logp: gather(&step.sampler_logp),
        values: gather(&step.values),
        max_new_tokens: step.max_new_tokens,
    }
}
