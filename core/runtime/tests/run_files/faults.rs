//! A fault at every file operation in turn: afterwards there is the previous checkpoint or the new one, whole.

use std::fs;
use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use farthing_runtime::run::{Checkpoints, CompletionsWriter, RunError, VerifiedCheckpoint};
use serde_json::json;

use crate::completions::{read_table, row};
use crate::fault_injection::{Fault, FaultyFiles, ForgetfulFiles};
use crate::support::{self, leftovers, newest_whole, write_checkpoint};

const SIGABRT: i32 = 6;

/// A number of operations that no sequence here reaches.
const NEVER: usize = usize::MAX;

fn faulty(directory: &Path, fault: Fault, at: usize) -> (Checkpoints, Arc<FaultyFiles>) {
    let files = Arc::new(FaultyFiles::new(fault, at));
    (
        Checkpoints::with_file_operations(directory, files.clone()),
        files,
    )
}

/// The operations of writing a second checkpoint.
fn operations_of_a_checkpoint() -> Vec<String> {
    let place = tempfile::tempdir().unwrap();
    write_checkpoint(&Checkpoints::new(place.path()), 1).unwrap();
    let (checkpoints, files) = faulty(place.path(), Fault::Abort, NEVER);
    write_checkpoint(&checkpoints, 2).unwrap();
    files.operations()
}

#[test]
fn the_operations_come_in_the_only_safe_order() {
    let operations = operations_of_a_checkpoint();
    let expected = [
        "create directory", // the hidden directory
        "sync file",        // three files
        "sync file",
        "sync file",
        "write", // the manifest, last
        "sync file",
        "sync directory", // plugins/
        "sync directory", // the hidden directory
        "rename",
        "sync directory", // checkpoints/
    ];
    assert_eq!(operations, expected);
}

#[test]
fn an_error_at_any_operation_is_loud_and_harms_nothing() {
    let operations = operations_of_a_checkpoint();
    for (at, operation) in operations.iter().enumerate() {
        for kind in [
            io::ErrorKind::StorageFull,
            io::ErrorKind::ReadOnlyFilesystem,
        ] {
            let place = tempfile::tempdir().unwrap();
            write_checkpoint(&Checkpoints::new(place.path()), 1).unwrap();
            let (checkpoints, files) = faulty(place.path(), Fault::Error(kind), at);
            let error = write_checkpoint(&checkpoints, 2).unwrap_err();
            assert!(files.fired(), "the fault at {at} never fired");
            let text = error.to_string();
            assert!(matches!(error, RunError::Io { .. }), "{operation}: {text}");
            assert!(
                text.contains(place.path().to_str().unwrap()),
                "{operation}: {text}"
            );
            assert!(
                text.contains(&io::Error::from(kind).to_string()),
                "{operation}: {text}"
            );

            VerifiedCheckpoint::open(&place.path().join("step-000001")).unwrap();
            assert!(
                leftovers(place.path()).is_empty(),
                "{operation} left something"
            );
            let (step, search) = newest_whole(place.path());
            // Only the last operation comes after the rename.
            let expected = if at + 1 == operations.len() { 2 } else { 1 };
            assert_eq!(step, Some(expected), "{operation}");
            assert!(search.skipped.is_empty());
            write_checkpoint(&Checkpoints::new(place.path()), 2).unwrap();
            assert_eq!(newest_whole(place.path()).0, Some(2));
        }
    }
}

#[test]
fn a_process_killed_at_any_operation_leaves_the_previous_or_the_new_one() {
    let operations = operations_of_a_checkpoint();
    for (at, operation) in operations.iter().enumerate() {
        let place = tempfile::tempdir().unwrap();
        write_checkpoint(&Checkpoints::new(place.path()), 1).unwrap();
        kill_child_at("faults::child_writes_a_checkpoint", at, place.path());

        VerifiedCheckpoint::open(&place.path().join("step-000001")).unwrap();
        let (step, search) = newest_whole(place.path());
        let expected = if at + 1 == operations.len() { 2 } else { 1 };
        assert_eq!(step, Some(expected), "killed at {at}, {operation}");
        assert!(search.skipped.is_empty());
        // The next writer cleans up and goes on.
        write_checkpoint(&Checkpoints::new(place.path()), 3).unwrap();
        assert_eq!(newest_whole(place.path()).0, Some(3));
        assert!(
            leftovers(place.path()).is_empty(),
            "killed at {at}, {operation}"
        );
    }
}

#[test]
fn child_writes_a_checkpoint() {
    let Some((at, directory)) = child_errand() else {
        return;
    };
    let (checkpoints, _) = faulty(&directory, Fault::Abort, at);
    write_checkpoint(&checkpoints, 2).unwrap();
}

#[test]
fn a_process_killed_while_it_writes_a_file_leaves_the_previous_one() {
    let place = tempfile::tempdir().unwrap();
    write_checkpoint(&Checkpoints::new(place.path()), 1).unwrap();
    kill_child_at("faults::child_dies_in_its_callback", 0, place.path());
    assert_eq!(leftovers(place.path()).len(), 1, "the fault never fired");
    assert_eq!(newest_whole(place.path()).0, Some(1));
    write_checkpoint(&Checkpoints::new(place.path()), 2).unwrap();
    assert!(leftovers(place.path()).is_empty());
}

#[test]
fn child_dies_in_its_callback() {
    let Some((_, directory)) = child_errand() else {
        return;
    };
    let mut writer = Checkpoints::new(directory).begin("step-000002").unwrap();
    let _: Result<(), RunError> = writer.write("model.safetensors", |path| -> io::Result<()> {
        fs::write(path, [0; 100])?;
        std::process::abort()
    });
}

#[test]
fn replacing_a_checkpoint_of_the_same_step_is_as_safe() {
    for at in 0.. {
        let place = tempfile::tempdir().unwrap();
        write_checkpoint(&Checkpoints::new(place.path()), 1).unwrap();
        write_checkpoint(&Checkpoints::new(place.path()), 2).unwrap();
        let (checkpoints, files) = faulty(place.path(), Fault::Error(io::ErrorKind::Other), at);
        let written = write_checkpoint(&checkpoints, 2);
        assert_eq!(newest_whole(place.path()).0, Some(2), "fault at {at}");
        if !files.fired() {
            written.unwrap();
            assert_eq!(
                files
                    .operations()
                    .iter()
                    .filter(|name| *name == "rename")
                    .count(),
                2
            );
            return;
        }
        written.unwrap_err();
    }
}

#[test]
fn pruning_that_is_killed_leaves_whole_checkpoints_only() {
    for at in 0.. {
        let place = tempfile::tempdir().unwrap();
        for step in [1, 2, 3] {
            write_checkpoint(&Checkpoints::new(place.path()), step).unwrap();
        }
        let errand = format!("{at}:{}", place.path().display());
        let status = support::run_child("faults::child_prunes", &errand).status;
        let (step, search) = newest_whole(place.path());
        assert_eq!(step, Some(3), "killed at {at}");
        assert!(
            search.skipped.is_empty(),
            "killed at {at}: {:?}",
            search.skipped
        );
        if status.success() {
            assert_eq!(at, 6, "two checkpoints go, three operations each");
            return;
        }
        assert_eq!(
            status.signal(),
            Some(SIGABRT),
            "the fault at {at} never fired"
        );
    }
}

#[test]
fn child_prunes() {
    let Some((at, directory)) = child_errand() else {
        return;
    };
    faulty(&directory, Fault::Abort, at)
        .0
        .prune(1, &[])
        .unwrap();
}

#[test]
fn a_power_cut_after_the_commit_loses_nothing() {
    let place = tempfile::tempdir().unwrap();
    let directory = place.path().join("checkpoints");
    let files = Arc::new(ForgetfulFiles::default());
    let checkpoints = Checkpoints::with_file_operations(&directory, files.clone());
    for step in [1, 2] {
        write_checkpoint(&checkpoints, step).unwrap();
        files.cut_power(place.path());
        assert_eq!(newest_whole(&directory).0, Some(step));
    }
    // Also when it took the place of another.
    write_checkpoint(&checkpoints, 2).unwrap();
    files.cut_power(place.path());
    assert_eq!(newest_whole(&directory).0, Some(2));
    assert!(directory.join("step-000002.superseded-1").is_dir());
}

#[test]
fn the_power_cut_of_the_test_takes_what_was_not_synced() {
    let place = tempfile::tempdir().unwrap();
    let files = Arc::new(ForgetfulFiles::default());
    let checkpoints = Checkpoints::with_file_operations(place.path(), files.clone());
    let mut writer = checkpoints.begin("step-000001").unwrap();
    writer
        .write("weights", |path| fs::write(path, "x"))
        .unwrap();
    let hidden = writer.path().to_path_buf();
    files.cut_power(place.path());
    assert!(!hidden.exists());
    fs::write(place.path().join("settled"), "x").unwrap();
    files.settle(place.path());
    files.cut_power(place.path());
    assert_eq!(fs::read(place.path().join("settled")).unwrap(), b"x");
}

#[test]
fn a_flush_of_completions_survives_kills_and_power_cuts() {
    let rewards = ["text/tags".to_string()];
    let operations = 4;
    for at in 0..operations {
        let place = tempfile::tempdir().unwrap();
        let table = place.path().join("completions.parquet");
        let mut writer = CompletionsWriter::open(&table, &rewards).unwrap();
        writer.push(row(1, 0)).unwrap();
        writer.flush().unwrap();
        kill_child_at("faults::child_flushes_completions", at, &table);
        let rows = read_table(&table);
        let expected = if at + 1 == operations { 2 } else { 1 };
        assert_eq!(rows.len(), expected, "killed at {at}");
    }

    let place = tempfile::tempdir().unwrap();
    let table = place.path().join("completions.parquet");
    let files = Arc::new(ForgetfulFiles::default());
    let mut writer =
        CompletionsWriter::open_with_file_operations(&table, &rewards, files.clone()).unwrap();
    writer.push(row(1, 0)).unwrap();
    writer.flush().unwrap();
    files.cut_power(place.path());
    assert_eq!(read_table(&table).len(), 1);
}

#[test]
fn child_flushes_completions() {
    let Some((at, table)) = child_errand() else {
        return;
    };
    let files = Arc::new(FaultyFiles::new(Fault::Abort, at));
    let rewards = ["text/tags".to_string()];
    let mut writer = CompletionsWriter::open_with_file_operations(&table, &rewards, files).unwrap();
    writer.push(row(2, 0)).unwrap();
    writer.flush().unwrap();
}

#[test]
fn a_read_only_directory_is_a_loud_error() {
    let place = tempfile::tempdir().unwrap();
    let directory = place.path().join("checkpoints");
    write_checkpoint(&Checkpoints::new(&directory), 1).unwrap();
    let set_mode = |path: &Path, mode: u32| {
        fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
    };
    set_mode(&directory, 0o555);
    set_mode(place.path(), 0o755);
    let test = "faults::child_meets_a_read_only_directory";
    let errand = format!("0:{}", directory.display());
    let output = if rustix::process::geteuid().is_root() {
        // Permissions do not bind root, so the child is nobody; it needs a copy of the binary that it may read.
        let executable = place.path().join("child");
        fs::copy(std::env::current_exe().unwrap(), &executable).unwrap();
        set_mode(&executable, 0o755);
        support::child_of(&executable, test, &errand)
            .current_dir("/")
            .uid(65534)
            .gid(65534)
            .output()
            .unwrap()
    } else {
        support::run_child(test, &errand)
    };
    set_mode(&directory, 0o755);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
    assert!(String::from_utf8_lossy(&output.stdout).contains("refused as it should be"));
    assert_eq!(newest_whole(&directory).0, Some(1));
}

#[test]
fn child_meets_a_read_only_directory() {
    let Some((_, directory)) = child_errand() else {
        return;
    };
    let error = write_checkpoint(&Checkpoints::new(&directory), 2).unwrap_err();
    let RunError::Io {
        action: "create",
        source,
        ..
    } = &error
    else {
        panic!("{error}")
    };
    assert_eq!(source.kind(), io::ErrorKind::PermissionDenied);
    assert!(error.to_string().contains(".tmp-step-000002"), "{error}");
    assert_eq!(newest_whole(&directory).0, Some(1));
    println!("refused as it should be");
}

#[test]
fn the_identity_is_part_of_the_seal() {
    let place = tempfile::tempdir().unwrap();
    let mut writer = Checkpoints::new(place.path()).begin("one").unwrap();
    writer
        .write("weights", |path| fs::write(path, "x"))
        .unwrap();
    let identity = json!({ "step": 7, "note": "0000000000000000000000000000000000000000000000000000000000000000" });
    let path = writer
        .commit(identity.clone())
        .unwrap()
        .path()
        .to_path_buf();
    assert_eq!(
        VerifiedCheckpoint::open(&path).unwrap().identity(),
        &identity
    );
    let manifest = path.join("manifest.json");
    let edited = fs::read_to_string(&manifest)
        .unwrap()
        .replace("\"step\": 7", "\"step\": 8");
    fs::write(&manifest, edited).unwrap();
    let error = VerifiedCheckpoint::open(&path).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("the seal does not match its text"),
        "{error}"
    );
}

/// Runs a child that aborts at operation `at`, and sees that it did.
fn kill_child_at(test: &str, at: usize, directory: &Path) {
    let output = support::run_child(test, &format!("{at}:{}", directory.display()));
    assert_eq!(
        output.status.signal(),
        Some(SIGABRT),
        "the fault at {at} of {test} never fired"
    );
}

/// The operation to die at, and where to work.
fn child_errand() -> Option<(usize, PathBuf)> {
    let errand = support::errand()?;
    let (at, directory) = errand
        .split_once(':')
        .expect("an errand is `operation:directory`");
    Some((
        at.parse().expect("the operation is a number"),
        PathBuf::from(directory),
    ))
}
