//! JSON Lines: one object a line; empty lines do not count as rows.

use std::{
    fs::File,
    io::{BufRead, BufReader},
};

use farthing_sdk::prelude::*;

use crate::{row::shown, rows::Unread};

/// The objects of a file, line by line.
pub struct Lines {
    reader: BufReader<File>,
    line: String,
    number: usize,
}

impl Lines {
    pub fn new(file: File) -> Self {
        Self {
            reader: BufReader::new(file),
            line: String::new(),
            number: 0,
        }
    }

    /// Which line was read last, from 1.
    pub fn number(&self) -> usize {
        self.number
    }
}

impl Iterator for Lines {
    type Item = Result<serde_json::Map<String, Value>, Unread>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            self.line.clear();
            self.number += 1;
            match self.reader.read_line(&mut self.line) {
                Ok(0) => return None,
                Ok(_) => {}
                Err(error) => {
                    return Some(Err(Unread {
                        why: format!("cannot be read: {error}"),
                        help: "expected text in UTF-8",
                    }));
                }
            }
            // Windows writes a mark of byte order at the beginning of files.
            let line = self.line.trim_start_matches('\u{feff}').trim();
            if !line.is_empty() {
                return Some(object(line));
            }
        }
    }
}

fn object(line: &str) -> Result<serde_json::Map<String, Value>, Unread> {
    let found = match serde_json::from_str(line) {
        Ok(Value::Object(columns)) => return Ok(columns),
        Ok(other) => shown(&other),
        Err(error) => {
            // serde_json counts the lines of the text it was given, which is always one.
            let said = error.to_string();
            let why = said
                .rsplit_once(" at line ")
                .map_or(said.as_str(), |(why, _)| why);
            format!("{why} (column {})", error.column())
        }
    };
    Err(Unread {
        why: format!("expected one JSON object a line, found {found}"),
        help: "`jq -c . data.jsonl` writes each object on one line, \
               `jq -c '.[]' data.json` does so with a list",
    })
}
