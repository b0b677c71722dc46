//! A whole run, small: what it leaves, and that it can be used.

#![allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.

use std::collections::BTreeSet;

use farthing_e2e::{
    Bench, example_library, manifest_with_memory, root, small_manifest, spectrum_manifest,
};
use serde_json::Value;

fn number(row: &Value, name: &str) -> f64 {
    row[name]
        .as_f64()
        .unwrap_or_else(|| panic!("{name} is no number in {row}"))
}

#[test]
fn a_run_leaves_everything_that_the_design_names() {
    let bench = Bench::new();
    bench.write("run.toml", &small_manifest());
    let table = bench.run(&["train", "run.toml", "--out", "run"]).success();
    assert!(table.contains("pass@1"), "{table}");

    for file in [
        "run.toml",
        "farthing.lock",
        "metrics.jsonl",
        "timing.jsonl",
        "log.jsonl",
        "curves.png",
    ] {
        assert!(bench.path("run").join(file).is_file(), "{file}");
    }
    let rows = bench.rows("run/metrics.jsonl");
    let sft: Vec<_> = rows.iter().filter(|row| row["stage"] == "sft").collect();
    let rl: Vec<_> = rows
        .iter()
        .filter(|row| row["stage"] == "rl" && row.get("reward").is_some())
        .collect();
    let evaluations: Vec<_> = rows
        .iter()
        .filter(|row| row.get("eval_pass@1").is_some())
        .collect();
    assert_eq!((sft.len(), rl.len(), evaluations.len()), (6, 6, 3));
    assert!(number(sft[5], "loss") < number(sft[0], "loss"));
    for row in &rl {
        for name in [
            "reward",
            "reward_std",
            "frac_reward_zero_std",
            "rewards/countdown/exact/mean",
            "rewards/countdown/exact/failed",
            "rewards/text/length/timed_out",
            "completions/mean_length",
            "completions/clipped_ratio",
            "loss",
            "grad_norm",
            "learning_rate",
            "entropy",
            "num_tokens",
        ] {
            number(row, name);
        }
        // Decoding and training are one policy.
        assert!(
            number(row, "sampling/sampling_logp_difference/max") < 1e-4,
            "{row}"
        );
    }
    let timing = bench.rows("run/timing.jsonl");
    assert_eq!(timing.len(), 12);
    assert!(timing.iter().all(|row| row.get("loss").is_none()));

    let checkpoint = "run/checkpoints/step-000012";
    for file in [
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "manifest.json",
        "farthing.lock",
    ] {
        assert!(bench.path(checkpoint).join(file).is_file(), "{file}");
    }
    let parts: Vec<_> = std::fs::read_dir(bench.path("run/completions.parquet"))
        .unwrap()
        .collect();
    assert!(!parts.is_empty());

    let sampled = bench
        .run(&["sample", "run", "--prompt", "3 4>7:", "--temperature", "0"])
        .success();
    let again = bench
        .run(&[
            "sample",
            checkpoint,
            "--prompt",
            "3 4>7:",
            "--temperature",
            "0",
        ])
        .success();
    assert_eq!(sampled, again);
    let evaluated = bench.run(&["eval", "run", "run.toml", "--json"]).json();
    let last = evaluations.last().unwrap();
    assert_eq!(
        evaluated["evaluations"][0]["pass_at"]["1"]["value"], last["eval_pass@1"],
        "eval and the run's own evaluation agree"
    );
}

/// The page of metrics names nothing that no run writes, and no run writes what the page does not name.
#[test]
fn every_documented_metric_is_written() {
    let mut written = BTreeSet::new();
    // Long enough for answers that can be read, and right ones among them.
    let answering = spectrum_manifest()
        .replace("checkpoint_every = 2", "checkpoint_every = 1000")
        .replace("steps = 9", "steps = 240")
        .replace("every = 3", "every = 120");
    for manifest in [small_manifest(), manifest_with_memory(), answering] {
        let bench = Bench::new();
        bench.write("run.toml", &manifest);
        let answer = bench.run(&["train", "run.toml", "--out", "run"]);
        assert!(
            !answer.stderr.contains("has no description"),
            "{}",
            answer.stderr
        );
        answer.success();
        for file in ["run/metrics.jsonl", "run/timing.jsonl"] {
            for row in bench.rows(file) {
                written.extend(row.as_object().unwrap().keys().cloned());
            }
        }
    }
    let page = std::fs::read_to_string(root().join("docs/metrics.md")).unwrap();
    let documented: Vec<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .filter(|name| !name.contains('{'))
        .collect();
    assert!(documented.len() > 30, "{documented:?}");
    for name in documented {
        assert!(
            written.contains(name) || written.contains(&format!("eval_{name}")),
            "no run wrote {name}; it wrote {written:#?}"
        );
    }
}

#[test]
fn a_run_is_never_overwritten() {
    let bench = Bench::new();
    bench.write("run.toml", &small_manifest());
    bench.run(&["train", "run.toml", "--out", "run"]).success();
    let before = bench.read("run/metrics.jsonl");
    let stderr = bench.run(&["train", "run.toml", "--out", "run"]).failure(1);
    assert!(stderr.contains("--resume"), "{stderr}");
    assert_eq!(bench.read("run/metrics.jsonl"), before);
    // A finished run resumes to nothing.
    bench
        .run(&["train", "run.toml", "--out", "run", "--resume"])
        .success();
    assert_eq!(bench.read("run/metrics.jsonl"), before);
    let stderr = bench
        .run(&[
            "train",
            "run.toml",
            "--out",
            "run",
            "--resume",
            "--set",
            "stage.1.steps=9",
        ])
        .failure(1);
    assert!(stderr.contains("stage.1.steps"), "{stderr}");
}

/// The curriculum that keeps mixed groups only, with the objective that it belongs to.
#[test]
fn groups_that_teach_nothing_are_drawn_again() {
    let bench = Bench::new();
    let manifest = small_manifest().replace(
        r#"optimizer = { use = "grpo/grpo" }"#,
        "optimizer = { use = \"grpo/dapo\" }\ncurriculum = { use = \"grpo/dynamic-sampling\" }",
    );
    bench.write("run.toml", &manifest);
    bench.run(&["train", "run.toml", "--out", "run"]).success();
    let rows = bench.rows("run/metrics.jsonl");
    let steps: Vec<_> = rows
        .iter()
        .filter(|row| row.get("groups/sampled").is_some())
        .collect();
    assert_eq!(steps.len(), 6);
    for row in &steps {
        let (sampled, dropped) = (number(row, "groups/sampled"), number(row, "groups/dropped"));
        assert!(
            dropped >= number(row, "frac_reward_zero_std") * sampled - 1e-9,
            "{row}"
        );
        // Four rounds at most, of at most four groups each.
        assert!(sampled - dropped <= 4.0 && sampled <= 16.0, "{row}");
    }
    let redrawn =
        |row: &&&Value| number(row, "groups/dropped") > 0.0 && number(row, "groups/sampled") > 4.0;
    assert!(
        steps.iter().filter(redrawn).count() > 0,
        "some group was alike"
    );
}

#[test]
fn a_wrong_manifest_is_answered_with_every_mistake_and_two() {
    let bench = Bench::new();
    // Each kind of mistake: of the components, in a library, and of the form, which is looked at first.
    let components = small_manifest()
        .replace("group = 4", "grup = 4")
        .replace("countdown/exact", "countdown/exakt");
    let library = components.replace(
        "[model]",
        "[plugins]\nabsent = { path = \"libabsent.so\" }\n\n[model]",
    );
    let form = library.replace("problems_per_step = 4", "problems_per_step = 0");
    let mistakes = [
        "grup",
        "countdown/exakt",
        "libabsent.so",
        "problems_per_step",
    ];
    for (wrong, mistakes) in [
        (components, &mistakes[..2]),
        (library, &mistakes[..3]),
        (form, &mistakes[..]),
    ] {
        bench.write("run.toml", &wrong);
        for command in [
            &["check", "run.toml"][..],
            &["train", "run.toml", "--out", "run"],
        ] {
            let stderr = bench.run(command).failure(2);
            for mistake in mistakes {
                assert!(stderr.contains(mistake), "{mistake} in {stderr}");
            }
            assert!(!bench.path("run").exists(), "nothing was begun");
        }
    }
}

/// A library under another plugin's name, and a plan that is too large: `check` says so as `train` does.
#[test]
fn what_train_would_refuse_check_refuses() {
    let bench = Bench::new();
    bench.write("run.toml", &small_manifest());
    let library = example_library("farthing-hostile", "remembers");
    let listed = format!("plugins.forgets={{ path = {library:?} }}");
    let stderr = bench
        .run(&["check", "run.toml", "--set", &listed])
        .failure(2);
    assert!(
        stderr.contains("the library listed as `forgets` is the plugin `remembers`"),
        "{stderr}"
    );

    for (set, problem) in [
        (
            "task.0.config.test_share=0",
            "the test split has no problems",
        ),
        ("task.0.config.template=chat", "has no chat template"),
        (
            "model.tokenizer.characters=0123456789:>",
            "the character ' '",
        ),
    ] {
        for command in [
            &["check", "run.toml"][..],
            &["train", "run.toml", "--out", "run"],
        ] {
            let stderr = bench.run(&[command, &["--set", set]].concat()).failure(2);
            assert!(stderr.contains(problem), "{stderr}");
            assert!(!bench.path("run").exists(), "nothing was begun");
        }
    }

    let larger = [
        "hidden_size=65536",
        "num_hidden_layers=100",
        "num_attention_heads=512",
    ];
    let larger = larger.map(|key| format!("model.init.{key}"));
    let mut wide = vec!["check", "run.toml"];
    wide.extend(larger.iter().flat_map(|key| ["--set", key]));
    let answer = bench.run(&wide);
    assert_eq!(answer.code, Some(1), "{answer:#?}");
    assert!(
        answer.stdout.contains("memory"),
        "the plan is shown all the same"
    );
    assert!(answer.stderr.contains("take a smaller one"), "{answer:#?}");
}

#[test]
fn numbers_that_the_device_cannot_compute_in_are_refused_at_their_line() {
    let bench = Bench::new();
    let half =
        small_manifest().replace("device = \"cpu\"\n", "device = \"cpu\"\ndtype = \"bf16\"\n");
    bench.write("half.toml", &half);
    let said = bench.run(&["check", "half.toml"]).failure(2);
    let place = said.contains("half.toml:6:9: error: dtype \"bf16\": the CPU computes in f32 only");
    assert!(place && said.contains("CUDA"), "{said}");
    let single = half.replace("bf16", "f32");
    bench.write("single.toml", &single);
    bench.run(&["check", "single.toml"]).success();
}
