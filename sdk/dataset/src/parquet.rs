//! Parquet, as the hub serves data sets.
//!
//! It is read by its row interface, because that knows nested values, and texts cost more to
//! judge than to read.

use std::{fs::File, path::Path};

use farthing_sdk::prelude::*;
use parquet::{
    file::serialized_reader::SerializedFileReader,
    record::{Field, Row, reader::RowIter},
};

use crate::rows::Unread;

/// The records of a file, row by row.
pub struct Records {
    rows: RowIter<'static>,
    number: usize,
}

impl Records {
    /// # Errors
    /// When the file is broken, or packed in a way that is not known here.
    pub fn new(file: File, path: &Path) -> Result<Self> {
        let reader = SerializedFileReader::new(file).map_err(|error| {
            Error::new(format!(
                "{}: cannot be read as parquet: {error}",
                path.display()
            ))
            .help("see whether the file was copied whole, and is no pointer of git-lfs")
        })?;
        Ok(Self {
            rows: reader.into_iter(),
            number: 0,
        })
    }

    /// Which row was read last, from 1.
    pub fn number(&self) -> usize {
        self.number
    }
}

impl Iterator for Records {
    type Item = Result<serde_json::Map<String, Value>, Unread>;

    fn next(&mut self) -> Option<Self::Item> {
        self.number += 1;
        Some(match self.rows.next()? {
            Ok(row) => Ok(object(&row)),
            Err(error) => Err(Unread {
                why: format!("cannot be read: {error}"),
                help: "expected parquet that is not packed, or packed with snappy, zstd, gzip or lz4",
            }),
        })
    }
}

fn object(row: &Row) -> serde_json::Map<String, Value> {
    row.get_column_iter()
        .map(|(name, field)| (name.clone(), json(field)))
        .collect()
}

fn json(field: &Field) -> Value {
    match field {
        Field::Group(row) => Value::Object(object(row)),
        Field::ListInternal(list) => list.elements().iter().map(json).collect(),
        // Text from writers that do not mark it as such.
        Field::Bytes(bytes) => match bytes.as_utf8() {
            Ok(text) => json!(text),
            Err(_) => field.to_json_value(),
        },
        // As it is written: 0.1, which as an f64 would be 0.10000000149011612.
        Field::Float(value) => match value.to_string().parse::<f64>() {
            Ok(written) => json!(written),
            Err(_) => Value::Null,
        },
        scalar_or_map => scalar_or_map.to_json_value(),
    }
}
