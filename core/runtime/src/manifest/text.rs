//! A manifest's text from its file, or why there is none.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::diagnostic::Diagnostics;

/// A manifest is a page or two; this is far beyond, and keeps a device or a data set from being read as one.
const LARGEST_FILE: u64 = 4 << 20;

pub(super) const CHECK_PATH: &str = "give the path of a manifest, such as run.toml";

/// The whole text, if it is one.
pub(super) fn read_text(path: &Path) -> Result<String, Diagnostics> {
    let shown = path.display();
    let unreadable = |message: String| Diagnostics::unreadable(path, message, CHECK_PATH);
    let metadata = std::fs::metadata(path)
        .map_err(|error| unreadable(format!("cannot read {shown}: {error}")))?;
    if !metadata.is_file() {
        return Err(unreadable(format!("{shown} is not a regular file")));
    }
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(LARGEST_FILE + 1).read_to_end(&mut bytes))
        .map_err(|error| unreadable(format!("cannot read {shown}: {error}")))?;
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(unreadable(format!(
            "{shown} has more than {} MiB, which is no manifest",
            LARGEST_FILE >> 20
        )));
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..valid]
            .iter()
            .filter(|&&byte| byte == b'\n')
            .count()
            + 1;
        unreadable(format!(
            "{shown} is not UTF-8 text: line {line} has the first wrong byte, at offset {valid}"
        ))
    })
}
