//! Running a binary of tests again as a user without rights: for the sandbox's own tests and for those of the reward.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::{Mutex, MutexGuard};

/// The user that this process is.
pub fn user() -> u32 {
    // SAFETY: the call cannot fail and touches no memory.
    unsafe { libc::geteuid() }
}

/// Held while the machine may kill a program for the memory that it takes, and while tests run as a user whose sandboxes
/// cannot tell whom such a kill has met: they would give up programs that ended badly meanwhile.
pub fn alone_with_memory() -> MutexGuard<'static, ()> {
    static MEMORY: Mutex<()> = Mutex::new(());
    MEMORY
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Runs all tests of this binary again as a user without rights, if this one is root.
///
/// Returns what the other run printed, or nothing if there is no other user to become.
pub fn again_without_rights(this_test: &str) -> Option<String> {
    const NOBODY: u32 = 65534;
    if user() != 0 {
        println!(
            "user {} runs these tests already; there is no other user to become",
            user()
        );
        return None;
    }
    // Where cargo builds may be closed to others, so the binary is copied to where it is not; by another program, as a
    // file that is open for writing here cannot be executed while some other test starts a process.
    let directory = tempfile::tempdir().unwrap();
    let binary = directory.path().join("tests");
    let this = std::env::current_exe().unwrap();
    let copied = Command::new("cp").arg(this).arg(&binary).status();
    assert!(copied.unwrap().success());
    for path in [directory.path(), &binary] {
        std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).unwrap();
    }
    let output = Command::new(&binary)
        .args(["--skip", this_test])
        .current_dir(directory.path())
        .uid(NOBODY)
        .gid(NOBODY)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "as user {NOBODY}:\n{text}\n{errors}"
    );
    assert!(text.contains("test result: ok"), "{text}");
    assert!(!text.contains(" 0 passed"), "{text}");
    Some(text.into_owned())
}
