//! Equality of values, and their JSON and Python forms.

#![allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.

use farthing_sdk::prelude::{Value as Json, json};

use super::{Equality, Tolerance, Value, from_json, matches, source};

/// Values as their JSON form; an answer's lists are real lists, as the runner writes them.
fn answer(json: Json) -> Value {
    fn listed(value: Value) -> Value {
        match value {
            Value::Array(items) => Value::List(items.into_iter().map(listed).collect()),
            Value::Tuple(items) => Value::Tuple(items.into_iter().map(listed).collect()),
            Value::Dict(entries) => Value::Dict(
                entries
                    .into_iter()
                    .map(|(key, value)| (listed(key), listed(value)))
                    .collect(),
            ),
            other => other,
        }
    }
    listed(from_json(&json).unwrap())
}

#[test]
fn each_rule_says_what_is_equal() {
    let big = |digits: &str| json!({ "$int": digits });
    // What was expected, what was found, and whether it counts under values, python, types.
    let table: Vec<(Json, Json, [bool; 3])> = vec![
        (json!(9), json!(9), [true; 3]),
        (json!(9), json!(9.0), [true, true, false]),
        (json!(9.0), json!(9), [true, true, false]),
        (json!(9), json!("9"), [false; 3]),
        (json!(9), json!([9]), [false; 3]),
        (json!(9), json!(null), [false; 3]),
        (json!(1), json!(true), [false, true, false]),
        (json!(true), json!(1), [false, true, false]),
        (json!(true), json!(1.0), [false, true, false]),
        (json!(true), json!(true), [true; 3]),
        (json!(true), json!(false), [false; 3]),
        (json!(false), json!(null), [false; 3]),
        (json!(null), json!(null), [true; 3]),
        (json!(0), json!(""), [false; 3]),
        (json!(-0.0), json!(0.0), [true; 3]),
        (json!(0.1), json!(0.10000000000000002), [false; 3]),
        // Beyond what a float can tell apart.
        (
            json!(9007199254740993_u64),
            json!(9007199254740992.0),
            [false; 3],
        ),
        (
            big("18446744073709551617"),
            big("18446744073709551617"),
            [true; 3],
        ),
        (
            big("18446744073709551617"),
            big("18446744073709551616"),
            [false; 3],
        ),
        (
            big("18446744073709551616"),
            json!({ "$float": "18446744073709551616" }),
            [true, true, false],
        ),
        (
            json!({ "$float": "nan" }),
            json!({ "$float": "nan" }),
            [true; 3],
        ),
        (
            json!({ "$float": "inf" }),
            json!({ "$float": "-inf" }),
            [false; 3],
        ),
        (
            json!({ "$float": "inf" }),
            big(&format!("1{}", "0".repeat(400))),
            [false; 3],
        ),
        // Sequences: JSON has no tuples, Python tells them from lists.
        (json!([1, 2]), json!([1, 2]), [true; 3]),
        (json!([1, 2]), json!({ "$tuple": [1, 2] }), [true; 3]),
        (
            json!({ "$list": [1] }),
            json!({ "$tuple": [1] }),
            [false; 3],
        ),
        (json!({ "$tuple": [1] }), json!([1]), [false; 3]),
        (json!([1, 2]), json!([2, 1]), [false; 3]),
        (json!([1, 2]), json!([1, 2, 3]), [false; 3]),
        (json!([[1], []]), json!([[1], []]), [true; 3]),
        (json!([1, 2]), json!({ "$set": [1, 2] }), [false; 3]),
        (json!([]), json!({}), [false; 3]),
        (json!(""), json!([]), [false; 3]),
        // Sets and dictionaries have no order.
        (
            json!({ "$set": [1, "a", 2.5] }),
            json!({ "$set": ["a", 2.5, 1] }),
            [true; 3],
        ),
        (
            json!({ "$set": [1, 2] }),
            json!({ "$set": [1, 3] }),
            [false; 3],
        ),
        (
            json!({ "$set": [1, 2] }),
            json!({ "$set": [1] }),
            [false; 3],
        ),
        (
            json!({ "$set": [1, 1, 2] }),
            json!({ "$set": [2, 1] }),
            [true; 3],
        ),
        (
            json!({ "$set": [{ "$set": [1, 2] }, { "$set": ["a", 3] }] }),
            json!({ "$set": [{ "$set": [3, "a"] }, { "$set": [2, 1] }] }),
            [true; 3],
        ),
        (
            json!({ "a": 1, "b": 2 }),
            json!({ "b": 2, "a": 1 }),
            [true; 3],
        ),
        (json!({ "a": 1 }), json!({ "a": 2 }), [false; 3]),
        (json!({ "1": 2 }), json!({ "$dict": [[1, 2]] }), [false; 3]),
        (
            json!({ "$dict": [[1, 2]] }),
            json!({ "$dict": [[1.0, 2]] }),
            [true, true, false],
        ),
        (
            json!({ "$dict": [[[1, 2], 3]] }),
            json!({ "$dict": [[{ "$tuple": [1, 2] }, 3]] }),
            [true; 3],
        ),
        (
            json!({ "$bytes": "00ff" }),
            json!({ "$bytes": "00ff" }),
            [true; 3],
        ),
        (json!({ "$bytes": "61" }), json!("a"), [false; 3]),
    ];
    for (expected, found, accepted) in table {
        let rules = [Equality::Values, Equality::Python, Equality::Types];
        for (rule, accepted) in rules.into_iter().zip(accepted) {
            assert_eq!(
                matches(
                    &from_json(&expected).unwrap(),
                    answer(found.clone()),
                    rule,
                    None
                ),
                accepted,
                "{rule:?}: expected {expected}, found {found}"
            );
        }
    }
}

#[test]
fn a_tolerance_is_for_floats_that_were_expected() {
    let tolerance = Some(Tolerance {
        relative: 1e-6,
        absolute: 1e-9,
    });
    let table = [
        (json!(0.3), json!(0.30000000000000004), true),
        (json!(0.3), json!(0.3001), false),
        (json!(3.0), json!(3), true),
        (json!(1000000007), json!(1000000008), false),
        (json!(3), json!(3.0000000001), false),
        (json!([1.0, [2.0]]), json!([1.0000000001, [2.0]]), true),
        (json!({ "a": 1.0 }), json!({ "a": 1.1 }), false),
        (json!({ "$float": "inf" }), json!(1e18), false),
        (json!({ "$float": "nan" }), json!(0.0), false),
        (json!(0.0), json!({ "$float": "nan" }), false),
        (json!(1.0), json!(true), false),
    ];
    for (expected, found, accepted) in table {
        assert_eq!(
            matches(
                &from_json(&expected).unwrap(),
                answer(found.clone()),
                Equality::Values,
                tolerance
            ),
            accepted,
            "expected {expected}, found {found}"
        );
    }
}

#[test]
fn numbers_that_may_have_been_rounded_are_refused() {
    for (json, says) in [
        (
            json!(1.2345678901234568e29),
            "may be a whole number that was rounded",
        ),
        (json!(1e300), "{\"$float\": \"1e30\"}"),
        (json!({ "$int": "1e3" }), "decimal digits"),
        (json!({ "$set": 3 }), "an array"),
        (json!({ "$dict": [[1]] }), "[key, value]"),
        (json!({ "$bytes": "abc" }), "hexadecimal"),
        (json!({ "$tuples": [] }), "unknown kind"),
        (json!({ "$set": [{ "a": 1 }] }), "cannot hash"),
        (json!({ "$dict": [[{ "$list": [1] }, 2]] }), "cannot hash"),
    ] {
        let error = from_json(&json).unwrap_err().to_string();
        assert!(error.contains(says), "{json}: {error}");
    }
    let deep = (0..100).fold(json!(1), |inner, _| json!([inner]));
    assert!(from_json(&deep).unwrap_err().to_string().contains("nested"));
}

#[test]
fn python_source_needs_nothing_but_ascii() {
    let table = [
        (json!(null), "None"),
        (json!([true, -3, 1.5]), "[True,-3,1.5,]"),
        (json!({ "$tuple": [1] }), "(1,)"),
        (json!({ "$tuple": [] }), "()"),
        (json!({ "$set": [] }), "{*()}"),
        (json!({ "a": {} }), "{\"a\":{},}"),
        (
            json!("\"\\\n\u{e9}\u{20ac}\u{1f600}"),
            "\"\\\"\\\\\\x0a\\xe9\\u20ac\\U0001f600\"",
        ),
        (json!({ "$bytes": "00ff22" }), "b\"\\x00\\xff\\\"\""),
        (
            json!({ "$int": "-18446744073709551616" }),
            "-0x10000000000000000",
        ),
        (json!({ "$float": "-inf" }), "-1e999"),
        (json!({ "$float": "nan" }), "(1e999-1e999)"),
    ];
    for (json, expected) in table {
        assert_eq!(source(&from_json(&json).unwrap()), expected);
    }
}
