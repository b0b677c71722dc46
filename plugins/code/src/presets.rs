//! How well-known data sets name their columns, and what becomes of them.
//!
//! The facts keep the tests as the data set has them; `suite` knows how to read each form.

use std::collections::BTreeMap;

use farthing_dataset::Row;
use farthing_sdk::prelude::*;

/// A data set's form.
#[config]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// `id`, `prompt`, and `facts`; `tags` if there are any.
    #[default]
    Farthing,
    /// `task_id`, `prompt` (the beginning of the program), `entry_point`, `test`.
    HumanEval,
    /// `task_id`, `text` or `prompt`, `test_list`, `test_setup_code` or `test_imports`.
    Mbpp,
    /// `question_id`, `question_content`, `starter_code`, `public_test_cases`,
    /// `private_test_cases` (as JSON), `metadata`, `difficulty`, `platform`.
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
    pub tags: Vec<String>,
}

impl Preset {
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
    })
}

fn human_eval(source: &Source<'_>) -> Result<Read> {
    let stub = source.text("prompt")?;
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
    let text = match source.optional("text") {
        Some(_) => source.text("text")?,
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
        tags: Vec::new(),
    })
}

fn live_code_bench(source: &Source<'_>) -> Result<Read> {
    let mut tests: Vec<Value> = source.list("public_test_cases")?;
    if source.optional("private_test_cases").is_some() {
        tests.extend(source.list::<Value>("private_test_cases")?);
    }
    let metadata = match source.optional("metadata") {
        Some(_) => source.json("metadata")?,
        None => Value::Null,
    };
    let starter = match source.optional("starter_code") {
        Some(_) => source.text("starter_code")?,
        None => String::new(),
    };
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
    let tags = ["difficulty", "platform"]
        .into_iter()
        .filter_map(|column| source.text(column).ok());
    Ok(Read {
        id: source.id("question_id")?,
        statement,
        facts,
        tags: tags.collect(),
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

    /// A value, or text that is JSON.
    fn json(&self, column: &str) -> Result<Value> {
        match self.required(column)? {
            Value::String(text) => serde_json::from_str(text).map_err(|error| {
                self.of_another_kind(column, "JSON", error).help(
                    "LiveCodeBench compresses its private tests; in Python, \
                     json.loads(pickle.loads(zlib.decompress(base64.b64decode(text)))) is the list",
                )
            }),
            value => Ok(value.clone()),
        }
    }

    /// A list, or text that is JSON for one.
    fn list<T: serde::de::DeserializeOwned>(&self, column: &str) -> Result<Vec<T>> {
        serde_json::from_value(self.json(column)?)
            .map_err(|error| self.of_another_kind(column, "a list", error))
    }

    fn of_another_kind(&self, column: &str, expected: &str, why: serde_json::Error) -> Error {
        let unexpected = self.row.unexpected(self.name(column), expected);
        Error::from(why).context(unexpected.message())
    }
}
