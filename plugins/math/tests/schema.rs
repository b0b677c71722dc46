//! The schemas against which manifests are checked before anything is loaded.

#![allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.

use farthing_math::{Arithmetic, Equal, Problems};
use farthing_sdk::prelude::*;
use schemars::{JsonSchema, schema_for};

fn check<C: JsonSchema + serde::de::DeserializeOwned>(good: &[Value], bad: &[Value]) {
    let schema = schema_for!(C).to_value();
    for config in good {
        assert!(jsonschema::is_valid(&schema, config), "{config}");
        assert!(
            serde_json::from_value::<C>(config.clone()).is_ok(),
            "{config}"
        );
    }
    for config in bad {
        assert!(!jsonschema::is_valid(&schema, config), "{config}");
    }
}

#[test]
fn the_reward_says_what_it_takes() {
    check::<<Equal as Reward>::Config>(
        &[
            json!({}),
            json!({
                "extraction": { "places": ["tag", "boxed"], "several": "refuse", "thoughts": true, "tag": "final" },
                "equivalence": {}, "format_score": 0.1, "refuse_echo": false, "worked_out": true,
            }),
        ],
        &[
            json!({ "extraction": { "places": ["box"] } }),
            json!({ "extraction": { "places": [] } }),
            json!({ "extraction": { "several": "first" } }),
            json!({ "format_score": 1.5 }),
            json!({ "equivalence": { "guess": true } }),
            json!({ "tolerance": 1e-5 }),
        ],
    );
}

#[test]
fn the_tasks_say_what_they_take() {
    check::<<Problems as Task>::Config>(
        &[
            json!({ "train": "train.jsonl" }),
            json!({
                "train": ["a.jsonl", "b.parquet"], "test": "test.jsonl", "preset": "math",
                "columns": { "question": "q", "answer": ["a", "b"], "id": [] },
                "only": { "level": ["Level 5"] }, "skip_answers": ["none"], "test_share": 0.2,
                "prompt": { "system": "Think.", "user": "{question}" }, "unusable": "refuse",
                "decontaminate": { "against": "aime.jsonl", "columns": ["problem"], "words": 8 },
                "equivalence": {},
            }),
            json!({ "train": "train.jsonl", "prompt": { "text": "Q: {question}\nA:" } }),
        ],
        &[
            json!({ "train": 5 }),
            json!({ "preset": "gsm" }),
            json!({ "columns": { "gold": "a" } }),
            json!({ "prompt": { "text": "{question}", "user": "{question}" } }),
            json!({ "prompt": "{question}" }),
            json!({ "decontaminate": {} }),
            json!({ "test_share": 2 }),
        ],
    );
    check::<<Arithmetic as Task>::Config>(
        &[
            json!({}),
            json!({ "kinds": ["integers", "algebra"], "levels": [1, 3], "template": "tiny", "test_share": 0.2 }),
        ],
        &[
            json!({ "kinds": ["geometry"] }),
            json!({ "kinds": [] }),
            json!({ "levels": [4] }),
            json!({ "test_share": 1.1 }),
        ],
    );
}
