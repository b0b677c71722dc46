//! One process writes a run at a time, and no run is overwritten by accident.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use farthing_runtime::run::{RunDirectory, RunError, RunPaths};

use crate::support;

#[test]
fn a_new_run_needs_an_empty_place() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("runs/first");
    let run = RunDirectory::create(&path).unwrap();
    run.write(&run.paths().manifest(), b"[run]\n").unwrap();
    assert_eq!(fs::read(path.join("run.toml")).unwrap(), b"[run]\n");
    assert!(support::leftovers(&path).is_empty());
    drop(run);

    let error = RunDirectory::create(&path).unwrap_err();
    assert!(
        matches!(&error, RunError::NotEmpty { found, .. } if found == "run.toml"),
        "{error}"
    );
    assert!(
        error.to_string().contains("go on with it by --resume"),
        "{error}"
    );
    assert_eq!(fs::read(path.join("run.toml")).unwrap(), b"[run]\n");
    RunDirectory::resume(&path).unwrap();
}

#[test]
fn a_run_that_was_begun_and_left_empty_can_be_begun_again() {
    let place = tempfile::tempdir().unwrap();
    drop(RunDirectory::create(place.path()).unwrap());
    RunDirectory::create(place.path()).unwrap();
}

#[test]
fn resuming_needs_a_run() {
    let place = tempfile::tempdir().unwrap();
    let error = RunDirectory::resume(&place.path().join("none")).unwrap_err();
    assert!(matches!(error, RunError::NoRun { .. }), "{error}");
}

#[test]
fn a_second_writer_is_refused_by_name_and_a_dead_one_leaves_no_lock() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().to_str().unwrap();
    let mut child = support::start_child("directory::child_holds_the_lock", path);
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains("locked") {
        line.clear();
        assert_ne!(
            output.read_line(&mut line).unwrap(),
            0,
            "the child ended without the lock"
        );
    }

    let error = RunDirectory::resume(place.path()).unwrap_err();
    let owner = format!("process {}", child.id());
    assert!(
        matches!(&error, RunError::Locked { owner: found, .. } if *found == owner),
        "{error}"
    );

    child.kill().unwrap();
    child.wait().unwrap();
    RunDirectory::resume(place.path()).unwrap();
}

#[test]
fn child_holds_the_lock() {
    let Some(path) = support::errand() else {
        return;
    };
    let _run = RunDirectory::create(Path::new(&path)).unwrap();
    println!("locked");
    // Ends with the parent at the latest, which holds the other end.
    let _ = std::io::stdin().read(&mut [0]);
}

#[test]
fn one_process_cannot_hold_a_run_twice() {
    let place = tempfile::tempdir().unwrap();
    let run = RunDirectory::create(place.path()).unwrap();
    assert!(matches!(
        RunDirectory::resume(place.path()),
        Err(RunError::Locked { .. })
    ));
    drop(run);
    RunDirectory::resume(place.path()).unwrap();
}

#[test]
fn paths_are_those_of_the_documentation() {
    let paths = RunPaths::new("r");
    let names = [
        (paths.manifest(), "run.toml"),
        (paths.plugin_lock(), "farthing.lock"),
        (paths.metrics(), "metrics.jsonl"),
        (paths.timing(), "timing.jsonl"),
        (paths.completions(), "completions.parquet"),
        (paths.checkpoints(), "checkpoints"),
        (paths.log(), "log.jsonl"),
        (paths.curves(), "curves.png"),
        (paths.report(), "report.html"),
    ];
    for (path, name) in names {
        assert_eq!(path, Path::new("r").join(name));
    }
}
