//! The Hugging Face cache, in the layout of `huggingface_hub`, which other tools read and write too:
//!
//! ```text
//! models--owner--name/
//!   refs/main                      the commit that `main` meant when last asked
//!   blobs/<etag>                   contents, named by their hash
//!   blobs/<etag>.incomplete        a content on its way
//!   snapshots/<commit>/config.json a link to a blob
//!   .no_exist/<commit>/<file>      known not to be in the repository
//! .locks/models--owner--name/<etag>.lock
//! ```
//!
//! A content gets its name by a rename once it is whole and on the disk, so what has a name is whole.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock, statvfs};

use super::{HubError, ModelId, Result};
use crate::run::durable::OperatingSystem;

/// One repository's part of the cache.
#[derive(Clone, Debug)]
pub(super) struct Cache {
    root: PathBuf,
    folder: String,
}

impl Cache {
    pub fn of(root: &Path, id: &ModelId) -> Self {
        Self {
            root: root.to_owned(),
            folder: format!("models--{}", id.repository.replace('/', "--")),
        }
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    fn repository(&self) -> PathBuf {
        self.root.join(&self.folder)
    }

    pub fn snapshot(&self, commit: &str) -> PathBuf {
        self.repository().join("snapshots").join(commit)
    }

    pub fn blob(&self, etag: &str) -> PathBuf {
        self.repository().join("blobs").join(etag)
    }

    pub fn incomplete(&self, etag: &str) -> PathBuf {
        self.repository()
            .join("blobs")
            .join(format!("{etag}.incomplete"))
    }

    /// The commit that the id meant when the hub was last asked.
    pub fn commit(&self, id: &ModelId) -> Option<String> {
        if let Some(commit) = id.commit() {
            return Some(commit.to_owned());
        }
        let text = fs::read_to_string(self.reference(id)).ok()?;
        let commit = text.trim();
        super::id::is_commit(commit).then(|| commit.to_owned())
    }

    /// Remembers what the hub said the id means.
    pub fn remember_commit(&self, id: &ModelId, commit: &str) -> Result<()> {
        if id.commit().is_some() || self.commit(id).as_deref() == Some(commit) {
            return Ok(());
        }
        let path = self.reference(id);
        create_parent(&path)?;
        let _lock = self.lock("refs", || {})?;
        crate::run::durable::replace_file(&OperatingSystem, &path, commit.as_bytes())
            .map_err(HubError::from)
    }

    fn reference(&self, id: &ModelId) -> PathBuf {
        self.repository().join("refs").join(id.revision())
    }

    /// The file's path in the snapshot, if it is there and whole.
    pub fn find(&self, commit: &str, file: &str) -> Option<PathBuf> {
        let path = self.snapshot(commit).join(file);
        path.is_file().then_some(path)
    }

    /// Whether the repository is known not to have the file.
    pub fn is_known_missing(&self, commit: &str, file: &str) -> bool {
        self.missing_mark(commit, file).exists()
    }

    pub fn remember_missing(&self, commit: &str, file: &str) -> Result<()> {
        let path = self.missing_mark(commit, file);
        create_parent(&path)?;
        File::create(&path)
            .map(drop)
            .map_err(HubError::io("write", &path))
    }

    fn missing_mark(&self, commit: &str, file: &str) -> PathBuf {
        self.repository().join(".no_exist").join(commit).join(file)
    }

    /// Gives an incomplete content its name, durably.
    pub fn publish(&self, etag: &str) -> Result<()> {
        crate::run::durable::publish_file(
            &OperatingSystem,
            &self.incomplete(etag),
            &self.blob(etag),
        )
        .map_err(HubError::from)
    }

    /// Makes a content a file of the snapshot.
    pub fn link(&self, commit: &str, file: &str, etag: &str) -> Result<()> {
        let path = self.snapshot(commit).join(file);
        create_parent(&path)?;
        let target = Path::new("../../blobs").join(etag);
        if path.is_file() {
            return Ok(());
        }
        // A link that leads nowhere is left of a content that somebody removed.
        if path.symlink_metadata().is_ok() {
            fs::remove_file(&path).map_err(HubError::io("replace", &path))?;
        }
        match symlink(&target, &path) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            // A file system without links.
            Err(_) => self.copy(etag, &path),
        }
    }

    fn copy(&self, etag: &str, path: &Path) -> Result<()> {
        let scratch = crate::run::durable::scratch_path(path);
        fs::copy(self.blob(etag), &scratch).map_err(HubError::io("write", &scratch))?;
        crate::run::durable::publish_file(&OperatingSystem, &scratch, path).map_err(HubError::from)
    }

    /// Keeps other processes from fetching the same content, `huggingface_hub` in Python among them, until the file is
    /// dropped. `waits` is called if somebody else is at it.
    pub fn lock(&self, etag: &str, waits: impl FnOnce()) -> Result<File> {
        let path = self
            .root
            .join(".locks")
            .join(&self.folder)
            .join(format!("{etag}.lock"));
        create_parent(&path)?;
        create_parent(&self.blob(etag))?;
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(HubError::io("open", &path))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                waits();
                flock(&file, FlockOperation::LockExclusive)
                    .map_err(|error| HubError::io("lock", &path)(error.into()))?;
            }
            // Some network file systems have no locks. Two downloads of one file then disturb each other, and its hash
            // tells.
            Err(error) => tracing::debug!("{} cannot be locked: {error}", path.display()),
        }
        Ok(file)
    }

    /// Bytes that can still be written; `None` where nobody says.
    pub fn free(&self) -> Option<u64> {
        let existing = self.root.ancestors().find(|path| path.exists())?;
        let disk = statvfs(existing).ok()?;
        disk.f_bavail.checked_mul(disk.f_frsize)
    }
}

impl From<crate::run::RunError> for HubError {
    fn from(error: crate::run::RunError) -> Self {
        match error {
            crate::run::RunError::Io {
                action,
                path,
                source,
            } => Self::Io {
                action,
                path,
                source,
            },
            other => Self::Io {
                action: "write",
                path: PathBuf::new(),
                source: io::Error::other(other),
            },
        }
    }
}

fn create_parent(path: &Path) -> Result<()> {
    let parent = crate::run::durable::parent_of(path);
    fs::create_dir_all(parent).map_err(HubError::io("create", parent))
}

#[cfg(unix)]
fn symlink(target: &Path, path: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, path)
}

#[cfg(not(unix))]
fn symlink(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
