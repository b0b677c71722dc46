//! How well-known data sets name their columns, and what becomes of them.
//!
//! The facts keep the tests as the data set has them; `suite` knows how to read each form.

use std::collections::BTreeMap;

use farthing_dataset::Row;
use farthing_sdk::prelude::*;

use crate::packed::unpacked;

/// A data set's form.
#[config]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// `id`, `prompt`, and `facts`; `tags` and `solution` if there are any.
    #[default]
    Farthing,
    /// `task_id`, `prompt` (the beginning of the program), `entry_point`, `test`; the solution
    /// is `canonical_solution`.
    HumanEval,
    /// `task_id`, `text` or `prompt`, `test_list`, `test_setup_code` or `test_imports`; the
    /// solution is `code`.
    Mbpp,
    /// `question_id`, `question_content`, `starter_code`, `public_test_cases`,
    /// `private_test_cases` (as JSON, or packed), `metadata`, `difficulty`, `platform`.
    LiveCodeBench,
}

/// Names of columns where they differ from the preset's.
pub type Columns = BTreeMap<String, String>;

/// A row and how to look at it.
pub struct Source<'a> {
    pub row: &'a Row<'a>,
    pub columns: &'a Columns,
    pub show_tests: usize,
}

/// A problem before it is phrased.
pub struct Read {
    pub id: String,
    pub statement: String,
    pub facts: Value,
    /// A program that is right, if the data set has one.
    pub solution: Option<String>,
    pub tags: Vec<String>,
}

impl Preset {
    /// # Errors
    /// When `columns` renames a column that this preset does not read.
    pub fn check(self, columns: &Columns) -> Result<()> {
        let known = self.columns();
        match columns.keys().find(|name| !known.contains(&name.as_str())) {
            None => Ok(()),
            Some(name) => Err(Error::new(format!(
                "`columns` renames `{name}`, which this preset does not read"
            ))
            .help(format!(
                "it reads {}; the name in the file stands on the right: {{ {} = \"{name}\" }}",
                known.join(", "),
                known[1]
            ))),
        }
    }

    fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Farthing => &["id", "prompt", "facts", "tags", "solution"],
            Self::HumanEval => &[
                "task_id",
                "prompt",
                "entry_point",
                "test",
                "canonical_solution",
            ],
            Self::Mbpp => &[
                "task_id",
                "text",
                "prompt",
                "test_list",
                "test_setup_code",
                "test_imports",
                "code",
            ],
            Self::LiveCodeBench => &[
                "question_id",
                "question_content",
                "starter_code",
                "public_test_cases",
                "private_test_cases",
                "metadata",
                "difficulty",
                "platform",
            ],
        }
    }

    /// # Errors
    /// Names the row, and the column that is missing or is not what was expected.
    pub fn read(self, source: &Source<'_>) -> Result<Read> {
        match self {
            Self::Farthing => farthing(source),
            Self::HumanEval => human_eval(source),
            Self::Mbpp => mbpp(source),
            Self::LiveCodeBench => live_code_bench(source),
        }
    }
}

fn farthing(source: &Source<'_>) -> Result<Read> {
    Ok(Read {
        id: source.text("id")?,
        statement: source.text("prompt")?,
        facts: source.json("facts")?,
        tags: match source.optional("tags") {
            Some(_) => source.list("tags")?,
            None => Vec::new(),
        },
        solution: source.optional_text("solution")?,
    })
}

fn human_eval(source: &Source<'_>) -> Result<Read> {
    let stub = source.text("prompt")?;
    let solution = source.optional_text("canonical_solution")?;
    let statement = format!(
        "Complete this function. Repeat what is given:\n\n```python\n{}\n```",
        stub.trim_end()
    );
    Ok(Read {
        id: source.text("task_id")?,
        statement,
        facts: json!({
            "entry_point": source.text("entry_point")?,
            "test": source.text("test")?,
            "stub": stub,
        }),
        solution: solution.map(|body| format!("{stub}{body}")),
        tags: Vec::new(),
    })
}

fn mbpp(source: &Source<'_>) -> Result<Read> {
    let tests: Vec<String> = source.list("test_list")?;
    let shown: Vec<&str> = tests
        .iter()
        .take(source.show_tests)
        .map(String::as_str)
        .collect();
    let text = match source.optional_text("text")? {
        Some(text) => text,
        None => source.text("prompt")?,
    };
    let statement = format!(
        "{}\n\nFor example:\n\n```python\n{}\n```",
        text.trim_end(),
        shown.join("\n")
    );
    let mut facts = json!({ "test_list": tests });
    for column in ["test_setup_code", "test_imports"] {
        if let Some(value) = source.optional(column) {
            facts[column] = value.clone();
        }
    }
    Ok(Read {
        id: source.id("task_id")?,
        statement,
        facts,
        solution: source.optional_text("code")?,
        tags: Vec::new(),
    })
}

fn live_code_bench(source: &Source<'_>) -> Result<Read> {
    let mut tests: Vec<Value> = source.list("public_test_cases")?;
    tests.extend(source.packed_list("private_test_cases")?);
    let metadata = match source.optional("metadata") {
        Some(_) => source.json("metadata")?,
        None => Value::Null,
    };
    let starter = source.optional_text("starter_code")?.unwrap_or_default();
    let mut statement = source.text("question_content")?;
    if !starter.trim().is_empty() {
        statement = format!(
            "{statement}\n\nBegin with:\n\n```python\n{}\n```",
            starter.trim_end()
        );
    }
    let mut facts = json!({ "tests": tests, "setup": IMPORTS });
    if let Some(name) = metadata.get("func_name") {
        facts["func_name"] = name.clone();
    }
    let mut tags = Vec::new();
    for column in ["difficulty", "platform"] {
        tags.extend(source.optional_text(column)?);
    }
    Ok(Read {
        id: source.id("question_id")?,
        statement,
        facts,
        solution: None,
        tags,
    })
}

/// What LeetCode's starter code takes for granted; the original grader imports more.
const IMPORTS: &str = "from typing import *\nfrom collections import *\nimport math, itertools, functools, heapq, bisect";

impl Source<'_> {
    fn name<'n>(&'n self, column: &'n str) -> &'n str {
        self.columns.get(column).map_or(column, String::as_str)
    }

    fn optional(&self, column: &str) -> Option<&Value> {
        self.row.first(&[self.name(column)])
    }

    fn required(&self, column: &str) -> Result<&Value> {
        self.optional(column).ok_or_else(|| {
            self.row.lacks(&[self.name(column)]).help(format!(
                "set `preset`, or name the column: columns = {{ {column} = \"..\" }}"
            ))
        })
    }

    fn text(&self, column: &str) -> Result<String> {
        match self.required(column)? {
            Value::String(text) => Ok(text.clone()),
            _ => Err(self.row.unexpected(self.name(column), "text")),
        }
    }

    /// Text or a number.
    fn id(&self, column: &str) -> Result<String> {
        match self.required(column)? {
            Value::Number(number) => Ok(number.to_string()),
            _ => self.text(column),
        }
    }

    fn optional_text(&self, column: &str) -> Result<Option<String>> {
        match self.optional(column) {
            Some(_) => self.text(column).map(Some),
            None => Ok(None),
        }
    }

    /// A value, or text that is JSON.
    fn json(&self, column: &str) -> Result<Value> {
        match self.required(column)? {
            Value::String(text) => serde_json::from_str(text)
                .map_err(|error| self.of_another_kind(column, "JSON", error.into())),
            value => Ok(value.clone()),
        }
    }

    /// A list, or text that is JSON for one.
    fn list<T: serde::de::DeserializeOwned>(&self, column: &str) -> Result<Vec<T>> {
        serde_json::from_value(self.json(column)?)
            .map_err(|error| self.of_another_kind(column, "a list", error.into()))
    }

    /// A list, text that is JSON for one, such text packed, or nothing.
    fn packed_list(&self, column: &str) -> Result<Vec<Value>> {
        match self.optional(column) {
            None => Ok(Vec::new()),
            Some(Value::String(text)) if !text.trim_start().starts_with('[') => {
                let list = unpacked(text).and_then(|json| Ok(serde_json::from_str(&json)?));
                list.map_err(|error| {
                    self.of_another_kind(column, "a list, as JSON or packed", error)
                })
            }
            Some(_) => self.list(column),
        }
    }

    fn of_another_kind(&self, column: &str, expected: &str, why: Error) -> Error {
        let unexpected = self.row.unexpected(self.name(column), expected);
        why.context(unexpected.message())
    }
}
