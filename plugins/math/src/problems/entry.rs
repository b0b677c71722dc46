//! One row of a data set as a problem.

use farthing_dataset::Row;
use farthing_math_equivalence::Policy;
use farthing_sdk::prelude::*;

use super::{config::Config, presets::Columns};
use crate::{
    extraction::last_box,
    gold::{self, bare},
};

/// What is kept of a row.
#[derive(Clone, Debug)]
pub struct Entry {
    pub id: String,
    pub question: String,
    pub gold: String,
    pub tags: Vec<String>,
    /// As the data set has it.
    pub solution: Option<String>,
}

/// What a row turned out to be.
pub enum Reading {
    Problem(Entry),
    /// Left out by `only`.
    Filtered,
    /// One of `skip_answers`.
    Skipped,
    /// No question or no usable gold, and why.
    Unusable(String),
}

/// Reads rows by a configuration.
pub struct EntryReader<'a> {
    pub columns: Columns,
    pub skipped_answers: Vec<String>,
    pub config: &'a Config,
}

impl EntryReader<'_> {
    /// # Errors
    /// When the row lacks a column that every row should have, or a value is of another kind.
    pub fn read(&self, row: &Row<'_>) -> Result<Reading> {
        self.check_columns(row)?;
        for (column, allowed) in &self.config.only {
            let value = row.value(column).and_then(plain_text);
            if !value.is_some_and(|value| allowed.contains(&value)) {
                return Ok(Reading::Filtered);
            }
        }
        let Some(question) = row.first(&self.columns.question).and_then(question_text) else {
            return Ok(Reading::Unusable("it has no question".to_owned()));
        };
        let solution = row.first(&self.columns.solution).and_then(plain_text);
        let answer = row.first(&self.columns.answer);
        if let Some(Value::Number(number)) = answer
            && may_be_rounded(number)
        {
            return Ok(Reading::Unusable(format!(
                "its answer {number} may be a whole number that was rounded when the file was \
                 read; write it as text"
            )));
        }
        let answer = answer.and_then(plain_text);
        if let Some(answer) = &answer
            && self
                .skipped_answers
                .iter()
                .any(|skipped| skipped == answer.trim())
        {
            return Ok(Reading::Skipped);
        }
        let gold = answer
            .map(|answer| bare(&answer))
            .filter(|gold| !gold.is_empty())
            .or_else(|| solution.as_deref().and_then(gold_of_solution));
        let Some(gold) = gold else {
            return Ok(Reading::Unusable("it has no answer".to_owned()));
        };
        if let Err(why) = checked(&gold, &self.config.equivalence) {
            return Ok(Reading::Unusable(why));
        }
        let id = row.first(&self.columns.id).and_then(plain_text);
        Ok(Reading::Problem(Entry {
            id: id.unwrap_or_else(|| id_of(&question)),
            tags: self.tags(row),
            question,
            gold,
            solution,
        }))
    }

    fn check_columns(&self, row: &Row<'_>) -> Result<()> {
        let answers = [&self.columns.answer[..], &self.columns.solution].concat();
        let wanted = [
            ("question", self.columns.question.clone()),
            ("answer", answers),
        ];
        for (key, names) in wanted {
            if !row.has_any(&names) {
                return Err(row.lacks(&names).help(format!(
                    "set `preset`, or name the column: columns = {{ {key} = \"..\" }}"
                )));
            }
        }
        match self
            .config
            .only
            .keys()
            .find(|column| row.value(column).is_none())
        {
            None => Ok(()),
            Some(column) => Err(row
                .lacks(&[column])
                .help("`only` asks for it: name a column that every row has")),
        }
    }

    /// Such as `level-5` and `number-theory`; a bare number is told apart by its column.
    fn tags(&self, row: &Row<'_>) -> Vec<String> {
        let mut tags = Vec::new();
        for column in &self.columns.tags {
            let values = match row.value(column) {
                Some(Value::Array(values)) => values.iter().collect(),
                Some(value) => vec![value],
                None => Vec::new(),
            };
            for value in values.into_iter().filter_map(plain_text) {
                let named = match value.parse::<f64>() {
                    Ok(_) => format!("{column} {value}"),
                    Err(_) => value,
                };
                let tag = slug(&named);
                if !tag.is_empty() && !tags.contains(&tag) {
                    tags.push(tag);
                }
            }
        }
        tags
    }
}

/// The last box of a solution, or what follows its last `####`.
fn gold_of_solution(solution: &str) -> Option<String> {
    if let Some(content) = last_box(solution) {
        return Some(content.into_owned());
    }
    let (_, after) = solution.rsplit_once("####")?;
    Some(bare(after.lines().next()?)).filter(|gold| !gold.is_empty())
}

fn checked(gold: &str, policy: &Policy) -> Result<(), String> {
    match gold::readable(gold, policy) {
        Ok(_) => Ok(()),
        Err(why) => Err(format!("its gold answer {gold:?} is of no use: {why}")),
    }
}

/// The question with single spaces, by which two rows are the same problem.
pub fn fingerprint(question: &str) -> String {
    question.split_whitespace().collect::<Vec<&str>>().join(" ")
}

/// A name for a problem whose data set has none: 64 bits of a hash of its text.
fn id_of(question: &str) -> String {
    format!(
        "{:016x}",
        stream(0, &fingerprint(question), 0).random::<u64>()
    )
}

/// Whole numbers beyond 64 bits become floats when JSON is read, without a word.
fn may_be_rounded(number: &serde_json::Number) -> bool {
    const LARGEST: f64 = (1_u64 << 63) as f64;
    number.is_f64() && number.as_f64().is_none_or(|float| float.abs() >= LARGEST)
}

/// A text or a number as text; nothing for what is empty, null or nested.
fn plain_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
    .filter(|text| !text.trim().is_empty())
}

/// A question as text, or the last message of the user where it is a conversation.
fn question_text(value: &Value) -> Option<String> {
    let Value::Array(messages) = value else {
        return plain_text(value);
    };
    let of_user = messages.iter().rfind(|message| message["role"] == "user")?;
    plain_text(&of_user["content"])
}

/// Lower case, with dashes for everything that is neither letter nor digit.
fn slug(text: &str) -> String {
    let words: Vec<String> = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    words.join("-")
}
