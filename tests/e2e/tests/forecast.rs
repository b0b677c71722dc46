//! What `check` says of time, price, and a GPU that is not here; and models that are trained for another context.

#![allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.

use farthing_e2e::{Bench, small_manifest};
use serde_json::Value;

const GPU: &str = "run.cost={ usd_per_hour = 3.0, gpu = { tflops = 100.0, gigabytes_per_second = 1000.0, memory_gib = 8.0 } }";

fn check(bench: &Bench, sets: &[&str]) -> Value {
    let mut arguments = vec!["check", "run.toml", "--json"];
    for set in sets {
        arguments.extend(["--set", set]);
    }
    bench.run(&arguments).json()
}

fn number(value: &Value) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| panic!("{value} is no number"))
}

#[test]
fn the_work_of_each_stage_is_counted() {
    let bench = Bench::new();
    bench.write("run.toml", &small_manifest());
    let plan = check(&bench, &[GPU]);
    let [sft, rl] = plan["forecast"]["stages"].as_array().unwrap().as_slice() else {
        panic!("two stages: {plan}")
    };
    // 6 steps of 16 examples, none of them longer than the context.
    let trained = number(&sft["trained_tokens"]);
    assert!((96.0..=96.0 * 64.0).contains(&trained), "{sft}");
    assert_eq!(number(&sft["drawn_tokens"]), 0.0);
    // 6 steps of 4 problems and 4 attempts of 24 tokens; 3 evaluations of 8 problems and 2 attempts.
    assert_eq!(
        number(&rl["drawn_tokens"]),
        6.0 * 16.0 * 24.0 + 3.0 * 16.0 * 24.0
    );
    let prompt = number(&plan["memory"]["prompt_tokens"]);
    assert_eq!(
        number(&rl["trained_tokens"]),
        6.0 * (16.0 * 24.0 + 4.0 * prompt)
    );
    // A weight and a token take six operations in training, the same forward alone in a third of that.
    let weights = number(&plan["memory"]["parameters"]);
    let least = 6.0 * 0.8 * weights * trained;
    assert!(number(&sft["operations"]) > least, "{sft}");
    let hours: f64 = [sft, rl]
        .map(|stage| number(&stage["seconds"]))
        .iter()
        .sum::<f64>()
        / 3600.0;
    let forecast = &plan["forecast"];
    assert!((number(&forecast["hours"]) / hours - 1.0).abs() < 1e-9);
    assert!((number(&forecast["usd"]) / (3.0 * hours) - 1.0).abs() < 1e-9);

    // Twice as many steps, twice as long; a reference policy costs a forward pass.
    let twice = check(&bench, &[GPU, "stage.1.steps=12", "stage.1.eval.every=100"]);
    let once = check(&bench, &[GPU, "stage.1.eval.every=100"]);
    let seconds = |plan: &Value| number(&plan["forecast"]["stages"][1]["operations"]);
    let eval = 16.0 * 24.0;
    let drawn = |plan: &Value| number(&plan["forecast"]["stages"][1]["drawn_tokens"]) - eval;
    assert_eq!(drawn(&twice), 2.0 * drawn(&once));
    let compared = check(
        &bench,
        &[
            GPU,
            "stage.1.eval.every=100",
            "stage.1.optimizer.config.beta=0.1",
        ],
    );
    assert!(seconds(&compared) > 1.1 * seconds(&once), "{compared}");
}

#[test]
fn a_gpu_that_is_not_here_is_reckoned_with() {
    let bench = Bench::new();
    bench.write("run.toml", &small_manifest());
    let here = check(&bench, &[]);
    assert_eq!(
        (&here["rented"], &here["forecast"]["usd"]),
        (&Value::Bool(false), &Value::Null)
    );
    assert!(number(&here["forecast"]["operations_per_second"]) > 1e6);
    let there = check(&bench, &[GPU]);
    assert_eq!(there["rented"], true);
    assert_eq!(
        number(&there["memory"]["available"]),
        8.0 * 1024.0_f64.powi(3)
    );
    assert_eq!(number(&there["forecast"]["operations_per_second"]), 1e14);
    let text = bench.run(&["check", "run.toml", "--set", GPU]).success();
    let said = [
        "on the GPU that `run.cost.gpu` describes",
        "100 TFLOP/s",
        "cost",
        "at most $",
    ];
    assert!(said.iter().all(|part| text.contains(part)), "{text}");
    // What is too large for it is said, and training looks at this machine all the same.
    let small = GPU.replace("memory_gib = 8.0", "memory_gib = 0.1");
    let answer = bench.run(&["check", "run.toml", "--json", "--set", &small]);
    let plan: Value = serde_json::from_str(&answer.stdout).unwrap();
    assert_eq!(
        (answer.code, &plan["fits"]),
        (Some(1), &Value::Bool(false)),
        "{}",
        answer.stderr
    );
    bench
        .run(&["train", "run.toml", "--set", &small, "--out", "run"])
        .success();
}

#[test]
fn a_model_is_trained_for_another_context() {
    let bench = Bench::new();
    bench.write("run.toml", &small_manifest());
    bench
        .run(&["train", "run.toml", "--out", "first"])
        .success();
    let longer = small_manifest()
        .lines()
        .filter(|line| !line.starts_with("init ="))
        .collect::<Vec<_>>()
        .join("\n")
        .replace(
            "[model]",
            "[model]\npath = \"first/checkpoints/step-000012\"\ncontext = { max_position_embeddings = 100, rope_theta = 50000.0 }",
        );
    bench.write("longer.toml", &longer);
    bench
        .run(&[
            "train",
            "longer.toml",
            "--out",
            "second",
            "--set",
            "stage.1.max_new_tokens=70",
        ])
        .success();
    let config: Value =
        serde_json::from_str(&bench.read("second/checkpoints/step-000012/config.json")).unwrap();
    assert_eq!(config["max_position_embeddings"], 100);
    assert_eq!(number(&config["rope_parameters"]["rope_theta"]), 50_000.0);
    // The longer context is what lets attempts be so long.
    let old = longer
        .lines()
        .filter(|line| !line.starts_with("context ="))
        .collect::<Vec<_>>()
        .join("\n");
    bench.write("old.toml", &old);
    let same = bench.run(&["check", "old.toml", "--json"]).json();
    let other = bench.run(&["check", "longer.toml", "--json"]).json();
    assert_eq!(same["parameters"], other["parameters"]);
    let adapters = longer.replace("[model]", "[model]\nlora = { rank = 2, alpha = 4.0 }");
    bench.write("adapters.toml", &adapters);
    let said = bench.run(&["check", "adapters.toml"]).failure(2);
    assert!(
        said.contains("`lora` and `context` exclude each other"),
        "{said}"
    );
}
