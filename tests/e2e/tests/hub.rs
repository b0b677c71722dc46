//! A model of the hub through the binary: fetched, talked to, trained, resumed; and paths, which ask nobody.
//!
//! The hub is inside the test (`core/runtime/tests/hub/fake_hub.rs`); the binary finds it through the environment, as a
//! user's does.

#![allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.

#[path = "../../../core/runtime/tests/hub/fake_hub.rs"]
mod fake_hub;

use std::path::Path;

use farthing_e2e::{Answer, Bench, small_manifest};
use farthing_engine::{Architecture, Device, Model, ModelConfig, RopeScaling, Tokenizer};

use fake_hub::{FakeHub, Fault};

const MODEL: &str = "owner/tiny";

/// A model of some thousand weights that can read the small manifest's task.
fn save_model(directory: &Path, seed: u64) {
    let alphabet = "0123456789 +-*/()=;:>!";
    let tokenizer = Tokenizer::characters(alphabet, &["<answer>", "</answer>"]).unwrap();
    let config = ModelConfig {
        architecture: Architecture::Qwen2,
        vocab_size: tokenizer.vocab_size(),
        hidden_size: 32,
        intermediate_size: 64,
        num_hidden_layers: 2,
        num_attention_heads: 4,
        num_key_value_heads: 2,
        head_dim: 8,
        rms_norm_eps: 1e-6,
        rope_theta: 10_000.0,
        rope_scaling: RopeScaling::None,
        max_position_embeddings: 64,
        tie_word_embeddings: true,
        attention_bias: false,
        mlp_bias: false,
        sliding_window: None,
        initializer_range: 0.02,
        bos_token_id: None,
        eos_token_id: tokenizer.eos_ids().to_vec(),
        pad_token_id: tokenizer.pad_id(),
    };
    std::fs::create_dir_all(directory).unwrap();
    let model = Model::init(config, seed, &Device::Cpu).unwrap();
    model.save(directory).unwrap();
    tokenizer.save(directory).unwrap();
}

/// A bench with a hub that has a model, which also lies in `local`.
struct Scene {
    bench: Bench,
    hub: FakeHub,
    commit: String,
}

impl Scene {
    fn new() -> Self {
        let bench = Bench::new();
        let hub = FakeHub::start();
        save_model(&bench.path("local"), 1);
        let commit = push(&hub, &bench.path("local"));
        Self { bench, hub, commit }
    }

    fn run(&self, arguments: &[&str]) -> Answer {
        self.run_with(arguments, &[])
    }

    fn run_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Answer {
        let mut command = self.bench.command(arguments);
        for name in [
            "HF_TOKEN",
            "HF_HUB_CACHE",
            "HF_HUB_OFFLINE",
            "HF_TOKEN_PATH",
            "XDG_CACHE_HOME",
        ] {
            command.env_remove(name);
        }
        command
            .env("HF_ENDPOINT", self.hub.endpoint())
            .env("HF_HOME", self.bench.path("hf"))
            .env("NO_PROXY", "127.0.0.1");
        command.envs(variables.iter().copied());
        Answer::of(command.output().unwrap())
    }

    /// The small manifest on this model instead of one from scratch.
    fn manifest(&self, model: &str) -> String {
        let text = small_manifest();
        let (head, tail) = text.split_once("[model]").unwrap();
        let (_, tail) = tail.split_once("[[task]]").unwrap();
        format!("{head}[model]\npath = \"{model}\"\n\n[[task]]{tail}")
    }

    fn weights(&self, run: &str) -> Vec<u8> {
        let checkpoints = self.bench.path(run).join("checkpoints");
        let newest = std::fs::read_dir(checkpoints)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .max()
            .unwrap();
        std::fs::read(newest.join("model.safetensors")).unwrap()
    }
}

fn push(hub: &FakeHub, directory: &Path) -> String {
    let files: Vec<(String, Vec<u8>)> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, std::fs::read(path).unwrap())
        })
        .collect();
    let files: Vec<(&str, &[u8])> = files
        .iter()
        .map(|(name, content)| (name.as_str(), content.as_slice()))
        .collect();
    hub.push(MODEL, &files)
}

const PROMPT: [&str; 6] = ["--prompt", "1+2=", "--max-new-tokens", "8", "--seed", "3"];

fn sample(model: &str) -> Vec<&str> {
    ["sample", model].into_iter().chain(PROMPT).collect()
}

#[test]
fn sample_talks_to_a_model_of_the_hub() {
    let scene = Scene::new();
    let local = scene.run(&sample("./local")).success();
    // A path, in every way of writing one, asks nobody.
    let absolute = scene.bench.path("local").display().to_string();
    for path in [
        "local",
        "./local",
        "../x/y",
        "./owner/tiny",
        &absolute,
        "/owner/tiny",
    ] {
        let answer = scene.run(&sample(path));
        let expected = if path.ends_with("local") { 0 } else { 2 };
        assert_eq!(answer.code, Some(expected), "{path}: {}", answer.stderr);
    }
    assert!(scene.hub.requests().is_empty());

    let answer = scene.run(&sample(MODEL));
    assert_eq!(answer.success(), local);
    assert!(!scene.hub.requests().is_empty());
    let offline = [("HF_HUB_OFFLINE", "1")];
    assert_eq!(scene.run_with(&sample(MODEL), &offline).success(), local);
    let pinned = format!("{MODEL}@{}", scene.commit);
    assert_eq!(scene.run(&sample(&pinned)).success(), local);
    assert!(scene.hub.requests().is_empty());

    // A directory of that name is nearer than the hub.
    save_model(&scene.bench.path(MODEL), 2);
    assert_ne!(scene.run(&sample(MODEL)).success(), local);
    assert!(scene.hub.requests().is_empty());
}

#[test]
fn what_cannot_be_fetched_is_said_once_and_plainly() {
    let scene = Scene::new();
    let said = scene.run(&sample("owner/tinny")).failure(1);
    assert!(
        said.starts_with("error: ") && said.contains("no model owner/tinny"),
        "{said}"
    );
    let offline = [("HF_HUB_OFFLINE", "yes")];
    let said = scene.run_with(&sample(MODEL), &offline).failure(1);
    assert!(
        said.contains("not whole in the cache") && said.contains("HF_HUB_OFFLINE"),
        "{said}"
    );
    let nowhere = [
        ("HF_ENDPOINT", "http://127.0.0.1:1"),
        ("HF_HUB_OFFLINE", ""),
    ];
    let said = scene.run_with(&sample(MODEL), &nowhere).failure(1);
    assert!(said.contains("cannot be reached"), "{said}");
    let wrong = [("HF_ENDPOINT", "huggingface.co")];
    let said = scene.run_with(&sample(MODEL), &wrong).failure(1);
    assert!(said.contains("HF_ENDPOINT is no address"), "{said}");

    scene
        .bench
        .write("run.toml", &scene.manifest("owner/tinny"));
    let said = scene.run(&["check", "run.toml"]).failure(2);
    let place = said.contains("run.toml:9:8") && said.contains("path = \"owner/tinny\"");
    assert!(place && said.contains("check the id"), "{said}");
    scene.run(&["train", "run.toml", "--out", "run"]).failure(2);
    assert!(!scene.bench.path("run").exists());
}

/// `check` says how large the model is and fetches what describes it; `train` fetches the rest.
#[test]
fn check_fetches_no_weights_and_train_does() {
    let scene = Scene::new();
    scene.bench.write("run.toml", &scene.manifest(MODEL));
    let plan = scene.run(&["check", "run.toml", "--json"]).json();
    let size = std::fs::metadata(scene.bench.path("local/model.safetensors"))
        .unwrap()
        .len();
    assert_eq!(plan["download"]["weights"], size);
    assert_eq!(plan["download"]["missing"], size);
    assert_eq!(plan["download"]["commit"], scene.commit);
    let read = |requests: Vec<fake_hub::Request>| {
        let is_read = |request: &&fake_hub::Request| {
            request.method == "GET" && request.path.ends_with(".safetensors")
        };
        requests.iter().filter(is_read).count()
    };
    assert_eq!(read(scene.hub.requests()), 0);
    let text = scene.run(&["check", "run.toml"]).success();
    assert!(
        text.contains("\ndownload   ") && text.contains("of weights"),
        "{text}"
    );

    // A download that fails leaves no run behind that would be in the way of the next attempt.
    let cdn = format!("/cdn/{MODEL}/{}/model.safetensors", scene.commit);
    scene.hub.fault(&cdn, Fault::CutAfter(100));
    let said = scene.run(&["train", "run.toml", "--out", "run"]).failure(1);
    assert!(said.contains("broke off after 100 of"), "{said}");
    scene.hub.mend();
    scene.run(&["train", "run.toml", "--out", "run"]).success();
    let text = scene.run(&["check", "run.toml"]).success();
    assert!(text.contains("download   none"), "{text}");
    let resolved = scene.bench.read("run/run.toml");
    assert!(
        resolved.contains(&format!(
            "path = \"{MODEL}\"\ncommit = \"{}\"",
            scene.commit
        )),
        "{resolved}"
    );

    // The model is the one in the directory, to the last bit after twelve steps.
    scene.bench.write("local.toml", &scene.manifest("./local"));
    scene
        .run(&["train", "local.toml", "--out", "local-run"])
        .success();
    assert_eq!(scene.weights("run"), scene.weights("local-run"));
}

/// A push to the repository changes new runs and no old one.
#[test]
fn a_run_is_resumed_with_the_commit_that_it_began_with() {
    let scene = Scene::new();
    scene.bench.write("run.toml", &scene.manifest(MODEL));
    let train = |out: &'static str, more: &[&'static str]| {
        let mut arguments = vec!["train", "run.toml", "--out", out];
        arguments.extend(more);
        scene.run(&arguments)
    };
    train("straight", &[]).success();
    // Stopped before its first checkpoint, so that it begins from the model again.
    train(
        "stopped",
        &["--set", "run.cost={usd_per_hour=1.0,budget_usd=1e-9}"],
    )
    .success();
    let checkpoints = scene.bench.path("stopped/checkpoints");
    let _ = std::fs::remove_dir_all(&checkpoints);
    std::fs::create_dir(&checkpoints).unwrap();
    std::fs::write(scene.bench.path("stopped/metrics.jsonl"), "").unwrap();

    save_model(&scene.bench.path("newer"), 2);
    let newer = push(&scene.hub, &scene.bench.path("newer"));
    scene.hub.requests();
    train("stopped", &["--resume"]).success();
    assert!(
        scene.hub.requests().is_empty(),
        "a commit in the cache asks nobody"
    );
    assert_eq!(scene.weights("stopped"), scene.weights("straight"));

    train("other", &[]).success();
    assert!(scene.bench.read("other/run.toml").contains(&newer));
    assert_ne!(scene.weights("other"), scene.weights("straight"));

    // Another revision is another run.
    scene
        .bench
        .write("run.toml", &scene.manifest("owner/tiny@main"));
    let said = train("straight", &["--resume"]).failure(1);
    assert!(said.contains("model.path"), "{said}");
    // The resolved manifest of a run repeats it.
    std::fs::copy(
        scene.bench.path("straight/run.toml"),
        scene.bench.path("run.toml"),
    )
    .unwrap();
    train("again", &[]).success();
    assert_eq!(scene.weights("again"), scene.weights("straight"));
}

/// A push to the repository of their base changes no adapters either: they name the commit, as PEFT does.
#[test]
fn adapters_stand_on_the_commit_that_they_were_trained_on() {
    let scene = Scene::new();
    let lora = "\nlora = { rank = 2, alpha = 4 }\n\n[[task]]";
    let manifest = scene.manifest(MODEL).replace("\n\n[[task]]", lora);
    scene.bench.write("run.toml", &manifest);
    scene.run(&["train", "run.toml", "--out", "run"]).success();
    scene
        .run(&["export", "run", "adapter", "--format", "peft"])
        .success();
    let config = "adapter/adapter_config.json";
    let text = scene.bench.read(config);
    let written: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(written["base_model_name_or_path"], MODEL);
    assert_eq!(written["revision"], scene.commit);
    assert_eq!(
        scene
            .bench
            .read("run/checkpoints/step-000012/adapter_config.json"),
        text
    );
    let before = scene.run(&sample("run")).success();
    let measured = |model: &str| {
        let mut answer = scene.run(&["eval", model, "run.toml", "--json"]).json();
        let mut figures = answer["evaluations"][0].take();
        for field in ["model", "seconds"] {
            figures[field].take();
        }
        figures
    };
    let figures = measured("run");

    save_model(&scene.bench.path("newer"), 2);
    push(&scene.hub, &scene.bench.path("newer"));
    for model in ["run", "adapter"] {
        assert_eq!(scene.run(&sample(model)).success(), before, "{model}");
        assert_eq!(measured(model), figures, "{model}");
    }
    scene.run(&["export", "run", "whole"]).success();
    assert_eq!(scene.run(&sample("whole")).success(), before);
    // The commit is what holds them: a name alone means what was pushed last.
    let nameless = text.replace(&format!("\"{}\"", scene.commit), "null");
    scene.bench.write(config, &nameless);
    assert_ne!(scene.run(&sample("adapter")).success(), before);
}

#[test]
fn eval_measures_a_model_of_the_hub() {
    let scene = Scene::new();
    scene.bench.write("run.toml", &scene.manifest("./local"));
    let figures = |model: &str| {
        let mut answer = scene.run(&["eval", model, "run.toml", "--json"]).json();
        let mut figures = answer["evaluations"][0].take();
        let fields = figures.as_object_mut().unwrap();
        fields.remove("model");
        fields.remove("seconds");
        figures
    };
    assert_eq!(figures(MODEL), figures("local"));
}
