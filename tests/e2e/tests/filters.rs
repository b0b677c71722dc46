//! `score` and `objective`: components as filters, with the formats that the design fixes.

#![allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;
use std::sync::mpsc;
use std::time::Duration;

use farthing_e2e::Bench;
use serde_json::{Value, json};

fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn score_answers_each_line_with_an_outcome() {
    let bench = Bench::new();
    let facts = json!({ "numbers": [44, 19, 35], "target": 98 });
    let attempt = |completion: &str| {
        json!({ "problem": { "facts": facts }, "completion": completion }).to_string()
    };
    let input = [
        attempt("<answer>44+19+35</answer>"),
        attempt("<answer>44+19</answer>"),
        attempt("no answer at all"),
        json!({ "problem": { "facts": {} }, "completion": "<answer>1</answer>" }).to_string(),
    ];
    let out = bench
        .run_with_input(&["score", "countdown/exact"], &input.join("\n"))
        .success();
    let out = lines(&out);
    assert_eq!(out[0]["outcome"], "scored");
    assert_eq!(out[0]["value"], 1.0);
    assert!(out[0]["parts"].is_object());
    assert_eq!(out[1]["value"], 0.0);
    assert_eq!(out[2]["value"], 0.0);
    // An error is never a zero.
    assert_eq!(out[3]["outcome"], "failed");
    assert!(
        out[3]["why"].as_str().unwrap().contains("numbers"),
        "{}",
        out[3]
    );
    assert_eq!(out.len(), 4);
}

#[test]
fn configurations_are_checked_as_in_a_manifest() {
    let bench = Bench::new();
    let wrong = r#"{"max_length":0,"tolerance":1}"#;
    let stderr = bench
        .run_with_input(&["score", "countdown/exact", "--config", wrong], "")
        .failure(2);
    for part in [
        "`max_length` must be an integer from 1",
        "`tolerance`",
        "`use_all`",
    ] {
        assert!(stderr.contains(part), "{part} in {stderr}");
    }
    let stderr = bench
        .run_with_input(
            &["objective", "grpo/grpo", "--config", r#"{"epsilon":-5}"#],
            "{}",
        )
        .failure(2);
    assert!(stderr.contains("`epsilon`"), "{stderr}");
}

/// A reader that has seen enough is no failure, and a full disk is one; neither is a panic.
#[cfg(target_os = "linux")]
#[test]
fn output_that_cannot_be_written() {
    let bench = Bench::new();
    let list = |out: Stdio| {
        let mut command = bench.command(&["plugins", "list"]);
        command.stdout(out).stderr(Stdio::piped()).output().unwrap()
    };
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let closed = list(writer.into());
    assert_eq!(closed.status.code(), Some(0), "{closed:?}");
    let full = list(std::fs::File::create("/dev/full").unwrap().into());
    assert_eq!(full.status.code(), Some(1), "{full:?}");
    let stderr = String::from_utf8(full.stderr).unwrap();
    assert!(stderr.contains("the output cannot be written"), "{stderr}");
}

/// A program that waits for an outcome before it writes the next line gets one.
#[test]
fn score_answers_before_it_reads_on() {
    let bench = Bench::new();
    let mut child = bench
        .command(&["score", "countdown/exact"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut questions = child.stdin.take().unwrap();
    let (sender, answers) = mpsc::channel();
    let stdout = BufReader::new(child.stdout.take().unwrap());
    std::thread::spawn(move || {
        stdout
            .lines()
            .try_for_each(|line| sender.send(line.unwrap()))
    });
    for (number, blank_lines) in [(2, 0), (3, 1), (4, 2000)] {
        let question = json!({
            "problem": { "facts": { "numbers": [number], "target": 3 } },
            "completion": format!("<answer>{number}</answer>"),
        });
        let blank = "\n".repeat(blank_lines);
        write!(questions, "{blank}{question}\n{blank}").unwrap();
        // Far more than it takes, and a failure instead of a hang.
        let answer = answers.recv_timeout(Duration::from_secs(60)).unwrap();
        let value = lines(&answer)[0]["value"].as_f64().unwrap();
        assert_eq!(value, f64::from(u8::from(number == 3)));
    }
    drop(questions);
    assert!(child.wait().unwrap().success());
}

#[test]
fn score_names_the_line_that_is_wrong_and_keeps_the_outcomes_before() {
    let bench = Bench::new();
    let good = json!({ "problem": { "facts": { "numbers": [2], "target": 2 } }, "completion": "<answer>2</answer>" });
    let input = format!("{good}\n{{\"completion\":3}}\n");
    let answer = bench.run_with_input(&["score", "countdown/exact"], &input);
    assert_eq!(lines(&answer.stdout).len(), 1);
    assert!(answer.stderr.contains("line 2"), "{}", answer.stderr);
    assert_eq!(answer.code, Some(2));
}

#[test]
fn an_unknown_component_is_a_usage_error_with_a_suggestion() {
    let bench = Bench::new();
    let stderr = bench
        .run_with_input(&["score", "countdown/exakt"], "")
        .failure(2);
    assert!(stderr.contains("countdown/exact"), "{stderr}");
    let stderr = bench
        .run_with_input(&["score", "countdown/exact", "--config", "[1]"], "")
        .failure(2);
    assert!(stderr.contains("object"), "{stderr}");
}

#[test]
fn objective_prints_advantages_loss_and_derivatives() {
    let bench = Bench::new();
    let sequence = |logp: &[f64]| json!({ "logp": logp, "old_logp": logp });
    let input = json!({ "groups": [{
        "rewards": [1.0, 0.0],
        "sequences": [sequence(&[-0.5, -1.0]), sequence(&[-0.7])],
    }] });
    let out = bench
        .run_with_input(&["objective", "grpo/grpo"], &input.to_string())
        .json();
    // (1 - 0.5) / (0.7071 + 1e-6): the unbiased standard deviation of (1, 0) is sqrt(1/2).
    let advantage = 0.5 / (0.5_f64.sqrt() + 1e-6);
    let close = |found: &Value, expected: f64| (found.as_f64().unwrap() - expected).abs() < 1e-5;
    assert!(close(&out["advantages"][0][0], advantage), "{out}");
    assert!(close(&out["advantages"][0][1], -advantage), "{out}");
    // On-policy, d/dlogp of -(1/N) (1/|o|) sum ratio A is -A / (N |o|).
    assert!(close(&out["dlogp"][0][0][0], -advantage / 4.0), "{out}");
    assert!(close(&out["dlogp"][0][1][0], advantage / 2.0), "{out}");
    assert!(out["loss"].is_number() && out["metrics"].is_object());
}
