//! What several of the tests need: a small checkpoint, and this test binary started again as a child.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use farthing_runtime::run::{CheckpointSearch, Checkpoints, RunError, VerifiedCheckpoint};
use serde_json::json;

/// Tells a test that it runs as a child, and what it is to do.
const ERRAND: &str = "FARTHING_TEST_ERRAND";

/// Starts this binary again to run one test, which finds its errand with [`errand`].
pub fn child(test: &str, errand: &str) -> Command {
    let executable = std::env::current_exe().expect("a test binary knows its path");
    child_of(&executable, test, errand)
}

/// The same with a copy of the binary.
pub fn child_of(executable: &Path, test: &str, errand: &str) -> Command {
    let mut command = Command::new(executable);
    command
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(ERRAND, errand);
    command
}

/// Runs a child to its end.
pub fn run_child(test: &str, errand: &str) -> Output {
    child(test, errand)
        .output()
        .expect("the test binary can be started again")
}

/// Starts a child with pipes on all three streams.
pub fn start_child(test: &str, errand: &str) -> Child {
    let mut command = child(test, errand);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
        .spawn()
        .expect("the test binary can be started again")
}

/// The errand of this process; none in an ordinary test run, where a child's test has nothing to do.
pub fn errand() -> Option<String> {
    std::env::var(ERRAND).ok()
}

/// The content of the files of checkpoint `step`, one of them in a directory.
pub fn content(step: u64) -> [(&'static str, Vec<u8>); 3] {
    let bytes = |salt: u64, length: u64| {
        (0..length)
            .map(|i| (i * 31 + step * 7 + salt) as u8)
            .collect()
    };
    [
        ("model.safetensors", bytes(1, 5000)),
        ("update_rule.safetensors", bytes(2, 9000)),
        ("plugins/state.json", bytes(3, 100)),
    ]
}

/// Writes the checkpoint of `step`.
pub fn write_checkpoint(
    checkpoints: &Checkpoints,
    step: u64,
) -> Result<VerifiedCheckpoint, RunError> {
    let mut writer = checkpoints.begin(&format!("step-{step:06}"))?;
    for (file, bytes) in content(step) {
        writer.write(file, |path| fs::write(path, &bytes))?;
    }
    writer.commit(json!({ "step": step, "stage": "rl", "lock": "abc" }))
}

/// The newest whole checkpoint, whose content is compared with what was written.
pub fn newest_whole(directory: &Path) -> (Option<u64>, CheckpointSearch) {
    let search = Checkpoints::new(directory)
        .newest()
        .expect("the directory can be listed");
    let step = search.newest.as_ref().map(|newest| {
        for (file, bytes) in content(newest.step()) {
            assert_eq!(
                fs::read(newest.file(file).unwrap()).unwrap(),
                bytes,
                "{file} of {}",
                newest.step()
            );
        }
        newest.step()
    });
    (step, search)
}

/// Hidden entries, which only an unfinished writer leaves.
pub fn leftovers(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .filter(|path| {
            path.file_name()
                .unwrap()
                .to_string_lossy()
                .starts_with(".tmp-")
        })
        .collect()
}
