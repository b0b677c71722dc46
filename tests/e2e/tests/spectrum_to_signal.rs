//! Diversity first, reinforcement after: probes, selections, merges and the objective that weighs problems, as stages
//! of one manifest.

#![allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.

use std::path::Path;

use farthing_e2e::{Bench, spectrum_manifest};
use farthing_sdk::rng::{rand::RngExt, stream};
use serde_json::{Value, json};

fn trained(manifest: &str) -> Bench {
    let bench = Bench::new();
    bench.write("run.toml", manifest);
    bench.run(&["train", "run.toml", "--out", "run"]).success();
    bench
}

fn rows_of(bench: &Bench, stage: &str) -> Vec<Value> {
    let rows = bench.rows("run/metrics.jsonl").into_iter();
    rows.filter(|row| row["stage"] == stage).collect()
}

/// The tensors of a checkpoint as one array. Checkpoints of one run have them in one order.
fn weights(checkpoint: &Path) -> Vec<f32> {
    let bytes = std::fs::read(checkpoint.join("model.safetensors")).unwrap();
    let (length, rest) = bytes.split_first_chunk().unwrap();
    let values = &rest[u64::from_le_bytes(*length) as usize..];
    let (values, []) = values.as_chunks() else {
        panic!("not a whole number of f32");
    };
    values
        .iter()
        .map(|&bytes| f32::from_le_bytes(bytes))
        .collect()
}

/// What the probes measured, what was selected by it, what was kept, and what the merge made of it.
#[test]
fn the_best_checkpoint_of_each_tag_is_kept_and_merged() {
    let bench = trained(&spectrum_manifest());
    let probes: Vec<Value> = rows_of(&bench, "spectrum")
        .into_iter()
        .filter(|row| row.get("probe_num_problems").is_some())
        .collect();
    let steps: Vec<u64> = probes
        .iter()
        .map(|row| row["step"].as_u64().unwrap())
        .collect();
    assert_eq!(steps, [3, 6, 9]);

    // The later of equals in both Pass@4 and Pass@1.
    let best = |tag: &str| {
        let share = |row: &Value, k: u32| row[format!("probe_pass@{k}/{tag}")].as_f64().unwrap();
        let rank = |row: &&Value| [share(row, 4), share(row, 1)];
        let ordered = probes
            .iter()
            .max_by(|a, b| rank(a).partial_cmp(&rank(b)).unwrap());
        format!("step-{:06}", ordered.unwrap()["step"].as_u64().unwrap())
    };
    let selected = [best("plus-minus"), best("times")];
    let [merge] = rows_of(&bench, "merge").try_into().unwrap();
    for name in &selected {
        let twice = selected[0] == selected[1];
        let expected = if twice { 1.0 } else { 0.5 };
        assert_eq!(merge[format!("merge/weight/{name}")], expected, "{merge}");
    }

    let checkpoints = bench.path("run/checkpoints");
    let chosen: Vec<Vec<f32>> = selected
        .iter()
        .map(|name| weights(&checkpoints.join(name)))
        .collect();
    let merged = weights(&checkpoints.join("step-000010"));
    assert_eq!(merged.len(), chosen[0].len());
    for (i, &found) in merged.iter().enumerate() {
        let mean = (f64::from(chosen[0][i]) + f64::from(chosen[1][i])) / 2.0;
        assert_eq!(found, mean as f32, "element {i}");
    }
    assert!(!bench.path("run/.scratch").exists());
}

/// What the objective reports arrives under its own names, documented or not.
#[test]
fn the_objective_reports_how_it_weighs_problems() {
    let bench = trained(&spectrum_manifest());
    let rows = rows_of(&bench, "signal");
    assert_eq!(rows.len(), 3);
    for row in rows {
        let p_c = row["mgpo/p_c_mean"].as_f64().unwrap();
        let w = row["mgpo/w_mean"].as_f64().unwrap();
        assert!((0.0..=1.0).contains(&p_c), "{row}");
        // With lambda 2 a weight is between 2^-2 and 1.
        assert!((0.25..=1.0).contains(&w), "{row}");
        let bins = (0..10).map(|bin| row[format!("mgpo/p_c_histogram/0.{bin}")].as_f64().unwrap());
        assert!((bins.sum::<f64>() - 1.0).abs() < 1e-9, "{row}");
        assert!(
            row.as_object()
                .unwrap()
                .keys()
                .all(|name| !name.contains("optimizer/mgpo"))
        );
    }
}

/// Both libraries get the same step; what they answer is the same text, each number with all its digits.
#[test]
fn lambda_0_is_the_plain_objective_bit_for_bit() {
    let bench = Bench::new();
    let mut rng = stream(7, "step", 0);
    let mut uniform = || rng.random::<f64>();
    // Right or wrong, then anything.
    for binary in [true, false] {
        let groups: Vec<Value> = (0..24)
            .map(|_| {
                let size = 2 + (6.0 * uniform()) as usize;
                let reward = |x: f64| if binary { x.round() } else { 1.2 * x };
                let rewards: Vec<f64> = (0..size).map(|_| reward(uniform())).collect();
                let sequences: Vec<Value> = (0..size)
                    .map(|_| {
                        let length = 1 + (5.0 * uniform()) as usize;
                        let mut array =
                            || (0..length).map(|_| -3.0 * uniform()).collect::<Vec<f64>>();
                        json!({ "logp": array(), "old_logp": array(), "ref_logp": array(), "entropy": array() })
                    })
                    .collect();
                json!({ "rewards": rewards, "sequences": sequences })
            })
            .collect();
        let input = json!({ "groups": groups }).to_string();
        let answer = |component: &str, config: Value| {
            let config = config.to_string();
            let arguments = ["objective", component, "--config", &config];
            let mut answer = bench.run_with_input(&arguments, &input).json();
            let metrics = answer["metrics"].as_object_mut().unwrap();
            metrics.retain(|name, _| !name.contains("mgpo"));
            answer
        };
        for shared in [
            json!({}),
            json!({ "epsilon": 0.1, "beta": 0.04, "entropy_coef": 0.01 }),
        ] {
            let mut lambda_0 = shared.clone();
            lambda_0["lambda"] = json!(0.0);
            lambda_0["p_0"] = json!(0.3);
            let plain = answer("grpo/grpo", shared);
            assert_eq!(answer("ssp/mgpo", lambda_0), plain);
            assert!(plain["loss"].is_f64(), "{plain}");
        }
    }
}

/// Two checkpoints side by side: the same problems, figures with their intervals, and what changed from one to the other.
#[test]
fn models_are_measured_side_by_side() {
    let bench = trained(&spectrum_manifest());
    let models = ["run/checkpoints/step-000009", "run"];
    let answer = |models: &[&str], how: &[&str]| {
        bench.run(&[&["eval"], models, &["run.toml"], how].concat())
    };
    let comparison = answer(&models, &["--json"]).json();
    let [first, second] = [0, 1].map(|index| &comparison["evaluations"][index]);
    // Each is measured as it is alone.
    let alone = answer(&models[1..], &["--json"]).json();
    assert_eq!(alone["evaluations"][0]["pass_at"], second["pass_at"]);
    assert_eq!(alone["differences"], json!([]));

    let difference = &comparison["differences"][0];
    for k in ["1", "2", "4"] {
        let estimate = |of: &Value| {
            let field = |name: &str| of[name].as_f64().unwrap();
            let [low, value, high] = ["low", "value", "high"].map(field);
            assert!(low <= value && value <= high, "{of}");
            value
        };
        let values = [first, second].map(|evaluation| estimate(&evaluation["pass_at"][k]));
        let found = estimate(&difference["figures"][format!("pass@{k}")]);
        assert!(
            (found - (values[1] - values[0])).abs() < 1e-12,
            "{comparison}"
        );
    }
    assert_eq!(first["problems"], 8);
    // The run's own last stage measured the same.
    let [row] = rows_of(&bench, "eval").try_into().unwrap();
    assert_eq!(second["pass_at"]["4"]["value"], row["eval_pass@4"]);
    assert_eq!(second["average"]["value"], row["eval_avg@4"]);

    let table = answer(&models, &["--markdown"]).success();
    let cells: Vec<usize> = table
        .lines()
        .filter(|line| line.starts_with('|'))
        .map(|line| line.matches('|').count())
        .collect();
    // A heading, its line, and the five figures of all problems at least; five columns.
    assert!(
        cells.len() >= 7 && cells.iter().all(|&count| count == 6),
        "{table}"
    );
    assert!(table.contains("| all (8) | pass@4 |"), "{table}");
}

/// The command merges as the stage does, and leaves a model that can be talked to.
#[test]
fn models_are_merged_outside_a_run() {
    let bench = trained(&spectrum_manifest());
    let checkpoints = bench.path("run/checkpoints");
    // Both are kept: the end of the first stage, and the newest.
    let paths = ["run/checkpoints/step-000009", "run/checkpoints/step-000013"];
    let [first, second] =
        ["step-000009", "step-000013"].map(|name| weights(&checkpoints.join(name)));
    let merge = |out: &str, how: &[&str]| bench.run(&[&["merge", out], &paths[..], how].concat());
    let uneven = ["--weight", "3", "--weight", "1", "--json"];
    let report = merge("mean", &uneven).json();
    assert_eq!(report["models"][0]["weight"], 0.75);
    for (i, &found) in weights(&bench.path("mean")).iter().enumerate() {
        let mean = 0.75 * f64::from(first[i]) + 0.25 * f64::from(second[i]);
        assert_eq!(found, mean as f32, "element {i}");
    }
    bench.greedy("mean");

    let task = [
        "--method",
        "task-arithmetic",
        "--base",
        paths[0],
        "--scale",
        "2",
    ];
    merge("task", &task).success();
    for (i, &found) in weights(&bench.path("task")).iter().enumerate() {
        // The base is one of the two: half of the difference, twice.
        let sum = f64::from(second[i]);
        assert!(
            (f64::from(found) - sum).abs() <= 1e-6 * sum.abs().max(1e-3),
            "element {i}"
        );
    }
    merge("arc", &["--method", "slerp"]).success();

    for (out, how, expected) in [
        ("mean", &[][..], "is there already"),
        ("other", &["--weight", "1"], "1 weights for 2 models"),
        ("other", &["--scale", "2"], "for --method task-arithmetic"),
        ("other", &["--method", "task-arithmetic"], "give --base"),
    ] {
        let error = merge(out, how).failure(2);
        assert!(error.contains(expected), "{error}");
    }
    // A model of another shape.
    let wider = spectrum_manifest().replace("intermediate_size = 64", "intermediate_size = 96");
    bench.write("wider.toml", &wider.replace("steps = 9", "steps = 1"));
    bench
        .run(&["train", "wider.toml", "--out", "wider"])
        .success();
    let error = bench.run(&["merge", "other", "run", "wider"]).failure(1);
    assert!(
        error.contains("expected shape [64, 32], found [96, 32]"),
        "{error}"
    );
    assert!(!bench.path("other").exists());
}
