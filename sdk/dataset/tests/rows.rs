//! Rows of files: every form of value, places, and errors that name them.

#![allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use farthing_dataset::rows;
use farthing_sdk::prelude::*;
use tempfile::TempDir;

/// A directory with a file of this content, and the path of that file.
fn file(name: &str, content: &[u8]) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(name);
    fs::write(&path, content).unwrap();
    (directory, path)
}

fn refusal(path: &Path) -> String {
    let read = rows(path).and_then(|mut rows| rows.try_for_each(|row| row.map(drop)));
    read.expect_err("this is refused").to_string()
}

#[test]
fn lines_are_rows_and_know_their_place() {
    let text = "\u{feff}{\"a\": 1}\r\n\n  \n{\"a\": {\"b\": \"x\"}, \"c.d\": null}";
    for name in ["data.jsonl", "data.ndjson"] {
        let (_directory, path) = file(name, text.as_bytes());
        let rows: Vec<_> = rows(&path).unwrap().map(Result::unwrap).collect();
        let places: Vec<String> = rows.iter().map(|row| row.place.to_string()).collect();
        let place = |line: usize| format!("{}:{line}", path.display());
        assert_eq!(places, [place(1), place(4)]);
        assert_eq!(rows[0].value("a"), Some(&json!(1)));
        assert_eq!(rows[1].value("a.b"), Some(&json!("x")));
    }
}

#[test]
fn columns_are_found_by_dotted_names_and_alternatives() {
    let (_directory, path) = file(
        "data.jsonl",
        b"{\"a\": {\"b\": {\"c\": 1}}, \"a.b\": \"whole\", \"none\": null, \"last\": 2}",
    );
    let row = rows(&path).unwrap().next().unwrap().unwrap();
    assert_eq!(row.value("a.b"), Some(&json!("whole")));
    assert_eq!(row.value("a.b.c"), Some(&json!(1)));
    assert_eq!(row.value("a.b.c.d"), None);
    assert_eq!(row.value("b"), None);
    assert_eq!(row.first(&["x", "none", "last", "a"]), Some(&json!(2)));
    assert_eq!(row.first(&["none"]), None);
    assert!(row.has_any(&["x", "none"]) && !row.has_any(&["x"]));
    let lacks = row.lacks(&["x", "y"]).to_string();
    assert!(
        lacks.ends_with(
            "data.jsonl:1: expected a column `x` or `y`, found `a`, `a.b`, `last`, `none`"
        ),
        "{lacks}"
    );
    for (name, found) in [
        ("last", "`2`"),
        ("none", "`null`"),
        ("a.b", "text"),
        ("a", "an object"),
        ("x", "nothing"),
    ] {
        let said = row.unexpected(name, "a list").to_string();
        let says = format!("data.jsonl:1: expected a list in the column `{name}`, found {found}");
        assert!(said.ends_with(&says), "{said}");
    }
}

/// The rows before the broken one are there: a file is not read ahead.
#[test]
fn rows_come_one_at_a_time() {
    let (_directory, path) = file("data.jsonl", b"{\"a\": 1}\n{\"a\": \n{\"a\": 3}\n");
    let mut rows = rows(&path).unwrap();
    assert_eq!(rows.next().unwrap().unwrap().value("a"), Some(&json!(1)));
    let error = rows.next().unwrap().unwrap_err().to_string();
    assert!(error.contains("data.jsonl:2: "), "{error}");
    assert!(rows.next().is_none(), "nothing comes behind an error");
}

#[test]
fn errors_name_the_file_the_line_and_what_was_found() {
    for (content, says) in [
        (
            &b"{}\n\n{\"question\": "[..],
            "data.jsonl:3: expected one JSON object a line, found EOF while parsing a value (column 12)",
        ),
        (
            b"[1, 2]",
            "data.jsonl:1: expected one JSON object a line, found a list (help: `jq",
        ),
        (
            b"{}\n7",
            "data.jsonl:2: expected one JSON object a line, found `7`",
        ),
        (
            b"{}\n\xff",
            "data.jsonl:2: cannot be read: stream did not contain valid UTF-8",
        ),
        (b"", "data.jsonl: has no rows (help: see whether"),
        (b"\n \n", "data.jsonl: has no rows"),
    ] {
        let (_directory, path) = file("data.jsonl", content);
        let said = refusal(&path);
        assert!(said.contains(says), "{says}: {said}");
    }
    let said = refusal(Path::new("/nowhere/data.jsonl"));
    assert!(
        said.contains("/nowhere/data.jsonl: cannot be opened"),
        "{said}"
    );
    assert!(
        said.contains("the directory in which farthing runs"),
        "{said}"
    );
    for name in ["data.csv", "data"] {
        let said = refusal(Path::new(name));
        let says = format!("{name}: expected a name that ends in .jsonl or .parquet");
        assert!(said.contains(&says), "{said}");
    }
}
