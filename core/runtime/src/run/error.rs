//! What can go wrong with a run's files. Every message names the path, what was found and the remedy.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

use super::checkpoint::CheckpointFault;

/// An error of the run directory.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The operating system refused an operation.
    #[error("cannot {action} `{}`: {source}", path.display())]
    Io {
        /// What was tried, as a verb: "write", "rename".
        action: &'static str,
        /// The file or directory concerned.
        path: PathBuf,
        /// The operating system's word.
        source: io::Error,
    },

    /// A new run was asked for where files already are.
    #[error(
        "`{}` is not empty (it holds `{found}`): if that is a run, go on with it by --resume; to begin a new one, choose another --out or delete the directory",
        path.display()
    )]
    NotEmpty {
        /// The directory.
        path: PathBuf,
        /// One of the entries that are in the way.
        found: String,
    },

    /// A run was to be resumed where none is.
    #[error("there is no run at `{}` to resume; leave --resume out to begin one", path.display())]
    NoRun {
        /// The directory that does not exist.
        path: PathBuf,
    },

    /// Another process holds the lock of the run.
    #[error("`{}` is being written by {owner}; stop it first, or choose another --out", path.display())]
    Locked {
        /// The run directory.
        path: PathBuf,
        /// Who wrote its name into the lock file.
        owner: String,
    },

    /// A checkpoint or file name that cannot be used.
    #[error("`{name}` cannot name a {what}: {why}")]
    BadName {
        /// "checkpoint" or "checkpoint file".
        what: &'static str,
        /// The name as given.
        name: String,
        /// The rule that it breaks.
        why: &'static str,
    },

    /// The caller's function that writes a file of the checkpoint failed.
    #[error(
        "cannot write `{file}` of checkpoint `{checkpoint}`: {source}; the checkpoint was not published"
    )]
    WriteCallback {
        /// The checkpoint's name.
        checkpoint: String,
        /// The file's name inside the checkpoint.
        file: String,
        /// The caller's error.
        source: Box<dyn Error + Send + Sync>,
    },

    /// The identity of a checkpoint lacks the number that orders checkpoints.
    #[error(
        "the identity of checkpoint `{checkpoint}` has no whole number `step`, which orders checkpoints; found {found}"
    )]
    IdentityWithoutStep {
        /// The checkpoint's name.
        checkpoint: String,
        /// The identity as given.
        found: String,
    },

    /// A checkpoint with nothing in it.
    #[error("checkpoint `{checkpoint}` has no files; write at least one before publishing it")]
    EmptyCheckpoint {
        /// The checkpoint's name.
        checkpoint: String,
    },

    /// A link, socket or device inside a checkpoint.
    #[error("`{}` is neither a regular file nor a directory; a checkpoint holds only those", path.display())]
    NotRegular {
        /// The odd entry.
        path: PathBuf,
    },

    /// A checkpoint that was asked for by name does not hold.
    #[error("checkpoint `{}` cannot be used: {fault}", path.display())]
    UnfitCheckpoint {
        /// The checkpoint's directory.
        path: PathBuf,
        /// What is wrong with it.
        fault: CheckpointFault,
    },

    /// A file that is not part of a checkpoint was asked for.
    #[error("checkpoint `{}` has no file `{file}`; it has {}", path.display(), present.join(", "))]
    NoSuchCheckpointFile {
        /// The checkpoint's directory.
        path: PathBuf,
        /// The file asked for.
        file: String,
        /// The files it lists.
        present: Vec<String>,
    },

    /// A log file is shorter than the checkpoint says it was.
    #[error(
        "`{}` has {found} bytes, but the checkpoint was written when it had {expected}; \
         it was cut or replaced since, so resuming cannot give the same file: restore it or begin a new run",
        path.display()
    )]
    LogTooShort {
        /// The log file.
        path: PathBuf,
        /// Bytes at the time of the checkpoint.
        expected: u64,
        /// Bytes now.
        found: u64,
    },

    /// The remembered position is not the end of a row.
    #[error(
        "byte {position} of `{}` is not the end of a row, as it was when the checkpoint was written; \
         the file was edited since: restore it or begin a new run",
        path.display()
    )]
    LogEdited {
        /// The log file.
        path: PathBuf,
        /// The position that the checkpoint remembers.
        position: u64,
    },

    /// A row of a log cannot be read.
    #[error("line {line} of `{}` is not a metrics row: {why}", path.display())]
    BadRow {
        /// The log file.
        path: PathBuf,
        /// Counted from one.
        line: usize,
        /// The reader's word.
        why: String,
    },

    /// A completion row names a reward that the table has no column for.
    #[error("no column for reward `{reward}` in the completions table; its rewards are {}", known.join(", "))]
    UnknownReward {
        /// The reward's name.
        reward: String,
        /// The rewards given when the table was opened.
        known: Vec<String>,
    },

    /// Two rewards share a name.
    #[error(
        "reward `{reward}` is listed twice; each column of the completions table needs its own name"
    )]
    DuplicateReward {
        /// The reward's name.
        reward: String,
    },

    /// The parquet writer refused the rows.
    #[error("cannot encode the completions of step {step}: {source}")]
    Encode {
        /// The last step of the part.
        step: u64,
        /// The parquet crate's word.
        source: Box<dyn Error + Send + Sync>,
    },

    /// The picture could not be drawn.
    #[error("cannot draw `{}`: {why}", path.display())]
    Draw {
        /// The picture.
        path: PathBuf,
        /// The drawing crate's word.
        why: String,
    },

    /// A second logger in one process.
    #[error("the log was already set up in this process: {why}")]
    LogAlreadyStarted {
        /// The subscriber's word.
        why: String,
    },

    /// A log filter that cannot be parsed.
    #[error(
        "cannot read FARTHING_LOG=`{filter}`: {why}; use e.g. `debug` or `farthing=debug,info`"
    )]
    BadLogFilter {
        /// The filter as given.
        filter: String,
        /// The parser's word.
        why: String,
    },
}

impl RunError {
    /// Turns an operating system error into one that says what was tried on which path.
    pub fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> RunError {
        let path = path.to_path_buf();
        move |source| RunError::Io {
            action,
            path,
            source,
        }
    }
}
