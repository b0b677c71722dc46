//! Runs never lose anything: a run that is killed and resumed ends with the same bytes as one that is not.
//!
//! The moments of death are drawn from a fixed seed. A moment is a line of the child's log (at the level of traces,
//! where every step, save and evaluation speaks), so no test waits for a clock.

#![allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;

use farthing_e2e::{Bench, small_manifest};

/// What must be equal, file by file: everything that a run computed.
fn computed(run: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut keep = |name: &str| {
        let bytes = std::fs::read(run.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        files.insert(name.to_owned(), bytes);
    };
    keep("metrics.jsonl");
    for step in ["000010", "000012"] {
        keep(&format!("checkpoints/step-{step}/model.safetensors"));
    }
    keep("checkpoints/step-000010/state/update_rule.safetensors");
    for entry in std::fs::read_dir(run.join("completions.parquet")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        keep(&format!("completions.parquet/{name}"));
    }
    files
}

/// Starts the run (or goes on with it) and kills it with SIGKILL at its `line`-th line of log. Returns false if it
/// ended before.
fn kill_at_line(bench: &Bench, out: &str, resume: bool, line: usize) -> bool {
    let mut arguments = vec!["train", "run.toml", "--out", out, "-vv"];
    if resume {
        arguments.push("--resume");
    }
    let mut child = bench
        .command(&arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let stderr = BufReader::new(child.stderr.take().unwrap());
    let mut seen = 0;
    for _ in stderr.lines() {
        seen += 1;
        if seen == line {
            child.kill().unwrap();
            break;
        }
    }
    let status = child.wait().unwrap();
    assert!(
        seen == line || status.success(),
        "the run failed by itself after {seen} lines"
    );
    !status.success()
}

#[test]
fn twenty_kills_change_nothing() {
    let bench = Bench::new();
    bench.write("run.toml", &small_manifest());
    bench
        .run(&["train", "run.toml", "--out", "straight"])
        .success();
    let expected = computed(&bench.path("straight"));

    // A run writes a few dozen lines; a multiplicative generator spreads the deaths over them.
    let mut draw = 12_345_u64;
    let mut kills = 0;
    let mut runs = 0;
    while kills < 20 {
        runs += 1;
        assert!(runs < 100, "the runs end before they can be killed");
        let out = format!("killed-{runs}");
        let mut resume = false;
        loop {
            draw = draw
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let line = 1 + (draw >> 33) as usize % 30;
            if kills >= 20 || !kill_at_line(&bench, &out, resume, line) {
                break;
            }
            kills += 1;
            resume = bench.path(&out).is_dir();
        }
        if !bench.path(&out).join("checkpoints/step-000012").is_dir() {
            let mut arguments = vec!["train", "run.toml", "--out", &out];
            if resume {
                arguments.push("--resume");
            }
            bench.run(&arguments).success();
        }
        let found = computed(&bench.path(&out));
        assert_eq!(
            found.keys().collect::<Vec<_>>(),
            expected.keys().collect::<Vec<_>>()
        );
        for (name, bytes) in &expected {
            assert!(
                found[name] == *bytes,
                "{name} differs after {kills} kills in {out}"
            );
        }
    }
}

#[cfg(unix)]
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
