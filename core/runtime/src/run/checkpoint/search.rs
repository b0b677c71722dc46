//! Finding the newest checkpoint that is whole, and saying why newer ones were passed over.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde_json::Value;

use super::Checkpoints;
use super::manifest::{self, CheckpointFault, FileRecord, Manifest};
use super::retention::SET_ASIDE_MARK;
use crate::run::error::RunError;

/// What a search found.
#[derive(Debug)]
pub struct CheckpointSearch {
    /// The newest checkpoint whose every byte agrees with its manifest.
    pub newest: Option<VerifiedCheckpoint>,
    /// What was passed over on the way to it. Left on disk as it is.
    pub skipped: Vec<SkippedCheckpoint>,
}

/// A checkpoint that does not hold.
#[derive(Debug)]
pub struct SkippedCheckpoint {
    /// Its directory.
    pub path: PathBuf,
    /// What is wrong with it.
    pub fault: CheckpointFault,
}

/// A checkpoint whose files were compared with its manifest.
#[derive(Debug, Clone)]
pub struct VerifiedCheckpoint {
    path: PathBuf,
    step: u64,
    identity: Value,
    files: BTreeMap<String, FileRecord>,
}

impl VerifiedCheckpoint {
    /// Verifies the checkpoint at `path`, for the one that a person names.
    pub fn open(path: &Path) -> Result<Self, RunError> {
        verify(path).map_err(|fault| RunError::UnfitCheckpoint {
            path: path.to_path_buf(),
            fault,
        })
    }

    /// Its directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The number that orders checkpoints.
    pub fn step(&self) -> u64 {
        self.step
    }

    /// What its writer said about it.
    pub fn identity(&self) -> &Value {
        &self.identity
    }

    /// The files that belong to it. Others that lie in its directory were not verified.
    pub fn files(&self) -> &BTreeMap<String, FileRecord> {
        &self.files
    }

    /// The path of one of its files.
    pub fn file(&self, name: &str) -> Result<PathBuf, RunError> {
        if self.files.contains_key(name) {
            return Ok(self.path.join(name));
        }
        Err(RunError::NoSuchCheckpointFile {
            path: self.path.clone(),
            file: name.to_string(),
            present: self.files.keys().cloned().collect(),
        })
    }

    pub(super) fn just_written(
        path: PathBuf,
        step: u64,
        identity: Value,
        files: BTreeMap<String, FileRecord>,
    ) -> Self {
        Self {
            path,
            step,
            identity,
            files,
        }
    }
}

impl Checkpoints {
    /// Finds the newest whole checkpoint. A missing directory means that there is none yet.
    pub fn newest(&self) -> Result<CheckpointSearch, RunError> {
        let (mut candidates, mut skipped) = self.candidates()?;
        candidates.sort_by(|a, b| b.step.cmp(&a.step).then_with(|| a.rank().cmp(&b.rank())));
        let mut newest = None;
        for candidate in candidates {
            match verify(&candidate.path) {
                Ok(verified) => {
                    newest = Some(verified);
                    break;
                }
                Err(fault) => skipped.push(SkippedCheckpoint {
                    path: candidate.path,
                    fault,
                }),
            }
        }
        for SkippedCheckpoint { path, fault } in &skipped {
            tracing::warn!(checkpoint = %path.display(), reason = %fault, "checkpoint skipped");
        }
        Ok(CheckpointSearch { newest, skipped })
    }

    /// Every visible directory, with its order if the manifest can be read.
    pub(super) fn candidates(&self) -> Result<(Vec<Candidate>, Vec<SkippedCheckpoint>), RunError> {
        let mut candidates = Vec::new();
        let mut skipped = Vec::new();
        let entries = match fs::read_dir(&self.directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok((candidates, skipped));
            }
            Err(error) => return Err(RunError::io("list", &self.directory)(error)),
        };
        for entry in entries {
            let entry = entry.map_err(RunError::io("list", &self.directory))?;
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with('.') || !path.is_dir() {
                continue;
            }
            match Manifest::read(&path) {
                Ok(manifest) => {
                    let step = manifest
                        .step()
                        .expect("a manifest that was read has its ordering number");
                    candidates.push(Candidate {
                        path,
                        name,
                        step,
                        manifest,
                    });
                }
                Err(fault) => skipped.push(SkippedCheckpoint { path, fault }),
            }
        }
        skipped.sort_by(|a, b| a.path.cmp(&b.path));
        Ok((candidates, skipped))
    }
}

/// A directory whose manifest can be read.
pub(super) struct Candidate {
    pub path: PathBuf,
    pub name: String,
    pub step: u64,
    pub manifest: Manifest,
}

impl Candidate {
    /// Among equals in `step`, one that was set aside comes last.
    fn rank(&self) -> (bool, &str) {
        (self.is_set_aside(), &self.name)
    }

    pub fn is_set_aside(&self) -> bool {
        self.name.contains(SET_ASIDE_MARK)
    }

    /// Whether the files have the right sizes, which is cheap to ask.
    pub fn looks_whole(&self) -> bool {
        self.manifest
            .files
            .iter()
            .all(|(file, record)| check_size(&self.path, file, record).is_ok())
    }
}

fn verify(path: &Path) -> Result<VerifiedCheckpoint, CheckpointFault> {
    let manifest = Manifest::read(path)?;
    let step = manifest
        .step()
        .expect("a manifest that was read has its ordering number");
    // Sizes first: they tell of truncation without reading gigabytes.
    for (file, record) in &manifest.files {
        check_size(path, file, record)?;
    }
    manifest
        .files
        .par_iter()
        .try_for_each(|(file, record)| check_content(path, file, record))?;
    Ok(VerifiedCheckpoint {
        path: path.to_path_buf(),
        step,
        identity: manifest.identity,
        files: manifest.files,
    })
}

fn check_size(checkpoint: &Path, file: &str, record: &FileRecord) -> Result<(), CheckpointFault> {
    let found = match fs::metadata(checkpoint.join(file)) {
        Ok(metadata) => metadata.len(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(CheckpointFault::MissingFile {
                file: file.to_string(),
            });
        }
        Err(source) => {
            return Err(CheckpointFault::Unreadable {
                file: file.to_string(),
                source,
            });
        }
    };
    if found == record.bytes {
        return Ok(());
    }
    Err(CheckpointFault::WrongSize {
        file: file.to_string(),
        expected: record.bytes,
        found,
    })
}

fn check_content(
    checkpoint: &Path,
    file: &str,
    record: &FileRecord,
) -> Result<(), CheckpointFault> {
    let found = manifest::measure(&checkpoint.join(file)).map_err(|source| {
        CheckpointFault::Unreadable {
            file: file.to_string(),
            source,
        }
    })?;
    if found.sha256 == record.sha256 {
        return Ok(());
    }
    Err(CheckpointFault::WrongHash {
        file: file.to_string(),
        expected: record.sha256.clone(),
        found: found.sha256,
    })
}
