//! Which files are tried: those named, and the plugins among the libraries of the searched directories.
//!
//! A directory may hold libraries that are no plugins, such as those a plugin links to. They are passed over, but not
//! forgotten: [`SkippedFile`] says why, for the person who wonders where a plugin is.

use std::{
    env::consts::{DLL_PREFIX, DLL_SUFFIX},
    fs::{self, File},
    io::{self, Read, Seek},
    path::{Path, PathBuf},
};

use farthing_abi::DESCRIPTOR_SECTION;
use object::{Object, ReadCache};

use super::{
    load_error::{LoadError, LoadFault},
    preflight::looks_native,
};

/// A library in a searched directory that was not loaded, without being an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkippedFile {
    pub file: PathBuf,
    /// The plugin's name, if it is one.
    pub plugin: Option<String>,
    pub why: String,
}

/// What a search found.
#[derive(Default)]
pub(super) struct Candidates {
    /// In the order in which they are tried.
    pub files: Vec<Candidate>,
    pub skipped: Vec<SkippedFile>,
    pub errors: Vec<LoadError>,
}

/// A file to be tried.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub path: PathBuf,
    /// Named by the user, not found in a directory.
    pub named: bool,
}

/// Files by name first, then those of each directory by file name.
pub(super) fn candidates(directories: &[PathBuf], files: &[PathBuf]) -> Candidates {
    let mut found = Candidates::default();
    for path in files {
        found.files.push(Candidate {
            path: path.clone(),
            named: true,
        });
    }
    for directory in directories {
        if let Err(error) = search(directory, &mut found) {
            found.errors.push(LoadError {
                file: directory.clone(),
                fault: LoadFault::Directory {
                    why: error.to_string(),
                },
            });
        }
    }
    found
}

fn search(directory: &Path, found: &mut Candidates) -> io::Result<()> {
    let mut names = Vec::new();
    for entry in fs::read_dir(directory)? {
        names.push(entry?.file_name());
    }
    names.sort();
    for name in names {
        let text = name.to_string_lossy();
        if !text.starts_with(DLL_PREFIX) || !text.ends_with(DLL_SUFFIX) {
            continue;
        }
        let path = directory.join(&name);
        match first_look(&path) {
            Ok(Look::Candidate) => found.files.push(Candidate { path, named: false }),
            Ok(Look::Other(why)) => skip(path, why.into(), found),
            Err(error) => skip(path, error.to_string(), found),
        }
    }
    Ok(())
}

fn skip(file: PathBuf, why: String, found: &mut Candidates) {
    tracing::debug!(file = %file.display(), why, "not a plugin; skipped");
    found.skipped.push(SkippedFile {
        file,
        plugin: None,
        why,
    });
}

enum Look {
    /// A plugin, or something that may have been one.
    Candidate,
    Other(&'static str),
}

/// Reads the headers alone, because libraries that are no plugins can be gigabytes.
fn first_look(path: &Path) -> io::Result<Look> {
    if !fs::metadata(path)?.is_file() {
        return Ok(Look::Other("not a regular file"));
    }
    let mut file = File::open(path)?;
    let mut head = Vec::new();
    file.by_ref().take(16).read_to_end(&mut head)?;
    file.rewind()?;
    if !looks_native(&head) {
        return Ok(Look::Other("not a library of this machine"));
    }
    let cache = ReadCache::new(file);
    Ok(match object::File::parse(&cache) {
        Ok(library) if library.section_by_name(DESCRIPTOR_SECTION).is_some() => Look::Candidate,
        Ok(_) => Look::Other("a library without a plugin descriptor"),
        // A library whose headers cannot be read is a damaged one, and nobody can tell any more what it was. Better
        // an error about it than a plugin that is missing without a word.
        Err(_) => Look::Candidate,
    })
}
