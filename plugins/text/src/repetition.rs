//! A penalty for saying the same again and again: minus the share of n-grams that occurred
//! before.
//!
//! A completion that loops until the token limit comes near -1, ordinary prose stays near 0.
//! Words are compared without case. For text that is not written with spaces between words,
//! count characters.

use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher},
};

use farthing_sdk::prelude::*;

#[config]
#[derive(Clone, Debug)]
#[serde(default)]
pub struct Config {
    /// What an n-gram is made of.
    pub unit: Unit,
    /// How many units make an n-gram. Four words are rarely repeated by chance; take more
    /// for characters.
    #[schemars(range(min = 1, max = 1000))]
    pub n: usize,
}

#[config]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    Words,
    Characters,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            unit: Unit::Words,
            n: 4,
        }
    }
}

pub struct Repetition(Config);

/// Minus the share of n-grams that occurred before: 0 for none, towards -1 for a loop.
#[component("repetition")]
impl Reward for Repetition {
    type Config = Config;

    fn new(config: Config) -> Result<Self> {
        if config.n == 0 {
            bail!("`n` is 0: an n-gram has at least one unit");
        }
        Ok(Self(config))
    }

    fn score(&self, _: &ProblemView<'_>, attempt: &Attempt<'_>) -> Result<Outcome> {
        let text = attempt.completion;
        let units: Vec<u64> = match self.0.unit {
            Unit::Words => text.split_whitespace().map(hash_of_word).collect(),
            Unit::Characters => text.chars().map(u64::from).collect(),
        };
        let ngrams = units.windows(self.0.n);
        let count = ngrams.len();
        if count == 0 {
            return Ok(Outcome::scored(0.0));
        }
        let distinct: HashSet<u64> = ngrams.map(hash_of).collect();
        Ok(Outcome::scored(distinct.len() as f64 / count as f64 - 1.0))
    }
}

fn hash_of_word(word: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    for character in word.chars().flat_map(char::to_lowercase) {
        character.hash(&mut hasher);
    }
    hasher.finish()
}

fn hash_of(units: &[u64]) -> u64 {
    let mut hasher = DefaultHasher::new();
    units.hash(&mut hasher);
    hasher.finish()
}
