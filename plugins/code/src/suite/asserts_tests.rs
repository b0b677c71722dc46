//! Which asserts are read, what becomes of each, and what is refused.

#![allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.

use proptest::prelude::*;

use super::read;
use crate::{
    suite::{CallTest, Expected, Nearness, View},
    value::{Equality, Value, source},
};

fn calls(source: &str, entry_point: Option<&str>) -> Vec<CallTest> {
    read(source, entry_point).unwrap_or_else(|error| panic!("{source}: {error}"))
}

/// `entry(args) view expected`, short enough for a table.
pub fn shown(test: &CallTest) -> String {
    let args: Vec<String> = test.args.iter().map(source).collect();
    let kwargs = test
        .kwargs
        .iter()
        .map(|(name, value)| format!("{name}={}", source(value)));
    let given: Vec<String> = args.into_iter().chain(kwargs).collect();
    let expected = match &test.expected {
        Expected::Value(value) => source(value),
        Expected::Members(members) => format!("members {}", source(&Value::List(members.clone()))),
        Expected::Near(nearness) => format!("{nearness:?}"),
    };
    let view = match test.view {
        View::Itself => String::new(),
        view => format!("{view:?} "),
    };
    format!("{}({}) {view}{expected}", test.entry_point, given.join(" "))
}

#[test]
fn asserts_become_calls() {
    let table = [
        ("assert f(3) == 9", "f(3) 9"),
        ("assert 9 == f(3)", "f(3) 9"),
        ("assert f(3) is None, 'why'", "f(3) None"),
        ("assert (f(3) == 9)", "f(3) 9"),
        (
            "assert f(-3, x=(1, 2)) == [0] * 3",
            "f(-3 x=(1,2,)) [0,0,0,]",
        ),
        ("assert f('a' \"b\") == 10**9 + 7", "f(\"ab\") 1000000007"),
        (
            "assert f(r'\\d', b'\\x00') == {1: 'x', 2: {3}}",
            "f(\"\\\\d\" b\"\\x00\") {1:\"x\",2:{3,},}",
        ),
        ("assert f([1,\n  2], # two lines\n) == 3", "f([1,2,]) 3"),
        ("assert f(1)", "f(1) Bool True"),
        ("assert not f(1)", "f(1) Bool False"),
        ("assert set(f(1)) == set([2, 1, 2])", "f(1) Set {2,1,}"),
        ("assert set(f(1)) == {1}", "f(1) Set {1,}"),
        ("assert sorted(f(1)) == [1]", "f(1) Sorted [1,]"),
        ("assert tuple(f(1)) == (1,)", "f(1) Tuple (1,)"),
        ("assert f(1) == set()", "f(1) {*()}"),
        ("assert f(float('inf')) == 0x1F", "f(1e999) 31"),
        ("assert f(()) == True", "f(()) True"),
        ("assert f(1_000, .5, 1e3) == 1", "f(1000 0.5 1000.0) 1"),
    ];
    for (source, expected) in table {
        let found: Vec<String> = calls(source, None).iter().map(shown).collect();
        assert_eq!(found, [expected], "{source}");
    }
    assert_eq!(
        calls("assert f(1) == True", None)[0].equality,
        Some(Equality::Python)
    );
}

#[test]
fn distances_are_computed_as_python_does() {
    let int = |number: i64| Value::Int(number.into());
    let float = Value::Float;
    for (source, found, holds) in [
        ("abs(f(1) - 2) < 1e-6", float(2.0000001), true),
        ("abs(f(1) - 2) < 1e-6", float(2.000001), false),
        ("abs(f(1) - 3 - 2) < 1e-6", int(5), true),
        ("abs(f(1) - 3 - 2) < 1e-6", int(1), false),
        ("abs(f(1) - 3 + 2 * 2) < 1", int(-1), true),
        ("abs(f(1) - 3) < 1", int(4), false),
        ("abs(f(1) - 3) < 1", int(2), false),
        ("abs(f(1) - 3) <= 1", int(4), true),
        ("abs(f(1) - 1) < 1e-6", Value::Bool(true), true),
        ("abs(f(1) - 1) < 1e-6", Value::Text("1".into()), false),
        ("abs(f(1) - float('inf')) < 1", float(f64::INFINITY), false),
        ("abs(f(1) - 2) < 1", float(f64::NAN), false),
        (
            "abs(f(1) - 100000000000000001) < 1",
            int(100000000000000000),
            false,
        ),
        (
            "abs(f(1) - 100000000000000001) < 1",
            int(100000000000000001),
            true,
        ),
        ("math.fabs(f(1) - 2.0) <= 0.5", float(2.5), true),
        ("math.isclose(f(1), 2)", float(2.000000001), true),
        ("math.isclose(f(1), 2)", float(2.00000001), false),
        ("math.isclose(f(1), 1.0, rel_tol=0.5)", float(1.9), true),
        ("math.isclose(f(1), 1.0, rel_tol=0.5)", float(2.1), false),
        (
            "math.isclose(f(1), 2.0, rel_tol=0.001, abs_tol=1)",
            int(3),
            true,
        ),
        (
            "math.isclose(f(1), float('inf'))",
            float(f64::INFINITY),
            true,
        ),
    ] {
        let test = &calls(&format!("assert {source}"), None)[0];
        // Whatever the reward's own rules are.
        let accepted = test.accepts(found.clone(), Equality::Types, None);
        assert_eq!(accepted, holds, "{source}, {found:?}");
        assert!(matches!(
            &test.expected,
            Expected::Near(Nearness::Distance { .. } | Nearness::Close { .. })
        ));
    }
}

#[test]
fn human_evals_check_is_read() {
    let source = r#"

METADATA = {
    'author': 'jt',
    'dataset': 'test'
}


def check(candidate):
    # Check some simple cases
    assert candidate([1.0, 2.0], 0.3) == True
    assert candidate("x") == "y", "This prints if this assert fails"

    # Check some edge cases
    assert True, "This prints if this assert fails 2 (also good for debugging!)"
"#;
    let found: Vec<String> = calls(source, Some("close")).iter().map(shown).collect();
    assert_eq!(found, ["close([1.0,2.0,] 0.3) True", "close(\"x\") \"y\""]);
    let one_line = "def check(c): assert c(1) == 2\ncheck(close)";
    assert_eq!(shown(&calls(one_line, Some("close"))[0]), "close(1) 2");
}

#[test]
fn what_would_have_to_run_is_refused_with_its_line() {
    let table = [
        (
            "def check(candidate):\n    for i in range(3):\n        assert candidate(i) == i",
            "line 2",
        ),
        ("assert f(g(1)) == 2", "line 1"),
        ("assert f(x) == 2", "\"x\""),
        ("assert len(f(1)) == 2", "\"len\""),
        ("assert f(1) != 2", "end of the assert"),
        ("assert f(1) < 2", "this form"),
        ("assert f(1) == 2 == 2", "end of the assert"),
        ("assert f(1) == 2 or True", "end of the assert"),
        ("assert f(1) == f(2)", "f(..) is not read"),
        ("assert 1 == 1", "without a call"),
        ("x = 3\nassert f(1) == 3", "line 1"),
        (
            "def helper(a):\n    pass\nassert f(1) == 3",
            "check(candidate)",
        ),
        ("assert f(*[1]) == 3", "expected a value"),
        ("assert f('unclosed) == 3", "not closed"),
        ("assert f(f'{1}') == 3", "prefix \"f\""),
        ("assert f(10**100000) == 3", "too large"),
        ("assert f([0]*10**9) == 3", "more than"),
        ("assert f([[[0]*1000]*1000]*1000) == 3", "more than"),
        // Functions of Python itself, and what is not certain.
        ("assert pow(2, 3) == 8", "\"pow\""),
        ("assert math.floor(2.5) == 2", "math.floor"),
        (
            "assert f(1) == tuple(set((10, 4, 5, 6)))",
            "a set has no order",
        ),
        ("assert f(1) == list({'a', 'b'})", "a set has no order"),
        ("assert f(1) == sorted([1, 'a'])", "sorted(..)"),
        ("assert f(1) == {(1, [2])}", "cannot hash"),
        ("assert f({[1]: 2}) == 1", "cannot hash"),
        ("assert f(1) == {frozenset([1])}", "a set in a set"),
        (
            "assert f(frozenset([1])) == 1",
            "a frozen set as an argument",
        ),
        ("assert f(1) == '\\ud83d\\ude00'", "no character"),
        ("assert f(1) == '\\x+f'", "no character"),
        ("assert f(1) is 1000", "identity"),
        ("assert f(1) is 'a'", "identity"),
        ("assert f(1) == [float('nan')]", "nan"),
        ("assert f(1) == 07", "\"07\""),
        ("assert f(1) == (,)", "expected a value"),
        ("assert math.isclose(f(1), 2, abs_tol=-1)", "negative"),
        ("import random", "no assert"),
        ("", "no assert"),
    ];
    for (source, says) in table {
        let error = read(source, None).map(|tests| tests.len());
        let error = error.expect_err(source).to_string();
        assert!(error.contains(says), "{source:?}: {error}");
    }
}

proptest! {
    #[test]
    fn no_source_panics(source in "(assert |def |check|f|\\(|\\)|\\[|\\]|==|[0-9*+-]|'|\"|\\\\|\n|,|\\PC){0,40}") {
        let _ = read(&source, Some("f"));
    }
}

#[test]
fn deep_nesting_is_refused_and_not_recursed_into() {
    for source in [
        "[".repeat(100_000),
        "-".repeat(100_000),
        "{1:".repeat(100_000),
        "set(".repeat(100_000),
    ] {
        let error = read(&format!("assert f({source}"), None);
        assert!(error.is_err());
    }
    let asserted = format!("assert {}f(1)", "set(".repeat(100_000));
    assert!(read(&asserted, None).is_err());
}
