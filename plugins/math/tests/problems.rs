//! `math/problems` through the boundary's shims: presets, columns, splits, what is dropped and
//! why, and errors that name their place.

#![allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use farthing_math::{Census, Equal, Problems};
use farthing_sdk::{prelude::*, testing, testing::TaskKit};
use tempfile::TempDir;

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

fn task(config: Value) -> TaskKit {
    testing::task::<Problems>(config).unwrap()
}

fn refusal(config: Value) -> String {
    testing::task::<Problems>(config)
        .err()
        .expect("this is refused")
        .to_string()
}

fn census(config: Value) -> Census {
    let config = serde_json::from_value(config).unwrap();
    Problems::new(config).unwrap().census().clone()
}

/// The problems of a split by their ids, whatever order they come in.
fn all(kit: &TaskKit, split: Split) -> BTreeMap<String, Problem> {
    let size = kit.size(split).unwrap().unwrap();
    (0..size)
        .map(|index| kit.problem(split, index, 0).unwrap())
        .map(|problem| (problem.id.clone(), problem))
        .collect()
}

fn golds(kit: &TaskKit, split: Split) -> BTreeSet<String> {
    let gold = |problem: &Problem| problem.facts["answer"].as_str().unwrap().to_owned();
    all(kit, split).values().map(gold).collect()
}

fn texts(values: &[&str]) -> BTreeSet<String> {
    values.iter().map(ToString::to_string).collect()
}

/// A directory with one file of these lines, and the path of that file.
fn file(lines: &[Value]) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("data.jsonl");
    let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
    std::fs::write(&path, lines.join("\n")).unwrap();
    (directory, path)
}

#[test]
fn presets_know_their_data_sets() {
    let kit = |preset: &str| {
        let train = fixture(&format!("{preset}.jsonl"));
        task(json!({ "train": train, "preset": preset, "test_share": 0 }))
    };
    assert_eq!(
        golds(&kit("gsm8k"), Split::Train),
        texts(&["16", "3,750", "40"])
    );
    assert_eq!(
        golds(&kit("math"), Split::Train),
        texts(&["5", "\\frac{1}{4}", "1"])
    );
    assert_eq!(golds(&kit("aime"), Split::Train), texts(&["12", "299"]));
    assert_eq!(
        golds(&kit("numinamath"), Split::Train),
        texts(&["32", "81"])
    );
    let math = all(&kit("math"), Split::Train);
    assert_eq!(
        math["test/counting/1.json"].tags,
        ["level-1", "counting-probability"]
    );
    assert_eq!(
        math["test/number/1.json"].tags,
        ["level-5", "number-theory"]
    );
    assert!(all(&kit("aime"), Split::Train).contains_key("2099-I-2"));
    for preset in ["gsm8k", "math", "aime", "numinamath"] {
        kit(preset).check(Split::Train, 100).unwrap();
    }
}

#[test]
fn the_prompt_asks_for_a_box_and_can_be_worded_otherwise() {
    let with = |prompt: Value| {
        let mut config =
            json!({ "train": fixture("aime.jsonl"), "preset": "aime", "test_share": 0 });
        if !prompt.is_null() {
            config["prompt"] = prompt;
        }
        all(&task(config), Split::Train)["2099-I-1"].prompt.clone()
    };
    let question = "Find the number of positive divisors of $2^3\\cdot 3^2$.";
    let message = |role: &str, content: String| Message {
        role: role.into(),
        content,
    };
    let asks = format!(
        "{question}\nPlease reason step by step, and put your final answer within \\boxed{{}}."
    );
    assert_eq!(
        with(Value::Null),
        Prompt::Messages(vec![message("user", asks)])
    );
    assert_eq!(
        with(json!({ "system": "Think.", "user": "Q: {question}" })),
        Prompt::Messages(vec![
            message("system", "Think.".into()),
            message("user", format!("Q: {question}")),
        ])
    );
    assert_eq!(
        with(json!({ "text": "Q: {question}\nA:" })),
        Prompt::Text(format!("Q: {question}\nA:"))
    );
    let said = refusal(json!({ "train": fixture("aime.jsonl"), "prompt": { "text": "Q:" } }));
    assert!(
        said.contains("`prompt.text` has no place for the problem"),
        "{said}"
    );
}

/// What is learned in `sft` is what the reward accepts.
#[test]
fn worked_solutions_end_in_the_gold() {
    let reward = testing::reward::<Equal>(json!({})).unwrap();
    for preset in ["gsm8k", "math", "aime", "numinamath"] {
        let train = fixture(&format!("{preset}.jsonl"));
        let kit = task(json!({ "train": train, "preset": preset, "test_share": 0 }));
        for problem in all(&kit, Split::Train).values() {
            let solution = kit.solution(problem, 0).unwrap().unwrap();
            assert!(
                !solution.contains("<<") && !solution.contains("####"),
                "{solution}"
            );
            let outcome = reward.score(&problem.facts, &solution).unwrap();
            assert!(
                matches!(outcome, Outcome::Scored { value: 1.0, .. }),
                "{solution}"
            );
        }
    }
}

#[test]
fn columns_are_named_and_nested() {
    let (_directory, path) = file(&[
        json!({
            "prompt": [
                { "role": "system", "content": "Think." },
                { "role": "user", "content": "What is 1+1?" },
            ],
            "reward_model": { "ground_truth": "2" }, "difficulty": 3, "topics": ["Sums", "easy"],
        }),
        json!({ "prompt": "What is 2+2?", "reward_model": { "ground_truth": 4 }, "difficulty": null }),
    ]);
    let kit = task(json!({
        "train": path, "test_share": 0,
        "columns": {
            "question": "prompt", "answer": ["gold", "reward_model.ground_truth"],
            "tags": ["difficulty", "topics"],
        },
        "prompt": { "text": "{question}" },
    }));
    let problems = all(&kit, Split::Train);
    let asked = |question: &str| {
        let prompt = Prompt::Text(question.to_owned());
        problems
            .values()
            .find(|problem| problem.prompt == prompt)
            .unwrap()
    };
    assert_eq!(asked("What is 1+1?").facts["answer"], "2");
    assert_eq!(asked("What is 1+1?").tags, ["difficulty-3", "sums", "easy"]);
    assert_eq!(asked("What is 2+2?").facts["answer"], "4");
    assert_eq!(asked("What is 2+2?").tags, Vec::<String>::new());
}

#[test]
fn every_row_is_counted_once() {
    let row = |question: &str, answer: Value, level: i64| json!({ "question": question, "answer": answer, "level": level });
    let (_directory, path) = file(&[
        row("What is 1+1?", json!("2"), 1),
        row("What is  1+1?", json!("2"), 1),
        row("What is 2+2?", json!("4"), 1),
        row("What is 2+2?", json!("5"), 1),
        row("What is 2+2?", json!("4"), 1),
        row("What is 3+3?", json!("6"), 9),
        row("What is 4+4?", json!("unknown"), 1),
        row("What is 5+5?", json!(""), 1),
        row("What is 6+6?", json!("\\frac{1}"), 1),
        row("", json!("5"), 1),
        // JSON readers round it.
        row("What is 10^20+1?", json!(1e20), 1),
    ]);
    let config = json!({
        "train": path, "test_share": 0, "only": { "level": ["1"] }, "skip_answers": ["unknown"],
    });
    let expected = Census {
        train: 1,
        duplicate: 1,
        conflicting: 3,
        filtered: 1,
        skipped: 1,
        unusable: 4,
        ..Census::default()
    };
    let census = census(config);
    assert_eq!(census, expected);
    let shown = census.to_string();
    assert!(
        shown.contains("1 train and 0 test problems, 1 left out by `only`"),
        "{shown}"
    );
}

#[test]
fn a_gold_that_does_not_grade_equal_to_itself_is_refused_on_request() {
    let (_directory, path) = file(&[
        json!({ "question": "What is 1+1?", "answer": "2" }),
        json!({ "question": "What is 6+6?", "answer": "\\frac{1}" }),
    ]);
    let said = refusal(json!({ "train": path, "unusable": "refuse" }));
    assert!(
        said.contains("data.jsonl:2: its gold answer \"\\\\frac{1}\" is of no use"),
        "{said}"
    );
    assert_eq!(
        census(json!({ "train": path, "test_share": 0 })).unusable,
        1
    );
}

#[test]
fn what_is_in_the_test_file_is_not_trained_on() {
    let (_directory, path) = file(&[
        json!({ "ID": "a", "Problem": "Find the number of positive divisors of $2^3\\cdot  3^2$.", "Answer": 12 }),
        json!({ "ID": "b", "Problem": "What is $1+1$?", "Answer": 2 }),
    ]);
    let config = json!({ "train": path, "test": fixture("aime.jsonl"), "preset": "aime" });
    let kit = task(config.clone());
    assert_eq!(golds(&kit, Split::Train), texts(&["2"]));
    assert_eq!(golds(&kit, Split::Test), texts(&["12", "299"]));
    assert_eq!(census(config).held_out, 1);
}

fn many(count: u64) -> Vec<Value> {
    (0..count)
        .map(|i| json!({ "question": format!("What is {i}+1?"), "answer": i + 1 }))
        .collect()
}

#[test]
fn the_held_out_share_depends_on_the_problem_alone() {
    let (_directory, path) = file(&many(1000));
    let kit = |share: f64| task(json!({ "train": path, "test_share": share }));
    let ids =
        |share: f64| -> BTreeSet<String> { all(&kit(share), Split::Test).into_keys().collect() };
    let (small, large) = (ids(0.1), ids(0.3));
    assert!((60..140).contains(&small.len()), "{}", small.len());
    assert!((240..360).contains(&large.len()), "{}", large.len());
    assert!(
        small.is_subset(&large),
        "a larger share holds out the same and more"
    );
    kit(0.3).check(Split::Train, 1000).unwrap();
    // Rows in another order, and fewer of them, are split alike.
    let mut rows = many(500);
    rows.reverse();
    let (_other, reversed) = file(&rows);
    let fewer = task(json!({ "train": reversed, "test_share": 0.1 }));
    let fewer: BTreeSet<String> = all(&fewer, Split::Test).into_keys().collect();
    assert!(fewer.is_subset(&small) && !fewer.is_empty());
}

#[test]
fn every_problem_comes_once_before_any_comes_again() {
    let (_directory, path) = file(&many(37));
    let kit = task(json!({ "train": path, "test_share": 0 }));
    let ids = |seed: u64, epoch: u64| -> Vec<String> {
        (37 * epoch..37 * (epoch + 1))
            .map(|index| kit.problem(Split::Train, index, seed).unwrap().id)
            .collect()
    };
    let sorted = |mut ids: Vec<String>| {
        ids.sort();
        ids
    };
    let first = ids(1, 0);
    assert_eq!(BTreeSet::from_iter(&first).len(), 37);
    for other in [ids(1, 1), ids(2, 0)] {
        assert_ne!(first, other);
        assert_eq!(sorted(first.clone()), sorted(other));
    }
}

#[test]
fn problems_of_a_benchmark_are_not_trained_on() {
    let asked = "Find the number of ordered pairs of positive integers (a, b) with a + b = 100.";
    let (_benchmark, benchmark) = file(&[
        json!({ "problem": asked }),
        json!({ "problem": "Compute 17 - 3." }),
    ]);
    let question = |question: &str| json!({ "question": question, "answer": "5" });
    let rows = [
        // In other clothes.
        question(
            "FIND the number of  ordered pairs, of positive integers: $(a,b)$ with $a+b=100$!",
        ),
        // Ten words in a row of it.
        question("Let us find the number of ordered pairs of positive integers A and B below 7."),
        // Short, and the whole of it.
        question("compute $17-3$"),
        // Nine words in a row, and a short one inside another.
        question("We find the number of ordered pairs of positive integers that sum to 7."),
        question("Compute 17 - 3 and then add 5 to it."),
    ];
    let (_train, train) = file(&rows);
    let against = |words: Value| {
        let mut decontaminate = json!({ "against": benchmark });
        if !words.is_null() {
            decontaminate["words"] = words;
        }
        json!({ "train": train, "test_share": 0, "decontaminate": decontaminate })
    };
    let ten = census(against(Value::Null));
    assert_eq!((ten.contaminated, ten.train), (3, 2));
    let nine = census(against(json!(9)));
    assert_eq!((nine.contaminated, nine.train), (4, 1));
    // What is held out is not trained on, and stays.
    let mut all_held_out = against(Value::Null);
    all_held_out["test_share"] = json!(1.0);
    let held_out = census(all_held_out);
    assert_eq!((held_out.contaminated, held_out.test), (0, 5));
}

/// A benchmark that was not read would let everything through.
#[test]
fn a_benchmark_without_texts_is_refused() {
    let (_train, train) = file(&many(2));
    for (row, says) in [
        (
            json!({ "text": "What?" }),
            "data.jsonl:1: expected a column `problem` or `Problem` or `question` or `prompt`, found `text`",
        ),
        (
            json!({ "problem": null }),
            "data.jsonl:1: expected the text of a problem in the column `problem`, found `null`",
        ),
    ] {
        let (_benchmark, benchmark) = file(&[row]);
        let said = refusal(json!({ "train": train, "decontaminate": { "against": benchmark } }));
        assert!(said.contains(says), "{said}");
        assert!(said.contains("`decontaminate.columns`"), "{said}");
    }
}

#[test]
fn errors_name_the_file_and_the_line() {
    let line = |text: &str| {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("data.jsonl");
        std::fs::write(&path, text).unwrap();
        refusal(json!({ "train": path }))
    };
    let good = "{\"question\": \"What is 1+1?\", \"answer\": 2}\n\n";
    for (text, says) in [
        (format!("{good}[1]"), "data.jsonl:3: expected one JSON object a line"),
        (
            format!("{good}{{\"problem\": \"What?\", \"answer\": 2}}"),
            "data.jsonl:3: expected a column `question`, found `answer`, `problem`",
        ),
        (
            "{\"question\": \"What?\"}".to_owned(),
            "data.jsonl:1: expected a column `answer` or `solution`, found `question`",
        ),
        ("{\"question\": \"\", \"answer\": 2}".to_owned(), "no problem is left"),
        (
            "{\"id\": 1, \"question\": \"What?\", \"answer\": 2}\n{\"id\": 1, \"question\": \"Why?\", \"answer\": 3}"
                .to_owned(),
            "two different problems have the id \"1\"",
        ),
    ] {
        let said = line(&text);
        assert!(said.contains(says), "{said}");
    }
    let said = refusal(json!({}));
    assert!(
        said.contains("neither `train` nor `test` names a file"),
        "{said}"
    );
    let said = refusal(json!({
        "train": fixture("math.jsonl"), "preset": "math", "only": { "lvl": ["5"] },
    }));
    assert!(
        said.contains("math.jsonl:1: expected a column `lvl`"),
        "{said}"
    );
}
