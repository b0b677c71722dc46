//! `manifest.json`: what a checkpoint consists of, and how a reader knows that all of it is there.
//!
//! The manifest carries a seal, the SHA-256 of its own text with the seal's digits read as zeros, because
//! a flipped digit in `step` would otherwise go unnoticed. Hashing the text, not the parsed value, keeps
//! the check independent of how a JSON library prints numbers.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Component, Path};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// Written last, so that a directory that has one is whole.
pub const MANIFEST_FILE: &str = "manifest.json";

pub(super) const FORMAT: u32 = 1;
const ORDERING_KEY: &str = "step";
const SEAL_DIGITS: usize = 64;

/// Size and sum of one file of a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRecord {
    /// Length in bytes.
    pub bytes: u64,
    /// SHA-256 in lower-case hexadecimal digits.
    pub sha256: String,
}

/// Why a directory is not a usable checkpoint.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointFault {
    /// The manifest is not there: the writer never finished, or it was deleted.
    #[error("it has no {MANIFEST_FILE}")]
    NoManifest,
    /// The manifest is there but is not one.
    #[error("its {MANIFEST_FILE} cannot be read: {why}")]
    UnreadableManifest {
        /// The reader's word.
        why: String,
    },
    /// The manifest was altered after it was written.
    #[error("its {MANIFEST_FILE} was altered: the seal does not match its text")]
    BrokenSeal,
    /// A later version of the format.
    #[error("its format is {found}, and this version reads up to {FORMAT}; use a newer farthing")]
    NewerFormat {
        /// The version it names.
        found: u32,
    },
    /// A listed file is absent.
    #[error("`{file}` is missing")]
    MissingFile {
        /// Name inside the checkpoint.
        file: String,
    },
    /// A listed file has another length.
    #[error("`{file}` has {found} bytes instead of {expected}")]
    WrongSize {
        /// Name inside the checkpoint.
        file: String,
        /// Bytes in the manifest.
        expected: u64,
        /// Bytes on disk.
        found: u64,
    },
    /// A listed file has other content.
    #[error("`{file}` was altered: its SHA-256 is {found} instead of {expected}")]
    WrongHash {
        /// Name inside the checkpoint.
        file: String,
        /// Sum in the manifest.
        expected: String,
        /// Sum on disk.
        found: String,
    },
    /// The operating system would not let us look.
    #[error("`{file}` cannot be read: {source}")]
    Unreadable {
        /// Name inside the checkpoint.
        file: String,
        /// The operating system's word.
        source: io::Error,
    },
}

/// The parsed manifest. The seal comes first so that its digits have a fixed place in the text.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    seal: String,
    pub format: u32,
    pub identity: Value,
    pub files: BTreeMap<String, FileRecord>,
}

impl Manifest {
    pub fn new(identity: Value, files: BTreeMap<String, FileRecord>) -> Self {
        Self {
            seal: "0".repeat(SEAL_DIGITS),
            format: FORMAT,
            identity,
            files,
        }
    }

    /// The text to write, sealed.
    pub fn sealed_text(&self) -> serde_json::Result<String> {
        let blank = Self {
            seal: "0".repeat(SEAL_DIGITS),
            ..self.clone()
        };
        let text = serde_json::to_string_pretty(&blank)? + "\n";
        let seal = hex::encode(Sha256::digest(text.as_bytes()));
        Ok(text.replacen(&blank.seal, &seal, 1))
    }

    /// Reads the manifest of a checkpoint and checks its seal, not yet the files.
    pub fn read(checkpoint: &Path) -> Result<Self, CheckpointFault> {
        let bytes = match std::fs::read(checkpoint.join(MANIFEST_FILE)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(CheckpointFault::NoManifest);
            }
            Err(source) => {
                return Err(CheckpointFault::Unreadable {
                    file: MANIFEST_FILE.to_string(),
                    source,
                });
            }
        };
        let unreadable = |why: String| CheckpointFault::UnreadableManifest { why };
        let text = String::from_utf8(bytes).map_err(|error| unreadable(error.to_string()))?;
        // The version is looked at alone first: a later format may have other fields.
        let format = serde_json::from_str::<FormatOnly>(&text)
            .map_err(|error| unreadable(error.to_string()))?
            .format;
        if format > FORMAT {
            return Err(CheckpointFault::NewerFormat { found: format });
        }
        let manifest: Self =
            serde_json::from_str(&text).map_err(|error| unreadable(error.to_string()))?;
        let blank = text.replacen(&manifest.seal, &"0".repeat(SEAL_DIGITS), 1);
        if manifest.seal.len() != SEAL_DIGITS
            || hex::encode(Sha256::digest(blank.as_bytes())) != manifest.seal
        {
            return Err(CheckpointFault::BrokenSeal);
        }
        if let Some(file) = manifest.files.keys().find(|file| !is_inside(file)) {
            return Err(unreadable(format!(
                "it lists `{file}`, which is outside the checkpoint"
            )));
        }
        if manifest.step().is_none() {
            return Err(unreadable(format!(
                "its identity has no whole number `{ORDERING_KEY}`"
            )));
        }
        Ok(manifest)
    }

    /// The number that orders checkpoints.
    pub fn step(&self) -> Option<u64> {
        step_of(&self.identity)
    }
}

/// The number in an identity that orders checkpoints.
pub(super) fn step_of(identity: &Value) -> Option<u64> {
    identity.get(ORDERING_KEY).and_then(Value::as_u64)
}

/// Whether a name stays inside the checkpoint: no root, no `..`.
pub(super) fn is_inside(file: &str) -> bool {
    let mut parts = Path::new(file).components().peekable();
    parts.peek().is_some() && parts.all(|part| matches!(part, Component::Normal(_)))
}

/// Measures a file by reading all of it.
pub(super) fn measure(path: &Path) -> io::Result<FileRecord> {
    const CHUNK: usize = 1 << 20;
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut chunk = vec![0u8; CHUNK];
    let mut bytes = 0u64;
    loop {
        let read = match file.read(&mut chunk) {
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if read == 0 {
            return Ok(FileRecord {
                bytes,
                sha256: hex::encode(hasher.finalize()),
            });
        }
        hasher.update(&chunk[..read]);
        bytes += read as u64;
    }
}

#[derive(Deserialize)]
struct FormatOnly {
    format: u32,
}
