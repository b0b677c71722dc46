//! Where a run's files lie, and the lock that keeps two processes from writing one run.
//!
//! The lock is the kernel's advisory lock on an open file, because it ends with the process however the
//! process ends: after `kill -9` there is no stale lock to remove by hand.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::durable::{self, OperatingSystem};
use super::error::RunError;

const LOCK_FILE: &str = ".lock";

/// The paths of a run. Reading them needs no lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunPaths {
    root: PathBuf,
}

impl RunPaths {
    /// The paths of the run at `root`, whether or not it exists.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The run directory itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The resolved manifest.
    pub fn manifest(&self) -> PathBuf {
        self.root.join("run.toml")
    }

    /// Which plugins, of which content, the run is bound to.
    pub fn plugin_lock(&self) -> PathBuf {
        self.root.join("farthing.lock")
    }

    /// One row a step; byte-equal from run to run on CPU.
    pub fn metrics(&self) -> PathBuf {
        self.root.join("metrics.jsonl")
    }

    /// The wall-clock figures of each step, which are never equal from run to run.
    pub fn timing(&self) -> PathBuf {
        self.root.join("timing.jsonl")
    }

    /// A directory of part files that read as one table.
    pub fn completions(&self) -> PathBuf {
        self.root.join("completions.parquet")
    }

    /// The directory of checkpoints.
    pub fn checkpoints(&self) -> PathBuf {
        self.root.join("checkpoints")
    }

    /// The log, as JSON lines.
    pub fn log(&self) -> PathBuf {
        self.root.join("log.jsonl")
    }

    /// The picture of the run.
    pub fn curves(&self) -> PathBuf {
        self.root.join("curves.png")
    }

    /// The self-contained report.
    pub fn report(&self) -> PathBuf {
        self.root.join("report.html")
    }
}

/// A run directory that this process, and no other, may write until the value is dropped.
#[derive(Debug)]
pub struct RunDirectory {
    paths: RunPaths,
    lock: File,
}

impl RunDirectory {
    /// Begins a run at `path`, creating it. Anything already there is an error, so that no run is ever
    /// overwritten by a forgotten `--out`.
    pub fn create(path: &Path) -> Result<Self, RunError> {
        fs::create_dir_all(path).map_err(RunError::io("create the run directory", path))?;
        let run = Self::lock(path)?;
        let entries = fs::read_dir(path).map_err(RunError::io("list", path))?;
        for entry in entries {
            let entry = entry.map_err(RunError::io("list", path))?;
            if entry.file_name() != LOCK_FILE {
                let found = entry.file_name().to_string_lossy().into_owned();
                return Err(RunError::NotEmpty {
                    path: path.to_path_buf(),
                    found,
                });
            }
        }
        Ok(run)
    }

    /// Goes on with the run at `path`.
    pub fn resume(path: &Path) -> Result<Self, RunError> {
        let paths = RunPaths::new(path);
        // A run that was killed as it began has no more than its lock, or nothing.
        let signs = [path.join(LOCK_FILE), paths.manifest(), paths.checkpoints()];
        let is_empty = || fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none());
        if !path.is_dir() || !(signs.iter().any(|sign| sign.exists()) || is_empty()) {
            return Err(RunError::NoRun {
                path: path.to_path_buf(),
            });
        }
        Self::lock(path)
    }

    /// Where everything lies.
    pub fn paths(&self) -> &RunPaths {
        &self.paths
    }

    /// Writes one of the run's small files (`run.toml`, `farthing.lock`, `report.html`) atomically.
    pub fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), RunError> {
        durable::replace_file(&OperatingSystem, path, bytes)
    }

    /// An empty directory for files that nobody needs after a while. What a killed process left in it is removed.
    pub fn scratch(&self) -> Result<Scratch, RunError> {
        let path = self.paths.root().join(".scratch");
        match fs::remove_dir_all(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(RunError::io("remove", &path)(error));
            }
            _ => {}
        }
        fs::create_dir(&path).map_err(RunError::io("create", &path))?;
        Ok(Scratch { path })
    }

    fn lock(path: &Path) -> Result<Self, RunError> {
        let lock_path = path.join(LOCK_FILE);
        let mut lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&lock_path)
            .map_err(RunError::io("open the lock", &lock_path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let owner = owner_of(&mut lock);
                return Err(RunError::Locked {
                    path: path.to_path_buf(),
                    owner,
                });
            }
            Err(TryLockError::Error(source)) => {
                return Err(RunError::io("lock", &lock_path)(source));
            }
        }
        sign(&mut lock).map_err(RunError::io("write the lock", &lock_path))?;
        Ok(Self {
            paths: RunPaths::new(path),
            lock,
        })
    }
}

/// A directory that is removed with this value.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
}

impl Scratch {
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.path) {
            tracing::warn!(path = %self.path.display(), %error, "scratch files stay behind");
        }
    }
}

impl Drop for RunDirectory {
    fn drop(&mut self) {
        // Closing the file is not enough: a worker process that is just being started may hold a copy of the
        // descriptor for an instant. If this fails, closing it has to do.
        let _ = self.lock.unlock();
    }
}

/// The name that the holder wrote into the lock file, for the message only: the lock does not depend on it.
fn owner_of(lock: &mut File) -> String {
    let mut text = String::new();
    match lock.read_to_string(&mut text) {
        Ok(_) if !text.trim().is_empty() => text.trim().to_string(),
        _ => "another process".to_string(),
    }
}

fn sign(lock: &mut File) -> io::Result<()> {
    lock.set_len(0)?;
    writeln!(lock, "process {}", std::process::id())
}
