//! `sampling/standard` through the test kit.

#![allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.

use farthing_sampling::Standard;
use farthing_sdk::{prelude::*, testing::sampler};
use schemars::schema_for;

fn plan(config: Value, step: u64, split: Split) -> DecodingPlan {
    let kit = sampler::<Standard>(config).unwrap();
    kit.check().unwrap();
    let steps = 5;
    kit.plan(&PlanRequest { step, steps, split }).unwrap()
}

fn accepts(config: &Value) -> bool {
    let schema = schema_for!(<Standard as Sampler>::Config).to_value();
    jsonschema::is_valid(&schema, config)
}

#[test]
fn draws_eight_attempts_from_the_policy_itself_by_default() {
    let expected = DecodingPlan {
        group: 8,
        ..DecodingPlan::default()
    };
    assert_eq!(plan(json!({}), 0, Split::Train), expected);
    assert_eq!(plan(json!({}), 0, Split::Test), expected);
}

#[test]
fn the_plan_is_what_the_configuration_says() {
    let config = json!({
        "group": 4, "temperature": 0.5, "top_p": 0.75, "top_k": 20, "min_p": 0.25,
        "repetition_penalty": 1.5, "logit_bias": { "7": -2.5 }, "stop": ["</answer>"], "eos": [2, 7], "max_new_tokens": 64,
    });
    let expected = DecodingPlan {
        group: 4,
        temperature: 0.5,
        top_p: 0.75,
        top_k: 20,
        min_p: 0.25,
        repetition_penalty: 1.5,
        logit_bias: [(7, -2.5)].into(),
        stop: vec!["</answer>".into()],
        eos: vec![2, 7],
        max_new_tokens: Some(64),
    };
    assert!(accepts(&config));
    assert_eq!(plan(config, 3, Split::Train), expected);
}

#[test]
fn test_overrides_only_what_it_names_and_only_in_evaluations() {
    let config = json!({
        "temperature": 1.25, "top_p": 0.75, "max_new_tokens": 64,
        "test": { "temperature": 0.0, "group": 1 },
    });
    assert!(accepts(&config));
    let train = plan(config.clone(), 0, Split::Train);
    assert_eq!((train.temperature, train.group), (1.25, 8));
    let test = plan(config, 0, Split::Test);
    let expected = DecodingPlan {
        temperature: 0.0,
        group: 1,
        ..train
    };
    assert_eq!(test, expected);
}

#[test]
fn the_temperature_falls_linearly_to_its_end_and_evaluations_keep_the_first() {
    let config = json!({ "temperature": 1.0, "temperature_end": 0.5 });
    let temperature = |step, split| plan(config.clone(), step, split).temperature;
    let train: Vec<f32> = (0..5).map(|step| temperature(step, Split::Train)).collect();
    assert_eq!(train, [1.0, 0.875, 0.75, 0.625, 0.5]);
    assert_eq!(temperature(4, Split::Test), 1.0);
}

#[test]
fn a_stage_of_one_step_has_the_first_temperature() {
    let kit = sampler::<Standard>(json!({ "temperature_end": 0.5 })).unwrap();
    let request = PlanRequest::default();
    assert_eq!(kit.plan(&request).unwrap().temperature, 1.0);
}

#[test]
fn the_schema_refuses_what_is_out_of_range_or_unknown() {
    for config in [
        json!({ "group": 0 }),
        json!({ "temperature": -0.5 }),
        json!({ "temperature_end": -0.5 }),
        json!({ "top_p": 0.0 }),
        json!({ "top_p": 1.5 }),
        json!({ "top_k": -1 }),
        json!({ "min_p": 1.0 }),
        json!({ "repetition_penalty": 0.0 }),
        json!({ "max_new_tokens": 0 }),
        json!({ "temprature": 1.0 }),
    ] {
        assert!(!accepts(&config), "{config}");
        assert!(!accepts(&json!({ "test": config })), "test = {config}");
    }
}

#[test]
fn what_passes_no_schema_is_still_refused() {
    let error = |config| {
        sampler::<Standard>(config)
            .err()
            .expect("an error")
            .to_string()
    };
    let wrong = error(json!({ "top_p": 0.0 }));
    assert!(wrong.contains("top_p = 0"), "{wrong}");
    let wrong = error(json!({ "test": { "min_p": 1.0 } }));
    assert!(
        wrong.contains("`test`") && wrong.contains("min_p = 1"),
        "{wrong}"
    );
    let wrong = error(json!({ "test": { "temprature": 1.0 } }));
    assert!(wrong.contains("temprature"), "{wrong}");
}
