//! Keeps problems of benchmarks out of the training set.
//!
//! As VibeThinker-1.5B did (arXiv 2511.06221, section 3.5): texts are normalised (case,
//! punctuation and symbols taken away), and a training problem that shares ten words in a row
//! with a problem of a benchmark is dropped. A benchmark's problem of fewer words is found
//! where it is the whole of the other. Matching by words is blunt on purpose: a template such
//! as "find the number of ordered pairs of positive integers such that" drops problems that
//! merely sound alike, which costs some training data and no result.

use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher},
    path::PathBuf,
};

use farthing_dataset::{OneOrMany, rows};
use farthing_sdk::prelude::*;

/// What to compare the training problems with.
#[config]
#[derive(Clone, Debug)]
pub struct Decontaminate {
    /// Files of problems, `.jsonl` or `.parquet`.
    pub against: OneOrMany<PathBuf>,
    /// The columns of those files that hold a problem's text; of those that a row has, each is
    /// compared.
    #[serde(default = "usual_columns")]
    pub columns: Vec<String>,
    /// How many words in a row make a match. Ten, as in the paper.
    #[serde(default = "ten")]
    #[schemars(range(min = 3, max = 100))]
    pub words: usize,
}

fn usual_columns() -> Vec<String> {
    ["problem", "Problem", "question", "prompt"]
        .map(str::to_owned)
        .to_vec()
}

fn ten() -> usize {
    10
}

impl Decontaminate {
    /// # Errors
    /// Refuses what the schema cannot express.
    pub fn check(&self) -> Result<()> {
        if self.against.as_slice().is_empty() || self.columns.is_empty() {
            return Err(Error::new("`decontaminate` has nothing to compare with")
                .help("name files in `against`, and the columns of their problems in `columns`"));
        }
        if self.words < 3 {
            bail!(
                "`decontaminate.words` must be 3 or more, found {}",
                self.words
            );
        }
        Ok(())
    }
}

/// What the benchmarks say.
pub struct Benchmarks {
    words: usize,
    /// Of every run of `words` words, and of whole texts that are shorter.
    runs: HashSet<u64>,
}

impl Benchmarks {
    /// # Errors
    /// When a file cannot be read, or a row has none of the columns.
    pub fn read(settings: &Decontaminate) -> Result<Self> {
        let mut benchmarks = Self {
            words: settings.words,
            runs: HashSet::new(),
        };
        for file in settings.against.as_slice() {
            for row in rows(file)? {
                let row = row?;
                let texts = settings.columns.iter().filter_map(|name| row.value(name));
                let mut found = false;
                for text in texts.filter_map(Value::as_str) {
                    found = true;
                    benchmarks.runs.extend(runs(text, settings.words));
                }
                if !found {
                    let there = settings.columns.iter().find(|name| row.has_any(&[name]));
                    let error = match there {
                        Some(name) => row.unexpected(name, "the text of a problem"),
                        None => row.lacks(&settings.columns),
                    };
                    return Err(error
                        .help("name the column of the problem's text in `decontaminate.columns`"));
                }
            }
        }
        Ok(benchmarks)
    }

    /// Whether a benchmark has this text, or as many of its words in a row as make a match.
    pub fn have(&self, text: &str) -> bool {
        runs(text, self.words)
            .iter()
            .any(|run| self.runs.contains(run))
    }
}

/// A hash of each run of `length` words, or of the whole of a shorter text.
fn runs(text: &str, length: usize) -> Vec<u64> {
    let words: Vec<u64> = words(text).iter().map(hash).collect();
    match words.len() {
        0 => Vec::new(),
        short if short < length => vec![hash(&words)],
        _ => words.windows(length).map(hash).collect(),
    }
}

/// Letters and digits that stand together, in lower case.
fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

fn hash<T: Hash + ?Sized>(value: &T) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
