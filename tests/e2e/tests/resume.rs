//! Runs never lose anything: a run that is killed and resumed ends with the same bytes as one that is not.
//!
//! A moment of death is a line of the child's log at the level of traces, where each pass, update and file operation
//! speaks, so no test waits for a clock. The lines are drawn from a fixed seed over the whole length of the run.

#![cfg(unix)] // SIGKILL and its fellows.
#![allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Stdio;

use farthing_e2e::{
    Bench, adapter_manifest, example_library, manifest_with_memory, small_manifest,
    spectrum_manifest, with_base,
};

/// What must be equal, file by file: everything that a run computed.
fn computed(run: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut keep = |name: String| {
        let bytes =
            std::fs::read(run.join(&name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        files.insert(name, bytes);
    };
    keep("metrics.jsonl".into());
    for checkpoint in names(&run.join("checkpoints")) {
        let adapters = format!("checkpoints/{checkpoint}/adapter_model.safetensors");
        match run.join(&adapters).exists() {
            true => keep(adapters),
            false => keep(format!("checkpoints/{checkpoint}/model.safetensors")),
        }
        let update_rule = format!("checkpoints/{checkpoint}/state/update_rule.safetensors");
        if run.join(&update_rule).exists() {
            keep(update_rule);
        }
    }
    for part in names(&run.join("completions.parquet")) {
        keep(format!("completions.parquet/{part}"));
    }
    files
}

fn names(directory: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(directory).into_iter().flatten();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.starts_with('.'))
        .collect()
}

/// Starts the run, or goes on with it, and kills it with SIGKILL at the `count`-th line of its log that has `place` in
/// it. Returns false if it ended before.
fn kill_at(bench: &Bench, out: &str, place: &str, count: usize) -> bool {
    let mut child = bench
        .command(&train(bench, out))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut seen = Vec::new();
    for said in BufReader::new(child.stderr.take().unwrap()).lines() {
        seen.push(said.unwrap());
        if seen.iter().filter(|line| line.contains(place)).count() == count {
            child.kill().unwrap();
            break;
        }
    }
    let status = child.wait().unwrap();
    let was_killed = status.signal() == Some(9);
    assert!(
        was_killed || status.success(),
        "the run failed by itself: {seen:#?}"
    );
    was_killed
}

fn train<'a>(bench: &Bench, out: &'a str) -> Vec<&'a str> {
    let mut arguments = vec!["train", "run.toml", "--out", out, "-vv"];
    if bench.path(out).is_dir() {
        arguments.push("--resume");
    }
    arguments
}

/// Where something can be lost: the first death of a run is at a line with one of these.
const PLACES: [&str; 7] = [
    "decoded", "judged", "updated", "logged", "write ", "sync ", "rename ",
];

/// Kills runs of this manifest `wanted` times altogether, and compares each in the end with one that was left alone.
fn kill(manifest: &str, wanted: usize) {
    kill_in(&Bench::new(), manifest, wanted);
}

/// The same on a bench where the manifest finds its files.
fn kill_in(bench: &Bench, manifest: &str, wanted: usize) {
    bench.write("run.toml", manifest);
    let straight = bench.run(&train(bench, "straight"));
    let log: Vec<&str> = straight.stderr.lines().collect();
    assert_eq!(straight.code, Some(0), "{log:#?}");
    let expected = computed(&bench.path("straight"));

    let mut state = 12_345_u64;
    let mut draw = |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let (mut kills, mut runs) = (0, 0);
    while kills < wanted || runs < PLACES.len() {
        assert!(runs < 100, "the runs end before they can be killed");
        let out = format!("killed-{runs}");
        let place = PLACES[runs % PLACES.len()];
        // Not among the last lines, where the run might end before the signal arrives.
        let early = log[..log.len() * 3 / 4].iter();
        let lines = early.filter(|line| line.contains(place)).count();
        assert!(lines > 0, "no line of the log says `{place}`: {log:#?}");
        assert!(
            kill_at(bench, &out, place, 1 + draw(lines)),
            "{out} ended before `{place}`"
        );
        kills += 1;
        runs += 1;
        // Then anywhere: a run that is resumed says less, and may end first.
        while kills < wanted && kill_at(bench, &out, "", 1 + draw(log.len())) {
            kills += 1;
        }
        if !bench.path(&out).join("curves.png").exists() {
            bench.run(&train(bench, &out)).success();
        }
        let found = computed(&bench.path(&out));
        assert_eq!(
            found.keys().collect::<Vec<_>>(),
            expected.keys().collect::<Vec<_>>()
        );
        for (name, bytes) in &expected {
            assert!(
                found[name] == *bytes,
                "{name} differs in {out}, killed at {place}"
            );
        }
    }
}

#[test]
fn twenty_kills_change_nothing() {
    kill(&small_manifest(), 20);
}

#[test]
fn twenty_kills_change_nothing_of_what_is_remembered() {
    kill(&manifest_with_memory(), 20);
}

#[test]
fn kills_change_nothing_of_selections_and_merges() {
    kill(&spectrum_manifest(), 12);
}

#[test]
fn kills_change_nothing_of_a_run_of_adapters() {
    kill_in(&with_base(), &adapter_manifest(), 8);
}

/// A damaged checkpoint is passed over, never counted as the one to keep, and never a reason to begin again.
#[test]
fn damaged_checkpoints_cost_no_whole_one_and_no_run() {
    let bench = Bench::new();
    bench.write("run.toml", &small_manifest());
    let straight = ["train", "run.toml", "--out", "straight"];
    bench.run(&straight).success();
    let train = ["train", "run.toml", "--out", "run"];
    let stopped = "run.cost={ usd_per_hour = 3600.0, budget_usd = 1e-9 }";
    bench
        .run(&[&train[..], &["--set", stopped]].concat())
        .success();
    let go_on = [&train[..], &["--resume"]].concat();
    bench
        .run(&[&go_on[..], &["--set", stopped]].concat())
        .success();

    let damage = |step: &str| {
        let path = bench.path(&format!("run/checkpoints/step-{step}/model.safetensors"));
        let mut bytes = std::fs::read(&path).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        std::fs::write(path, bytes).unwrap();
    };
    damage("000002");
    let rows = bench.read("run/metrics.jsonl");
    // Only the older one is whole, and only one is to be kept.
    let one = [
        &go_on[..],
        &["--set", "run.keep_checkpoints=1", "--set", stopped],
    ]
    .concat();
    bench.run(&one).success();
    assert_eq!(bench.read("run/metrics.jsonl"), rows);

    // The damaged one was set aside for the step that was done again; now that one goes too.
    damage("000002");
    let error = bench.run(&go_on).failure(1);
    assert!(error.contains("no whole checkpoint is there"), "{error}");
    assert!(error.contains("model.safetensors"), "{error}");
    std::fs::remove_dir_all(bench.path("run/checkpoints")).unwrap();
    let gone = [&go_on[..], &["--set", "run.checkpoint_every=1"]].concat();
    let error = bench.run(&gone).failure(1);
    assert!(error.contains("there is no checkpoint"), "{error}");
    assert_eq!(bench.read("run/metrics.jsonl"), rows);
}

/// Nothing is begun in a directory that holds something else.
#[test]
fn only_a_run_is_resumed() {
    let bench = Bench::new();
    bench.write("run.toml", &small_manifest());
    std::fs::create_dir(bench.path("other")).unwrap();
    bench.write("other/letter.txt", "dear");
    let train = ["train", "run.toml", "--out", "other"];
    let error = bench.run(&[&train[..], &["--resume"]].concat()).failure(1);
    assert!(error.contains("there is no run"), "{error}");
    let error = bench.run(&train).failure(1);
    assert!(error.contains("letter.txt"), "{error}");
    assert_eq!(
        names(&bench.path("other")),
        ["letter.txt".to_owned()].into()
    );
}

#[test]
fn a_signal_finishes_the_step_and_saves() {
    for signal in ["-INT", "-TERM"] {
        let bench = Bench::new();
        bench.write("run.toml", &small_manifest());
        bench
            .run(&["train", "run.toml", "--out", "straight"])
            .success();
        let mut child = bench
            .command(&["train", "run.toml", "--out", "run", "-vv"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap()).lines();
        // The first line of a step: the signal handlers are in place and there is work left.
        let started = stderr
            .by_ref()
            .map(Result::unwrap)
            .any(|line| line.contains("stage `sft`"));
        assert!(started, "the run said nothing of its first stage");
        let pid = child.id().to_string();
        let sent = std::process::Command::new("kill")
            .args([signal, &pid])
            .status()
            .unwrap();
        assert!(sent.success());
        let rest: Vec<String> = stderr.map(Result::unwrap).collect();
        let status = child.wait().unwrap();
        assert_eq!(status.code(), Some(130), "{rest:#?}");
        assert!(
            rest.iter().any(|line| line.contains("--resume")),
            "{rest:#?}"
        );
        bench
            .run(&["train", "run.toml", "--out", "run", "--resume"])
            .success();
        assert_eq!(
            bench.read("run/metrics.jsonl"),
            bench.read("straight/metrics.jsonl")
        );
    }
}

/// Other settings, or other plugins, would make neither the old run nor a new one.
#[test]
fn a_run_goes_on_as_it_began_or_not_at_all() {
    let bench = Bench::new();
    let library = bench.path("remembers.so");
    std::fs::copy(example_library("farthing-hostile", "remembers"), &library).unwrap();
    let manifest = small_manifest().replace(
        "[model]",
        &format!("[plugins]\nremembers = {{ path = {library:?} }}\n\n[model]"),
    );
    let manifest = manifest.replace("grpo/grpo", "remembers/fading");
    bench.write("run.toml", &manifest);
    // So small a budget that each process makes one step.
    let budget = "run.cost={ usd_per_hour = 3600.0, budget_usd = 1e-9 }";
    let limited = |more: &[&str]| {
        let arguments = ["train", "run.toml", "--out", "run", "--set", budget];
        bench.run(&[&arguments, more].concat())
    };
    let seconds = |step: &str| {
        let position = bench.read(&format!("run/checkpoints/step-{step}/state/position.json"));
        let position: serde_json::Value = serde_json::from_str(&position).unwrap();
        position["seconds"].as_f64().unwrap()
    };
    let first = limited(&[]);
    assert!(first.stderr.contains("the budget is spent"), "{first:#?}");
    limited(&["--resume"]).success();
    // Also between two stages.
    let short = [
        "train",
        "run.toml",
        "--out",
        "short",
        "--set",
        budget,
        "--set",
        "stage.0.steps=1",
    ];
    let ended = bench.run(&short);
    assert!(ended.stderr.contains("the budget is spent"), "{ended:#?}");
    assert_eq!(bench.rows("short/metrics.jsonl").len(), 1);
    assert!(
        seconds("000002") > seconds("000001"),
        "the budget counts what the run took before"
    );

    let refused = |more: &[&str]| {
        let arguments = ["train", "run.toml", "--out", "run", "--resume"];
        bench.run(&[&arguments, more].concat()).failure(1)
    };
    for copy_is_lost in [false, true] {
        if copy_is_lost {
            std::fs::remove_file(bench.path("run/run.toml")).unwrap();
            std::fs::remove_file(bench.path("run/farthing.lock")).unwrap();
        }
        let error = refused(&["--set", "run.seed=4", "--set", "stage.1.steps=7"]);
        assert!(error.contains("`run.seed`, `stage.1.steps`"), "{error}");
    }
    let intact = std::fs::read(&library).unwrap();
    std::fs::write(&library, [intact.as_slice(), b"another build"].concat()).unwrap();
    let error = refused(&[]);
    assert!(error.contains("remembers 0.1.0"), "{error}");

    std::fs::write(&library, intact).unwrap();
    limited(&["--resume", "--set", "run.cost.budget_usd=1e9"]).success();
    bench
        .run(&["train", "run.toml", "--out", "straight"])
        .success();
    assert_eq!(
        bench.read("run/metrics.jsonl"),
        bench.read("straight/metrics.jsonl")
    );
}
