//! Reads the rows of JSONL and parquet files as JSON objects.
//!
//! Both come one row at a time, each with its place, so that whatever is wrong with a row can
//! be said where it stands. Parquet is read by its row interface: it knows nested values, and
//! texts cost more to judge than to read.

use std::{
    fmt,
    fs::File,
    io::{BufRead, BufReader},
    path::Path,
};

use farthing_sdk::prelude::*;
use parquet::{
    file::{reader::FileReader, serialized_reader::SerializedFileReader},
    record::{Field, Row as ParquetRow},
};

/// One row of a file.
pub struct Row<'a> {
    pub place: Place<'a>,
    columns: serde_json::Map<String, Value>,
}

/// Shown as `data/train.jsonl:12`; rows of parquet files are counted from 1 too.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    file: &'a Path,
    number: usize,
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file.display(), self.number)
    }
}

impl Row<'_> {
    /// The value of the first of these columns that the row has; null counts as not there.
    pub fn first(&self, names: &[String]) -> Option<&Value> {
        names
            .iter()
            .filter_map(|name| self.value(name))
            .find(|value| !value.is_null())
    }

    /// Whether the row has one of these columns, null or not.
    pub fn has_any(&self, names: &[String]) -> bool {
        names.iter().any(|name| self.value(name).is_some())
    }

    /// A column by its name, or what the parts of a dotted name lead to.
    pub fn value(&self, name: &str) -> Option<&Value> {
        let mut parts = name.split('.');
        self.columns.get(name).or_else(|| {
            let first = self.columns.get(parts.next()?)?;
            parts.try_fold(first, |value, part| value.get(part))
        })
    }

    /// The names of the columns, for a message.
    pub fn names(&self) -> String {
        let names: Vec<String> = self.columns.keys().map(|key| format!("`{key}`")).collect();
        names.join(", ")
    }
}

/// Calls `visit` with each row of a file.
///
/// # Errors
/// When the file cannot be read, its form is unknown, or a row is no JSON object; with its
/// place. And the first error of `visit`.
pub fn each_row(file: &Path, visit: &mut dyn FnMut(Row<'_>) -> Result<()>) -> Result<()> {
    let extension = file.extension().and_then(|extension| extension.to_str());
    match extension {
        Some("jsonl" | "ndjson") => each_line(file, visit),
        Some("parquet") => each_parquet_row(file, visit),
        _ => Err(Error::new(format!(
            "{}: expected a name that ends in .jsonl or .parquet",
            file.display()
        ))
        .help("convert a JSON list with `jq -c '.[]' data.json > data.jsonl`")),
    }
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

fn each_line(file: &Path, visit: &mut dyn FnMut(Row<'_>) -> Result<()>) -> Result<()> {
    for (index, line) in BufReader::new(opened(file)?).lines().enumerate() {
        let place = Place {
            file,
            number: index + 1,
        };
        let line = line.map_err(|error| Error::new(format!("{place}: cannot be read: {error}")))?;
        let line = line.trim_start_matches('\u{feff}').trim();
        if line.is_empty() {
            continue;
        }
        let columns = serde_json::from_str(line).map_err(|error| {
            Error::new(format!("{place}: expected one JSON object a line: {error}"))
        })?;
        visit(Row { place, columns })?;
    }
    Ok(())
}

fn each_parquet_row(file: &Path, visit: &mut dyn FnMut(Row<'_>) -> Result<()>) -> Result<()> {
    let broken = |error: parquet::errors::ParquetError| {
        Error::new(format!(
            "{}: cannot be read as parquet: {error}",
            file.display()
        ))
    };
    let reader = SerializedFileReader::new(opened(file)?).map_err(broken)?;
    for (index, row) in reader.get_row_iter(None).map_err(broken)?.enumerate() {
        let place = Place {
            file,
            number: index + 1,
        };
        let row = row.map_err(|error| Error::new(format!("{place}: cannot be read: {error}")))?;
        visit(Row {
            place,
            columns: object(&row),
        })?;
    }
    Ok(())
}

fn object(row: &ParquetRow) -> serde_json::Map<String, Value> {
    row.get_column_iter()
        .map(|(name, field)| (name.clone(), json(field)))
        .collect()
}

fn json(field: &Field) -> Value {
    match field {
        Field::Null => Value::Null,
        Field::Bool(value) => json!(value),
        Field::Byte(value) => json!(value),
        Field::Short(value) => json!(value),
        Field::Int(value) => json!(value),
        Field::Long(value) => json!(value),
        Field::UByte(value) => json!(value),
        Field::UShort(value) => json!(value),
        Field::UInt(value) => json!(value),
        Field::ULong(value) => json!(value),
        Field::Float(value) => json!(value),
        Field::Double(value) => json!(value),
        Field::Str(text) => json!(text),
        Field::Group(row) => Value::Object(object(row)),
        Field::ListInternal(list) => list.elements().iter().map(json).collect(),
        // Dates, decimals and bytes are no answers; their text serves as a tag.
        other => json!(other.to_string()),
    }
}
