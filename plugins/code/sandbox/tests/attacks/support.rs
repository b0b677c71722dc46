//! Running small programs in a sandbox.

use std::path::Path;
use std::time::Duration;

use farthing_sandbox::{Finished, Job, Layer, Limits, Sandbox, SandboxPolicy};

pub const PYTHON: &str = "/usr/bin/python3";

/// What attacks say: the name of an error, or what they got.
const PRELUDE: &str = r#"
import ctypes, errno, os, signal, sys, time
libc = ctypes.CDLL(None, use_errno=True)

def said(what, *arguments, **named):
    "What a call gave, or the name of its error."
    try:
        return repr(what(*arguments, **named))
    except OSError as error:
        return errno.errorcode[error.errno]

def call(number, *arguments):
    "The same of a system call by its number."
    ctypes.set_errno(0)
    words = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    result = libc.syscall(ctypes.c_long(number), *words)
    return errno.errorcode[ctypes.get_errno()] if result < 0 else repr(result)
"#;

/// The sandbox of this machine, which must offer all but the layers that need rights.
pub fn sandbox() -> Sandbox {
    Sandbox::new(&SandboxPolicy::default())
        .expect("these tests need a machine with namespaces and seccomp")
}

/// Whether the sandbox has this layer.
pub fn has(sandbox: &Sandbox, layer: Layer) -> bool {
    sandbox
        .layers()
        .iter()
        .any(|status| status.layer == layer && status.is_on())
}

/// Limits that no test meets by accident on a busy machine.
pub fn ample() -> Limits {
    Limits {
        cpu: Duration::from_secs(30),
        wall: Duration::from_secs(60),
        memory: 256 << 20,
        ..Limits::default()
    }
}

/// A job that runs this program's text with Python.
pub fn run_in(sandbox: &Sandbox, program: &str, limits: Limits) -> Finished {
    let program = format!("{PRELUDE}\n{program}");
    let arguments = ["-I", "-S", "-c", &program];
    sandbox
        .run(&Job {
            program: Path::new(PYTHON),
            arguments: &arguments,
            environment: &[],
            files: &[],
            stdin: b"",
            limits,
            channel: false,
        })
        .unwrap()
}

/// Runs this program's text with Python, in a sandbox of its own.
pub fn python(program: &str) -> Finished {
    run_in(&sandbox(), program, ample())
}

/// The same, with limits that are changed.
pub fn python_with(program: &str, change: impl FnOnce(&mut Limits)) -> Finished {
    let mut limits = ample();
    change(&mut limits);
    run_in(&sandbox(), program, limits)
}

/// What a program printed, by lines; its error output in the message if it printed nothing.
pub fn lines(finished: &Finished) -> Vec<&str> {
    let lines: Vec<&str> = std::str::from_utf8(&finished.stdout)
        .unwrap()
        .lines()
        .collect();
    let errors = String::from_utf8_lossy(&finished.stderr);
    assert!(
        !lines.is_empty(),
        "the program printed nothing: {:?}, {errors}",
        finished.end
    );
    lines
}

/// Runs this program's text and compares what it printed, line by line.
pub fn prints(program: &str, expected: &[&str]) {
    let finished = python(program);
    let errors = String::from_utf8_lossy(&finished.stderr);
    assert_eq!(lines(&finished), expected, "{:?}, {errors}", finished.end);
}
