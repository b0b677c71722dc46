//! The lock file: written, read, and held against the plugins.

use std::{fs, path::Path};

use farthing_runtime::host::{
    LOCK_FILE_NAME, LoadErrors, LoadFault, LoadRequest, Lock, LockError, PluginHost, ProbeReport,
    Prober, inspect,
};
use insta::assert_snapshot;
use tempfile::TempDir;

use crate::libraries::{copy, library, load, log, shortened};

fn lock_of(names: &[&str]) -> Lock {
    let files: Vec<_> = names.iter().map(|name| library(name)).collect();
    Lock::of(load(&files).unwrap().plugins())
}

#[test]
fn a_lock_is_written_and_read_back() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join(LOCK_FILE_NAME);
    assert_eq!(Lock::read(&path).unwrap(), None);
    let lock = lock_of(&["good", "another_good"]);
    lock.write(&path).unwrap();
    assert_eq!(Lock::read(&path).unwrap(), Some(lock.clone()));
    assert_eq!(
        fs::read_dir(directory.path()).unwrap().count(),
        1,
        "nothing but the lock is left"
    );
    let text = fs::read_to_string(&path).unwrap();
    let sha256 = &lock.get("good").unwrap().sha256;
    let other = &lock.get("another-good").unwrap().sha256;
    assert_snapshot!(text.replace(sha256, "HASH").replace(other, "OTHER"), @r#"
    # The plugins of this run, pinned to their bytes. Beside a manifest, `farthing check --update-lock` writes it.
    format = 1

    [[plugin]]
    name = "another-good"
    version = "0.1.0"
    sdk = "0.1.0"
    sha256 = "OTHER"
    file = "libanother_good.so"

    [[plugin]]
    name = "good"
    version = "0.1.0"
    sdk = "0.1.0"
    sha256 = "HASH"
    file = "libgood.so"
    "#);
}

#[test]
fn an_empty_lock_is_a_lock() {
    let lock = Lock::default();
    assert_eq!(Lock::parse(&lock.to_toml(), Path::new("f")).unwrap(), lock);
}

#[test]
fn lock_files_that_cannot_be_used() {
    let entry = "[[plugin]]\nname = \"a\"\nversion = \"1.0.0\"\nsdk = \"0.1.0\"\nsha256 = \"00\"\nfile = \"liba.so\"\n";
    let parse = |text: &str| Lock::parse(text, Path::new("farthing.lock")).unwrap_err();
    assert_snapshot!(parse("format = 2\nsomething_new = true\n"), @"`farthing.lock` has format 2; this version reads format 1: update farthing, or make the lock anew with `farthing check --update-lock`");
    assert_snapshot!(parse(&format!("format = 1\n{entry}{entry}")), @"`farthing.lock` names the plugin `a` twice; remove one of the entries");
    assert!(matches!(parse(""), LockError::Syntax { .. }));
    assert!(matches!(
        parse(&entry.replace("0.1.0", "0.1")),
        LockError::Syntax { .. }
    ));
    let wrong_version =
        parse(&format!("format = 1\n{}", entry.replace("0.1.0", "0.1"))).to_string();
    assert!(
        wrong_version.contains("\"0.1\" is no version; expected three numbers such as 0.1.0"),
        "{wrong_version}"
    );
    let unknown_key = parse(&format!("format = 1\n{entry}colour = 1\n")).to_string();
    assert!(
        unknown_key.contains("unknown field `colour`"),
        "{unknown_key}"
    );
    let directory = TempDir::new().unwrap();
    assert!(matches!(
        Lock::read(directory.path()),
        Err(LockError::Io { action: "read", .. })
    ));
}

#[test]
fn locked_plugins_load_without_a_probe() {
    let lock = lock_of(&["good"]);
    let files = [library("good")];
    let request = LoadRequest {
        files: &files,
        lock: Some(&lock),
        prober: Some(&NotAsked),
        ..LoadRequest::default()
    };
    assert_eq!(PluginHost::load(&request).unwrap().plugins().len(), 1);
}

#[test]
fn other_bytes_under_a_locked_name() {
    let (_directory, path) = copy("good");
    let mut lock = lock_of(&["good"]).to_toml();
    let real = lock_of(&["good"]).get("good").unwrap().sha256.clone();
    lock = lock
        .replace(&real, &"0".repeat(64))
        .replace("version = \"0.1.0\"", "version = \"0.0.9\"");
    let lock = Lock::parse(&lock, Path::new("farthing.lock")).unwrap();
    let message = shortened(
        &load_locked(std::slice::from_ref(&path), &lock)
            .err()
            .unwrap(),
    );
    assert_snapshot!(message.replace(&real, "HASH").replace(&"0".repeat(64), "ZEROS"), @r"
    cannot load `libgood.so`: the plugin differs from the lock file
      expected: version 0.0.9, sha256 ZEROS
      found: version 0.1.0, sha256 HASH
      remedy: put back the locked file, or accept this one with `farthing check --update-lock`
    ");
    let inspection = inspect(&path, Some(&lock), None);
    assert!(!inspection.is_loadable());
    assert!(inspection.components.is_empty(), "its code must not run");
}

#[test]
fn plugins_outside_the_lock() {
    let lock = lock_of(&["good"]);
    let both = [library("good"), library("another_good")];
    let errors = load_locked(&both, &lock).err().unwrap();
    assert_snapshot!(shortened(&errors), @r"
    cannot load `libanother_good.so`: the plugin is not in the lock file
      expected: one of good
      found: `another-good`
      remedy: put back the locked file, or accept this one with `farthing check --update-lock`
    ");

    // In a directory it is merely passed over: other plugins may lie there for other runs.
    let directory = TempDir::new().unwrap();
    for file in &both {
        fs::copy(file, directory.path().join(file.file_name().unwrap())).unwrap();
    }
    let search = [directory.path().into()];
    let request = LoadRequest {
        search: &search,
        lock: Some(&lock),
        ..LoadRequest::default()
    };
    let host = PluginHost::load(&request).unwrap();
    assert_eq!(
        host.plugins()
            .map(|plugin| plugin.name.as_str())
            .collect::<Vec<_>>(),
        ["good"]
    );
    assert_snapshot!(host.skipped()[0].why, @"the lock file does not name it; add it with `farthing check --update-lock`");
    let error = host
        .find(
            farthing_runtime::host::ComponentKind::Reward,
            "another-good/next",
        )
        .unwrap_err();
    let text = error.to_string().replace(
        &format!("{}/", directory.path().canonicalize().unwrap().display()),
        "",
    );
    assert_snapshot!(text, @"there is no plugin `another-good` for the reward `another-good/next`; `libanother_good.so` was skipped: the lock file does not name it; add it with `farthing check --update-lock`");
}

#[test]
fn a_locked_plugin_that_is_gone() {
    let errors = load_locked(&[library("good")], &lock_of(&["good", "another_good"]))
        .err()
        .unwrap();
    assert_snapshot!(shortened(&errors), @r"
    cannot load `libanother_good.so`: the lock file asks for a plugin that was not found
      expected: `another-good` 0.1.0
      found: no plugin of that name
      remedy: put the plugin's library into a searched directory, or drop it with `farthing check --update-lock`
    ");
}

#[test]
fn a_file_that_changes_under_the_loader_is_not_used() {
    struct Replacing;
    impl Prober for Replacing {
        fn probe(&self, files: &[std::path::PathBuf]) -> Vec<ProbeReport> {
            for file in files {
                let new = file.with_extension("new");
                fs::copy(library("another_good"), &new).unwrap();
                fs::rename(&new, file).unwrap();
            }
            vec![ProbeReport::Survived; files.len()]
        }
    }
    log();
    let (_directory, path) = copy("good");
    let files = [path];
    let request = LoadRequest {
        files: &files,
        prober: Some(&Replacing),
        ..LoadRequest::default()
    };
    let errors = PluginHost::load(&request).err().unwrap();
    assert_snapshot!(shortened(&errors), @r"
    cannot load `libgood.so`: the file changed while it was being loaded
      expected: the file that was checked
      found: another file
      remedy: try again once nothing writes to the file
    ");
    assert!(matches!(errors.0[0].fault, LoadFault::Changed { .. }));
}

fn load_locked(files: &[std::path::PathBuf], lock: &Lock) -> Result<PluginHost, LoadErrors> {
    log();
    PluginHost::load(&LoadRequest {
        files,
        lock: Some(lock),
        ..LoadRequest::default()
    })
}

struct NotAsked;

impl Prober for NotAsked {
    fn probe(&self, files: &[std::path::PathBuf]) -> Vec<ProbeReport> {
        panic!("the lock vouches for {files:?}")
    }
}
