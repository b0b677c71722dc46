//! `code/tests` through the boundary's shims: every form, right programs and near misses,
//! and data that cannot be judged.

#![allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.

mod judged;

use farthing_sdk::prelude::*;
use judged::{refusal, reward, scored};

#[test]
fn right_programs_pass_and_near_misses_do_not() {
    let reward = reward(json!({}));
    let stream = json!({ "tests": [{ "stdin": "3\n", "stdout": "9\n" }, { "stdin": "-4\n", "stdout": "16\n" }] });
    let call = json!({ "entry_point": "square", "tests": [{ "args": [3], "expected": 9 }, { "args": [-4], "expected": 16 }] });
    let human_eval = json!({
        "entry_point": "square",
        "stub": "import math\n\ndef square(x):\n    \"\"\"The square.\"\"\"\n",
        "test": "def check(candidate):\n    assert candidate(3) == 9\n    assert abs(candidate(0.1) - 0.01) < 1e-9\n",
    });
    let mbpp = json!({ "test_list": ["assert square(3) == 9", "assert set(both(2)) == {4, -4}"], "test_imports": ["import math"] });
    let leet = json!({ "func_name": "add", "setup": "from typing import *", "tests": [
        { "input": "[1, 2]\n3", "output": "[4, 5]", "testtype": "functional" },
    ] });
    let table: Vec<(&Value, &[&str], &[&str])> = vec![
        (
            &stream,
            &[
                "```python\nprint(int(input()) ** 2)\n```",
                "<answer>print(abs(int(input())) ** 2)</answer>",
                "x=int(input());print(x*x)",
                "print(int(input()) ** 2); exit()",
                "import resource; resource.setrlimit(resource.RLIMIT_STACK, (1 << 28, -1))\nprint(int(input())**2); quit(0)",
            ],
            &[
                "print(int(input()) * 3)",
                "print(9)",
                "print(9);print(16)",
                "print('9')or 1/0",
                "print(int(input())**2, end=' !')",
                "print(float(input())**2)",
                "def square(x): return x*x",
                "pass",
                "print(int(input())**2",
            ],
        ),
        (
            &call,
            &[
                "def square(x): return x * x",
                "square = lambda x: x ** 2",
                "def square(x): return float(x * x)",
                "print('noise')\ndef square(x):\n    print('more')\n    return x * x",
            ],
            &[
                "def square(x): return x * 3",
                "def square(x): return str(x * x)",
                "def square(x): return [x * x]",
                "def square(x): print(x * x)",
                "def sqare(x): return x * x",
                "def square(x, y): return x * x",
                "def square(x): return 9",
                "print(9)",
            ],
        ),
        (
            &human_eval,
            &[
                "```python\ndef square(x):\n    return math.pow(x, 2)\n```",
                "    return x * x\n",
                "```python\nimport math\ndef square(x):\n    return x * x\n```",
            ],
            &[
                "    return x * 3\n",
                "def square(x): return round(x * x)",
                "def other(x): return x * x",
            ],
        ),
        (
            &mbpp,
            &["def square(x): return x * x\ndef both(x): return [x * x, -x * x, x * x]"],
            &[
                "def square(x): return x * x\ndef both(x): return [x * x]",
                "def both(x): return [x * x, -x * x]",
            ],
        ),
        (
            &leet,
            &[
                "class Solution:\n    def add(self, items: List[int], n: int) -> List[int]:\n        return tuple(i + n for i in items)",
            ],
            &[
                "class Solution:\n    def add(self, items, n): return sorted((i + n for i in items), reverse=True)",
                "def add(items, n): return [i + n for i in items]",
            ],
        ),
    ];
    for (facts, right, wrong) in table {
        for program in right {
            let (value, parts) = scored(&reward, facts, program);
            assert_eq!(value, 1.0, "{program}: {parts:?}");
            assert_eq!(parts.get("accepted"), parts.get("tests"), "{program}");
        }
        for program in wrong {
            let (value, parts) = scored(&reward, facts, program);
            assert_eq!(value, 0.0, "{program}: {parts:?}");
        }
    }
    // Hostile text, and every thread says the same.
    reward
        .check(
            &stream,
            &["print(int(input()) ** 2)"],
            &["print(9)", "import"],
        )
        .unwrap();
    reward.check_missing_facts("print(9)").unwrap();
}

#[test]
fn every_kind_of_value_goes_in_and_comes_out() {
    let reward = reward(json!({ "equality": "types" }));
    for value in [
        json!(null),
        json!(true),
        json!(-7),
        json!({ "$int": format!("-1{}", "0".repeat(5000)) }),
        json!(0.1),
        json!({ "$float": "nan" }),
        json!({ "$float": "-inf" }),
        json!("a\"\\\n\u{0}\u{e9}\u{1f600}"),
        json!({ "$bytes": "00ff" }),
        json!({ "$tuple": [1, { "$tuple": [] }] }),
        json!([[], [1, "a", null]]),
        json!({ "$set": [1, "a", { "$tuple": [2] }] }),
        json!({ "$set": [] }),
        json!({ "a": { "b": [1] } }),
        json!({ "$dict": [[1, "a"], [{ "$tuple": [1, 2] }, null]] }),
    ] {
        let facts = json!({ "entry_point": "f", "tests": [
            { "args": [value], "expected": value },
            { "kwargs": { "x": value }, "expected": value },
        ] });
        let (score, parts) = scored(&reward, &facts, "def f(x): return x");
        assert_eq!(score, 1.0, "{value}: {parts:?}");
    }
    let dictionaries =
        json!({ "entry_point": "f", "tests": [{ "args": [], "expected": { "a": 2 } }] });
    for kind in ["Counter('aa')", "OrderedDict(a=2)", "defaultdict(int, a=2)"] {
        let program = format!("from collections import *\ndef f(): return {kind}");
        assert_eq!(scored(&reward, &dictionaries, &program).0, 1.0, "{kind}");
    }
}

#[test]
fn calls_may_share_a_process() {
    let test = |x: i64| json!({ "args": [x], "expected": x * x });
    let facts =
        json!({ "entry_point": "f", "tests": [test(1), test(2), test(3), test(4), test(5)] });
    let together = reward(json!({ "score": "fraction", "calls_per_process": 3 }));
    assert_eq!(scored(&together, &facts, "def f(x): return x * x").0, 1.0);
    let (value, parts) = scored(
        &together,
        &facts,
        "def f(x): return x * x if x != 2 else 1 / 0",
    );
    assert!((value - 0.8).abs() < 1e-12, "{parts:?}");
    assert_eq!(parts.get("runtime_error"), Some(1.0));
    // The end of a process is the end of all its calls.
    let (_, parts) = scored(
        &together,
        &facts,
        "import os\ndef f(x): return x * x if x != 2 else os._exit(0)",
    );
    assert_eq!(parts.get("accepted"), Some(2.0), "{parts:?}");
    assert_eq!(parts.get("wrong"), Some(3.0), "{parts:?}");
    // Whether they share one is seen by what a call leaves behind.
    let counting = "n = [0]\ndef f(x):\n    n[0] += 1\n    return n[0]";
    let count = |counts: [i64; 2]| json!({ "entry_point": "f", "tests": counts.map(|n| json!({ "args": [0], "expected": n })) });
    assert_eq!(scored(&together, &count([1, 2]), counting).0, 1.0);
    assert_eq!(scored(&reward(json!({})), &count([1, 1]), counting).0, 1.0);
}

#[test]
fn tests_may_have_checkers_of_their_own() {
    let reward = reward(json!({ "checker": { "relative": 1e-6 } }));
    let facts = json!({ "tests": [
        { "stdout": "0.3333333" },
        { "stdout": "0.333333333333333 ", "checker": { "absolute": 0.01 } },
        { "stdout": "0.3333333333333333", "checker": "exact" },
        { "stdout": "0.3333333333333333", "checker": "tokens" },
    ] });
    assert_eq!(scored(&reward, &facts, "print(1/3)").0, 1.0);
    let facts = json!({ "entry_point": "f", "tests": [
        { "args": [[3, 1]], "expected": [1, 3], "checker": "unordered" },
        { "args": [[0.1, 0.2]], "expected": [0.1, 0.20000000001] },
        { "args": [true], "expected": 1, "equality": "python" },
    ] });
    assert_eq!(scored(&reward, &facts, "def f(x): return x").0, 1.0);
    let unordered = json!({ "entry_point": "f", "tests": [{ "expected": ["a", "b"], "checker": "unordered" }] });
    for (returned, value) in [
        ("['b', 'a']", 1.0),
        ("('b', 'a')", 1.0),
        ("{'b', 'a'}", 1.0),
        ("['b', 'a', 'a']", 0.0),
        ("'ba'", 0.0),
        ("{'b': 9, 'a': 7}", 0.0),
    ] {
        let program = format!("def f(): return {returned}");
        assert_eq!(scored(&reward, &unordered, &program).0, value, "{returned}");
    }
}

#[test]
fn another_language_is_a_command_line() {
    let facts = json!({ "tests": [{ "stdin": "3\n", "stdout": "9\n" }] });
    let shell = reward(json!({ "command": ["/bin/sh", "{file}"], "labels": ["sh", "bash"] }));
    assert_eq!(
        scored(&shell, &facts, "```sh\nread x; echo $((x * x))\n```").0,
        1.0
    );
    let (value, parts) = scored(
        &shell,
        &facts,
        "```sh\nread x; echo $((x * x)); exit 3\n```",
    );
    assert_eq!((value, parts.get("runtime_error")), (0.0, Some(1.0)));
    // A compiler that everybody has: it checks, then copies.
    let compiled = reward(json!({
        "command": ["{output}", "an argument"],
        "compile": ["/bin/sh", "-c", "/bin/sh -n \"$0\" && { echo '#!/bin/sh'; /bin/cat \"$0\"; } > \"$1\"", "{file}", "{output}"],
    }));
    assert_eq!(
        scored(
            &compiled,
            &facts,
            "read x; test \"$1\" = 'an argument' && echo $((x * x))"
        )
        .0,
        1.0
    );
    let (value, parts) = scored(&compiled, &facts, "if");
    assert_eq!((value, parts.get("compile_error")), (0.0, Some(1.0)));
    let calls = json!({ "entry_point": "f", "tests": [{ "args": [], "expected": 1 }] });
    let error = shell.score(&calls, "echo 1").err().unwrap().to_string();
    assert!(error.contains("the language is a `command`"), "{error}");
}

#[test]
fn what_cannot_be_judged_is_no_zero() {
    let reward = reward(json!({}));
    let refused = json!({ "entry_point": "f", "test": "def check(candidate):\n    for i in range(3):\n        assert candidate(i) == i\n" });
    assert_eq!(
        reward.score(&refused, "def f(x): return x").unwrap(),
        Outcome::Abstain
    );
    for facts in [
        json!({ "tests": [] }),
        json!({ "tests": [{ "stdin": "3" }] }),
        json!({ "tests": 3 }),
    ] {
        assert!(reward.score(&facts, "print(9)").is_err(), "{facts}");
    }
}

/// Source of the problem that does not run is the problem's fault.
#[test]
fn a_setup_that_cannot_run_is_no_zero() {
    let reward = reward(json!({}));
    let right = "def f(x): return x * x";
    let calls = |setup: &str| json!({ "entry_point": "f", "setup": setup, "tests": [{ "args": [3], "expected": 9 }] });
    for facts in [
        calls("import"),
        calls("import no_such_module"),
        json!({ "test_list": ["assert f(3) == 9"], "test_imports": ["import no_such_module"] }),
        json!({ "setup": "1 / 0", "tests": [{ "stdin": "3", "stdout": "9" }] }),
    ] {
        let error = reward.score(&facts, right).err().unwrap().to_string();
        assert!(error.contains("does not run by itself"), "{facts}: {error}");
    }
    // The program's fault is its own.
    let facts = calls("import math\nprint('noise')");
    assert_eq!(scored(&reward, &facts, right).0, 1.0);
    for wrong in ["import no_such_module", "def f(x): 1 / 0", "def f(x"] {
        let (value, parts) = scored(&reward, &facts, wrong);
        assert_eq!(
            (value, parts.get("runtime_error")),
            (0.0, Some(1.0)),
            "{wrong}"
        );
    }
}

#[test]
fn the_program_goes_behind_setup_and_stub() {
    let reward = reward(json!({}));
    let stub = "from typing import List\n\ndef helper(y):\n    return y * y\n\ndef f(x: int) -> int:\n    'Square.'";
    let tests = json!([{ "args": [3], "expected": 9 }]);
    let with_setup = json!({ "entry_point": "f", "setup": "import math", "tests": tests });
    let with_stub =
        json!({ "entry_point": "f", "setup": "import math", "stub": stub, "tests": tests });
    let printed = json!({ "setup": "import math", "tests": [{ "stdin": "3", "stdout": "9" }] });
    for (facts, program) in [
        (
            &with_setup,
            "from __future__ import annotations\ndef f(x: Unknown): return x * x",
        ),
        (
            &with_setup,
            "#!/usr/bin/env python3\n\"\"\"Squares.\n\nWell.\"\"\"\n\nfrom __future__ import (\n    annotations,\n)\ndef f(x: Unknown): return x * x",
        ),
        (
            &with_setup,
            "'from __future__ import annotations'\ndef f(x): return x * x",
        ),
        (
            &with_stub,
            "from __future__ import annotations\ndef f(x: Unknown): return helper(x)",
        ),
        (
            &printed,
            "from __future__ import annotations\nprint(int(input()) ** 2)",
        ),
        (&with_stub, "    return helper(x)"),
        (&with_stub, "\n    return helper(x)"),
        (&with_stub, "def f (x):\n    return helper(x)"),
        (&with_stub, "f = lambda x: helper(x)"),
        (&with_stub, "\u{feff}def f(x): return x * x"),
    ] {
        let (value, parts) = scored(&reward, facts, program);
        assert_eq!(value, 1.0, "{program}: {parts:?}");
    }
}

#[test]
fn configurations_that_cannot_be_are_refused() {
    let table = [
        (
            json!({ "python": { "interpreter": "/nowhere/python3" } }),
            "/nowhere/python3",
        ),
        (
            json!({ "python": { "interpreter": "/bin/sh" } }),
            "did not say its version",
        ),
        (
            json!({ "sandbox": { "minimum": ["seccomp", "magic"] } }),
            "\"magic\", which is no layer",
        ),
        (json!({ "command": ["node", "{file}"] }), "no absolute path"),
        (
            json!({ "command": ["/nowhere/node", "{file}"] }),
            "not there",
        ),
        (json!({ "compile": ["/bin/true"] }), "without `command`"),
        (
            json!({ "command": ["/bin/sh", "{fil}"] }),
            "unknown placeholder {fil}",
        ),
        (json!({ "command": ["/bin/sh"] }), "does not contain {file}"),
        (
            json!({ "command": ["{output}"] }),
            "does not contain {file}",
        ),
        (
            json!({ "command": ["{output}", "{file}"] }),
            "there is no `compile`",
        ),
        (
            json!({ "command": ["{output}"], "compile": ["/bin/sh", "{file}"] }),
            "`compile` does not contain {output}",
        ),
        (
            json!({ "command": ["/bin/sh", "{file}"], "compile": ["/bin/sh", "{file}", "{output}"] }),
            "`command` does not contain {output}",
        ),
        (
            json!({ "file": "output", "command": ["{output}"], "compile": ["/bin/sh", "{file}", "{output}"] }),
            "`file` is \"output\"",
        ),
        (json!({ "checker": { "relative": 1 } }), "below 1"),
        (json!({ "file": "a/b" }), "`file`"),
        (json!({ "limits": { "total_seconds": 0 } }), "total_seconds"),
        (json!({ "calls_per_process": 0 }), "calls_per_process"),
        (json!({ "checker": "close" }), "expected \"exact\""),
        (json!({ "limits": { "memory_mib": 1 } }), "enough memory"),
        (json!({ "timeout": 3 }), "timeout"),
    ];
    for (config, says) in table {
        let error = refusal(config.clone());
        assert!(error.contains(says), "{config}: {error}");
    }
}
