//! An append-only file of JSON lines that remembers its length.
//!
//! A checkpoint stores [`position`](JsonLinesFile::position); resuming cuts the file there, which drops
//! the rows of steps that will be done again and any line that a kill tore. That is what makes the file
//! of an interrupted run byte-equal to that of an undisturbed one.

use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::durable::{FileOperations, OperatingSystem, parent_of};
use super::error::RunError;

/// See the module.
#[derive(Debug)]
pub struct JsonLinesFile {
    path: PathBuf,
    file: File,
    length: u64,
}

impl JsonLinesFile {
    /// Opens the file at `path` with exactly its first `position` bytes; 0 begins it anew.
    pub fn open_at(path: &Path, position: u64) -> Result<Self, RunError> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(position == 0)
            .truncate(false)
            .open(path)
            .map_err(RunError::io("open", path))?;
        let mut opened = Self {
            path: path.to_path_buf(),
            file,
            length: 0,
        };
        opened.truncate_to(position)?;
        if position == 0 {
            let directory = parent_of(path);
            OperatingSystem
                .sync_directory(directory)
                .map_err(RunError::io("sync the directory", directory))?;
        }
        Ok(opened)
    }

    /// Appends one line, which holds no line break of its own. It reaches the operating system before
    /// this returns, so that `kill -9` loses no finished row.
    pub fn append(&mut self, line: &str) -> Result<(), RunError> {
        debug_assert!(!line.contains('\n'), "a row is one line");
        let bytes = [line.as_bytes(), b"\n"].concat();
        if let Err(error) = self.file.write_all(&bytes) {
            // A full disk may have taken half of the line; rows after it must not be glued to the stump.
            let _ = self.file.set_len(self.length);
            let _ = self.file.seek(SeekFrom::Start(self.length));
            return Err(RunError::io("append to", &self.path)(error));
        }
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// The length so far, for a checkpoint. Everything before it is on the disk when this returns.
    pub fn position(&mut self) -> Result<u64, RunError> {
        self.file
            .sync_data()
            .map_err(RunError::io("sync", &self.path))?;
        Ok(self.length)
    }

    /// Drops everything after `position`, a value that [`position`](Self::position) gave.
    pub fn truncate_to(&mut self, position: u64) -> Result<(), RunError> {
        let found = self
            .file
            .metadata()
            .map_err(RunError::io("look at", &self.path))?
            .len();
        if found < position {
            return Err(RunError::LogTooShort {
                path: self.path.clone(),
                expected: position,
                found,
            });
        }
        if let Some(last) = position.checked_sub(1) {
            let mut byte = [0u8];
            self.file
                .read_exact_at(&mut byte, last)
                .map_err(RunError::io("read", &self.path))?;
            if byte != *b"\n" {
                return Err(RunError::LogEdited {
                    path: self.path.clone(),
                    position,
                });
            }
        }
        if found > position {
            self.file
                .set_len(position)
                .map_err(RunError::io("cut", &self.path))?;
            self.file
                .sync_all()
                .map_err(RunError::io("sync", &self.path))?;
        }
        self.file
            .seek(SeekFrom::Start(position))
            .map_err(RunError::io("seek in", &self.path))?;
        self.length = position;
        Ok(())
    }
}

/// The whole lines of a JSON lines file. A last line without its line break was torn by a kill, or is
/// still being written; it is left out.
pub fn whole_lines(text: &str) -> impl Iterator<Item = &str> {
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.split('\n').filter(|line| !line.is_empty())
}
