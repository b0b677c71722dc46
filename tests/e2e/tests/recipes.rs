//! Every manifest that is shipped says something that this version understands and can do.

#![allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.

use std::path::Path;

use farthing_e2e::{Bench, root, with_base};
use serde_json::{Value, json};

/// What a recipe's name is, where the recipe needs what is too large to ship.
const FULL_SIZE: &str = "vibethinker-1.5b.toml";

fn check(bench: &Bench, manifest: &Path, sets: &[String]) -> Value {
    let mut arguments = vec!["check", manifest.to_str().unwrap(), "--json"];
    for set in sets {
        arguments.extend(["--set", set]);
    }
    bench.run(&arguments).json()
}

#[test]
fn recipes_pass_check() {
    let bench = Bench::new();
    let mut checked = 0;
    for entry in std::fs::read_dir(root().join("examples/recipes")).unwrap() {
        let path = entry.unwrap().path();
        let is_manifest = path
            .extension()
            .is_some_and(|extension| extension == "toml");
        if !is_manifest || path.ends_with(FULL_SIZE) {
            continue;
        }
        let plan = check(&bench, &path, &[]);
        assert_eq!(plan["fits"], true, "{plan}");
        assert!(plan["memory"]["peak"].as_f64().unwrap() > 1e6);
        checked += 1;
    }
    assert!(checked >= 4, "{checked} recipes");
}

#[test]
fn the_parts_of_an_experiment_pass_check() {
    let experiment = root().join("examples/experiments/ssp");
    check(&Bench::new(), &experiment.join("spectrum.toml"), &[]);
    // The others begin where the first ends.
    let base = with_base();
    let path = format!("model.path={:?}", base.path("base"));
    for manifest in ["signal.toml", "measure.toml"] {
        check(
            &base,
            &experiment.join(manifest),
            std::slice::from_ref(&path),
        );
    }
}

/// This one names a model that is too large to ship; a small one of the same family stands in, which knows no chat.
#[test]
fn the_real_model_s_example_passes_check() {
    let sets = [
        format!(
            "model.path={}",
            root().join("core/engine/tests/fixtures/llama").display()
        ),
        "model.tokenizer={ characters = \"0123456789 >:\", tokens = [] }".to_owned(),
        "task.0.config.template=tiny".to_owned(),
    ];
    let manifest = root().join("examples/real-model/countdown.toml");
    check(&Bench::new(), &manifest, &sets);
}

/// The base model's `config.json`, a tokenizer with a chat template, and a row or two of each file of data: `check`
/// reckons with the real shape.
#[test]
fn the_full_size_recipe_passes_check_and_says_what_it_takes() {
    let bench = Bench::new();
    base_of_qwen_math(&bench);
    data_of_vibethinker(&bench);
    let manifest = root().join("examples/recipes").join(FULL_SIZE);
    let model = format!("model.path={:?}", bench.path("base"));
    let plan = check(&bench, &manifest, &[model]);
    assert_eq!(
        (&plan["fits"], &plan["rented"]),
        (&json!(true), &json!(true)),
        "{plan}"
    );
    assert_eq!(plan["parameters"], 1_543_714_304_u64);
    let stages = plan["forecast"]["stages"].as_array().unwrap();
    let seconds = |name: &str| {
        let stage = stages.iter().find(|stage| stage["stage"] == name);
        stage.unwrap_or_else(|| panic!("{name} in {plan}"))["seconds"]
            .as_f64()
            .unwrap()
    };
    // Twice the length, half of the steps, and attention that grows with the square.
    assert!(seconds("math-32k") > seconds("math-16k"), "{plan}");
    let forecast = &plan["forecast"];
    let (usd, hours) = (forecast["usd"].as_f64(), forecast["hours"].as_f64());
    assert_eq!(usd, hours.map(|hours| 2.0 * hours));
    assert!(hours.unwrap() > 100.0, "{plan}");
}

/// Qwen2.5-Math-1.5B without its weights.
fn base_of_qwen_math(bench: &Bench) {
    std::fs::create_dir(bench.path("base")).unwrap();
    let config = json!({
        "architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2", "attention_dropout": 0.0,
        "bos_token_id": 151_643, "eos_token_id": 151_643, "hidden_act": "silu", "hidden_size": 1536,
        "initializer_range": 0.02, "intermediate_size": 8960, "max_position_embeddings": 4096,
        "max_window_layers": 21, "num_attention_heads": 12, "num_hidden_layers": 28, "num_key_value_heads": 2,
        "rms_norm_eps": 1e-6, "rope_theta": 10_000, "sliding_window": 4096, "tie_word_embeddings": true,
        "torch_dtype": "bfloat16", "use_cache": true, "use_mrope": false, "use_sliding_window": false,
        "vocab_size": 151_936
    });
    bench.write("base/config.json", &config.to_string());
    let fixtures = root().join("core/engine/tests/fixtures/tokenizer");
    let read = |name: &str| std::fs::read_to_string(fixtures.join(name)).unwrap();
    bench.write("base/tokenizer.json", &read("byte_level/tokenizer.json"));
    let mut settings: Value =
        serde_json::from_str(&read("byte_level/tokenizer_config.json")).unwrap();
    let templates: Value = serde_json::from_str(&read("chat_templates.json")).unwrap();
    settings["chat_template"] = templates["templates"]["chatml"].clone();
    bench.write("base/tokenizer_config.json", &settings.to_string());
}

/// Data with the columns that the recipe's opening comment names.
fn data_of_vibethinker(bench: &Bench) {
    std::fs::create_dir(bench.path("data")).unwrap();
    let write = |name: &str, rows: &[Value]| {
        let lines: Vec<String> = rows.iter().map(Value::to_string).collect();
        bench.write(&format!("data/{name}"), &(lines.join("\n") + "\n"));
    };
    let sum = |a: u32, b: u32| format!("What is the sum of {a} and {b}?");
    let row = |a: u32| json!({ "question": sum(a, 7), "answer": (a + 7).to_string() });
    let solution = format!(
        "{}so the answer is \\boxed{{17}}.",
        "Step by step, ".repeat(300)
    );
    write(
        "distilled.jsonl",
        &[json!({ "question": sum(10, 7), "answer": "17", "solution": solution })],
    );
    let subjects = ["Algebra", "Geometry", "Calculus", "Statistics"];
    let probes: Vec<Value> = (0..256)
        .map(|at| {
            let mut probe = row(1000 + at);
            probe["subject"] = json!(subjects[at as usize % 4]);
            probe
        })
        .collect();
    write("probing.jsonl", &probes);
    write("math-16k.jsonl", &[row(20), row(21)]);
    write("math-32k.jsonl", &[row(30), row(31)]);
    let aime: Vec<Value> = (0..30)
        .map(|at| json!({ "problem": format!("Find the number {at}."), "answer": at }))
        .collect();
    write("aime24.jsonl", &aime);
    let code = |at: u32| {
        let tests = json!([{ "input": "3\n", "output": "9\n", "testtype": "stdin" }]);
        json!({
            "question_id": format!("{at}"), "question_content": format!("Print the square of a number ({at})."),
            "starter_code": "", "public_test_cases": tests.to_string(), "private_test_cases": "[]",
            "metadata": "{}", "difficulty": "easy", "platform": "atcoder"
        })
    };
    write("code.jsonl", &[code(1), code(2)]);
    let held_out: Vec<Value> = (1000..1131).map(code).collect();
    write("livecodebench.jsonl", &held_out);
}
