//! Writing one checkpoint: files into a hidden directory, then a single rename.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;
use serde_json::Value;

use super::Checkpoints;
use super::manifest::{self, FileRecord, MANIFEST_FILE, Manifest};
use super::retention::{self, SET_ASIDE_MARK, TEMPORARY_PREFIX};
use super::search::VerifiedCheckpoint;
use crate::run::durable::{FileOperations, parent_of};
use crate::run::error::RunError;

impl Checkpoints {
    /// Begins the checkpoint `name`. Leftovers of dead writers are cleaned first, so that a run that is
    /// killed again and again does not fill the disk.
    ///
    /// One checkpoint is written at a time: leftovers under this process's own number count as dead too
    /// (in a container every run may have the same number).
    pub fn begin(&self, name: &str) -> Result<CheckpointWriter, RunError> {
        check_name(name)?;
        let files = &self.files;
        if !self.directory.is_dir() {
            files
                .create_directory(&self.directory)
                .map_err(RunError::io("create", &self.directory))?;
            let parent = parent_of(&self.directory);
            files
                .sync_directory(parent)
                .map_err(RunError::io("sync the directory", parent))?;
        }
        retention::clean_leftovers(files.as_ref(), &self.directory)?;
        let hidden = self
            .directory
            .join(format!("{TEMPORARY_PREFIX}{name}-{}", std::process::id()));
        files
            .create_directory(&hidden)
            .map_err(RunError::io("create", &hidden))?;
        Ok(CheckpointWriter {
            files: Arc::clone(files),
            directory: self.directory.clone(),
            name: name.to_string(),
            hidden,
            published: false,
        })
    }
}

/// A checkpoint that is being written. Dropping it without [`commit`](Self::commit) removes it.
pub struct CheckpointWriter {
    files: Arc<dyn FileOperations>,
    directory: PathBuf,
    name: String,
    hidden: PathBuf,
    published: bool,
}

impl CheckpointWriter {
    /// Where the files go until the checkpoint is published, for writers that make several at once.
    pub fn path(&self) -> &Path {
        &self.hidden
    }

    /// Writes one file by calling `write` with its path; directories in `file` are created.
    pub fn write<E>(
        &mut self,
        file: &str,
        write: impl FnOnce(&Path) -> Result<(), E>,
    ) -> Result<(), RunError>
    where
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        let bad = |why| RunError::BadName {
            what: "checkpoint file",
            name: file.to_string(),
            why,
        };
        if !manifest::is_inside(file) {
            return Err(bad("it must be a relative path without `..`"));
        }
        if file == MANIFEST_FILE {
            return Err(bad("that file is written by the checkpoint itself"));
        }
        let path = self.hidden.join(file);
        let parent = parent_of(&path);
        fs::create_dir_all(parent).map_err(RunError::io("create", parent))?;
        write(&path).map_err(|error| RunError::WriteCallback {
            checkpoint: self.name.clone(),
            file: file.to_string(),
            source: error.into(),
        })
    }

    /// Publishes the checkpoint. `identity` is the caller's JSON object; its whole number `step` orders
    /// checkpoints. A checkpoint of the same name is set aside, never overwritten.
    pub fn commit(mut self, identity: Value) -> Result<VerifiedCheckpoint, RunError> {
        let Some(step) = manifest::step_of(&identity) else {
            return Err(RunError::IdentityWithoutStep {
                checkpoint: self.name.clone(),
                found: identity.to_string(),
            });
        };
        let content = Content::list(&self.hidden)?;
        if content.files.is_empty() {
            return Err(RunError::EmptyCheckpoint {
                checkpoint: self.name.clone(),
            });
        }
        for file in &content.files {
            self.sync_file(&self.hidden.join(file))?;
        }
        let records = self.measure(&content.files)?;
        let manifest = Manifest::new(identity.clone(), records.clone());
        let text = manifest
            .sealed_text()
            .expect("a JSON value and a map of strings always serialise");
        let manifest_path = self.hidden.join(MANIFEST_FILE);
        self.files
            .write_file(&manifest_path, text.as_bytes())
            .map_err(RunError::io("write", &manifest_path))?;
        self.sync_file(&manifest_path)?;
        for directory in content.directories.iter().rev() {
            self.sync_directory(&self.hidden.join(directory))?;
        }
        self.sync_directory(&self.hidden)?;

        let path = self.directory.join(&self.name);
        self.set_aside_predecessor(&path)?;
        self.files
            .rename(&self.hidden, &path)
            .map_err(RunError::io("rename the finished checkpoint to", &path))?;
        self.published = true;
        self.sync_directory(&self.directory)?;
        Ok(VerifiedCheckpoint::just_written(
            path, step, identity, records,
        ))
    }

    fn measure(&self, files: &[String]) -> Result<BTreeMap<String, FileRecord>, RunError> {
        // Hashing is bound by the processor, and weights and moments are separate files.
        files
            .par_iter()
            .map(|file| {
                let path = self.hidden.join(file);
                let record = manifest::measure(&path).map_err(RunError::io("read back", &path))?;
                Ok((file.clone(), record))
            })
            .collect()
    }

    fn set_aside_predecessor(&self, path: &Path) -> Result<(), RunError> {
        let occupied = |path: &Path| fs::symlink_metadata(path).is_ok();
        if !occupied(path) {
            return Ok(());
        }
        let aside = (1u32..)
            .map(|number| {
                self.directory
                    .join(format!("{}{SET_ASIDE_MARK}{number}", self.name))
            })
            .find(|candidate| !occupied(candidate))
            .expect("a directory does not hold four billion entries");
        tracing::warn!(
            checkpoint = %path.display(),
            aside = %aside.display(),
            "a checkpoint of this name exists already; it is set aside"
        );
        self.files
            .rename(path, &aside)
            .map_err(RunError::io("set aside", path))
    }

    fn sync_file(&self, path: &Path) -> Result<(), RunError> {
        self.files
            .sync_file(path)
            .map_err(RunError::io("sync", path))
    }

    fn sync_directory(&self, path: &Path) -> Result<(), RunError> {
        self.files
            .sync_directory(path)
            .map_err(RunError::io("sync the directory", path))
    }
}

impl Drop for CheckpointWriter {
    fn drop(&mut self) {
        if self.published {
            return;
        }
        // Freed at once, because the usual reason to be here is a full disk.
        if let Err(error) = self.files.remove(&self.hidden)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(path = %self.hidden.display(), %error, "an unfinished checkpoint stays behind");
        }
    }
}

/// The files and directories under a checkpoint, parents before children, names with `/`.
struct Content {
    files: Vec<String>,
    directories: Vec<String>,
}

impl Content {
    fn list(root: &Path) -> Result<Self, RunError> {
        let mut content = Self {
            files: Vec::new(),
            directories: Vec::new(),
        };
        content.walk(root, "")?;
        content.files.sort();
        Ok(content)
    }

    fn walk(&mut self, root: &Path, inside: &str) -> Result<(), RunError> {
        let directory = root.join(inside);
        for entry in fs::read_dir(&directory).map_err(RunError::io("list", &directory))? {
            let entry = entry.map_err(RunError::io("list", &directory))?;
            let kind = entry
                .file_type()
                .map_err(RunError::io("look at", &entry.path()))?;
            let name = entry
                .file_name()
                .into_string()
                .map_err(|name| RunError::BadName {
                    what: "checkpoint file",
                    name: name.to_string_lossy().into_owned(),
                    why: "it must be UTF-8",
                })?;
            let name = if inside.is_empty() {
                name
            } else {
                format!("{inside}/{name}")
            };
            if kind.is_dir() {
                self.directories.push(name.clone());
                self.walk(root, &name)?;
            } else if !kind.is_file() {
                return Err(RunError::NotRegular { path: entry.path() });
            } else if name == MANIFEST_FILE {
                let why = "that file is written by the checkpoint itself";
                return Err(RunError::BadName {
                    what: "checkpoint file",
                    name,
                    why,
                });
            } else {
                self.files.push(name);
            }
        }
        Ok(())
    }
}

fn check_name(name: &str) -> Result<(), RunError> {
    let bad = |why| {
        Err(RunError::BadName {
            what: "checkpoint",
            name: name.to_string(),
            why,
        })
    };
    if name.is_empty() || name.starts_with('.') {
        return bad("it must not be empty or begin with a dot");
    }
    if !name
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
    {
        return bad("use letters, digits, `-`, `_` and `.`");
    }
    if name.contains(SET_ASIDE_MARK) {
        return bad("`.superseded-` marks checkpoints that were set aside");
    }
    Ok(())
}
