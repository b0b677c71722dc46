//! What bounds memory changes no result, and `check` reckons with it.

#![allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.

use std::collections::BTreeMap;

use farthing_e2e::{Bench, small_manifest};
use serde_json::Value;

fn number(row: &Value, name: &str) -> f64 {
    row[name]
        .as_f64()
        .unwrap_or_else(|| panic!("{name} is no number in {row}"))
}

/// Everything that a run drew and learned, by file.
fn computed(bench: &Bench, run: &str) -> BTreeMap<String, Vec<u8>> {
    let run = bench.path(run);
    let mut files = vec![
        run.join("metrics.jsonl"),
        run.join("checkpoints/step-000012/model.safetensors"),
    ];
    let completions = std::fs::read_dir(run.join("completions.parquet")).unwrap();
    files.extend(completions.map(|part| part.unwrap().path()));
    let named = |path: std::path::PathBuf| {
        let name = path.strip_prefix(&run).unwrap().display().to_string();
        (name, std::fs::read(&path).unwrap())
    };
    files.into_iter().map(named).collect()
}

/// How many threads there are, and how many positions may be held while attempts are drawn: every completion, and what
/// is learned from it, stays the same to the byte.
#[test]
fn threads_and_decoding_budgets_do_not_change_the_result() {
    let bench = Bench::new();
    bench.write("run.toml", &small_manifest());
    bench.run(&["train", "run.toml", "--out", "run"]).success();
    let whole = computed(&bench, "run");
    let completions = |name: &&String| name.starts_with("completions");
    assert!(whole.keys().any(|name| completions(&name)));
    for (out, set) in [
        ("one-thread", "run.threads=1"),
        // Less than one attempt has, so that each is drawn alone.
        ("alone", "stage.1.decode_tokens=1"),
        ("few", "stage.1.decode_tokens=70"),
    ] {
        let arguments = ["train", "run.toml", "--out", out, "--set", set];
        bench.run(&arguments).success();
        assert!(computed(&bench, out) == whole, "{set} changed the run");
    }
    let evaluated = |sets: &[&str]| {
        let arguments = [&["eval", "run", "run.toml", "--json"], sets].concat();
        let mut evaluated = bench.run(&arguments).json();
        evaluated["evaluations"][0]["seconds"].take();
        evaluated
    };
    assert_eq!(
        evaluated(&[]),
        evaluated(&["--set", "stage.1.decode_tokens=40"])
    );
}

/// The plan says what a budget saves, and measures prompts instead of guessing them.
#[test]
fn check_reckons_with_budgets_and_real_prompts() {
    let bench = Bench::new();
    bench.write("run.toml", &small_manifest());
    let memory = |sets: &[&str]| {
        let few_examples = ["--set", "stage.0.batch=1"];
        let arguments = [&["check", "run.toml", "--json"], &few_examples[..], sets].concat();
        bench.run(&arguments).json()["memory"].take()
    };
    let whole = memory(&[]);
    // A prompt of two numbers and a target: "3 4>7:".
    let prompt = number(&whole, "prompt_tokens") as usize;
    assert!((5..=8).contains(&prompt), "{whole}");
    // Four groups of four, 24 tokens each; the evaluation's 16 attempts have two to a prompt.
    let positions = number(&whole, "decoding_tokens") as usize;
    assert_eq!(positions, 16 * 24 + 8 * prompt);
    // The budget is what the machine has room for; this model needs a sliver of it.
    assert!(whole["decode_tokens"][1].as_u64() > Some(positions as u64));

    let bounded = memory(&["--set", "stage.1.decode_tokens=70"]);
    assert!(number(&bounded, "decoding_tokens") <= 70.0, "{bounded}");
    assert_eq!(bounded["decode_tokens"][1], 70);
    assert!(number(&bounded, "decoding") < number(&whole, "decoding"));
    // Longer prompts need more.
    let longer = memory(&["--set", "task.0.config.numbers=4"]);
    assert!(number(&longer, "prompt_tokens") > number(&whole, "prompt_tokens"));

    let nothing = bench.run(&["check", "run.toml", "--set", "stage.1.decode_tokens=0"]);
    let stderr = nothing.failure(2);
    assert!(stderr.contains("decode_tokens"), "{stderr}");
}

/// The split into micro-batches is a matter of memory: the update is the same but for rounding.
#[test]
fn micro_batches_do_not_change_an_update() {
    let first_step = |micro_batch_tokens: u32| {
        let bench = Bench::new();
        // Short completions are worth more, so that a group has differences from the first step on.
        let manifest = small_manifest().replace("max = 40", "max = 6");
        bench.write("run.toml", &manifest);
        let set = format!("stage.1.micro_batch_tokens={micro_batch_tokens}");
        bench
            .run(&["train", "run.toml", "--out", "run", "--set", &set])
            .success();
        let mut rows = bench.rows("run/metrics.jsonl").into_iter();
        rows.find(|row| row["stage"] == "rl" && row.get("loss").is_some())
            .expect("a first step")
    };
    let (whole, parts) = (first_step(100_000), first_step(40));
    assert_eq!(whole["reward"], parts["reward"]);
    for name in ["grad_norm", "entropy", "clip_ratio/region_mean"] {
        let (whole, parts) = (number(&whole, name), number(&parts, name));
        assert!(
            (whole - parts).abs() <= 1e-4 * whole.abs(),
            "{name}: {whole} {parts}"
        );
    }
    assert!(number(&whole, "grad_norm") > 0.0);
}
