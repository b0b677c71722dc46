//! Export: what a run made, in the forms that other programs open, and back again.

#![allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.

use farthing_e2e::{Bench, small_manifest};

#[test]
fn a_trained_model_goes_out_and_comes_back() {
    let bench = Bench::new();
    bench.write("run.toml", &small_manifest());
    bench.run(&["train", "run.toml", "--out", "run"]).success();
    let expected = bench.greedy("run");
    assert_eq!(
        bench.run(&["export", "run", "model.gguf"]).success(),
        "model.gguf\n"
    );
    bench
        .run(&[
            "export",
            "run/checkpoints/step-000012",
            "small.gguf",
            "--type",
            "q8_0",
        ])
        .success();
    bench.run(&["export", "run", "hf"]).success();
    bench.run(&["export", "model.gguf", "back"]).success();
    for model in ["model.gguf", "small.gguf", "hf", "back"] {
        assert_eq!(bench.greedy(model), expected, "{model}");
    }
    let size = |file: &str| bench.path(file).metadata().unwrap().len();
    assert!(size("small.gguf") < size("model.gguf"));
    assert!(size("model.gguf") < size("hf/model.safetensors") * 6 / 10);
    let tokenizer =
        |directory: &str| std::fs::read(bench.path(directory).join("tokenizer.json")).unwrap();
    assert_eq!(tokenizer("hf"), tokenizer("run/checkpoints/step-000012"));

    // A manifest goes on from the file.
    let manifest = small_manifest();
    let start = manifest.find("[model").unwrap();
    let end = manifest.find("[[task]]").unwrap();
    let manifest = format!(
        "{}[model]\npath = \"model.gguf\"\n\n{}",
        &manifest[..start],
        &manifest[end..]
    );
    bench.write("more.toml", &manifest);
    bench.run(&["check", "more.toml"]).success();
    bench
        .run(&["train", "more.toml", "--out", "more"])
        .success();
    assert!(
        bench
            .path("more/checkpoints/step-000012/model.safetensors")
            .is_file()
    );
    bench.run(&["eval", "small.gguf", "run.toml"]).success();
}

#[test]
fn nothing_is_overwritten_and_nothing_is_half_written() {
    let bench = Bench::new();
    bench.write("there", "something");
    bench.write("broken.gguf", "GGUF and then nothing");
    let refused = |arguments: &[&str], code: i32, part: &str| {
        let stderr = bench.run(arguments).failure(code);
        assert!(stderr.contains(part), "{part}: {stderr}");
    };
    refused(
        &["export", "broken.gguf", "there"],
        2,
        "nothing is overwritten",
    );
    refused(&["export", "broken.gguf", "away/out"], 2, "make it first");
    refused(
        &["export", "broken.gguf", "out", "--format", "gguf"],
        2,
        "ends in .gguf",
    );
    refused(
        &["export", "broken.gguf", "out.gguf", "--format", "hf"],
        2,
        "--format gguf",
    );
    refused(
        &["export", "broken.gguf", "out", "--type", "q8_0"],
        2,
        "--type is for GGUF files",
    );
    refused(&["export", "nowhere", "out"], 2, "there is no nowhere here");
    refused(&["export", "there", "out"], 2, "neither a model");
    refused(&["export", "broken.gguf", "out"], 1, "broken.gguf: ");
    refused(
        &["sample", "broken.gguf", "--prompt", "a"],
        1,
        "download or write the file again",
    );
    assert!(!bench.path("out").exists() && !bench.path("out.gguf").exists());
    let manifest = small_manifest();
    let start = manifest.find("[model").unwrap();
    let end = manifest.find("[[task]]").unwrap();
    let manifest = format!(
        "{}[model]\npath = \"broken.gguf\"\n\n{}",
        &manifest[..start],
        &manifest[end..]
    );
    bench.write("run.toml", &manifest);
    refused(&["check", "run.toml"], 2, "broken.gguf: ");
    bench.write("run.toml", &manifest.replace("broken.gguf", "missing.gguf"));
    refused(&["check", "run.toml"], 2, "found nothing there");
}
