//! `--help` is an interface: people read it, and it must not change by accident.

#![allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.

use farthing_e2e::Bench;

#[test]
fn every_command_explains_itself() {
    let bench = Bench::new();
    let commands: [&[&str]; 12] = [
        &[],
        &["train"],
        &["check"],
        &["eval"],
        &["sample"],
        &["export"],
        &["merge"],
        &["score"],
        &["objective"],
        &["plugins"],
        &["plugins", "list"],
        &["plugins", "inspect"],
    ];
    for command in commands {
        let mut arguments = command.to_vec();
        arguments.push("--help");
        let help = bench.run(&arguments).success();
        let name = format!("farthing {}", command.join(" "));
        insta::assert_snapshot!(name.trim().replace(' ', "-"), help);
    }
}

#[test]
fn a_wrong_word_is_a_usage_error() {
    let bench = Bench::new();
    let stderr = bench.run(&["tran"]).failure(2);
    assert!(stderr.contains("train"), "{stderr}");
    bench.run(&["train"]).failure(2);
}
