//! What manifests say about data sets: one file or several, and the held-out share.

#![allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.

use farthing_dataset::{OneOrMany, is_held_out, test_share};
use farthing_sdk::prelude::*;
use schemars::schema_for;

#[test]
fn a_key_takes_one_value_or_a_list() {
    let schema = schema_for!(OneOrMany<String>).to_value();
    for (given, values) in [
        (json!("a"), vec!["a"]),
        (json!(["a", "b"]), vec!["a", "b"]),
        (json!([]), vec![]),
    ] {
        assert!(jsonschema::is_valid(&schema, &given), "{given}");
        let read: OneOrMany<String> = serde_json::from_value(given).unwrap();
        assert_eq!(read.as_slice(), values);
    }
    for wrong in [json!(5), json!([5]), json!({ "a": "b" })] {
        assert!(!jsonschema::is_valid(&schema, &wrong), "{wrong}");
        let error = serde_json::from_value::<OneOrMany<String>>(wrong).unwrap_err();
        assert_eq!(error.to_string(), "expected one value or a list of values");
    }
    assert!(OneOrMany::<String>::default().as_slice().is_empty());
}

fn held_out(share: f64) -> Vec<u32> {
    (0..1000)
        .filter(|number| is_held_out(&format!("problem-{number}"), share))
        .collect()
}

#[test]
fn a_larger_share_holds_out_the_same_and_more() {
    let (small, large) = (held_out(0.1), held_out(0.3));
    assert!((60..140).contains(&small.len()), "{}", small.len());
    assert!((240..360).contains(&large.len()), "{}", large.len());
    assert!(small.iter().all(|number| large.contains(number)));
    // Written down, because problems that change sides would be trained on and tested with.
    assert_eq!(small[..5], [8, 10, 11, 30, 42]);
    assert_eq!((held_out(0.0).len(), held_out(1.0).len()), (0, 1000));
}

#[test]
fn shares_that_are_none_are_refused() {
    for share in [0.0, 0.5, 1.0] {
        assert_eq!(test_share(Some(share), true).unwrap(), share);
    }
    for share in [-0.1, 1.1, f64::NAN] {
        let error = test_share(Some(share), false).unwrap_err().to_string();
        assert!(
            error.contains("`test_share` must be from 0 to 1, found"),
            "{error}"
        );
    }
    // Something is held out, unless somebody has done it already.
    assert_eq!(test_share(None, false).unwrap(), 0.1);
    assert_eq!(test_share(None, true).unwrap(), 0.0);
}
