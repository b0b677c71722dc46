//! How well-known data sets name their columns.

use farthing_dataset::OneOrMany;
use farthing_sdk::prelude::*;

use super::config::ColumnNames;

/// A data set's form.
#[config]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// GSM8K: `question`, and `answer` with a solution that ends in `#### 18`.
    Gsm8k,
    /// MATH and MATH-500: `problem`, `solution` with a box, sometimes `answer`; `level`,
    /// `type` or `subject`.
    Math,
    /// AIME by year: `problem`, a whole number as `answer`, sometimes `solution`.
    Aime,
    /// NuminaMath: `problem`, `solution`, in version 1.5 `answer`, `source`, `problem_type`.
    Numinamath,
    /// `question`, `answer`, `solution`, `id`, `tags`, or what `columns` says.
    Custom,
}

/// The names under which each column is looked for, in this order.
pub struct Columns {
    pub question: Vec<String>,
    pub answer: Vec<String>,
    pub solution: Vec<String>,
    pub id: Vec<String>,
    pub tags: Vec<String>,
}

impl Preset {
    /// The preset's columns, where the manifest does not name others.
    pub fn columns(self, named: &ColumnNames) -> Columns {
        let [question, answer, solution, id, tags]: [&[&str]; 5] = match self {
            // What GSM8K calls the answer is a solution, which the answer ends.
            Self::Gsm8k => [&["question"], &[], &["answer"], &[], &[]],
            Self::Math => [
                &["problem"],
                &["answer"],
                &["solution"],
                &["unique_id"],
                &["level", "type", "subject"],
            ],
            Self::Aime => [
                &["problem", "Problem", "question"],
                &["answer", "Answer"],
                &["solution", "Solution"],
                &["ID", "id"],
                &["year", "Year"],
            ],
            Self::Numinamath => [
                &["problem"],
                &["answer"],
                &["solution"],
                &[],
                &["source", "problem_type"],
            ],
            Self::Custom => [
                &["question"],
                &["answer"],
                &["solution"],
                &["id"],
                &["tags"],
            ],
        };
        let or = |named: &Option<OneOrMany<String>>, preset: &[&str]| match named {
            Some(named) => named.as_slice().to_vec(),
            None => preset.iter().map(ToString::to_string).collect(),
        };
        Columns {
            question: or(&named.question, question),
            answer: or(&named.answer, answer),
            solution: or(&named.solution, solution),
            id: or(&named.id, id),
            tags: or(&named.tags, tags),
        }
    }

    /// Answers that say that there is none.
    pub fn skipped_answers(self) -> Vec<String> {
        match self {
            Self::Numinamath => vec!["proof".to_owned(), "notfound".to_owned()],
            Self::Gsm8k | Self::Math | Self::Aime | Self::Custom => Vec::new(),
        }
    }
}
