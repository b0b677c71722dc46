//! Data sets from files: rows of named columns, whatever the format.

mod jsonl;
mod parquet;

use std::path::Path;

use farthing_sdk::prelude::{Error, Result, Value as Json, serde_json};

/// One row: the columns by name.
pub type Row = serde_json::Map<String, Json>;

/// All rows of a file, in its order.
///
/// # Errors
/// Names the file, and the line or row that cannot be read.
pub fn rows(path: &Path) -> Result<Vec<Row>> {
    let read =
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("jsonl" | "ndjson") => jsonl::rows(path),
            Some("parquet") => parquet::rows(path),
            _ => Err(Error::new("unknown format")
                .help("expected a file that ends in .jsonl or .parquet")),
        };
    let rows = read.map_err(|error| error.context(format!("data set {}", path.display())))?;
    match rows.is_empty() {
        true => Err(Error::new(format!(
            "data set {} has no rows",
            path.display()
        ))),
        false => Ok(rows),
    }
}
