//! Rewards that fail: what a run counts, drops, replaces or stops at. An error is never a zero.

#![allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.

use std::path::Path;

use arrow_array::{Array, Float64Array, StringArray};
use farthing_e2e::{Answer, Bench, example_library};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;

const STEPS: u64 = 3;
/// Four problems with four attempts each.
const ATTEMPTS: u64 = 16;
const NAME: &str = "unreliable/every-nth";

/// A run whose only reward fails on every `every`-th call; `terms` are further keys of the reward.
fn manifest(how: &str, every: u64, terms: &str) -> String {
    let library = example_library("farthing-hostile", "unreliable");
    format!(
        r#"
[run]
name = "failures"
device = "cpu"
checkpoint_every = 100

[plugins]
unreliable = {{ path = {library:?} }}

[model]
init = {{ arch = "llama", hidden_size = 16, intermediate_size = 32, num_hidden_layers = 1, num_attention_heads = 2, num_key_value_heads = 2, max_position_embeddings = 32 }}
tokenizer = {{ characters = "0123456789 >:", tokens = [] }}

[[task]]
use = "countdown/countdown"
config = {{ numbers = 2, max_number = 9, max_target = 20, template = "tiny" }}
rewards = [{{ use = "{NAME}", config = {{ how = "{how}", every = {every} }}, {terms} }}]

[[stage]]
kind = "rl"
steps = {STEPS}
problems_per_step = 4
max_new_tokens = 4
sampler = {{ use = "sampling/standard", config = {{ group = 4 }} }}
optimizer = {{ use = "grpo/grpo" }}
update = {{ lr = 1e-3 }}
"#
    )
}

fn train(bench: &Bench, manifest: &str) -> Answer {
    bench.write("run.toml", manifest);
    bench.run(&["train", "run.toml", "--out", "run"])
}

fn steps(bench: &Bench) -> Vec<Value> {
    let mut rows = bench.rows("run/metrics.jsonl");
    rows.retain(|row| row.get("reward").is_some());
    rows
}

#[track_caller]
fn is(row: &Value, name: &str, expected: f64) {
    let found = row[name].as_f64();
    assert!(
        found.is_some_and(|found| (found - expected).abs() < 1e-6),
        "{name}: expected {expected}, found {found:?}"
    );
}

/// What the reward's outcomes were and what the attempts' rewards, over all parts of the completions table.
fn completions(run: &Path) -> Vec<(String, Option<f64>)> {
    let mut parts: Vec<_> = std::fs::read_dir(run.join("completions.parquet"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    parts.sort();
    let mut found = Vec::new();
    for part in parts {
        let file = std::fs::File::open(part).unwrap();
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
        for batch in reader.build().unwrap() {
            let batch = batch.unwrap();
            let column = |name: &str| batch.column_by_name(name).unwrap().clone();
            let outcomes = column(&format!("outcomes/{NAME}"));
            let outcomes = outcomes.as_any().downcast_ref::<StringArray>().unwrap();
            let rewards = column("reward");
            let rewards = rewards.as_any().downcast_ref::<Float64Array>().unwrap();
            let outcomes = outcomes.iter().map(|text| text.unwrap().to_owned());
            found.extend(outcomes.zip(rewards.iter()));
        }
    }
    found
}

/// One failure a step, of every kind: counted, kept out of the group, and never a zero.
#[test]
fn a_failed_attempt_is_dropped_and_counted() {
    for (how, counted, why) in [
        ("error", "failed", "failed: the licence server is away"),
        (
            "panic",
            "failed",
            "failed: panicked at tests/hostile/unreliable.rs:",
        ),
        ("nan", "failed", "failed: "),
        ("hang", "timed_out", "timed_out"),
    ] {
        let bench = Bench::new();
        train(&bench, &manifest(how, ATTEMPTS, r#"deadline = "300ms""#)).success();
        let steps = steps(&bench);
        assert_eq!(steps.len() as u64, STEPS);
        for row in &steps {
            let other = if counted == "failed" {
                "timed_out"
            } else {
                "failed"
            };
            is(row, &format!("rewards/{NAME}/{counted}"), 1.0);
            is(row, &format!("rewards/{NAME}/{other}"), 0.0);
            // A zero among them would lower both.
            is(row, "reward", 1.0);
            is(row, &format!("rewards/{NAME}/mean"), 1.0);
        }
        let completions = completions(&bench.path("run"));
        assert_eq!(completions.len() as u64, STEPS * ATTEMPTS);
        let (failed, scored): (Vec<_>, Vec<_>) = completions
            .iter()
            .partition(|(outcome, _)| outcome != "scored");
        assert_eq!(failed.len() as u64, STEPS, "{how}");
        for (outcome, reward) in failed {
            assert!(outcome.starts_with(why), "{outcome}");
            assert_eq!(*reward, None);
        }
        assert!(scored.iter().all(|(_, reward)| *reward == Some(1.0)));
    }
}

#[test]
fn a_failed_attempt_may_count_with_a_value() {
    let bench = Bench::new();
    train(&bench, &manifest("panic", ATTEMPTS, "on_failure = -1")).success();
    for row in steps(&bench) {
        is(&row, &format!("rewards/{NAME}/failed"), 1.0);
        is(&row, "reward", (15.0 - 1.0) / 16.0);
        // The reward's own mean is over what it said itself.
        is(&row, &format!("rewards/{NAME}/mean"), 1.0);
    }
    let replaced = completions(&bench.path("run"));
    let replaced = replaced.iter().filter(|(_, reward)| *reward == Some(-1.0));
    assert_eq!(replaced.count() as u64, STEPS);
}

#[test]
fn a_failure_may_stop_the_run_which_resumes_once_it_is_mended() {
    let bench = Bench::new();
    // The first failure is in the third step.
    let broken = manifest("error", 2 * ATTEMPTS + 1, r#"on_failure = "stop""#);
    let stderr = train(&bench, &broken).failure(1);
    assert!(stderr.contains(NAME), "{stderr}");
    assert!(stderr.contains("the licence server is away"), "{stderr}");
    assert!(stderr.contains("--resume"), "{stderr}");
    assert_eq!(steps(&bench).len(), 2, "what was done is kept");
    // A new process counts its calls from one, so the reward is mended for the one step that is left.
    bench
        .run(&["train", "run.toml", "--out", "run", "--resume"])
        .success();
    assert_eq!(steps(&bench).len() as u64, STEPS);
}

/// More than a tenth: the reward is broken, and the run would learn from what is left.
#[test]
fn too_many_failures_stop_the_run() {
    for how in ["error", "panic", "nan"] {
        let bench = Bench::new();
        let stderr = train(&bench, &manifest(how, 4, "")).failure(1);
        assert!(
            stderr.contains("failed on 4 and timed out on 0 of 16 attempts; at most 10 % may"),
            "{stderr}"
        );
        assert!(
            stderr.contains(NAME) && stderr.contains("max_failure_share"),
            "{stderr}"
        );
        assert_eq!(steps(&bench).len(), 0);
    }
    let bench = Bench::new();
    let allowed = manifest("error", 4, "max_failure_share = 0.25");
    train(&bench, &allowed).success();
    for row in steps(&bench) {
        is(&row, &format!("rewards/{NAME}/failed"), 4.0);
        is(&row, "reward", 1.0);
    }
}

/// Every attempt of a step without a reward: nothing to learn from, and nothing that looks like a zero.
#[test]
fn a_step_in_which_all_fails_learns_nothing() {
    let bench = Bench::new();
    let hopeless = manifest("error", 1, "max_failure_share = 1.0");
    train(&bench, &hopeless).success();
    let rows = bench.rows("run/metrics.jsonl");
    assert_eq!(rows.len() as u64, STEPS);
    for row in rows {
        is(&row, &format!("rewards/{NAME}/failed"), ATTEMPTS as f64);
        for name in ["reward", "reward_std", "frac_reward_zero_std", "loss"] {
            assert!(row.get(name).is_none(), "{name} in {row}");
        }
    }
}

/// With groups drawn again a round can be a single group; the share is of the whole step's attempts.
#[test]
fn the_share_is_of_the_step_not_of_a_round() {
    let bench = Bench::new();
    // Every attempt is worth 1, so no group is mixed and each of the four rounds is drawn in full. A failure is one of
    // 64 attempts, but one of 16 in its round.
    let redrawn = manifest("error", 40, "max_failure_share = 0.05").replace(
        "optimizer =",
        "curriculum = { use = \"grpo/dynamic-sampling\" }\noptimizer =",
    );
    train(&bench, &redrawn).success();
    let rows = steps(&bench);
    assert_eq!(rows.len() as u64, STEPS);
    for row in &rows {
        is(row, "groups/sampled", 16.0);
        assert!(row.get("loss").is_none(), "no group was mixed: {row}");
    }
    let failed = rows
        .iter()
        .map(|row| row[format!("rewards/{NAME}/failed")].as_f64().unwrap());
    assert_eq!(
        failed.sum::<f64>(),
        4.0,
        "192 attempts, of which every 40th failed"
    );
}

/// A task that rests is drawn from in no training, and measured all the same; where nothing could be judged there is
/// no figure, and least of all a zero.
#[test]
fn evaluations_claim_nothing_they_did_not_measure() {
    let evaluation = r#"
[[stage]]
kind = "eval"
tasks = ["resting"]
problems = 4
attempts = 2
max_new_tokens = 4
max_failure_share = 1.0
sampler = { use = "sampling/standard" }
"#;
    let measured = |how: &str, every: u64| {
        let bench = Bench::new();
        let resting = manifest("error", 1_000_000, "").replacen(
            "\n[[stage]]",
            &format!(
                r#"
[[task]]
name = "resting"
weight = 0
use = "countdown/countdown"
config = {{ numbers = 2, max_number = 9, max_target = 20, template = "tiny" }}
rewards = [{{ name = "resting", use = "{NAME}", config = {{ how = "{how}", every = {every} }} }}]

[[stage]]"#
            ),
            1,
        );
        train(&bench, &(resting + evaluation)).success();
        bench.rows("run/metrics.jsonl").pop().unwrap()
    };
    let row = measured("error", 1_000_000);
    is(&row, "eval_pass@1", 1.0);
    is(&row, "eval_num_problems", 4.0);
    let row = measured("error", 1);
    is(&row, "eval_num_problems", 0.0);
    is(&row, "eval_rewards/resting/failed", 8.0);
    for figure in [
        "eval_pass@1",
        "eval_pass@2",
        "eval_avg@2",
        "eval_maj@2",
        "eval_reward",
    ] {
        assert!(row.get(figure).is_none(), "{figure} in {row}");
    }
}
