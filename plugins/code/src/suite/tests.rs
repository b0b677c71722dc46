//! Each form of facts, what becomes of it, and what is refused.

#![allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.

use farthing_sdk::prelude::{Value as Json, json, serde_json};

use super::{Suite, Test, asserts::tests::shown};

fn suite(facts: Json) -> farthing_sdk::Result<Suite> {
    Ok(serde_json::from_value(facts)?)
}

fn tests(facts: Json) -> Vec<Test> {
    match suite(facts.clone()).unwrap_or_else(|error| panic!("{facts}: {error}")) {
        Suite::Tests(tests) => tests.tests,
        Suite::Refused(why) => panic!("{facts}: refused, {why}"),
    }
}

#[test]
fn every_form_of_facts_is_read() {
    let call = |facts: Json| match &tests(facts)[0] {
        Test::Call(test) => shown(test),
        Test::Stream(test) => format!("{:?} {:?}", test.stdin, test.stdout),
    };
    let table = [
        (
            json!({ "tests": [{ "stdin": "3\n", "stdout": "9\n" }] }),
            "\"3\\n\" \"9\\n\"",
        ),
        (json!({ "tests": [{ "stdout": "9" }] }), "\"\" \"9\""),
        (
            json!({ "entry_point": "f", "tests": [{ "args": [3], "expected": 9 }] }),
            "f(3) 9",
        ),
        (
            json!({ "entry_point": "f", "tests": [{ "args": [], "expected": null }] }),
            "f() None",
        ),
        (
            json!({ "entry_point": "f", "tests": [{ "kwargs": { "a": 1 }, "expected": [1] }] }),
            "f(a=1) [1,]",
        ),
        (
            json!({ "entry_point": "f", "tests": [{ "args": [1], "expected": [2, 1], "checker": "unordered" }] }),
            "f(1) members [2,1,]",
        ),
        (
            json!({ "entry_point": "f", "test": "def check(candidate):\n  assert candidate(1) == 2" }),
            "f(1) 2",
        ),
        (
            json!({ "test_list": ["assert g(1) == 2"], "test_imports": ["import math"] }),
            "g(1) 2",
        ),
        (
            json!({ "tests": [{ "input": "3", "output": "9", "testtype": "stdin" }] }),
            "\"3\" \"9\"",
        ),
        (
            json!({ "func_name": "f", "tests": [{ "input": "[1, 2]\n\"a\\u00e9\\ud83d\\ude00\\/\"", "output": "18446744073709551617", "testtype": "functional" }] }),
            "Solution.f([1,2,] \"a\\xe9\\U0001f600/\") 0x10000000000000001",
        ),
        (
            json!({ "func_name": "f", "tests": [{ "input": "{\"b\": 1, \"a\": -Infinity, \"b\": [2e1]}", "output": "NaN", "testtype": "functional" }] }),
            "Solution.f({\"b\":[20.0,],\"a\":-1e999,}) (1e999-1e999)",
        ),
        (
            json!({ "entry_point": "f", "tests": [{ "args": [{ "$set": [2, 1, 2] }, { "$dict": [["b", 1], ["a", 2], ["b", 3]] }], "expected": 1 }] }),
            "f({2,1,} {\"b\":3,\"a\":2,}) 1",
        ),
        // A row of a data set as it is.
        (
            json!({ "task_id": 7, "text": "Square.", "code": "x", "test_list": ["assert g(1) == 2"], "test_setup_code": "", "challenge_test_list": [] }),
            "g(1) 2",
        ),
    ];
    for (facts, expected) in table {
        assert_eq!(call(facts.clone()), expected, "{facts}");
    }
}

#[test]
fn facts_that_say_nothing_or_two_things_are_an_error() {
    let table = [
        (json!({}), "no tests"),
        (json!({ "tests": [] }), "empty"),
        (json!({ "tests": [{}] }), "one kind of test"),
        (
            json!({ "tests": [{ "stdin": "3" }] }),
            "every program would pass",
        ),
        (
            json!({ "tests": [{ "stdin": "3", "stdout": "9", "args": [] }] }),
            "one kind",
        ),
        (
            json!({ "tests": [{ "args": [3], "expected": 9 }] }),
            "entry_point",
        ),
        (
            json!({ "entry_point": "f", "tests": [{ "args": [3] }] }),
            "\"expected\" is missing",
        ),
        (
            json!({ "entry_point": "f()", "tests": [{ "expected": 3 }] }),
            "expected a name",
        ),
        (
            json!({ "entry_point": "f", "tests": [{ "expected": 1e30 }] }),
            "rounded",
        ),
        (
            json!({ "tests": [{ "stdout": "9", "checker": "close" }] }),
            "expected \"exact\"",
        ),
        (
            json!({ "tests": [{ "stdout": "9" }], "test_list": [] }),
            "exclude",
        ),
        (json!({ "test_list": [] }), "empty"),
        (
            json!({ "tests": [{ "input": "1", "output": "1", "testtype": "file" }] }),
            "testtype",
        ),
        (
            json!({ "func_name": "f", "tests": [{ "input": "{", "output": "1", "testtype": "functional" }] }),
            "test 0",
        ),
        (
            json!({ "func_name": "f", "tests": [{ "input": "1", "output": "1 2", "testtype": "functional" }] }),
            "the end of one JSON value",
        ),
        (
            json!({ "stub": "x", "tests": [{ "stdout": "9" }] }),
            "entry_point",
        ),
        // Keys that mean nothing would be taken for ones that do.
        (
            json!({ "tests": [{ "stdout": "9", "cheker": "tokens" }] }),
            "unknown field `cheker`",
        ),
        (
            json!({ "tests": [{ "stdout": "9" }], "setpu": "import math" }),
            "unknown key \"setpu\"",
        ),
        (
            json!({ "tests": [{ "stdout": "9", "equality": "types" }] }),
            "what a function returns",
        ),
        (
            json!({ "tests": [{ "stdout": "9", "testtype": "stdin" }] }),
            "\"testtype\" is for",
        ),
        (
            json!({ "entry_point": "f", "tests": [{ "expected": 1, "testtype": "functional" }] }),
            "\"testtype\" is for",
        ),
        (
            json!({ "entry_point": "g", "test_list": ["assert f(1) == 1"] }),
            "\"entry_point\" is given beside",
        ),
        (
            json!({ "entry_point": "1f", "tests": [{ "expected": 1 }] }),
            "expected a name",
        ),
        // Tolerances that accept nothing, or everything.
        (
            json!({ "tests": [{ "stdout": "9", "checker": {} }] }),
            "one or both",
        ),
        (
            json!({ "tests": [{ "stdout": "9", "checker": { "absolute": -1 } }] }),
            "at least 0",
        ),
        (
            json!({ "tests": [{ "stdout": "9", "checker": { "relative": 1e308 } }] }),
            "below 1",
        ),
        // Arguments that Python cannot make.
        (
            json!({ "entry_point": "f", "tests": [{ "args": [{ "$set": [[1, 2], [3, 4]] }], "expected": 2 }] }),
            "cannot hash",
        ),
        (
            json!({ "entry_point": "f", "tests": [{ "args": [[{ "$set": [{ "$set": [1] }] }]], "expected": 2 }] }),
            "cannot hash",
        ),
        (
            json!({ "entry_point": "f", "tests": [{ "kwargs": { "x": { "$dict": [[[1, 2], 3]] } }, "expected": 2 }] }),
            "cannot hash",
        ),
        (
            json!({ "entry_point": "f", "tests": [{ "expected": { "$set": [{ "$list": [1] }] } }] }),
            "cannot hash",
        ),
        (
            json!({ "func_name": "f", "tests": [{ "input": "2020-01-01", "output": "1", "testtype": "functional" }] }),
            "no JSON",
        ),
        (
            json!({ "func_name": "f", "tests": [{ "input": "\"a\" \"b\" # c", "output": "1", "testtype": "functional" }] }),
            "no JSON",
        ),
        (
            json!({ "func_name": "f", "tests": [{ "input": "'a'", "output": "1", "testtype": "functional" }] }),
            "no JSON",
        ),
    ];
    for (facts, says) in table {
        let error = suite(facts.clone())
            .map(|_| ())
            .expect_err("these are no facts");
        assert!(error.to_string().contains(says), "{facts}: {error}");
    }
    let refused = suite(json!({ "test_list": ["assert len(f(1)) == 1"] })).unwrap();
    assert!(matches!(refused, Suite::Refused(why) if why.contains("len")));
}
