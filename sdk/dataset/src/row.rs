//! One row: its columns by name, and the place that errors about it begin with.

use std::{fmt, path::Path};

use farthing_sdk::prelude::*;

/// One row of a file.
#[derive(Clone, Debug)]
pub struct Row<'a> {
    /// Where it stands.
    pub place: Place<'a>,
    pub(crate) columns: serde_json::Map<String, Value>,
}

/// Where a row stands: `data/train.jsonl:12`, or `data/train.parquet, row 12`. Both count from
/// 1, and empty lines count as lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place<'a> {
    /// In a text file.
    Line {
        /// The path as it was given.
        file: &'a Path,
        /// The line.
        number: usize,
    },
    /// In a file without lines.
    Row {
        /// The path as it was given.
        file: &'a Path,
        /// The row.
        number: usize,
    },
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line { file, number } => write!(f, "{}:{number}", file.display()),
            Self::Row { file, number } => write!(f, "{}, row {number}", file.display()),
        }
    }
}

impl Row<'_> {
    /// A column by its name, or what the parts of a dotted name lead to:
    /// `reward_model.ground_truth`. A column whose own name has the dots comes first.
    pub fn value(&self, name: &str) -> Option<&Value> {
        let mut parts = name.split('.');
        self.columns.get(name).or_else(|| {
            let first = self.columns.get(parts.next()?)?;
            parts.try_fold(first, |value, part| value.get(part))
        })
    }

    /// The value of the first of these columns that the row has; null counts as not there.
    pub fn first<S: AsRef<str>>(&self, names: &[S]) -> Option<&Value> {
        names
            .iter()
            .filter_map(|name| self.value(name.as_ref()))
            .find(|value| !value.is_null())
    }

    /// Whether the row has one of these columns, null or not.
    pub fn has_any<S: AsRef<str>>(&self, names: &[S]) -> bool {
        names.iter().any(|name| self.value(name.as_ref()).is_some())
    }

    /// The error that the row has none of these columns; it lists those that there are.
    pub fn lacks<S: AsRef<str>>(&self, names: &[S]) -> Error {
        let wanted: Vec<String> = names.iter().map(|name| quoted(name.as_ref())).collect();
        let found: Vec<String> = self.columns.keys().map(|name| quoted(name)).collect();
        let found = match found.is_empty() {
            true => "none".to_owned(),
            false => found.join(", "),
        };
        Error::new(format!(
            "{}: expected a column {}, found {found}",
            self.place,
            wanted.join(" or ")
        ))
    }

    /// The error that a column holds something else than `expected`, such as "text".
    pub fn unexpected(&self, name: &str, expected: &str) -> Error {
        Error::new(format!(
            "{}: expected {expected} in the column {}, found {}",
            self.place,
            quoted(name),
            self.value(name).map_or("nothing".to_owned(), shown)
        ))
    }
}

fn quoted(name: &str) -> String {
    format!("`{name}`")
}

/// A value in a message: what may be long is named by its kind.
pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        Value::String(_) => "text".to_owned(),
        Value::Null | Value::Bool(_) | Value::Number(_) => quoted(&value.to_string()),
    }
}
