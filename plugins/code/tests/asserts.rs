//! Asserts, read and not run, mean what Python means by them: each of these is followed by what
//! a program returns, and whether Python would pass it.

#![allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.

use farthing_code::TestsReward;
use farthing_sdk::{
    prelude::*,
    testing::{self, RewardKit},
};

fn reward(mut config: Value) -> RewardKit {
    config["limits"] = json!({ "wall_seconds": 60, "total_seconds": 300 });
    testing::reward::<TestsReward>(config).unwrap()
}

/// `None` where the test is refused.
fn value(reward: &RewardKit, facts: &Value, program: &str) -> Option<f64> {
    match reward.score(facts, program).unwrap() {
        Outcome::Scored { value, .. } => Some(value),
        Outcome::Abstain => None,
    }
}

#[test]
fn an_assert_means_what_python_means_by_it() {
    let table: &[(&str, &str, bool)] = &[
        // Distances are computed from left to right, and exactly.
        ("abs(f(2) - 3 - 2) < 1e-6", "5", true),
        ("abs(f(2) - 3 - 2) < 1e-6", "1", false),
        ("abs(f(2) - 3) < 1", "4", false),
        ("abs(f(2) - 3) < 1", "2", false),
        ("abs(f(2) - 3) <= 1", "2", true),
        ("abs(f(2) - 1) < 1e-6", "True", true),
        ("abs(f(2) - float('inf')) < 1", "float('inf')", false),
        ("abs(f(2) - 100000000000000001) < 1", "10**17", false),
        ("math.isclose(f(2), 1.0, rel_tol=0.5)", "1.9", true),
        ("math.isclose(f(2), 1.0, rel_tol=0.5)", "2.1", false),
        ("math.isclose(f(2), 1)", "True", true),
        // Identity is more than equality.
        ("f(1) is True", "True", true),
        ("f(1) is True", "1", false),
        ("f(1) is True", "1.0", false),
        ("f(1) is False", "0", false),
        ("f(1) is None", "None", true),
        ("f(2) is 1", "1", true),
        ("f(2) is 1", "True", false),
        ("f(2) == 1", "True", true),
        ("f(2) == 9", "9.0", true),
        // The views are Python's own, with its exceptions.
        ("set(f(3)) == {(1, 2)}", "[(1, 2), (1, 2)]", true),
        ("set(f(3)) == {(1, 2)}", "[(1, 2), [1, 2]]", false),
        ("set(f(3)) == {1, 2}", "{1: 0, 2: 0}", true),
        (
            "sorted(f(3)) == [{1: 2}, {3: 4}]",
            "[{1: 2}, {3: 4}]",
            false,
        ),
        ("sorted(f(3)) == [1, 2]", "{2: 0, 1: 0}.keys()", true),
        ("sorted(f(3)) == ['a', 'b']", "'ba'", true),
        ("list(f(3)) == [0, 1, 2]", "(i for i in range(x))", true),
        ("list(f(3)) == [0, 1, 2]", "range(x)", true),
        ("list(f(3)) == [0, 1, 2]", "range(x + 1)", false),
        ("list(f(3)) == [97, 98]", "b'ab'", true),
        ("list(f(3)) == ['b', 'a']", "{'b': 1, 'a': 2}", true),
        ("tuple(f(3)) == (0, 1, 2)", "map(int, range(x))", true),
        ("tuple(f(3)) == (0, 1, 2)", "[0, 1, 2]", true),
        ("list(f(3)) == [0]", "3", false),
        ("frozenset(f(3)) == {1}", "[1, 1]", true),
        // Truth is the program's own.
        ("f(1)", "range(1)", true),
        ("f(1)", "object()", true),
        (
            "f(1)",
            "type('T', (), {'__bool__': lambda self: False})()",
            false,
        ),
        ("not f(1)", "range(0)", true),
        ("not f(1)", "0.0", true),
        ("not f(1)", "[0]", false),
        // Text, and the order of dictionaries.
        ("f('''a\r\nb''') == 'a\\nb'", "x", true),
        ("f({'b': 1, 'a': 2}) == ['b', 'a']", "list(x)", true),
        ("f({'b': 1, 'a': 2}) == ['a', 'b']", "list(x)", false),
        (
            "f({'b': 1, 'a': 2, 'b': 3}) == [('b', 3), ('a', 2)]",
            "list(x.items())",
            true,
        ),
        ("f(1) == {1, True, 1.0}", "{1}", true),
        ("f(1) == {1: 'a', True: 'b'}", "{1: 'b'}", true),
        ("f(1) == list({'b': 1, 'a': 2})", "['b', 'a']", true),
        (
            "f(1) == sorted([(2, 'a'), (1, 'b', 3)])",
            "[(1, 'b', 3), (2, 'a')]",
            true,
        ),
    ];
    // Whatever the reward's own rule is.
    for config in [json!({}), json!({ "equality": "types" })] {
        let reward = reward(config);
        for (assert, returned, holds) in table {
            let facts = json!({ "test_list": [format!("assert {assert}")] });
            let program = format!("def f(x): return {returned}");
            let found = value(&reward, &facts, &program);
            assert_eq!(
                found,
                Some(f64::from(u8::from(*holds))),
                "{assert}: {returned}"
            );
        }
    }
}

#[test]
fn what_is_not_certain_is_no_zero() {
    let reward = reward(json!({}));
    for assert in [
        "f(1) == tuple(set((10, 4, 5, 6)))",
        "f(1) == '\\ud83d\\ude00'",
        "f({[1]: 2}) == 3",
        "f({(1, [2])}) == 3",
        "f({frozenset([1])}) == 3",
        "f(1) is 'a'",
        "f(1) == float('nan')",
        "pow(2, 3) == 8",
    ] {
        let facts = json!({ "test_list": ["assert f(2) == 4", format!("assert {assert}")] });
        let found = value(&reward, &facts, "def f(x): return x * x");
        assert_eq!(found, None, "{assert}");
    }
}

/// A set of two sets of two sets ..: twice the size for each level.
#[test]
fn a_deeply_nested_answer_costs_no_more_than_a_long_one() {
    let reward = reward(json!({}));
    let forged = |node: &str, depth: u32| {
        format!(
            "import os\ns = b'n'\nfor _ in range({depth}): s = {node}\nd = b'r' + s + b'.'\n\
             while d: d = d[os.write(3, d):]\nos._exit(0)"
        )
    };
    let dictionaries = forged("b'm2:' + s + b'n' + s + b'n'", 19);
    let sets = forged("b'e2:' + s + s", 19);
    let honest = "def build(n, leaf):\n    if n == 0: return leaf\n    \
                  return frozenset([build(n - 1, 2 * leaf), build(n - 1, 2 * leaf + 1)])\n\
                  def f(x): return build(17, 1)";
    let nested = (0..19).fold(
        json!(null),
        |inner, _| json!({ "$dict": [[1, inner], [2, 3]] }),
    );
    for facts in [
        json!({ "entry_point": "f", "tests": [{ "args": [1], "expected": { "a": 1, "b": 2 } }] }),
        json!({ "entry_point": "f", "tests": [{ "args": [1], "expected": { "$set": [1, 2] } }] }),
        json!({ "entry_point": "f", "tests": [{ "args": [1], "expected": nested }] }),
        json!({ "entry_point": "f", "tests": [{ "args": [1], "expected": [1, 2], "checker": "unordered" }] }),
        json!({ "test_list": ["assert set(f(1)) == {1, 2}"] }),
        json!({ "test_list": ["assert sorted(f(1)) == [1, 2]"] }),
    ] {
        for program in [&dictionaries, &sets, honest] {
            assert_eq!(value(&reward, &facts, program), Some(0.0), "{facts}");
        }
    }
}
