//! The schemas against which manifests are checked before anything is loaded.

#![allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.

use farthing_countdown::{Countdown, Exact};
use farthing_sdk::prelude::*;
use schemars::{JsonSchema, schema_for};

fn accepts<C: JsonSchema>(config: Value) -> bool {
    jsonschema::is_valid(&schema_for!(C).to_value(), &config)
}

#[test]
fn the_task_says_what_it_takes() {
    let accepts = accepts::<<Countdown as Task>::Config>;
    for numbers in [json!(3), json!([3, 4]), json!({ "from": 3, "to": 5 })] {
        assert!(accepts(json!({ "numbers": numbers })), "{numbers}");
    }
    for numbers in [
        json!(1),
        json!(7),
        json!([]),
        json!([9]),
        json!("3"),
        json!({ "from": 3 }),
    ] {
        assert!(!accepts(json!({ "numbers": numbers })), "{numbers}");
    }
    assert!(accepts(json!({})));
    assert!(accepts(json!({
        "numbers": 3, "min_number": 2, "max_number": 10, "min_target": 5, "max_target": 30,
        "operations": ["+", "-"], "fractions": true, "template": "tiny", "style": "search",
        "solutions": 2, "order": "every", "tries": 2, "test_share": 0.2,
    })));
    assert!(!accepts(json!({ "operations": ["^"] })));
    assert!(!accepts(json!({ "operations": [] })));
    assert!(!accepts(json!({ "style": "guess" })));
    assert!(!accepts(json!({ "order": "random" })));
    assert!(!accepts(json!({ "max_target": 0 })));
    assert!(!accepts(json!({ "test_share": 1.1 })));
    assert!(!accepts(json!({ "numberz": 3 })));
}

#[test]
fn the_reward_says_what_it_takes() {
    let accepts = accepts::<<Exact as Reward>::Config>;
    assert!(accepts(json!({})));
    assert!(accepts(
        json!({ "format_score": 0.1, "use_all": false, "max_length": 80 })
    ));
    assert!(!accepts(json!({ "format_score": 1.5 })));
    assert!(!accepts(json!({ "max_length": 0 })));
    assert!(!accepts(json!({ "tolerance": 1e-5 })));
}
