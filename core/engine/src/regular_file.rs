//! Files of a model's directory, opened so that a wrong one is an error and nothing worse.
//!
//! A directory comes from a download, an archive or a shared disk, and a name in it can be anything: a pipe that keeps
//! its reader waiting for ever, a device without an end, a directory, a link to itself. What is opened here is a regular
//! file, and what is read into memory has a limit.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

const REMEDY: &str = "put the file in its place, or download or copy the model again";

/// Opens a regular file.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    // Before it is opened, because opening a pipe waits for somebody who writes.
    let kind = path.metadata()?.file_type();
    if kind.is_file() {
        return File::open(path);
    }
    let found = match kind.is_dir() {
        true => "a directory",
        false => "a pipe, socket or device",
    };
    Err(io::Error::new(
        io::ErrorKind::InvalidInput,
        format!("expected a regular file, found {found}; {REMEDY}"),
    ))
}

/// Reads a regular file of at most `limit` bytes.
pub(crate) fn read(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // Files of `/proc` and the like have no length and yet an end, or none.
    open(path)?.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("expected at most {} MiB, found more; {REMEDY}", limit >> 20),
        ));
    }
    Ok(bytes)
}

/// Reads a regular text file of at most `limit` bytes.
pub(crate) fn read_text(path: &Path, limit: u64) -> io::Result<String> {
    String::from_utf8(read(path, limit)?).map_err(|error| {
        let error = error.utf8_error();
        io::Error::new(
            io::ErrorKind::InvalidData,
            format!("expected UTF-8 text, found other bytes ({error}); {REMEDY}"),
        )
    })
}

/// What to do about an error of the operating system that says no more than its name.
pub(crate) fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => {
            "; see that the path is right and the download complete: a model's directory has config.json, *.safetensors \
             and tokenizer.json"
        }
        io::ErrorKind::PermissionDenied => "; give yourself the right to use it",
        io::ErrorKind::UnexpectedEof => "; the file ends early: download or copy it again",
        io::ErrorKind::StorageFull => "; free some room",
        // What `open` and `read` say themselves has its remedy in it.
        _ if error.raw_os_error().is_none() => "",
        _ => "; see that the file and its disk are in order",
    }
}
