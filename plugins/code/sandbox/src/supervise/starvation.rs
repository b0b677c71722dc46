//! How long a program has waited for a processor, though it could have run, by the kernel's account.
//!
//! This tells a program that is too slow from a machine that is too busy. The second is not the program's fault: a
//! training run may load every core. But a program of several processes or threads waits for itself, and would starve
//! itself to escape its verdict; the account counts only where there never was a second one, which this cannot see.

use std::fs;
use std::time::Duration;

/// Of the child of this process, if there is one only; it may have ended and not been waited for. None otherwise, or
/// where the kernel does not say.
pub(super) fn of_the_only_child_of(process: libc::pid_t) -> Option<Duration> {
    let children = fs::read_to_string(format!("/proc/{process}/task/{process}/children")).ok()?;
    let only: libc::pid_t = children.trim().parse().ok()?;
    // Nanoseconds on a processor, nanoseconds of waiting for one, and how often it got one.
    let times = fs::read_to_string(format!("/proc/{only}/schedstat")).ok()?;
    let waited = times.split_whitespace().nth(1)?.parse().ok()?;
    Some(Duration::from_nanos(waited))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    /// A shell whose command has begun, and what is known of its child.
    fn beside(command: &str) -> Option<Duration> {
        // A background process would read from /dev/null if it were not told otherwise.
        let command = format!("exec 3<&0; {command} echo; wait");
        let mut shell = Command::new("/bin/sh")
            .args(["-c", &command])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = [0];
        std::io::Read::read_exact(shell.stdout.as_mut().unwrap(), &mut line).unwrap();
        let waited = of_the_only_child_of(shell.id() as libc::pid_t);
        drop(shell.stdin.take());
        shell.wait().unwrap();
        waited
    }

    #[test]
    fn only_a_child_without_brothers_has_an_account() {
        let waited = beside("cat <&3 &");
        assert!(
            waited.is_some_and(|waited| waited < Duration::from_secs(60)),
            "{waited:?}"
        );
        assert_eq!(beside(""), None);
        assert_eq!(beside("cat <&3 & cat <&3 &"), None);
    }
}
