//! A disk that takes no more, imitated by the kernel's limit on the size of a file.

use std::fs;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use farthing_runtime::run::json_lines::JsonLinesFile;
use farthing_runtime::run::{Checkpoints, RunError};
use rustix::process::{Resource, Rlimit, Signal, setrlimit};

use crate::support::{self, leftovers, newest_whole, write_checkpoint};

#[test]
fn a_full_disk_is_a_loud_error_and_the_space_is_given_back() {
    let place = tempfile::tempdir().unwrap();
    write_checkpoint(&Checkpoints::new(place.path()), 1).unwrap();
    let errand = place.path().to_str().unwrap();
    let output = support::run_child("disk_full::child_meets_a_full_disk", errand);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
    assert!(String::from_utf8_lossy(&output.stdout).contains("full as it should be"));
    assert!(leftovers(place.path()).is_empty());
    assert_eq!(newest_whole(place.path()).0, Some(1));
}

#[test]
fn child_meets_a_full_disk() {
    let Some(directory) = support::errand().map(PathBuf::from) else {
        return;
    };
    // With a handler the write fails; without one the kernel ends the process.
    signal_hook::flag::register(Signal::XFSZ.as_raw(), Arc::new(AtomicBool::new(false))).unwrap();
    limit_files_to(6000);
    let error = write_checkpoint(&Checkpoints::new(&directory), 2).unwrap_err();
    let RunError::WriteCallback { file, source, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!(file, "update_rule.safetensors");
    let source = source.downcast_ref::<io::Error>().unwrap();
    assert_eq!(source.kind(), io::ErrorKind::FileTooLarge);
    assert!(
        error
            .to_string()
            .contains("the checkpoint was not published"),
        "{error}"
    );
    println!("full as it should be");
}

#[test]
fn a_process_that_the_kernel_ends_in_the_middle_of_a_write_leaves_the_previous_one() {
    let place = tempfile::tempdir().unwrap();
    write_checkpoint(&Checkpoints::new(place.path()), 1).unwrap();
    let output = support::run_child(
        "disk_full::child_is_ended_by_the_kernel",
        place.path().to_str().unwrap(),
    );
    assert_eq!(output.status.signal(), Some(Signal::XFSZ.as_raw()));
    let [hidden] = &leftovers(place.path())[..] else {
        panic!("one unfinished checkpoint")
    };
    assert_eq!(
        fs::metadata(hidden.join("update_rule.safetensors"))
            .unwrap()
            .len(),
        6000
    );
    assert_eq!(newest_whole(place.path()).0, Some(1));
}

#[test]
fn child_is_ended_by_the_kernel() {
    let Some(directory) = support::errand().map(PathBuf::from) else {
        return;
    };
    limit_files_to(6000);
    let _ = write_checkpoint(&Checkpoints::new(&directory), 2);
}

#[test]
fn a_row_that_does_not_fit_is_taken_back() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("metrics.jsonl");
    let output = support::run_child("disk_full::child_fills_a_log", path.to_str().unwrap());
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), "{\"a\":1}\n{\"b\":2}\n");
}

#[test]
fn child_fills_a_log() {
    let Some(path) = support::errand() else {
        return;
    };
    signal_hook::flag::register(Signal::XFSZ.as_raw(), Arc::new(AtomicBool::new(false))).unwrap();
    limit_files_to(20);
    let mut log = JsonLinesFile::open_at(Path::new(&path), 0).unwrap();
    log.append("{\"a\":1}").unwrap();
    let error = log.append("{\"long\":\"0123456789\"}").unwrap_err();
    assert!(error.to_string().contains("cannot append to"), "{error}");
    log.append("{\"b\":2}").unwrap();
    assert_eq!(log.position().unwrap(), 16);
}

fn limit_files_to(bytes: u64) {
    setrlimit(
        Resource::Fsize,
        Rlimit {
            current: Some(bytes),
            maximum: Some(bytes),
        },
    )
    .unwrap();
}
