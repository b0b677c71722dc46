//! Manifests of the right form, and what they become.

use std::time::Duration;

use farthing_runtime::hub::ModelId;
use farthing_runtime::manifest::{
    ComponentRole, InitArchitecture, Isolation, OnFailure, Problem, Schedule, Split, Stage,
};

use super::{DIRECTORY, MINIMAL, parse, parse_with};

/// The example of the documentation, with every sort of key.
const EXAMPLE: &str = r#"
[run]
name = "countdown-tiny"
seed = 7
device = "auto"                    # auto, cpu, cuda:0
cost = { usd_per_hour = 2.0, budget_usd = 30.0 }

[plugins]
search = ["plugins"]
ours = { path = "target/release/libours.so", isolation = "process" }

[model]
path = "Qwen/Qwen2.5-0.5B"          # directory, .gguf, or hub id; or init = { arch = "qwen2", .. } from scratch
lora = { rank = 32, alpha = 64 }    # left out: full fine-tuning

[[task]]
use = "countdown/countdown"
weight = 1.0
config = { numbers = 3, max_number = 20, max_target = 50 }
rewards = [
  { use = "countdown/exact", weight = 1.0 },
  { use = "text/tags", weight = 0.1, config = { order = ["think", "answer"] } },
  { python = "rewards.py:brevity", weight = 0.0, deadline = "2s", on_failure = "drop" },
]

[[stage]]
kind = "sft"

[[stage]]
kind = "rl"
steps = 200
sampler = { use = "sampling/standard", config = { temperature = 1.0, group = 8 } }
optimizer = { use = "ssp/mgpo", config = { lambda = 1.0 } }
"#;

#[test]
fn the_documented_example_is_read_as_it_says() {
    let file = parse(EXAMPLE).unwrap();
    let manifest = &file.manifest;
    assert_eq!(manifest.run.name, "countdown-tiny");
    assert_eq!(manifest.run.seed, 7);
    assert_eq!(manifest.run.cost.as_ref().unwrap().budget_usd, Some(30.0));
    assert_eq!(
        manifest.plugins.search,
        [format!("{DIRECTORY}/plugins")].map(Into::<std::path::PathBuf>::into)
    );
    assert_eq!(manifest.plugins.files["ours"].isolation, Isolation::Process);
    assert_eq!(manifest.model.hub_id(), ModelId::parse("Qwen/Qwen2.5-0.5B"));
    assert_eq!(manifest.model.lora.as_ref().unwrap().rank, 32);

    let task = &manifest.tasks[0];
    assert_eq!(task.name, "countdown");
    assert_eq!(task.config["max_target"], 50);
    assert_eq!(
        task.rewards
            .iter()
            .map(|reward| reward.name.as_str())
            .collect::<Vec<_>>(),
        ["countdown/exact", "text/tags", "brevity"]
    );
    let python = task.rewards[2].python.as_ref().unwrap();
    assert_eq!(python.file.to_str(), Some("/nowhere/recipes/rewards.py"));
    assert_eq!(task.rewards[2].deadline.unwrap().0, Duration::from_secs(2));
    assert_eq!(task.rewards[2].on_failure, OnFailure::Drop);

    let [Stage::Sft(sft), Stage::Rl(rl)] = manifest.stages.as_slice() else {
        panic!("two stages")
    };
    assert_eq!(
        (sft.epochs, sft.steps, sft.update.lr),
        (Some(5), None, 1e-5)
    );
    assert_eq!(
        (rl.steps, rl.update.lr, rl.update.schedule),
        (200, 1e-6, Schedule::Constant)
    );
    assert_eq!(rl.sampler.config["group"], 8);
}

#[test]
fn what_this_version_cannot_do_is_refused_with_what_works() {
    let file = parse(EXAMPLE).unwrap();
    let mut diagnostics = file.diagnostics();
    file.refuse_unavailable(&mut diagnostics);
    assert!(
        diagnostics
            .iter()
            .all(|found| found.problem == Problem::Unavailable)
    );
    insta::assert_snapshot!(diagnostics.to_string(), @r#"
    run.toml:10:46: error: plugins in a process of their own are not available in this version
      10 | ours = { path = "target/release/libours.so", isolation = "process" }
         |                                              ^^^^^^^^^ not available
      help: leave `isolation` out: the plugin runs in-process, where a panic, an error or a passed deadline costs one attempt

    run.toml:23:5: error: Python rewards are not available in this version
      23 |   { python = "rewards.py:brevity", weight = 0.0, deadline = "2s", on_failure = "drop" },
         |     ^^^^^^ not available
      help: write the reward as a plugin and name it with `use`

    2 errors
    "#);
}

#[test]
fn files_that_are_not_there_are_reported_with_where_they_were_looked_for() {
    let directory = tempfile::tempdir().unwrap();
    let manifest = directory.path().join("run.toml");
    std::fs::write(&manifest, MINIMAL).unwrap();
    let read = || farthing_runtime::manifest::ManifestFile::read(&manifest, &[]).unwrap();

    let file = read();
    let mut diagnostics = file.diagnostics();
    file.refuse_unavailable(&mut diagnostics);
    let text = diagnostics.to_string();
    let expected = format!(
        "{}/model is not a directory: found nothing there",
        directory.path().display()
    );
    assert!(text.contains(&expected), "{text}");

    std::fs::create_dir(directory.path().join("model")).unwrap();
    let file = read();
    let mut diagnostics = file.diagnostics();
    file.refuse_unavailable(&mut diagnostics);
    assert!(diagnostics.is_empty(), "{diagnostics}");
}

#[test]
fn a_directory_that_looks_like_a_hub_id_is_a_directory() {
    let directory = tempfile::tempdir().unwrap();
    let text = MINIMAL.replace("./model", "models/tiny");
    let parse = || {
        farthing_runtime::manifest::ManifestFile::parse("run.toml", &text, directory.path(), &[])
            .unwrap()
    };
    assert_eq!(
        parse().manifest.model.hub_id(),
        ModelId::parse("models/tiny")
    );
    std::fs::create_dir_all(directory.path().join("models/tiny")).unwrap();
    let model = parse().manifest.model;
    assert_eq!(model.hub_id(), None);
    assert_eq!(model.path, Some(directory.path().join("models/tiny")));
}

#[test]
fn a_commit_pins_a_model_of_the_hub_and_nothing_else() {
    let commit = "0123456789abcdef0123456789abcdef01234567";
    let with = |path: &str, commit: &str| {
        let model = format!("path = \"{path}\"\ncommit = \"{commit}\"");
        MINIMAL.replace("path = \"./model\"", &model)
    };
    let conflicts = |text: &str| {
        let file = parse(text).unwrap();
        let mut diagnostics = file.diagnostics();
        file.refuse_unavailable(&mut diagnostics);
        let conflicts = diagnostics
            .iter()
            .filter(|found| found.problem == Problem::Conflict);
        conflicts
            .map(|found| found.message.clone())
            .collect::<Vec<_>>()
    };
    let file = parse(&with("owner/name@v1", commit)).unwrap();
    let id = file.manifest.model.hub_id().unwrap();
    assert_eq!(
        (id.repository.as_str(), id.commit()),
        ("owner/name", Some(commit))
    );
    assert_eq!(
        conflicts(&with("owner/name@v1", commit)),
        Vec::<String>::new()
    );
    assert_eq!(
        conflicts(&with(&format!("owner/name@{commit}"), commit)),
        Vec::<String>::new()
    );
    // What is written can be read, and means the same.
    let again = parse(&file.to_toml()).unwrap();
    assert_eq!(again.manifest.model, file.manifest.model);

    let other = with(&format!("owner/name@{}", commit.replace('0', "f")), commit);
    assert!(
        conflicts(&other)[0].contains("names the commit"),
        "{:?}",
        conflicts(&other)
    );
    let path = with("./model", commit);
    assert!(conflicts(&path)[0].contains("belongs to a model of the hub"));
    assert!(parse(&with("owner/name", "main")).is_err());
}

#[test]
fn a_model_from_scratch_states_its_shape_its_alphabet_and_its_rate() {
    let text = MINIMAL
        .replace(
            "path = \"./model\"",
            r#"init = { arch = "qwen2", hidden_size = 128, intermediate_size = 512, num_hidden_layers = 4, num_attention_heads = 4, num_key_value_heads = 2 }
tokenizer = { characters = "0123456789+-*/()=;\n ", tokens = ["<think>", "11"], numbers = 12 }"#,
        )
        .replace("kind = \"sft\"", "kind = \"sft\"\nupdate = { lr = 1e-3 }")
        .replace("steps = 3", "steps = 3\nupdate.lr = 1e-4");
    let manifest = parse(&text).unwrap().manifest;
    let init = manifest.model.init.unwrap();
    assert_eq!(
        (init.arch, init.head_width(), init.tie_word_embeddings),
        (InitArchitecture::Qwen2, 32, true)
    );
    assert_eq!(
        manifest.model.tokenizer.unwrap().whole_tokens(),
        ["<think>", "11", "10", "12"]
    );
    let Stage::Sft(sft) = &manifest.stages[0] else {
        panic!("sft first")
    };
    // One key of `update` is written, the others keep the defaults of their stage kind.
    assert_eq!(
        (sft.update.lr, sft.update.betas, sft.update.warmup_steps),
        (1e-3, [0.9, 0.95], 16)
    );
    let Stage::Rl(rl) = &manifest.stages[1] else {
        panic!("rl second")
    };
    assert_eq!(
        (rl.update.lr, rl.update.betas, rl.update.warmup_steps),
        (1e-4, [0.9, 0.999], 0)
    );
}

#[test]
fn stages_without_a_name_are_called_by_their_kind() {
    let two_more = "[[stage]]\nkind = \"sft\"\n[[stage]]\nkind = \"eval\"\nsampler = { use = \"a/b\" }\nname = \"last\"\n";
    let manifest = parse(&format!("{MINIMAL}{two_more}")).unwrap().manifest;
    let names: Vec<&str> = manifest.stages.iter().map(Stage::name).collect();
    assert_eq!(names, ["sft", "rl", "eval", "sft-2", "last"]);
}

#[test]
fn an_evaluation_reports_pass_at_one_and_at_all_attempts_unless_told_otherwise() {
    let pass_at = |attempts: &str| {
        let manifest = parse(&format!("{MINIMAL}{attempts}\n")).unwrap().manifest;
        let Stage::Eval(eval) = &manifest.stages[2] else {
            panic!("eval last")
        };
        assert_eq!(eval.split, Split::Test);
        eval.pass_at.clone()
    };
    assert_eq!(pass_at(""), [1]);
    assert_eq!(pass_at("attempts = 8"), [1, 8]);
    assert_eq!(pass_at("attempts = 8\npass_at = [2, 4]"), [2, 4]);
}

#[test]
fn every_component_is_handed_out_with_its_role() {
    let text = MINIMAL.replace(
        "steps = 3",
        "steps = 3\ncurriculum = { use = \"order/random\" }\neval = { every = 1, sampler = { use = \"sampling/greedy\" } }",
    );
    let file = parse(&text).unwrap();
    let uses: Vec<(ComponentRole, &str)> = file
        .components()
        .iter()
        .map(|used| (used.role, used.name))
        .collect();
    assert_eq!(
        uses,
        [
            (ComponentRole::Task, "sums/add"),
            (ComponentRole::Reward, "sums/exact"),
            (ComponentRole::Sampler, "sampling/standard"),
            (ComponentRole::Optimizer, "policy/plain"),
            (ComponentRole::Curriculum, "order/random"),
            (ComponentRole::Sampler, "sampling/greedy"),
            (ComponentRole::Sampler, "sampling/standard"),
        ]
    );
}

#[test]
fn the_failure_policy_is_a_word_or_a_value() {
    for (written, expected) in [
        ("\"stop\"", OnFailure::Stop),
        ("-1", OnFailure::Value(-1.0)),
        ("0.5", OnFailure::Value(0.5)),
    ] {
        let set = format!("task.0.rewards.0.on_failure={written}");
        assert_eq!(
            parse_with(MINIMAL, &[&set]).unwrap().manifest.tasks[0].rewards[0].on_failure,
            expected
        );
    }
}
