//! Libraries that end the process which opens them, opened by a child of this test.

use std::{
    env,
    path::{Path, PathBuf},
    time::Duration,
};

use farthing_runtime::host::{
    LoadErrors, LoadFault, LoadRequest, PluginHost, ProbeReport, Prober, ProcessProber, inspect,
    run_probe,
};
use insta::assert_snapshot;

use crate::libraries::{library, log, shortened};

/// The child: this test binary, told to run this test alone. In the parent there are no files to open.
#[test]
fn child() {
    let files: Vec<PathBuf> = env::args()
        .skip(1)
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
        .collect();
    assert_eq!(run_probe(&files), 0);
}

fn prober() -> ProcessProber {
    ProcessProber {
        program: env::current_exe().unwrap(),
        arguments: ["--exact", "probing::child", "--nocapture"]
            .map(Into::into)
            .into(),
        deadline: ProcessProber::DEADLINE,
    }
}

fn load_probed(names: &[&str]) -> Result<PluginHost, LoadErrors> {
    log();
    let files: Vec<_> = names.iter().map(|name| library(name)).collect();
    PluginHost::load(&LoadRequest {
        files: &files,
        prober: Some(&prober()),
        ..LoadRequest::default()
    })
}

#[test]
fn good_plugins_survive_and_load() {
    assert_eq!(
        load_probed(&["good", "another_good"])
            .unwrap()
            .plugins()
            .len(),
        2
    );
}

#[test]
fn a_constructor_that_panics() {
    let message = shortened(&load_probed(&["constructor_panics"]).err().unwrap());
    let (before, printed) = message
        .split_once(", after printing: ")
        .unwrap_or_else(|| panic!("{message}"));
    assert_snapshot!(before, @r"
    cannot load `libconstructor_panics.so`: the plugin ends the process that loads it
      expected: a library whose start-up code returns
      found: it was killed by signal 6 (abort, as after a panic)
    ");
    assert!(
        printed.contains("panicked at tests/hostile/constructor_panics.rs"),
        "{message}"
    );
    assert!(
        printed.contains("no configuration file in the home directory"),
        "{message}"
    );
    assert!(
        printed.contains("remedy: repair the code that runs when the library is opened"),
        "{message}"
    );
}

#[test]
fn a_constructor_that_exits() {
    assert_snapshot!(shortened(&load_probed(&["constructor_exits"]).err().unwrap()), @r"
    cannot load `libconstructor_exits.so`: the plugin ends the process that loads it
      expected: a library whose start-up code returns
      found: it exited with status 0
      remedy: repair the code that runs when the library is opened (static constructors), or remove the file
    ");
}

#[test]
fn a_constructor_that_hangs() {
    let file = library("constructor_hangs");
    let impatient = ProcessProber {
        deadline: Duration::from_secs(3),
        ..prober()
    };
    let reports = impatient.probe(std::slice::from_ref(&file));
    assert_eq!(
        reports,
        [ProbeReport::Died {
            how: "it had not returned after 3s".into(),
            printed: String::new()
        }]
    );
}

#[test]
fn the_guilty_are_found_among_the_innocent() {
    let names = [
        "good",
        "constructor_exits",
        "registers_nothing",
        "constructor_panics",
        "another_good",
    ];
    let errors = load_probed(&names).err().unwrap();
    let faults: Vec<_> = errors
        .0
        .iter()
        .map(|error| (error.file.clone(), &error.fault))
        .collect();
    let [
        (exits, LoadFault::Crashes { how: first, .. }),
        (panics, LoadFault::Crashes { how: second, .. }),
        (nothing, LoadFault::RegistersNothing),
    ] = &faults[..]
    else {
        panic!("{faults:#?}")
    };
    assert_eq!(
        [exits, panics, nothing],
        [&library(names[1]), &library(names[3]), &library(names[2])]
    );
    assert_eq!(first, "it exited with status 0");
    assert_eq!(
        second,
        "it was killed by signal 6 (abort, as after a panic)"
    );
}

#[test]
fn inspecting_a_plugin_that_crashes() {
    let inspection = inspect(&library("constructor_exits"), None, Some(&prober()));
    assert_eq!(
        inspection.plugin.as_ref().unwrap().name,
        "constructor-exits"
    );
    let layers: Vec<_> = inspection
        .findings
        .iter()
        .map(|finding| (finding.layer, finding.fault.is_none()))
        .collect();
    assert_eq!(
        layers,
        [("file", true), ("descriptor", true), ("probe", false)]
    );
    assert!(inspection.components.is_empty());
    let as_data = serde_json::to_value(&inspection).unwrap();
    assert_eq!(
        as_data["findings"][2]["fault"]["found"],
        "it exited with status 0"
    );
}

#[test]
fn inspecting_a_good_plugin() {
    let inspection = inspect(&library("good"), None, Some(&prober()));
    assert!(inspection.is_loadable(), "{inspection:#?}");
    assert_eq!(inspection.components.len(), 5);
    assert_eq!(inspection.panic.as_deref(), Some("unwind"));
}

#[test]
fn a_prober_that_is_not_there() {
    let absent = ProcessProber {
        program: "/nowhere/farthing".into(),
        ..prober()
    };
    let files = [library("good")];
    let errors = PluginHost::load(&LoadRequest {
        files: &files,
        prober: Some(&absent),
        ..LoadRequest::default()
    });
    assert_snapshot!(shortened(&errors.err().unwrap()), @r"
    cannot load `libgood.so`: the library could not be tried out
      expected: a child process that loads it
      found: cannot run `/nowhere/farthing`: No such file or directory (os error 2)
      remedy: see that a process can be started here
    ");
}

#[test]
fn a_prober_that_is_another_program() {
    let other = ProcessProber {
        program: Path::new("/bin/true").into(),
        ..prober()
    };
    let reports = other.probe(&[library("good"), library("another_good")]);
    let why = "`/bin/true` opened nothing: it exited with status 0".to_owned();
    let report = ProbeReport::NotProbed { why };
    assert_eq!(reports, [report.clone(), report]);
}
