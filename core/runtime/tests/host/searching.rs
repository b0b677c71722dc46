//! Which files of a directory are plugins, and what makes two files one.

use std::{fs, path::PathBuf};

use farthing_runtime::host::{ComponentKind, LoadErrors, LoadFault, LoadRequest, PluginHost};
use insta::assert_snapshot;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::libraries::{library, log, shortened};

#[test]
fn a_directory_gives_its_plugins_and_passes_over_the_rest() {
    let directory = TempDir::new().unwrap();
    put("good", &directory, "libgood.so");
    put("another_good", &directory, "libanother.so");
    put("no_descriptor", &directory, "libplain.so");
    fs::write(directory.path().join("libtext.so"), "INPUT ( libgood.so )").unwrap();
    fs::create_dir(directory.path().join("libdirectory.so")).unwrap();
    // Not named like a library, so not even looked at.
    fs::write(directory.path().join("notes.txt"), "").unwrap();
    put("registers_nothing", &directory, "libdisabled.so.off");

    let host = search(&directory).unwrap();
    let names: Vec<_> = host.plugins().map(|plugin| plugin.name.as_str()).collect();
    assert_eq!(names, ["another-good", "good"]);
    let skipped: Vec<_> = host
        .skipped()
        .iter()
        .map(|skipped| {
            (
                skipped.file.file_name().unwrap().to_str().unwrap(),
                skipped.why.as_str(),
            )
        })
        .collect();
    assert_eq!(
        skipped,
        [
            ("libdirectory.so", "not a regular file"),
            ("libplain.so", "a library without a plugin descriptor"),
            ("libtext.so", "not a library of this machine"),
        ]
    );
}

#[test]
fn a_damaged_library_in_a_directory_is_an_error_not_a_silence() {
    let directory = TempDir::new().unwrap();
    put("good", &directory, "libgood.so");
    let path = directory.path().join("libgood.so");
    let half = fs::metadata(&path).unwrap().len() / 2;
    fs::File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(half)
        .unwrap();
    let errors = search(&directory).err().unwrap();
    assert!(
        matches!(errors.0[..], [ref error] if matches!(error.fault, LoadFault::Truncated { .. })),
        "{errors}"
    );
}

#[test]
fn a_directory_that_is_not_there() {
    log();
    let search = [PathBuf::from("/nowhere/plugins")];
    let errors = PluginHost::load(&LoadRequest {
        search: &search,
        ..LoadRequest::default()
    })
    .err()
    .unwrap();
    assert_snapshot!(shortened(&errors), @r"
    cannot load `plugins`: the directory cannot be searched
      expected: a directory that this user may read
      found: No such file or directory (os error 2)
      remedy: correct `search` in the manifest's [plugins], or create the directory
    ");
}

#[test]
fn one_library_by_many_paths_is_one_plugin() {
    let directory = TempDir::new().unwrap();
    put("good", &directory, "libgood.so");
    let first = directory.path().join("libgood.so");
    fs::hard_link(&first, directory.path().join("libhard.so")).unwrap();
    fs::copy(&first, directory.path().join("libcopy.so")).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(&first, directory.path().join("libsoft.so")).unwrap();
    let files = [first.clone(), first];
    let search = [directory.path().into(), directory.path().into()];
    log();
    let request = LoadRequest {
        search: &search,
        files: &files,
        ..LoadRequest::default()
    };
    assert_eq!(PluginHost::load(&request).unwrap().plugins().len(), 1);
}

#[test]
fn two_plugins_have_two_root_modules() {
    let directory = TempDir::new().unwrap();
    put("good", &directory, "libgood.so");
    put("another_good", &directory, "libanother.so");
    let host = search(&directory).unwrap();
    let score = |name: &str| {
        let reward = farthing_runtime::host::ScoringPool::with(1, 0);
        let job = crate::scoring::job(host.reward(name, &json!({}), &Value::Null).unwrap(), &["8"]);
        reward.score(vec![job]).unwrap().remove(0).remove(0)
    };
    assert!(matches!(
        score("good/next"),
        farthing_runtime::host::Verdict::Scored { value: 1.0, .. }
    ));
    assert!(matches!(
        score("another-good/next"),
        farthing_runtime::host::Verdict::Scored { value: 7.0, .. }
    ));
    let count = |plugin: &str| {
        host.components()
            .filter(|component| component.plugin.name == plugin)
            .count()
    };
    assert_eq!((count("good"), count("another-good")), (5, 1));
    let kinds: Vec<_> = host
        .components()
        .filter(|c| c.plugin.name == "good")
        .map(|c| c.kind)
        .collect();
    assert_eq!(kinds, ComponentKind::ALL);
}

fn put(name: &str, directory: &TempDir, as_name: &str) {
    fs::copy(library(name), directory.path().join(as_name)).unwrap();
}

fn search(directory: &TempDir) -> Result<PluginHost, LoadErrors> {
    log();
    let search = [directory.path().into()];
    PluginHost::load(&LoadRequest {
        search: &search,
        ..LoadRequest::default()
    })
}
