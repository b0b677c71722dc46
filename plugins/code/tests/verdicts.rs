//! How a test or an attempt ends: each way has its verdict, and what is no fault of the program's has none.

#![allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.

mod judged;

use farthing_sdk::prelude::*;
use judged::{refusal, reward, scored, verdicts};

#[test]
fn each_way_to_fail_has_its_verdict() {
    let reward = reward(
        json!({ "score": "fraction", "limits": { "cpu_seconds": 1, "memory_mib": 128, "output_mib": 1 } }),
    );
    let facts = json!({ "tests": [
        { "stdin": "1", "stdout": "1" }, { "stdin": "2", "stdout": "2" }, { "stdin": "3", "stdout": "3" },
        { "stdin": "4", "stdout": "4" }, { "stdin": "5", "stdout": "5" }, { "stdin": "6", "stdout": "6" },
    ] });
    let program = "
n = int(input())
if n == 2: 1 / 0
if n == 3:
    while True: pass
if n == 4: x = [0] * 10**9
if n == 5: print('x' * 10**7)
if n == 6: n = 7
print(n)
";
    let (value, parts) = scored(&reward, &facts, program);
    assert!((value - 1.0 / 6.0).abs() < 1e-12);
    let expected = [
        "accepted",
        "wrong",
        "runtime_error",
        "time_limit",
        "memory_limit",
        "output_limit",
    ];
    assert_eq!(
        verdicts(&parts),
        expected.map(|name| (name.to_owned(), 1.0))
    );
    let (value, parts) = scored(&reward, &facts, "no program here:\n```python\nprint(");
    assert_eq!(
        (value, verdicts(&parts)),
        (0.0, vec![("no_program".to_owned(), 1.0)])
    );
}

#[test]
fn all_or_nothing_stops_at_the_first_failure() {
    let facts = json!({ "tests": [
        { "stdin": "1", "stdout": "1" }, { "stdin": "2", "stdout": "?" }, { "stdin": "3", "stdout": "3" },
    ] });
    let (value, parts) = scored(&reward(json!({})), &facts, "print(input())");
    assert_eq!(value, 0.0);
    let expected = ["accepted", "wrong", "not_run"].map(|name| (name.to_owned(), 1.0));
    assert_eq!(verdicts(&parts), expected);
    let (value, _) = scored(
        &reward(json!({ "score": "fraction" })),
        &facts,
        "print(input())",
    );
    assert!((value - 2.0 / 3.0).abs() < 1e-12);
}

/// Slow on purpose is not a way out of being judged.
#[test]
fn an_attempt_has_a_budget_of_time() {
    let test = json!({ "stdin": "", "stdout": "" });
    let facts = json!({ "tests": [test, test, test] });
    let reward = reward(json!({ "score": "fraction", "limits": { "total_seconds": 2 } }));
    let (value, parts) = scored(&reward, &facts, "import time\ntime.sleep(1000)");
    assert_eq!(value, 0.0);
    assert_eq!(parts.get("time_limit"), Some(1.0), "{parts:?}");
    assert_eq!(parts.get("not_run"), Some(2.0), "{parts:?}");
}

/// A program that the working directory has no room for is no fault of the machine.
#[test]
fn a_program_that_does_not_fit_is_wrong() {
    let stream = json!({ "tests": [{ "stdin": "3\n", "stdout": "9\n" }] });
    let call = json!({ "entry_point": "f", "tests": [{ "args": [3], "expected": 9 }] });
    let reward = reward(json!({ "program": "raw", "limits": { "disk_mib": 1 } }));
    let padded = |program: &str| format!("{program}\n#{}", "x".repeat(1 << 20));
    for (facts, right) in [
        (&stream, "print(int(input()) ** 2)"),
        (&call, "def f(x): return x * x"),
    ] {
        assert_eq!(scored(&reward, facts, right).0, 1.0);
        let (value, parts) = scored(&reward, facts, &padded(right));
        assert_eq!((value, parts.get("wrong")), (0.0, Some(1.0)), "{parts:?}");
    }
    // What the problem brings along is not the program's to answer for.
    let large = json!({ "entry_point": "len", "tests": [{ "args": ["x".repeat(1 << 20)], "expected": 1 }] });
    let error = reward
        .score(&large, "from builtins import len")
        .unwrap_err();
    assert!(
        error.to_string().contains("write the job's file"),
        "{error:?}"
    );
}

/// How a compiler ends says what the program did, and not always that it was refused.
#[test]
fn what_a_compiler_does_has_its_own_verdict() {
    let facts = json!({ "tests": [{ "stdin": "3\n", "stdout": "9\n" }] });
    let compiled = |script: &str, limits: Value| {
        let reward = reward(json!({
            "command": ["{output}"], "limits": limits,
            "compile": ["/bin/sh", "-c", script, "{file}", "{output}"],
        }));
        verdicts(&scored(&reward, &facts, "program").1)
    };
    for (script, limits, verdict) in [
        ("exit 1", json!({}), "compile_error"),
        (
            "while :; do :; done",
            json!({ "cpu_seconds": 1 }),
            "time_limit",
        ),
        ("cat /dev/zero >&2", json!({}), "output_limit"),
    ] {
        assert_eq!(
            compiled(script, limits),
            [(verdict.to_owned(), 1.0)],
            "{script}"
        );
    }
    let outside = tempfile::tempdir().unwrap();
    let compiler = outside.path().join("compiler");
    std::fs::write(&compiler, "#!/bin/sh\nexit 0").unwrap();
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&compiler, executable).unwrap();
    let directory = json!({ "command": ["/usr/bin", "{file}"] });
    assert!(refusal(directory).contains("/usr/bin is no executable inside"));
    for line in ["command", "compile"] {
        let mut config =
            json!({ "command": ["{output}"], "compile": ["/bin/sh", "{file}", "{output}"] });
        config[line] = json!([compiler.to_str().unwrap(), "{file}", "{output}"]);
        let error = refusal(config);
        assert!(
            error.contains("compiler is no executable inside the sandbox"),
            "{error}"
        );
    }
}
