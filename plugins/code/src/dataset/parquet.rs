//! Parquet, as the hub serves data sets.

use std::{fs::File, path::Path};

use farthing_sdk::prelude::{Error, Result, Value as Json};
use parquet::file::reader::{FileReader, SerializedFileReader};

use super::Row;

pub fn rows(path: &Path) -> Result<Vec<Row>> {
    let reader = SerializedFileReader::new(File::open(path)?)?;
    let mut rows = Vec::new();
    for (index, row) in reader.get_row_iter(None)?.enumerate() {
        let row = row.map_err(|error| Error::from(error).context(format!("row {index}")))?;
        match row.to_json_value() {
            Json::Object(columns) => rows.push(columns),
            other => return Err(Error::new(format!("row {index} is no record but {other}"))),
        }
    }
    Ok(rows)
}
