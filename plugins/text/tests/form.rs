//! `text/length`, `text/repetition` and `text/pattern` through the boundary's shims.

#![allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.

use farthing_sdk::{prelude::*, testing, testing::RewardKit};
use farthing_text::{Length, Pattern, Repetition};
use proptest::prelude::*;

fn value(reward: &RewardKit, completion: &str) -> f64 {
    match reward.score(&json!({}), completion).unwrap() {
        Outcome::Scored { value, .. } => value,
        Outcome::Abstain => panic!("abstained on {completion:?}"),
    }
}

/// The kit counts a byte as a token.
#[test]
fn length_is_free_between_the_limits() {
    let reward = testing::reward::<Length>(json!({ "min": 2, "max": 4 })).unwrap();
    let values: Vec<f64> = (0..7).map(|n| value(&reward, &"a".repeat(n))).collect();
    assert_eq!(values, [-1.0, -1.0, 0.0, 0.0, 0.0, -1.0, -1.0]);
}

/// DAPO eq 13 with L_max 20 and L_cache 4.
#[test]
fn soft_overlong_punishment_falls_linearly() {
    let reward = testing::reward::<Length>(json!({ "max": 20, "cache": 4 })).unwrap();
    let at = |n: usize| value(&reward, &"a".repeat(n));
    assert_eq!(
        [at(0), at(16), at(17), at(18), at(20), at(21)],
        [0.0, 0.0, -0.25, -0.5, -1.0, -1.0]
    );
}

#[test]
fn length_counts_characters_on_request() {
    let config = json!({ "unit": "characters", "max": 3 });
    let reward = testing::reward::<Length>(config).unwrap();
    assert_eq!(value(&reward, "ééé"), 0.0);
    assert_eq!(value(&reward, "éééé"), -1.0);
    let tokens = testing::reward::<Length>(json!({ "max": 3 })).unwrap();
    assert_eq!(value(&tokens, "ééé"), -1.0);
}

#[test]
fn limits_that_contradict_each_other_are_refused() {
    for config in [
        json!({ "min": 5, "max": 4 }),
        json!({ "max": 4, "cache": 5 }),
        json!({ "min": 3, "max": 4, "cache": 2 }),
    ] {
        let error = testing::reward::<Length>(config).err().unwrap();
        assert!(
            error.to_string().contains("no length is free of penalty"),
            "{error}"
        );
    }
}

#[test]
fn repetition_is_the_share_of_ngrams_seen_before() {
    let reward = testing::reward::<Repetition>(json!({ "n": 2 })).unwrap();
    assert_eq!(value(&reward, ""), 0.0);
    assert_eq!(value(&reward, "one"), 0.0);
    assert_eq!(value(&reward, "one two three four"), 0.0);
    // a-b, b-a, a-b, b-a: two of four were there before. Case and spacing do not count.
    assert_eq!(value(&reward, "a b  A\nB a"), -0.5);
    let looping = value(&reward, &"wait, let me check. ".repeat(1000));
    assert!(looping < -0.99, "{looping}");
    let letters = testing::reward::<Repetition>(json!({ "n": 1, "unit": "characters" })).unwrap();
    assert_eq!(value(&letters, "aaab"), -0.5);
}

#[test]
fn a_pattern_is_matched_or_absent() {
    let reward = testing::reward::<Pattern>(json!({ "pattern": r"\d+\s*$" })).unwrap();
    assert_eq!(
        [value(&reward, "it is 42\n"), value(&reward, "42 it is")],
        [1.0, 0.0]
    );
    let config = json!({ "pattern": "(?i)sorry", "absent": true });
    let reward = testing::reward::<Pattern>(config).unwrap();
    assert_eq!([value(&reward, "Sorry!"), value(&reward, "42")], [0.0, 1.0]);
    let error = testing::reward::<Pattern>(json!({ "pattern": "(" }))
        .err()
        .unwrap();
    assert!(
        error.to_string().contains("no regular expression"),
        "{error}"
    );
}

#[test]
fn hostile_text_is_scored_within_the_range() {
    let length = testing::reward::<Length>(json!({ "max": 100, "cache": 10 })).unwrap();
    let repetition = testing::reward::<Repetition>(json!({})).unwrap();
    let pattern = testing::reward::<Pattern>(json!({ "pattern": "(a+)+b" })).unwrap();
    for text in testing::hostile_texts() {
        for reward in [&length, &repetition, &pattern] {
            assert!((-1.0..=1.0).contains(&value(reward, &text)));
        }
    }
}

proptest! {
    #[test]
    fn a_longer_completion_is_never_punished_less(max in 1_u64..50, cache in 0_u64..50, length in 0_usize..60) {
        let cache = cache.min(max);
        let reward = testing::reward::<Length>(json!({ "max": max, "cache": cache })).unwrap();
        let (short, long) = (value(&reward, &"a".repeat(length)), value(&reward, &"a".repeat(length + 1)));
        prop_assert!((-1.0..=0.0).contains(&long));
        prop_assert!(long <= short);
    }

    #[test]
    fn saying_it_twice_repeats_at_least_as_much(text in "[a-c ]{0,40}") {
        let reward = testing::reward::<Repetition>(json!({ "n": 2 })).unwrap();
        let (once, twice) = (value(&reward, &text), value(&reward, &format!("{text} {text}")));
        prop_assert!((-1.0..=0.0).contains(&once));
        prop_assert!(twice <= once + 1e-12);
    }
}
