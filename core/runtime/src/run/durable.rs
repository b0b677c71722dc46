//! The few file operations on which the safety of a run rests, behind a trait.
//!
//! A rename is atomic for readers at once, but it survives a power cut only when the file, and then the
//! directory that holds the name, were synced. These orders are easy to get wrong and impossible to see
//! in a passing test, so every operation that matters goes through [`FileOperations`]: the tests count
//! them, stop the process at each one in turn, and lose whatever was not synced.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::error::RunError;

/// File operations that decide whether data survives. Implemented by [`OperatingSystem`], and by tests.
pub trait FileOperations: Send + Sync {
    /// Creates one directory; the parent exists.
    fn create_directory(&self, path: &Path) -> io::Result<()>;
    /// Creates or replaces a file with these bytes, without syncing it.
    fn write_file(&self, path: &Path, bytes: &[u8]) -> io::Result<()>;
    /// Brings a file's content to the disk.
    fn sync_file(&self, path: &Path) -> io::Result<()>;
    /// Brings a directory's names to the disk.
    fn sync_directory(&self, path: &Path) -> io::Result<()>;
    /// Renames a file or directory within one file system.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file, or a directory with everything in it.
    fn remove(&self, path: &Path) -> io::Result<()>;
}

/// The real thing.
#[derive(Debug, Clone, Copy, Default)]
pub struct OperatingSystem;

impl FileOperations for OperatingSystem {
    fn create_directory(&self, path: &Path) -> io::Result<()> {
        tracing::trace!(path = %path.display(), "create the directory");
        fs::create_dir(path)
    }

    fn write_file(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        tracing::trace!(path = %path.display(), bytes = bytes.len(), "write");
        File::create(path)?.write_all(bytes)
    }

    fn sync_file(&self, path: &Path) -> io::Result<()> {
        tracing::trace!(path = %path.display(), "sync");
        // fsync works through any descriptor of the file, so one opened for reading is enough.
        File::open(path)?.sync_all()
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        tracing::trace!(path = %path.display(), "sync the directory");
        File::open(path)?.sync_all()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        tracing::trace!(from = %from.display(), to = %to.display(), "rename");
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        tracing::trace!(path = %path.display(), "remove");
        if fs::symlink_metadata(path)?.is_dir() {
            fs::remove_dir_all(path)
        } else {
            fs::remove_file(path)
        }
    }
}

/// Replaces `path` with `bytes` so that a reader, also after a power cut, sees the old file or the new one.
pub fn replace_file(files: &dyn FileOperations, path: &Path, bytes: &[u8]) -> Result<(), RunError> {
    let scratch = scratch_path(path);
    let published = files
        .write_file(&scratch, bytes)
        .map_err(RunError::io("write", &scratch))
        .and_then(|()| publish_file(files, &scratch, path));
    if published.is_err() {
        // The first error is the one to report; a scratch file that stays is only untidy.
        let _ = files.remove(&scratch);
    }
    published
}

/// Syncs a finished scratch file and gives it its final name, durably.
pub fn publish_file(
    files: &dyn FileOperations,
    scratch: &Path,
    path: &Path,
) -> Result<(), RunError> {
    let directory = parent_of(path);
    files
        .sync_file(scratch)
        .map_err(RunError::io("sync", scratch))?;
    files
        .rename(scratch, path)
        .map_err(RunError::io("rename the finished scratch file to", path))?;
    files
        .sync_directory(directory)
        .map_err(RunError::io("sync the directory", directory))
}

/// A hidden name beside `path`, unlike that of any other process, with the same extension (some writers
/// choose the format by it).
pub fn scratch_path(path: &Path) -> PathBuf {
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    path.with_file_name(format!(".tmp-{}-{name}", std::process::id()))
}

/// The directory that holds the name of `path`.
pub fn parent_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}
