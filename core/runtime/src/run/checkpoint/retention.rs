//! Which checkpoints go: old ones by rule, and what dead writers left.
//!
//! Only checkpoints that could be loaded are counted and removed. A damaged one is neither: counting it
//! could make room by removing the last good one.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::Checkpoints;
use crate::run::durable::FileOperations;
use crate::run::error::RunError;

pub(super) const TEMPORARY_PREFIX: &str = ".tmp-";
pub(super) const SET_ASIDE_MARK: &str = ".superseded-";

impl Checkpoints {
    /// Removes checkpoints older than the `keep_last` newest, except those named in `protected`. The
    /// newest always stays, also with `keep_last` 0. Returns what was removed.
    ///
    /// Call it right after a commit, which has read back every byte of the newest; here only sizes are
    /// looked at, since hashing everything that stays would cost more than the checkpoint itself.
    ///
    /// Each one is renamed to a hidden name first, so that a process that dies half-way through the
    /// removal leaves no half checkpoint behind a good name.
    pub fn prune(&self, keep_last: usize, protected: &[&str]) -> Result<Vec<PathBuf>, RunError> {
        let (mut candidates, _) = self.candidates()?;
        candidates.retain(|candidate| !candidate.is_set_aside() && candidate.looks_whole());
        candidates.sort_by(|a, b| b.step.cmp(&a.step).then_with(|| a.name.cmp(&b.name)));
        let mut removed = Vec::new();
        for candidate in candidates.iter().skip(keep_last.max(1)) {
            if protected.contains(&candidate.name.as_str()) {
                continue;
            }
            let hidden = self.directory.join(format!(
                "{TEMPORARY_PREFIX}delete-{}-{}",
                candidate.name,
                std::process::id()
            ));
            self.files
                .rename(&candidate.path, &hidden)
                .map_err(RunError::io("hide", &candidate.path))?;
            // Synced before the content goes: after a power cut in the middle of the removal, the good
            // name must not come back.
            self.files
                .sync_directory(&self.directory)
                .map_err(RunError::io("sync the directory", &self.directory))?;
            self.files
                .remove(&hidden)
                .map_err(RunError::io("remove", &hidden))?;
            removed.push(candidate.path.clone());
        }
        Ok(removed)
    }
}

/// Removes the hidden directories of writers that are no more.
pub(super) fn clean_leftovers(
    files: &dyn FileOperations,
    directory: &Path,
) -> Result<(), RunError> {
    for entry in fs::read_dir(directory).map_err(RunError::io("list", directory))? {
        let entry = entry.map_err(RunError::io("list", directory))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.starts_with(TEMPORARY_PREFIX) || writer_is_alive(&name) {
            continue;
        }
        let path = entry.path();
        match files.remove(&path) {
            Ok(()) => tracing::info!(path = %path.display(), "removed what a dead writer left"),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(RunError::io("remove", &path)(error)),
        }
    }
    Ok(())
}

/// Whether the process whose number ends the name is another living one. Numbers come round again, so a
/// leftover may be spared by a stranger; it goes at a later start.
fn writer_is_alive(name: &str) -> bool {
    let number = name
        .rsplit('-')
        .next()
        .and_then(|digits| digits.parse::<i32>().ok());
    let Some(process) = number.and_then(rustix::process::Pid::from_raw) else {
        return false;
    };
    if process == rustix::process::getpid() {
        return false;
    }
    match rustix::process::test_kill_process(process) {
        Ok(()) => true,
        // Anything but "no such process" means that it exists and is somebody else's.
        Err(error) => error != rustix::io::Errno::SRCH,
    }
}
