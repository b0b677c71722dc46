//! Low-rank adapters through the binary: a run that trains them, what its checkpoints are, and where they go.

#![allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.

use farthing_e2e::{Bench, adapter_manifest, small_manifest, with_base};
use serde_json::Value;

#[test]
fn a_run_of_adapters_leaves_the_base_alone_and_goes_out_in_every_form() {
    let bench = with_base();
    bench.write("run.toml", &adapter_manifest());
    bench.run(&["check", "run.toml"]).success();
    let base = std::fs::read(bench.path("base/model.safetensors")).unwrap();
    bench.run(&["train", "run.toml", "--out", "run"]).success();
    assert!(std::fs::read(bench.path("base/model.safetensors")).unwrap() == base);

    let newest = "run/checkpoints/step-000008";
    assert!(!bench.path(newest).join("model.safetensors").exists());
    let config: Value =
        serde_json::from_str(&bench.read(&format!("{newest}/adapter_config.json"))).unwrap();
    assert_eq!(config["peft_type"], "LORA");
    assert_eq!(
        config["base_model_name_or_path"],
        bench.path("base").to_str().unwrap()
    );
    // Both factors have left their beginning, so there is something to compare.
    let expected = bench.greedy("run");
    assert_eq!(bench.greedy(newest), expected);
    for out in ["hf", "adapter", "model.gguf"] {
        let mut arguments = vec!["export", "run", out];
        if out == "adapter" {
            arguments.extend(["--format", "peft"]);
        }
        bench.run(&arguments).success();
        assert_eq!(bench.greedy(out), expected, "{out}");
    }
    assert!(bench.path("hf/model.safetensors").exists());
    assert!(bench.path("adapter/adapter_model.safetensors").exists());
    let answer = bench.run(&["eval", newest, "run.toml", "--json"]).json();
    assert!(answer["evaluations"][0]["problems"].as_u64().unwrap() > 0);

    let whole = bench.run(&["export", "hf", "again", "--format", "peft"]);
    assert!(whole.failure(2).contains("has no adapters"));
    // A base that has gone is named.
    std::fs::rename(bench.path("base"), bench.path("elsewhere")).unwrap();
    let message = bench.run(&["sample", newest, "--prompt", "44"]).failure(2);
    assert!(message.contains("is an adapter"), "{message}");
    assert!(message.contains("base"), "{message}");
}

#[test]
fn adapters_need_a_model_to_stand_on() {
    let bench = with_base();
    let noise =
        small_manifest().replace("[[task]]", "[model.lora]\nrank = 2\nalpha = 4\n\n[[task]]");
    bench.write("noise.toml", &noise);
    let message = bench.run(&["check", "noise.toml"]).failure(2);
    assert!(message.contains("nothing to adapt"), "{message}");

    bench.write("run.toml", &adapter_manifest());
    bench.run(&["train", "run.toml", "--out", "run"]).success();
    let upon = adapter_manifest().replace("\"base\"", "\"run/checkpoints/step-000008\"");
    bench.write("upon.toml", &upon);
    let message = bench.run(&["check", "upon.toml"]).failure(2);
    assert!(
        message.contains("is an adapter, not a whole model"),
        "{message}"
    );
    assert!(message.contains("farthing export"), "{message}");
}

/// Where memory is short, layers run again for the backward pass; nothing else changes.
#[test]
fn layers_that_run_again_change_no_byte_of_a_run() {
    let bench = Bench::new();
    bench.write("run.toml", &small_manifest());
    for (out, how) in [("kept", "none"), ("again", "all")] {
        let set = format!("run.activation_checkpointing={how}");
        bench
            .run(&["train", "run.toml", "--out", out, "--set", &set])
            .success();
    }
    for file in ["metrics.jsonl", "checkpoints/step-000012/model.safetensors"] {
        let read = |out: &str| std::fs::read(bench.path(out).join(file)).unwrap();
        assert!(read("kept") == read("again"), "{file}");
    }
}
