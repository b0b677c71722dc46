//! The rows of a file, whatever its format, one at a time.

use std::{fs::File, path::Path};

use farthing_sdk::prelude::*;

use crate::{Place, Row, jsonl::Lines, parquet::Records};

/// The rows of a file, in its order.
pub struct Rows<'a> {
    file: &'a Path,
    format: Format,
    /// Nothing has come yet.
    empty: bool,
    /// The last row has come, or an error, behind which nothing can be relied upon.
    ended: bool,
}

enum Format {
    JsonLines(Lines),
    Parquet(Records),
}

/// Opens a file; what it is follows from how its name ends.
///
/// # Errors
/// When it cannot be opened, or its name says no known format. Each row may be an error as
/// well: where it cannot be read or is no record, and one at the end of a file without any
/// rows, because nobody means such a file: it is what remains of a copy that failed.
pub fn rows(file: &Path) -> Result<Rows<'_>> {
    let extension = file.extension().and_then(|extension| extension.to_str());
    let format = match extension {
        Some("jsonl" | "ndjson") => Format::JsonLines(Lines::new(opened(file)?)),
        Some("parquet") => Format::Parquet(Records::new(opened(file)?, file)?),
        _ => {
            return Err(Error::new(format!(
                "{}: expected a name that ends in .jsonl or .parquet",
                file.display()
            ))
            .help("convert a JSON list with `jq -c '.[]' data.json > data.jsonl`"));
        }
    };
    Ok(Rows {
        file,
        format,
        empty: true,
        ended: false,
    })
}

fn opened(file: &Path) -> Result<File> {
    File::open(file).map_err(|error| {
        Error::new(format!("{}: cannot be opened: {error}", file.display())).help(format!(
            "paths are relative to the directory in which farthing runs, {}",
            std::env::current_dir()
                .map_or("which is gone".into(), |path| path.display().to_string())
        ))
    })
}

impl<'a> Iterator for Rows<'a> {
    type Item = Result<Row<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let file = self.file;
        let (place, columns) = match &mut self.format {
            Format::JsonLines(lines) => {
                let columns = lines.next();
                let number = lines.number();
                (Place::Line { file, number }, columns)
            }
            Format::Parquet(records) => {
                let columns = records.next();
                let number = records.number();
                (Place::Row { file, number }, columns)
            }
        };
        let next = match columns {
            Some(Ok(columns)) => Some(Ok(Row { place, columns })),
            Some(Err(error)) => Some(Err(error.at(&place))),
            None if self.empty => Some(Err(no_rows(file))),
            None => None,
        };
        self.empty = false;
        self.ended = !matches!(next, Some(Ok(_)));
        next
    }
}

fn no_rows(file: &Path) -> Error {
    Error::new(format!("{}: has no rows", file.display()))
        .help("see whether the file was copied whole")
}

/// Why a row could not be read, before it is said where.
pub struct Unread {
    pub why: String,
    pub help: &'static str,
}

impl Unread {
    fn at(self, place: &Place<'_>) -> Error {
        Error::new(format!("{place}: {}", self.why)).help(self.help)
    }
}
