//! Nothing is left: of many runs, of a sandbox that is dropped, and of a host that is killed.
//!
//! These count what the whole process holds, so they are a binary of their own, with one test at a time.

#![allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.

#[path = "attacks/support.rs"]
#[allow(dead_code)] // The attacks use the rest.
mod support;

#[path = "common/held.rs"]
mod held;

#[path = "common/other_user.rs"]
#[allow(dead_code)]
mod other_user;

use std::collections::BTreeSet;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use farthing_sandbox::{End, Job, Layer, Limits, Sandbox, SandboxError};
use held::{Held, cgroups_of, processes_with};
use support::{PYTHON, ample, has, sandbox};

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

const RUNS: usize = 300;

/// Set in a process that is to be killed while it runs a program.
const VICTIM: &str = "FARTHING_SANDBOX_VICTIM";

#[test]
fn many_runs_leave_nothing() {
    let _alone = alone();
    let mark = format!("farthing-leak-{}", std::process::id());
    let sandbox = sandbox();
    some_runs(&sandbox, &mark, 12); // What is made once is made now.
    let before = Held::now();
    some_runs(&sandbox, &mark, RUNS);
    let after = Held::now();
    assert_eq!(before, after);
    assert_eq!(processes_with(&mark), []);
    drop(sandbox);
    assert_eq!(cgroups_of(std::process::id()), BTreeSet::new());
}

#[test]
fn runs_of_different_sizes_use_their_cgroups_again() {
    let _alone = alone();
    let sandbox = sandbox();
    let small = Limits {
        memory: ample().memory / 2,
        ..ample()
    };
    let groups = || -> BTreeSet<PathBuf> {
        cgroups_of(std::process::id())
            .iter()
            .flat_map(|parent| std::fs::read_dir(parent).unwrap())
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.is_dir())
            .collect()
    };
    let both = || {
        for limits in [ample(), small] {
            run(&sandbox, "", "sizes", limits).unwrap();
        }
    };
    both();
    let first = groups();
    for _ in 0..3 {
        both();
    }
    assert_eq!(groups(), first);
    assert_eq!(first.is_empty(), !has(&sandbox, Layer::Cgroup));
}

#[test]
fn a_killed_host_takes_its_programs_along() {
    let _alone = alone();
    let mark = format!("farthing-victim-{}", std::process::id());
    if let Some(mark) = std::env::var_os(VICTIM) {
        let mark = mark.into_string().unwrap();
        let end = run(&sandbox(), "import time; time.sleep(1000)", &mark, ample()).unwrap();
        unreachable!("the program sleeps until its host is killed: {end:?}");
    }
    let mut host = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_killed_host_takes_its_programs_along"])
        .env(VICTIM, &mark)
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    let program = loop {
        // The host has no argument of this name, only the program does.
        match processes_with(&mark).as_slice() {
            [program] => break *program,
            _ => assert!(Instant::now() < deadline, "the program did not start"),
        }
        std::thread::yield_now();
    };
    let program = descriptor_of(program);
    host.kill().unwrap();
    host.wait().unwrap();
    assert!(
        ends_within(&program, Duration::from_secs(60)),
        "the program outlived its host"
    );

    // The cgroups of the killed host are removed by the next sandbox.
    drop(sandbox());
    assert_eq!(cgroups_of(host.id()), BTreeSet::new());
}

#[test]
fn all_of_it_holds_without_rights() {
    let _alone = alone();
    other_user::again_without_rights("all_of_it_holds_without_rights");
}

/// Nobody else's descriptors and children are about while this is held.
fn alone() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Runs of every kind of end, from several threads.
fn some_runs(sandbox: &Sandbox, mark: &str, runs: usize) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= runs {
                        break;
                    }
                    one_of_each(sandbox, mark, number);
                }
            });
        }
    });
}

fn one_of_each(sandbox: &Sandbox, mark: &str, number: usize) {
    const DAEMON: &str = "
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0: time.sleep(1000)
    os._exit(0)
os.wait()";
    let soon = Limits {
        wall: Duration::from_millis(50),
        ..ample()
    };
    let little = Limits {
        output: 1000,
        ..ample()
    };
    let (program, limits, expected) = match number % 7 {
        0 => ("print('hello')", ample(), End::Exited(0)),
        1 => (DAEMON, ample(), End::Exited(0)),
        2 => ("import time; time.sleep(1000)", soon, End::Wall),
        3 => ("while True: print('x' * 1000)", little, End::Output),
        4 => (
            "import os; os.abort()",
            ample(),
            End::Signalled(libc::SIGABRT),
        ),
        5 => {
            let job = Job {
                files: &[("../outside", b"")],
                ..job(&[], ample())
            };
            let refused = sandbox.run(&job);
            assert!(
                matches!(refused, Err(SandboxError::Job { .. })),
                "{refused:?}"
            );
            return;
        }
        _ => {
            let job = Job {
                program: Path::new("/there/is/none"),
                ..job(&[], ample())
            };
            let missing = sandbox.run(&job);
            assert!(
                matches!(missing, Err(SandboxError::Program { .. })),
                "{missing:?}"
            );
            return;
        }
    };
    match run(sandbox, program, mark, limits) {
        Ok(end) => assert_eq!(end, expected),
        // A busy machine may not come to run a program at all for so short a time.
        Err(SandboxError::Starved { .. }) if expected == End::Wall => {}
        Err(fault) => panic!("{fault}"),
    }
}

fn run(sandbox: &Sandbox, program: &str, mark: &str, limits: Limits) -> Result<End, SandboxError> {
    let arguments = ["-I", "-S", "-c", program, mark];
    sandbox
        .run(&job(&arguments, limits))
        .map(|finished| finished.end)
}

fn job<'a>(arguments: &'a [&'a str], limits: Limits) -> Job<'a> {
    Job {
        program: Path::new(PYTHON),
        arguments,
        environment: &[],
        files: &[],
        stdin: b"some input",
        limits,
        channel: true,
    }
}

/// A descriptor of a process, which tells its end even if its number is given to another.
fn descriptor_of(process: i32) -> OwnedFd {
    // SAFETY: the call takes numbers, and what it returns is a new descriptor or an error.
    let descriptor = unsafe { libc::syscall(libc::SYS_pidfd_open, process, 0) };
    assert!(descriptor >= 0, "{}", std::io::Error::last_os_error());
    // SAFETY: the descriptor is new, and nobody else's.
    unsafe { OwnedFd::from_raw_fd(descriptor as i32) }
}

fn ends_within(process: &OwnedFd, time: Duration) -> bool {
    let mut waiting = libc::pollfd {
        fd: process.as_raw_fd(),
        events: libc::POLLIN,
        revents: 0,
    };
    // SAFETY: the pointer is to one `pollfd`, as the count says.
    unsafe { libc::poll(&mut waiting, 1, time.as_millis() as i32) == 1 }
}
