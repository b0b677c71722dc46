//! The first signal asks, the second one ends. Tried on a child, since signals are for whole processes.

use std::io::{BufRead, BufReader};
use std::process::Child;

use farthing_runtime::run::Interrupt;
use farthing_runtime::run::signals::INTERRUPTED_EXIT_CODE;
use rustix::process::{Pid, Signal, kill_process};

use crate::support;

#[test]
fn the_first_signal_sets_the_flag_and_the_second_exits() {
    for (first, name) in [(Signal::INT, "SIGINT"), (Signal::TERM, "SIGTERM")] {
        for second in [Signal::INT, Signal::TERM] {
            let mut child = support::start_child("signals::child_waits_for_signals", "wait");
            let mut output = BufReader::new(child.stdout.take().unwrap());
            wait_for(&mut output, "ready");
            send(&child, first);
            wait_for(&mut output, &format!("asked to stop by {name}"));
            send(&child, second);
            assert_eq!(child.wait().unwrap().code(), Some(INTERRUPTED_EXIT_CODE));
        }
    }
}

#[test]
fn child_waits_for_signals() {
    if support::errand().is_none() {
        return;
    }
    let interrupt = Interrupt::install().unwrap();
    assert!(!interrupt.is_requested());
    println!("ready");
    while !interrupt.is_requested() {
        std::thread::yield_now();
    }
    println!("asked to stop by {}", interrupt.signal_name().unwrap());
    // The step that is being finished; the second signal ends it.
    loop {
        std::thread::park();
    }
}

#[test]
fn a_request_from_inside_counts_and_is_shared() {
    let interrupt = Interrupt::default();
    let clone = interrupt.clone();
    assert!(!clone.is_requested());
    interrupt.request();
    assert!(clone.is_requested());
    assert_eq!(clone.signal_name(), None);
}

fn send(child: &Child, signal: Signal) {
    let process = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    kill_process(process, signal).unwrap();
}

fn wait_for(output: &mut impl BufRead, text: &str) {
    let mut line = String::new();
    while !line.contains(text) {
        line.clear();
        assert_ne!(
            output.read_line(&mut line).unwrap(),
            0,
            "the child ended before it said {text:?}"
        );
    }
}
