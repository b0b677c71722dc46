//! What the measuring programs share: options, the batch that both sides of a comparison read, times as JSON.
//!
//! A number from here stands beside one from another framework, so the tokens come from a file that the other side
//! reads as well, and every time is printed, not only the best: whoever compares takes the medians.

#![allow(dead_code)] // Each program uses its part.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// `--name value` pairs.
pub struct Options {
    pairs: Vec<(String, String)>,
}

impl Options {
    /// The program's arguments; `known` are the names that it understands.
    pub fn from_arguments(known: &[&str]) -> Result<Self> {
        Self::parse(std::env::args().skip(1), known)
    }

    pub fn parse(mut arguments: impl Iterator<Item = String>, known: &[&str]) -> Result<Self> {
        let mut pairs = Vec::new();
        while let Some(name) = arguments.next() {
            let Some(key) = name.strip_prefix("--").filter(|key| known.contains(key)) else {
                bail!("expected one of --{}, found {name:?}", known.join(", --"));
            };
            let value = arguments
                .next()
                .with_context(|| format!("{name} needs a value"))?;
            pairs.push((key.to_owned(), value));
        }
        Ok(Self { pairs })
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        let given = self.pairs.iter().rev().find(|(key, _)| key == name);
        given.map(|(_, value)| value.as_str())
    }

    pub fn path(&self, name: &str) -> Result<PathBuf> {
        let value = self.text(name);
        value
            .map(PathBuf::from)
            .with_context(|| format!("--{name} is missing"))
    }

    pub fn number<T: FromStr>(&self, name: &str, default: T) -> Result<T> {
        match self.text(name) {
            None => Ok(default),
            Some(text) => text
                .parse()
                .ok()
                .with_context(|| format!("--{name}: expected a number, found {text:?}")),
        }
    }
}

/// Token ids that both sides of a comparison work on.
pub struct Batch {
    pub prompts: Vec<Vec<u32>>,
    /// Prompt and completion, all of one length.
    pub sequences: Vec<Vec<u32>>,
    pub prompt_length: usize,
}

impl Batch {
    /// Reads `{"prompts": [[..]], "sequences": [[..]], "prompt_length": n}`.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        let value: Value = serde_json::from_str(&text)
            .with_context(|| format!("{} is not JSON", path.display()))?;
        let read = || {
            Some(Self {
                prompts: token_lists(&value["prompts"])?,
                sequences: token_lists(&value["sequences"])?,
                prompt_length: value["prompt_length"].as_u64()? as usize,
            })
        };
        read().with_context(|| {
            format!(
                "{}: expected `prompts`, `sequences` (lists of token ids) and `prompt_length`",
                path.display()
            )
        })
    }
}

fn token_lists(value: &Value) -> Option<Vec<Vec<u32>>> {
    let list = |list: &Value| {
        let tokens = list.as_array()?.iter();
        tokens
            .map(|token| token.as_u64().map(|token| token as u32))
            .collect()
    };
    value.as_array()?.iter().map(list).collect()
}

/// What `work` gives, and the seconds that it took.
pub fn timed<T>(work: impl FnOnce() -> Result<T>) -> Result<(T, f64)> {
    let started = Instant::now();
    let value = work()?;
    Ok((value, started.elapsed().as_secs_f64()))
}

pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}
