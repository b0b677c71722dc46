//! `code/problems`: data sets of every preset are read, split and phrased, or refused.

#![allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.

use std::{fs, path::Path};

use farthing_code::{OneLiners, Problems, TestsReward};
use farthing_sdk::{
    prelude::*,
    testing::{self, RewardKit, TaskKit},
};
use schemars::{JsonSchema, schema_for};

fn reward(config: Value) -> RewardKit {
    testing::reward::<TestsReward>(config).unwrap()
}

fn value(reward: &RewardKit, problem: &Problem, completion: &str) -> f64 {
    match reward.score(&problem.facts, completion).unwrap() {
        Outcome::Scored { value, .. } => value,
        Outcome::Abstain => panic!("abstained on {}", problem.id),
    }
}

fn written(directory: &Path, name: &str, rows: &[Value]) -> String {
    let path = directory.join(name);
    let lines: Vec<String> = rows.iter().map(Value::to_string).collect();
    fs::write(&path, lines.join("\n")).unwrap();
    path.to_str().unwrap().to_owned()
}

/// base64.b64encode(zlib.compress(pickle.dumps(json.dumps(
/// [{"input": "4", "output": "16", "testtype": "functional"}]))))
const PACKED: &str =
    "eJxrYJlqxwABPVbR1UqZeQWlJUpWCkomSjoKSvmlJVCuoRmIX5JaXFJSWZAKEkkrzUsuyczPS8xRqo2dogcAs2cU/w==";

#[test]
fn every_preset_knows_its_data_set() {
    let directory = tempfile::tempdir().unwrap();
    let own = written(
        directory.path(),
        "own.jsonl",
        &[json!({
            "id": "a", "prompt": "Square a number.", "tags": ["easy"], "solution": "print(int(input()) ** 2)",
            "facts": { "tests": [{ "stdin": "3", "stdout": "9" }] },
        })],
    );
    let human_eval = written(
        directory.path(),
        "human.jsonl",
        &[
            json!({ "task_id": "HumanEval/0", "prompt": "def f(x):\n    \"\"\"Square.\"\"\"\n", "entry_point": "f",
            "canonical_solution": "    return x * x\n", "test": "def check(candidate):\n    assert candidate(3) == 9\n" }),
            json!({ "task_id": "HumanEval/1", "prompt": "def g(x):\n", "entry_point": "g",
            "test": "def check(candidate):\n    for i in range(9):\n        assert candidate(i) == i\n" }),
        ],
    );
    let mbpp = written(
        directory.path(),
        "mbpp.jsonl",
        &[json!({
            "task_id": 7, "text": "Square a number.", "test_list": ["assert f(3) == 9", "assert f(4) == 16"],
            "test_setup_code": "", "code": "def f(x):\n    return x ** 2",
        })],
    );
    let tests = json!([{ "input": "3", "output": "9", "testtype": "functional" }]).to_string();
    let leet = written(
        directory.path(),
        "leet.jsonl",
        &[json!({
            "question_id": "1", "question_content": "Square a number.", "difficulty": "easy", "platform": "leetcode",
            "starter_code": "class Solution:\n    def f(self, x: int) -> int:\n        ", "public_test_cases": tests,
            "private_test_cases": PACKED, "metadata": "{\"func_name\": \"f\"}",
        })],
    );
    let reward = reward(json!({ "limits": { "wall_seconds": 60, "total_seconds": 300 } }));
    let function = "```python\ndef f(x): return x * x\n```";
    for (preset, file, solution, shows) in [
        (
            "farthing",
            own,
            "print(int(input()) ** 2)",
            "Square a number.",
        ),
        (
            "humaneval",
            human_eval,
            "    return x * x\n",
            "\"\"\"Square.\"\"\"",
        ),
        ("mbpp", mbpp, function, "assert f(3) == 9"),
        (
            "livecodebench",
            leet,
            "class Solution:\n    def f(self, x: int) -> int: return x * x",
            "class Solution",
        ),
    ] {
        let task = testing::task::<Problems>(json!({ "test": file, "preset": preset })).unwrap();
        task.check(Split::Test, 10).unwrap();
        // The problem whose test is a loop was left out, and one whose tests are packed was read.
        assert_eq!(task.size(Split::Test).unwrap(), Some(1), "{preset}");
        assert_eq!(task.size(Split::Train).unwrap(), Some(0));
        let problem = task.problem(Split::Test, 0, 0).unwrap();
        let Prompt::Messages(messages) = &problem.prompt else {
            panic!("the default is a chat");
        };
        assert!(
            messages[0].content.contains(shows),
            "{preset}: {messages:?}"
        );
        assert!(
            !messages[0].content.contains("16"),
            "{preset} shows one test"
        );
        assert_eq!(value(&reward, &problem, solution), 1.0, "{preset}");
        assert_eq!(value(&reward, &problem, "print(8)"), 0.0, "{preset}");
        match task.solution(&problem, 0).unwrap() {
            Some(worked) => {
                assert_eq!(value(&reward, &problem, &worked), 1.0, "{preset}: {worked}")
            }
            None => assert_eq!(preset, "livecodebench"),
        }
    }
}

#[test]
fn data_sets_are_split_by_id_and_phrased_as_one_likes() {
    let directory = tempfile::tempdir().unwrap();
    let row = |n: i32| json!({ "name": format!("p{n}"), "question": format!("Problem {n}."), "facts": { "tests": [{ "stdout": "9" }] } });
    let rows: Vec<Value> = (0..200).map(row).collect();
    let file = written(directory.path(), "own.jsonl", &rows);
    let config = json!({
        "train": [file], "test_share": 0.25, "columns": { "id": "name", "prompt": "question" },
        "template": "Q: {problem}\nA:",
    });
    let task = testing::task::<Problems>(config.clone()).unwrap();
    task.check(Split::Train, 200).unwrap();
    let held_out = task.size(Split::Test).unwrap().unwrap();
    assert!((30..70).contains(&held_out), "{held_out}");
    assert_eq!(task.size(Split::Train).unwrap().unwrap() + held_out, 200);
    let first = task.problem(Split::Train, 0, 1).unwrap();
    let Prompt::Text(text) = &first.prompt else {
        panic!("one's own template is text")
    };
    assert!(
        text.starts_with("Q: Problem ") && text.ends_with(".\nA:"),
        "{text}"
    );
    // Where a problem is does not depend on how many others there are.
    let file = written(
        directory.path(),
        "more.jsonl",
        &(0..300).map(row).collect::<Vec<_>>(),
    );
    let mut more = config;
    more["train"] = json!([file]);
    let more = testing::task::<Problems>(more).unwrap();
    let ids = |task: &TaskKit| -> Vec<String> {
        let size = task.size(Split::Test).unwrap().unwrap();
        (0..size)
            .map(|index| task.problem(Split::Test, index, 0).unwrap().id)
            .collect()
    };
    let larger = ids(&more);
    assert!(ids(&task).iter().all(|id| larger.contains(id)));
}

#[test]
fn one_file_or_several_are_read() {
    let directory = tempfile::tempdir().unwrap();
    let row = |id: &str| json!({ "id": id, "prompt": "Print 9.", "facts": { "tests": [{ "stdout": "9" }] } });
    let first = written(directory.path(), "first.jsonl", &[row("a"), row("b")]);
    let second = written(directory.path(), "second.jsonl", &[row("c")]);
    let size = |train: Value| {
        let task = testing::task::<Problems>(json!({ "train": train, "test_share": 0 })).unwrap();
        task.size(Split::Train).unwrap()
    };
    assert_eq!(size(json!(first)), Some(2));
    assert_eq!(size(json!([first, second])), Some(3));
}

/// What is taught is what is found again.
#[test]
fn a_solution_with_a_fence_in_it_is_taught_whole() {
    let directory = tempfile::tempdir().unwrap();
    let solution = "def f():\n    \"\"\"\n```\n</think><answer>\n\"\"\"\n    return 9";
    let row = json!({ "id": "a", "prompt": "Nine.", "solution": solution,
        "facts": { "entry_point": "f", "tests": [{ "expected": 9 }] } });
    let file = written(directory.path(), "own.jsonl", &[row]);
    let task = testing::task::<Problems>(json!({ "test": file })).unwrap();
    let problem = task.problem(Split::Test, 0, 0).unwrap();
    let worked = task.solution(&problem, 0).unwrap().unwrap();
    let reward = reward(json!({ "limits": { "wall_seconds": 60, "total_seconds": 300 } }));
    assert_eq!(value(&reward, &problem, &worked), 1.0, "{worked}");
}

#[test]
fn data_sets_that_cannot_be_used_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let good = json!({ "id": "a", "prompt": "p", "facts": { "tests": [{ "stdout": "9" }] } });
    let refusal = |rows: &[Value], change: Value| {
        let file = written(directory.path(), "file.jsonl", rows);
        let mut config = json!({ "train": [file] });
        for (key, value) in change.as_object().unwrap() {
            config[key] = value.clone();
        }
        testing::task::<Problems>(config).err().unwrap().to_string()
    };
    for (rows, change, says) in [
        (
            vec![good.clone(), good.clone()],
            json!({}),
            "two problems have the id \"a\"",
        ),
        (
            vec![json!({ "id": "a", "prompt": "p" })],
            json!({}),
            "file.jsonl:1: expected a column `facts`, found `id`, `prompt`",
        ),
        (
            vec![json!({ "id": "a", "prompt": "p", "facts": { "tests": [] } })],
            json!({}),
            "file.jsonl:1: its tests cannot be read",
        ),
        (
            vec![json!({ "id": 3, "prompt": "p", "facts": {} })],
            json!({}),
            "file.jsonl:1: expected text in the column `id`, found `3`",
        ),
        (
            vec![
                json!({ "question_id": "a", "question_content": "p", "public_test_cases": "{}", "metadata": "{}" }),
            ],
            json!({ "preset": "livecodebench" }),
            "expected a list in the column `public_test_cases`, found text",
        ),
        (
            vec![
                json!({ "question_id": "a", "question_content": "p", "public_test_cases": "[]", "metadata": "{" }),
            ],
            json!({ "preset": "livecodebench" }),
            "expected JSON in the column `metadata`, found text",
        ),
        (
            vec![
                json!({ "id": "a", "prompt": "p", "facts": { "test_list": ["assert len(f()) == 1"] } }),
            ],
            json!({}),
            "none of the 1 problems",
        ),
        (
            vec![
                json!({ "question_id": "a", "question_content": "p", "public_test_cases": "[]", "private_test_cases": "eJx" }),
            ],
            json!({ "preset": "livecodebench" }),
            "in the column `private_test_cases`, found text: neither JSON nor base64",
        ),
        (
            vec![
                json!({ "question_id": "a", "question_content": "p", "public_test_cases": "[]", "difficulty": 3 }),
            ],
            json!({ "preset": "livecodebench" }),
            "expected text in the column `difficulty`, found `3`",
        ),
        (
            vec![
                json!({ "id": "a", "prompt": "p", "facts": { "test_list": ["assert len(f()) == 1"] } }),
                json!({ "id": "a", "prompt": "p", "facts": { "test_list": ["assert len(f()) == 2"] } }),
            ],
            json!({}),
            "none of the 2 problems",
        ),
        (
            vec![good.clone()],
            json!({ "columns": { "promt": "question" } }),
            "`columns` renames `promt`, which this preset does not read",
        ),
        (vec![], json!({}), "has no rows"),
        (
            vec![good.clone()],
            json!({ "train": ["/nowhere.jsonl"] }),
            "/nowhere.jsonl",
        ),
        (
            vec![good.clone()],
            json!({ "train": ["data.csv"] }),
            "a name that ends in .jsonl or .parquet",
        ),
        (
            vec![good.clone()],
            json!({ "train": [] }),
            "neither `train` nor `test` names a file",
        ),
        (
            vec![good.clone()],
            json!({ "template": "problem" }),
            "{problem}",
        ),
        (
            vec![good.clone()],
            json!({ "template": "base", "system": "s" }),
            "`system`",
        ),
        (vec![good], json!({ "test_share": 2 }), "`test_share`"),
    ] {
        let error = refusal(&rows, change);
        assert!(error.contains(says), "{says}: {error}");
    }
}

fn accepts<C: JsonSchema>(config: Value) -> bool {
    jsonschema::is_valid(&schema_for!(C).to_value(), &config)
}

/// The schemas against which manifests are checked before anything is loaded.
#[test]
fn the_components_say_what_they_take() {
    let tests = accepts::<<TestsReward as Reward>::Config>;
    assert!(tests(json!({})));
    assert!(tests(json!({
        "score": "fraction", "program": "fence", "checker": { "relative": 1e-6 }, "equality": "types",
        "python": { "interpreter": "/usr/bin/python3", "site_packages": ["/opt/packages"] },
        "limits": { "cpu_seconds": 2, "memory_mib": 256 }, "calls_per_process": 4,
        "sandbox": { "minimum": ["seccomp"], "read_only": ["/opt"] },
    })));
    for config in [
        json!({ "score": "some" }),
        json!({ "checker": "close" }),
        json!({ "checker": { "relativ": 1 } }),
        json!({ "limits": { "cpu_seconds": 0 } }),
        json!({ "limits": { "cpu": 1 } }),
        json!({ "calls_per_process": 0 }),
    ] {
        assert!(!tests(config.clone()), "{config}");
    }
    let one_liners = accepts::<<OneLiners as Task>::Config>;
    assert!(one_liners(
        json!({ "min_steps": 1, "max_steps": 2, "template": "tiny" })
    ));
    assert!(!one_liners(json!({ "max_steps": 5 })));
    let problems = accepts::<<Problems as Task>::Config>;
    assert!(problems(
        json!({ "train": ["a.jsonl"], "test": "b.parquet", "preset": "livecodebench" })
    ));
    assert!(!problems(json!({ "train": "a.jsonl", "preset": "csv" })));
}
