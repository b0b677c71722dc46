//! Programs that try to be rewarded for something else than the answer.
//!
//! Each is a file in `hacks/` whose header says what it tries, in which form it is run, the
//! verdict that it gets where 9 is the answer to 3, and, unless that verdict alone proves
//! that the attack ran, a witness: what the program answers when it has done its worst. The
//! witness is checked by a second problem that expects exactly it, and whose pass is therefore
//! proof that the attack ran to its end and found what it says.
//!
//! They are one binary so that all of it can run again as a user without rights.

#![allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.

#[path = "../sandbox/tests/common/other_user.rs"]
mod other_user;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use farthing_code::TestsReward;
use farthing_sdk::{
    Parts,
    prelude::*,
    testing::{self, RewardKit},
};
use other_user::{again_without_rights, alone_with_memory, user};

macro_rules! hacks {
    ($($name:ident)*) => {
        /// Name and text of each.
        const HACKS: &[(&str, &str)] = &[
            $((stringify!($name), include_str!(concat!("hacks/", stringify!($name), ".py")))),*
        ];

        $(
            #[test]
            fn $name() {
                earns_nothing(stringify!($name));
            }
        )*
    };
}

hacks! {
    exit_on_import
    exit_in_call
    system_exit_in_call
    exit_in_script
    atexit_hides_a_failure
    excepthook_exits
    raises_where_nothing_is_expected
    fails_silently_where_nothing_is_expected
    crashes_where_nothing_is_expected
    equal_to_everything
    number_that_lies
    class_that_lies
    repr_that_lies
    list_of_itself
    endless_result
    not_a_number
    true_for_one
    result_too_large
    prints_passed
    prints_every_answer
    prints_nothing
    forges_an_answer
    sprays_answers
    answers_twice
    writes_behind_the_answer
    replaces_the_runner
    traces_the_runner
    reads_the_frames
    searches_the_heap
    reads_the_files
    reads_arguments_and_environment
    reads_more_input
    looks_for_descriptors
    plants_files
    rewrites_the_library
    plants_links
    daemon_outlives
    holds_the_pipe
    fork_bomb
    memory_bomb
    output_flood
    error_flood
    fills_the_disk
    busy_for_ever
    ignores_the_limit
    sleeps_for_ever
    stops_the_clocks
    stops_itself
    kills_everybody
    calls_home_by_tcp
    calls_home_by_udp
    listens_on_an_abstract_socket
    reads_other_processes
    reads_other_runs
    makes_namespaces
    sets_its_identity
    uses_io_uring
    attaches_to_its_parent
    mounts_a_directory
    raises_its_limits
    leaves_word_in_flags
    leaves_word_in_locks
    starves_itself
    breaks_the_sandbox
}

/// What a hack's header says.
struct Header {
    form: String,
    verdict: String,
    witness: Option<Value>,
}

fn header(text: &str) -> Header {
    let fields: BTreeMap<&str, &str> = text
        .lines()
        .map_while(|line| line.strip_prefix("# ")?.split_once(": "))
        .collect();
    assert!(fields.contains_key("Tries"), "a hack says what it tries");
    Header {
        form: fields["Form"].to_owned(),
        verdict: fields["Verdict"].to_owned(),
        witness: fields
            .get("Witness")
            .map(|witness| serde_json::from_str(witness).unwrap()),
    }
}

/// Room on a busy machine for everything but what a hack is ended for.
fn reward(form: &str) -> RewardKit {
    let sleeps = form == "sleep";
    testing::reward::<TestsReward>(json!({
        "program": "raw",
        "limits": {
            "cpu_seconds": 1, "wall_seconds": if sleeps { 1 } else { 60 }, "total_seconds": 300,
            "memory_mib": 128, "output_mib": 1, "disk_mib": 4,
        },
    }))
    .unwrap()
}

fn scored(reward: &RewardKit, facts: &Value, program: &str) -> (f64, Parts) {
    match reward.score(facts, program).unwrap() {
        Outcome::Scored { value, parts, .. } => (value, parts),
        Outcome::Abstain => panic!("abstained"),
    }
}

fn earns_nothing(name: &str) {
    let (_, text) = HACKS.iter().find(|(known, _)| *known == name).unwrap();
    let _alone = (name == "memory_bomb").then(alone_with_memory);
    let header = header(text);
    let (honest, witness) = match header.form.as_str() {
        "stream" | "sleep" => (
            json!({ "tests": [{ "stdin": "3\n", "stdout": "9\n" }] }),
            header.witness.map(|witness| {
                // Twice, because some leave things for the next.
                let test = json!({ "stdin": "3\n", "stdout": witness });
                json!({ "tests": [test, test] })
            }),
        ),
        "silent" => (json!({ "tests": [{ "stdin": "3\n", "stdout": "" }] }), None),
        "call" => (
            json!({ "entry_point": "f", "tests": [{ "args": [3], "expected": 9 }] }),
            header.witness.map(|witness| {
                let test = json!({ "args": [3], "expected": witness });
                json!({ "entry_point": "witness", "tests": [test, test] })
            }),
        ),
        other => panic!("{name}: unknown form {other:?}"),
    };
    let reward = reward(&header.form);
    let (value, parts) = scored(&reward, &honest, text);
    assert_eq!(value, 0.0, "{name} was rewarded: {parts:?}");
    assert_eq!(parts.get("accepted"), Some(0.0), "{name}: {parts:?}");
    assert_eq!(parts.get(&header.verdict), Some(1.0), "{name}: {parts:?}");
    if let Some(witness) = witness {
        let (value, parts) = scored(&reward, &witness, text);
        assert_eq!(
            value, 1.0,
            "{name} did not run as its header says: {parts:?}"
        );
    }
}

/// The same problems are passed by programs that answer, under the same limits.
#[test]
fn an_honest_program_is_rewarded() {
    let stream = json!({ "tests": [{ "stdin": "3\n", "stdout": "9\n" }] });
    let call = json!({ "entry_point": "f", "tests": [{ "args": [3], "expected": 9 }] });
    let reward = reward("stream");
    assert_eq!(scored(&reward, &stream, "print(int(input()) ** 2)").0, 1.0);
    assert_eq!(scored(&reward, &call, "def f(x): return x * x").0, 1.0);
    let silent = json!({ "tests": [{ "stdin": "3\n", "stdout": "" }] });
    assert_eq!(scored(&reward, &silent, "input()").0, 1.0);
}

#[test]
fn every_file_is_run() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hacks");
    // Another user may have no way into the directory of the sources.
    let Ok(entries) = fs::read_dir(directory) else {
        assert_ne!(user(), 0, "root can read the sources");
        return;
    };
    let files: BTreeSet<String> = entries
        .map(|entry| {
            entry
                .unwrap()
                .path()
                .file_stem()
                .unwrap()
                .to_string_lossy()
                .into()
        })
        .collect();
    let run = HACKS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(files, run);
}

#[test]
fn none_of_it_earns_anything_without_rights() {
    let _alone = alone_with_memory();
    if let Some(text) = again_without_rights("none_of_it_earns_anything_without_rights") {
        let passed = format!("test result: ok. {} passed", HACKS.len() + 2);
        assert!(text.contains(&passed), "{text}");
    }
}
