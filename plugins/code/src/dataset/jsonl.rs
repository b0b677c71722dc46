//! JSON Lines: one object a line; empty lines do not count.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::Path,
};

use farthing_sdk::prelude::{Error, Result, serde_json};

use super::Row;

pub fn rows(path: &Path) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (index, line) in BufReader::new(File::open(path)?).lines().enumerate() {
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        let row = serde_json::from_str(&line)
            .map_err(|error| Error::from(error).context(format!("line {}", index + 1)))?;
        rows.push(row);
    }
    Ok(rows)
}
