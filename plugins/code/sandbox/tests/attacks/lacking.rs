//! Machines that lack something: nothing is left out in silence.
//!
//! Such a machine is made by a user namespace in which so many namespaces of one kind may be made, none, and this binary
//! runs in it again. There it is root of a namespace with one user, which is a case of its own.

use std::process::Command;

use farthing_sandbox::{End, Layer, LayerState, Sandbox, SandboxError, SandboxPolicy};

use crate::support::{ample, has, lines, run_in};

/// The test that runs inside, and what it is to find missing.
const INSIDE: &str = "FARTHING_SANDBOX_LACKS";

/// Runs a test of this binary where no namespace of a kind can be made.
fn without(kind: &str, test: &str) {
    let none = format!("echo 0 > /proc/sys/user/max_{kind}_namespaces");
    again(&["unshare", "--user", "--map-root-user"], &none, kind, test);
}

/// Runs a test of this binary, in a shell that another program starts, after a command.
fn again(within: &[&str], command: &str, lacks: &str, test: &str) {
    let script = format!("{command} && exec \"$0\" --exact {test}");
    let output = Command::new(within[0])
        .args(&within[1..])
        .args(["sh", "-c", &script])
        .arg(std::env::current_exe().unwrap())
        .env(INSIDE, lacks)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}\n{errors}"
    );
}

fn missing(policy: &SandboxPolicy) -> Vec<String> {
    match Sandbox::new(policy) {
        Err(SandboxError::Missing { missing }) => missing,
        other => panic!("{other:?}"),
    }
}

#[test]
fn without_user_namespaces_nothing_runs_whatever_the_policy_says() {
    if std::env::var_os(INSIDE).is_none() {
        return without(
            "user",
            "lacking::without_user_namespaces_nothing_runs_whatever_the_policy_says",
        );
    }
    let missing_by_default = missing(&SandboxPolicy::default());
    let why = missing_by_default
        .iter()
        .find(|line| line.contains("user-namespace"))
        .unwrap();
    assert!(why.contains("unshare(CLONE_NEWUSER)"), "{why}");
    assert!(why.contains("sysctl user.max_user_namespaces"), "{why}");
    let nothing_asked = SandboxPolicy {
        minimum: [].into(),
        read_only: Vec::new(),
    };
    assert_eq!(
        missing(&nothing_asked).len(),
        7,
        "the floor is always required"
    );
}

#[test]
fn without_network_namespaces_a_policy_must_say_that_it_does_without() {
    if std::env::var_os(INSIDE).is_none() {
        return without(
            "net",
            "lacking::without_network_namespaces_a_policy_must_say_that_it_does_without",
        );
    }
    let policy = SandboxPolicy::default();
    let missing = missing(&policy);
    assert_eq!(missing.len(), 1, "{missing:?}");
    assert!(
        missing[0].contains("network-namespace: unshare"),
        "{missing:?}"
    );

    let mut lower = policy;
    lower.minimum.remove(&Layer::NetworkNamespace);
    let sandbox = Sandbox::new(&lower).unwrap();
    let status = &sandbox.layers()[3];
    assert_eq!(status.layer, Layer::NetworkNamespace);
    assert!(
        matches!(&status.state, LayerState::Off(why) if why.contains("No space left")),
        "{status}"
    );
    assert!(has(&sandbox, Layer::Seccomp) && has(&sandbox, Layer::PidNamespace));
    // The filter still stands between the program and the network that it would see.
    let finished = run_in(
        &sandbox,
        "import _socket as s\nprint(said(s.socket, 2, 1, 0))",
        ample(),
    );
    assert_eq!(
        (lines(&finished), finished.end),
        (vec!["EPERM"], End::Exited(0))
    );
}

#[test]
fn a_host_with_low_limits_of_its_own_runs_programs_within_them() {
    if std::env::var_os(INSIDE).is_none() {
        return again(
            &["env"],
            "ulimit -H -c 0 && ulimit -c 0 && ulimit -s 8192 && ulimit -Hs 8192 && ulimit -n 48 && ulimit -Hn 48",
            "limits",
            "lacking::a_host_with_low_limits_of_its_own_runs_programs_within_them",
        );
    }
    let program = "
import resource
for limit in (resource.RLIMIT_CORE, resource.RLIMIT_STACK, resource.RLIMIT_NOFILE): print(*resource.getrlimit(limit))
print(said(resource.setrlimit, resource.RLIMIT_CORE, (0, 0)))";
    // Root may raise its limits, and the launcher becomes nobody before it sets them.
    let finished = run_in(
        &Sandbox::new(&SandboxPolicy::default()).unwrap(),
        program,
        ample(),
    );
    assert_eq!(
        lines(&finished),
        ["0 0", "8388608 8388608", "48 48", "None"]
    );
}

#[test]
fn a_host_that_may_have_too_little_is_told_which_limit() {
    if std::env::var_os(INSIDE).is_none() {
        return again(
            &["env"],
            "ulimit -t 3 && ulimit -Ht 3",
            "time",
            "lacking::a_host_that_may_have_too_little_is_told_which_limit",
        );
    }
    let error = Sandbox::new(&SandboxPolicy::default())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("hard limit on processor time is 3"),
        "{error}"
    );
    assert!(error.contains("`ulimit -H -t`"), "{error}");
}

#[test]
fn files_in_memory_are_executable_where_that_must_be_asked_for() {
    if std::env::var_os(INSIDE).is_none() {
        // The setting is of a process namespace, and root's.
        if crate::other_user::user() != 0
            || !std::path::Path::new("/proc/sys/vm/memfd_noexec").exists()
        {
            return;
        }
        return again(
            &["unshare", "--pid", "--fork", "--mount-proc"],
            "echo 1 > /proc/sys/vm/memfd_noexec",
            "memfd",
            "lacking::files_in_memory_are_executable_where_that_must_be_asked_for",
        );
    }
    let finished = run_in(
        &Sandbox::new(&SandboxPolicy::default()).unwrap(),
        "print('ran')",
        ample(),
    );
    assert_eq!(lines(&finished), ["ran"]);
}
