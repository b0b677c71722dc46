//! A file as it was when it was checked, and whether it still is.
//!
//! The bytes that are hashed and examined come from one open file. The system's loader then opens the path again, so
//! between the two somebody could put another file there. [`FileSnapshot::check_unchanged`], called after the loader
//! is done, compares device, inode, length and both time stamps: a file that was replaced or written to in between is
//! noticed, and nothing of it is called. What no check in this process can rule out is a writer that changes a mapped
//! file later, or code that ran from the file's constructors before the comparison.

use std::{
    fs::{self, File, Metadata},
    io::{self, Read},
    path::{Path, PathBuf},
    time::SystemTime,
};

use super::load_error::LoadFault;

/// Which file was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FileSnapshot {
    /// Symbolic links resolved.
    pub path: PathBuf,
    stamp: Stamp,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Stamp {
    length: u64,
    modified: Option<SystemTime>,
    /// Device and inode.
    identity: (u64, u64),
    /// Last change of the inode, in seconds and nanoseconds; unlike `modified`, nobody can set it back.
    changed: (i64, i64),
}

impl FileSnapshot {
    /// Reads a regular file whole.
    pub fn read(path: &Path) -> Result<(Self, Vec<u8>), LoadFault> {
        let path = fs::canonicalize(path).map_err(fault)?;
        // Looked at before it is opened, because opening a named pipe would wait for its writer.
        require_regular(&fs::metadata(&path).map_err(fault)?)?;
        let mut file = File::open(&path).map_err(fault)?;
        let before = file.metadata().map_err(fault)?;
        require_regular(&before)?;
        let mut bytes = Vec::with_capacity(usize::try_from(before.len()).unwrap_or(0));
        file.read_to_end(&mut bytes).map_err(fault)?;
        let stamp = Stamp::of(&before);
        stamp.compare(&Stamp::of(&file.metadata().map_err(fault)?))?;
        Ok((Self { path, stamp }, bytes))
    }

    /// Checks that the path still leads to the file that was read, and that nobody has written to it.
    pub fn check_unchanged(&self) -> Result<(), LoadFault> {
        let now = fs::metadata(&self.path).map_err(fault)?;
        self.stamp.compare(&Stamp::of(&now))
    }
}

impl Stamp {
    #[cfg(unix)]
    fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        Self {
            length: metadata.len(),
            modified: metadata.modified().ok(),
            identity: (metadata.dev(), metadata.ino()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    #[cfg(not(unix))]
    fn of(metadata: &Metadata) -> Self {
        Self {
            length: metadata.len(),
            modified: metadata.modified().ok(),
            identity: (0, 0),
            changed: (0, 0),
        }
    }

    fn compare(&self, now: &Self) -> Result<(), LoadFault> {
        let field = match () {
            () if self.identity != now.identity => "file",
            () if self.length != now.length => "length",
            () if self.modified != now.modified => "time of modification",
            // A new link to the file changes this time alone, and so does a new owner; both are rare in the moment
            // of loading, and trying again is harmless.
            () if self.changed != now.changed => "time of change",
            () => return Ok(()),
        };
        Err(LoadFault::Changed { field })
    }
}

fn require_regular(metadata: &Metadata) -> Result<(), LoadFault> {
    if metadata.is_file() {
        return Ok(());
    }
    let found = if metadata.is_dir() {
        "a directory"
    } else {
        "a pipe, socket or device"
    };
    Err(LoadFault::NotRegular { found })
}

fn fault(error: io::Error) -> LoadFault {
    match error.kind() {
        io::ErrorKind::NotFound => LoadFault::Missing,
        _ => LoadFault::Unreadable {
            why: error.to_string(),
        },
    }
}
