//! Checkpoints that are complete or invisible.
//!
//! A run can die at any instruction: by a signal, a full disk, a power cut. So a checkpoint is written
//! into a hidden directory, each file is synced, a manifest with sizes and SHA-256 sums is written last,
//! and one rename makes the whole visible. The loader believes nothing: it walks from the newest, checks
//! every byte against the manifest, and says why it passed one over. Nothing that it passed over is ever
//! deleted, because a damaged checkpoint may be all that is left to somebody.
//!
//! Order comes from the number `step` in each manifest, not from file times, which copying changes.
//! `step` counts over the whole run, so that the checkpoints of all stages form one sequence.

mod manifest;
mod retention;
mod search;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::durable::{FileOperations, OperatingSystem};

pub use manifest::{CheckpointFault, FileRecord, MANIFEST_FILE};
pub use search::{CheckpointSearch, SkippedCheckpoint, VerifiedCheckpoint};
pub use writer::CheckpointWriter;

/// The checkpoints of one run.
#[derive(Clone)]
pub struct Checkpoints {
    directory: PathBuf,
    files: Arc<dyn FileOperations>,
}

impl Checkpoints {
    /// The checkpoints in `directory`, which is created with the first one.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self::with_file_operations(directory, Arc::new(OperatingSystem))
    }

    /// The same, with the file operations replaced: the seam for fault tests.
    pub fn with_file_operations(
        directory: impl Into<PathBuf>,
        files: Arc<dyn FileOperations>,
    ) -> Self {
        Self {
            directory: directory.into(),
            files,
        }
    }

    /// Where they lie.
    pub fn directory(&self) -> &Path {
        &self.directory
    }
}

/// The usual name of the checkpoint after `step` steps: `step-000100`.
pub fn step_name(step: u64) -> String {
    format!("step-{step:06}")
}
