//! Selection of checkpoints by what was probed on them.

#![allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.

use farthing_sdk::{prelude::*, testing::curriculum};
use farthing_ssp::Spectrum;

fn report(step: u64, metrics: &[(&str, f64)]) -> CheckpointReport {
    let named = |(name, value): &(&str, f64)| ((*name).to_owned(), *value);
    CheckpointReport {
        name: format!("step-{step}"),
        step,
        metrics: metrics.iter().map(named).collect(),
    }
}

/// Three checkpoints: algebra is at its broadest early, geometry late.
fn checkpoints() -> Vec<CheckpointReport> {
    let report = |step, algebra: [f64; 2], geometry: [f64; 2]| {
        let metrics = [
            ("pass@1", 0.0),
            ("pass@1/algebra", algebra[0]),
            ("pass@8/algebra", algebra[1]),
            ("pass@1/geometry", geometry[0]),
            ("pass@8/geometry", geometry[1]),
        ];
        report(step, &metrics)
    };
    vec![
        report(10, [0.3, 0.9], [0.1, 0.2]),
        report(20, [0.4, 0.8], [0.2, 0.5]),
        report(30, [0.5, 0.7], [0.3, 0.6]),
    ]
}

fn select(config: Value, checkpoints: &[CheckpointReport]) -> Result<Vec<(String, f64)>> {
    let selected = curriculum::<Spectrum>(config)?.select(checkpoints)?;
    let pairs = selected.into_iter();
    Ok(pairs.map(|chosen| (chosen.name, chosen.weight)).collect())
}

fn chosen(names: &[(&str, f64)]) -> Vec<(String, f64)> {
    let owned = |(name, weight): &(&str, f64)| ((*name).to_owned(), *weight);
    names.iter().map(owned).collect()
}

#[test]
fn each_tag_has_its_best_checkpoint_with_equal_weights() {
    let found = select(json!({}), &checkpoints()).unwrap();
    assert_eq!(found, chosen(&[("step-10", 0.5), ("step-30", 0.5)]));
    let found = select(json!({ "tags": ["geometry"] }), &checkpoints()).unwrap();
    assert_eq!(found, chosen(&[("step-30", 1.0)]));
}

#[test]
fn weights_are_as_given() {
    let config = json!({ "weights": { "algebra": 3.0, "geometry": 1.0 } });
    let found = select(config, &checkpoints()).unwrap();
    assert_eq!(found, chosen(&[("step-10", 0.75), ("step-30", 0.25)]));
}

#[test]
fn a_checkpoint_that_is_best_twice_has_both_weights() {
    // By Pass@1 the last is best in both.
    let found = select(json!({ "k": 1 }), &checkpoints()).unwrap();
    assert_eq!(found, chosen(&[("step-30", 1.0)]));
}

/// Small probing sets saturate: Pass@1 decides, and then the later one.
#[test]
fn ties_go_to_the_better_first_attempt_and_then_to_the_later_checkpoint() {
    let at = |step, first, eighth| report(step, &[("pass@1/a", first), ("pass@8/a", eighth)]);
    for (tied, best) in [
        (
            vec![at(10, 0.6, 1.0), at(20, 0.7, 1.0), at(30, 0.5, 1.0)],
            "step-20",
        ),
        (vec![at(10, 0.7, 1.0), at(20, 0.7, 1.0)], "step-20"),
    ] {
        let found = select(json!({}), &tied).unwrap();
        assert_eq!(found, chosen(&[(best, 1.0)]));
    }
}

/// Selecting from what was selected before and the newest is selecting from all.
#[test]
fn selecting_as_it_goes_is_selecting_from_all() {
    let mut rng = stream(7, "spectrum", 0);
    let mut all: Vec<CheckpointReport> = Vec::new();
    let mut kept: Vec<CheckpointReport> = Vec::new();
    for step in 0..200 {
        // Few values, so that there are ties.
        let mut share = || f64::from(rng.random_range(0..=4_u8)) / 4.0;
        let names = [
            "pass@1/a", "pass@8/a", "pass@1/b", "pass@8/b", "pass@1/c", "pass@8/c",
        ];
        let newest = report(step, &names.map(|name| (name, share())));
        all.push(newest.clone());
        kept.push(newest);
        let found = select(json!({}), &kept).unwrap();
        assert_eq!(found, select(json!({}), &all).unwrap(), "step {step}");
        kept.retain(|report| found.iter().any(|(name, _)| *name == report.name));
    }
}

#[test]
fn what_was_not_probed_is_an_error_that_says_what_was() {
    for (config, wanted) in [
        (json!({ "tags": ["topology"] }), "pass@8/topology"),
        (json!({ "k": 16 }), "pass@16/<tag>"),
        (json!({ "k": 16, "tags": ["algebra"] }), "pass@16/algebra"),
    ] {
        let error = select(config, &checkpoints()).unwrap_err().to_string();
        assert!(error.contains(&format!("probed for {wanted}")), "{error}");
        assert!(error.contains("pass@8/algebra"), "{error}");
    }
    let untagged = [report(10, &[("pass@1", 0.5), ("pass@8", 0.7)])];
    let error = select(json!({}), &untagged).unwrap_err().to_string();
    assert!(error.contains("pass@k/<tag>"), "{error}");
}

#[test]
fn contradictory_configurations_are_refused() {
    let above_0 = "expected a number above 0";
    for (config, expected) in [
        (
            json!({ "tags": ["a"], "weights": { "a": 1.0 } }),
            "both name the domains",
        ),
        (json!({ "weights": { "a": 0.0 } }), above_0),
        (json!({ "weights": { "a": -1.0 } }), above_0),
        (json!({ "tag": ["a"] }), "unknown field `tag`"),
    ] {
        let error = curriculum::<Spectrum>(config).err().unwrap().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn is_a_well_behaved_curriculum() {
    let mut kit = curriculum::<Spectrum>(json!({})).unwrap();
    kit.check().unwrap();
}
