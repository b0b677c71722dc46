//! Writing, finding, setting aside and pruning checkpoints when nothing goes wrong, or when a file did.

use std::fs;
use std::path::Path;

use farthing_runtime::run::checkpoint::{CheckpointFault, MANIFEST_FILE, step_name};
use farthing_runtime::run::{Checkpoints, RunError, VerifiedCheckpoint};
use serde_json::{Value, json};

use crate::support::{content, leftovers, newest_whole, write_checkpoint};

#[test]
fn a_checkpoint_comes_back_as_it_was_written() {
    let place = tempfile::tempdir().unwrap();
    let checkpoints = Checkpoints::new(place.path().join("checkpoints"));
    assert!(checkpoints.newest().unwrap().newest.is_none());
    let written = write_checkpoint(&checkpoints, 100).unwrap();
    assert_eq!(
        written.path(),
        place.path().join("checkpoints").join(step_name(100))
    );

    let (step, search) = newest_whole(checkpoints.directory());
    assert_eq!(step, Some(100));
    assert!(search.skipped.is_empty());
    let newest = search.newest.unwrap();
    assert_eq!(
        newest.identity(),
        &json!({ "step": 100, "stage": "rl", "lock": "abc" })
    );
    assert_eq!(newest.files(), written.files());
    assert_eq!(newest.files().len(), content(100).len());
    let error = newest.file("optimizer.bin").unwrap_err();
    assert!(
        error
            .to_string()
            .contains("it has model.safetensors, plugins/state.json"),
        "{error}"
    );
}

#[test]
fn the_manifest_is_what_other_tools_can_check() {
    let place = tempfile::tempdir().unwrap();
    let written = write_checkpoint(&Checkpoints::new(place.path()), 1).unwrap();
    let text = fs::read_to_string(written.path().join(MANIFEST_FILE)).unwrap();
    let manifest: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(manifest["format"], 1);
    assert_eq!(manifest["identity"]["stage"], "rl");
    assert_eq!(manifest["files"]["plugins/state.json"]["bytes"], 100);

    // Python: import hashlib; hashlib.sha256(b"coin").hexdigest()
    let mut writer = Checkpoints::new(place.path()).begin("coin").unwrap();
    writer
        .write("coin.txt", |path| fs::write(path, "coin"))
        .unwrap();
    let coin = writer.commit(json!({ "step": 2 })).unwrap();
    let sha256 = "b3a1984ba0b1d8ad7f9dc881dfd9c9dc78c76c647a7692fbbfd6fcdcb9d9a121";
    assert_eq!(
        (
            coin.files()["coin.txt"].bytes,
            &*coin.files()["coin.txt"].sha256
        ),
        (4, sha256)
    );
}

#[test]
fn order_comes_from_the_step_not_from_names_or_times() {
    let place = tempfile::tempdir().unwrap();
    let checkpoints = Checkpoints::new(place.path());
    for (name, step) in [("final", 900), ("step-001000", 1000), ("zzz", 5)] {
        let mut writer = checkpoints.begin(name).unwrap();
        writer
            .write("weights", |path| fs::write(path, name))
            .unwrap();
        writer.commit(json!({ "step": step })).unwrap();
    }
    assert_eq!(checkpoints.newest().unwrap().newest.unwrap().step(), 1000);
}

#[test]
fn every_damaged_file_is_noticed_named_and_kept() {
    let files = content(2).map(|(file, _)| file);
    type Damage = fn(&Path);
    let damages: [(&str, Damage); 4] = [
        ("flip", |path| {
            let mut bytes = fs::read(path).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            fs::write(path, bytes).unwrap();
        }),
        ("truncate", |path| {
            let bytes = fs::read(path).unwrap();
            fs::write(path, &bytes[..bytes.len() - 1]).unwrap();
        }),
        ("extend", |path| {
            let bytes = fs::read(path).unwrap();
            fs::write(path, [bytes.as_slice(), b"\0"].concat()).unwrap();
        }),
        ("remove", |path| fs::remove_file(path).unwrap()),
    ];
    for file in files {
        for (kind, damage) in damages {
            let place = tempfile::tempdir().unwrap();
            let checkpoints = Checkpoints::new(place.path());
            write_checkpoint(&checkpoints, 1).unwrap();
            let damaged = write_checkpoint(&checkpoints, 2).unwrap();
            damage(&damaged.path().join(file));

            let (step, search) = newest_whole(place.path());
            assert_eq!(step, Some(1), "{kind} {file}");
            let [skipped] = &search.skipped[..] else {
                panic!("{kind} {file}: {:?}", search.skipped)
            };
            assert_eq!(skipped.path, damaged.path());
            assert!(
                skipped.fault.to_string().contains(file),
                "{kind} {file}: {}",
                skipped.fault
            );
            let expected = match kind {
                "flip" => matches!(skipped.fault, CheckpointFault::WrongHash { .. }),
                "remove" => matches!(skipped.fault, CheckpointFault::MissingFile { .. }),
                _ => matches!(skipped.fault, CheckpointFault::WrongSize { .. }),
            };
            assert!(expected, "{kind} {file}: {:?}", skipped.fault);

            let error = VerifiedCheckpoint::open(damaged.path()).unwrap_err();
            assert!(error.to_string().contains(file), "{error}");
            assert!(
                damaged.path().is_dir(),
                "{kind} {file}: what was skipped must stay"
            );
        }
    }
}

#[test]
fn every_flipped_byte_and_every_cut_of_the_manifest_is_noticed() {
    let place = tempfile::tempdir().unwrap();
    let checkpoints = Checkpoints::new(place.path());
    write_checkpoint(&checkpoints, 1).unwrap();
    let manifest = write_checkpoint(&checkpoints, 2)
        .unwrap()
        .path()
        .join(MANIFEST_FILE);
    let good = fs::read(&manifest).unwrap();
    for index in 0..good.len() {
        let bit = index % 8;
        let mut bad = good.clone();
        bad[index] ^= 1 << bit;
        fs::write(&manifest, &bad).unwrap();
        let step = checkpoints.newest().unwrap().newest.unwrap().step();
        assert_eq!(
            step, 1,
            "bit {bit} of byte {index} ({:?})",
            good[index] as char
        );
        fs::write(&manifest, &good[..index]).unwrap();
        assert_eq!(
            checkpoints.newest().unwrap().newest.unwrap().step(),
            1,
            "cut at {index}"
        );
    }
    fs::write(&manifest, &good).unwrap();
    assert_eq!(newest_whole(place.path()).0, Some(2));
}

#[test]
fn a_later_format_is_left_to_a_later_version() {
    let place = tempfile::tempdir().unwrap();
    let directory = place.path().join("step-000009");
    fs::create_dir(&directory).unwrap();
    fs::write(
        directory.join(MANIFEST_FILE),
        r#"{"format": 2, "shards": []}"#,
    )
    .unwrap();
    let error = VerifiedCheckpoint::open(&directory).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("its format is 2, and this version reads up to 1"),
        "{error}"
    );
}

#[test]
fn a_checkpoint_of_the_same_name_is_set_aside() {
    let place = tempfile::tempdir().unwrap();
    let checkpoints = Checkpoints::new(place.path());
    write_checkpoint(&checkpoints, 1).unwrap();
    let first = write_checkpoint(&checkpoints, 2).unwrap();
    fs::remove_file(first.file("model.safetensors").unwrap()).unwrap();
    let again = write_checkpoint(&checkpoints, 2).unwrap();
    assert_eq!(again.path(), first.path());
    assert_eq!(newest_whole(place.path()).0, Some(2));
    let aside = place.path().join("step-000002.superseded-1");
    assert!(aside.join("update_rule.safetensors").is_file());
    // Both whole: the one under the plain name is the newest.
    write_checkpoint(&checkpoints, 2).unwrap();
    let search = checkpoints.newest().unwrap();
    assert_eq!(search.newest.unwrap().path(), first.path());
    assert!(place.path().join("step-000002.superseded-2").is_dir());
}

#[test]
fn pruning_keeps_the_newest_and_the_protected() {
    let place = tempfile::tempdir().unwrap();
    let checkpoints = Checkpoints::new(place.path());
    for step in [10, 20, 30, 40, 50] {
        write_checkpoint(&checkpoints, step).unwrap();
    }
    let removed = checkpoints.prune(2, &["step-000010"]).unwrap();
    assert_eq!(
        removed,
        [30, 20].map(|step| place.path().join(step_name(step)))
    );
    assert!(leftovers(place.path()).is_empty());
    let kept = |place: &Path| {
        let mut names: Vec<_> = fs::read_dir(place)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    assert_eq!(
        kept(place.path()),
        ["step-000010", "step-000040", "step-000050"]
    );
    checkpoints.prune(0, &[]).unwrap();
    assert_eq!(kept(place.path()), ["step-000050"]);
}

#[test]
fn a_truncated_checkpoint_does_not_count_among_those_kept() {
    let place = tempfile::tempdir().unwrap();
    let checkpoints = Checkpoints::new(place.path());
    for step in [1, 2, 3] {
        write_checkpoint(&checkpoints, step).unwrap();
    }
    fs::write(place.path().join("step-000003/model.safetensors"), b"").unwrap();
    let removed = checkpoints.prune(1, &[]).unwrap();
    assert_eq!(removed, [place.path().join("step-000001")]);
    assert_eq!(newest_whole(place.path()).0, Some(2));
    assert!(place.path().join("step-000003").is_dir());
}

#[test]
fn an_abandoned_writer_leaves_nothing() {
    let place = tempfile::tempdir().unwrap();
    let checkpoints = Checkpoints::new(place.path());
    let mut writer = checkpoints.begin("step-000001").unwrap();
    let error = writer
        .write("weights", |_| Err("the disk is on fire"))
        .unwrap_err();
    assert!(matches!(error, RunError::WriteCallback { .. }));
    assert!(
        error
            .to_string()
            .contains("cannot write `weights` of checkpoint `step-000001`: the disk is on fire")
    );
    drop(writer);
    assert!(leftovers(place.path()).is_empty());
    assert!(checkpoints.newest().unwrap().newest.is_none());
}

#[test]
fn leftovers_of_the_dead_are_cleaned_and_those_of_the_living_are_not() {
    let place = tempfile::tempdir().unwrap();
    let dead = std::process::Command::new("true").spawn().unwrap();
    let dead_process = dead.id();
    dead.wait_with_output().unwrap();
    let parent = std::os::unix::process::parent_id();
    let of = |process: u32| place.path().join(format!(".tmp-step-000001-{process}"));
    for process in [dead_process, parent, std::process::id()] {
        fs::create_dir(of(process)).unwrap();
        fs::write(of(process).join("half"), "x").unwrap();
    }
    let _writer = Checkpoints::new(place.path()).begin("step-000002").unwrap();
    assert!(!of(dead_process).exists());
    assert!(!of(std::process::id()).exists());
    assert!(of(parent).exists());
}

#[test]
fn what_cannot_be_a_checkpoint_is_refused() {
    let place = tempfile::tempdir().unwrap();
    let checkpoints = Checkpoints::new(place.path());
    for name in ["", ".hidden", "a/b", "..", "step 1", "step-1.superseded-1"] {
        assert!(
            matches!(checkpoints.begin(name), Err(RunError::BadName { .. })),
            "{name:?}"
        );
    }
    let mut writer = checkpoints.begin("a").unwrap();
    for file in ["/etc/passwd", "../escape", "", MANIFEST_FILE] {
        let refused = writer.write(file, |path| fs::write(path, "x"));
        assert!(matches!(refused, Err(RunError::BadName { .. })), "{file:?}");
    }
    assert!(matches!(
        writer.commit(json!({ "step": 1 })),
        Err(RunError::EmptyCheckpoint { .. })
    ));

    let mut writer = checkpoints.begin("a").unwrap();
    writer
        .write("weights", |path| fs::write(path, "x"))
        .unwrap();
    let error = writer
        .commit(json!({ "stage": "rl", "step": -1 }))
        .unwrap_err();
    assert!(
        matches!(error, RunError::IdentityWithoutStep { .. }),
        "{error}"
    );

    let mut writer = checkpoints.begin("a").unwrap();
    writer
        .write("weights", |path| {
            std::os::unix::fs::symlink("/etc/passwd", path)
        })
        .unwrap();
    assert!(matches!(
        writer.commit(json!({ "step": 1 })),
        Err(RunError::NotRegular { .. })
    ));
    assert!(leftovers(place.path()).is_empty());
}
