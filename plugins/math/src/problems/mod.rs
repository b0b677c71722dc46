//! Problems from data sets: GSM8K, MATH, AIME, NuminaMath, and others by their columns.
//!
//! Whatever is wrong with a data set is found when it is loaded and not in the middle of a
//! run: a gold that the reward cannot read, or that does not grade equal to itself, would be
//! an attempt after attempt graded wrong for nothing. Each row that is left out is counted by
//! its reason, and the counts are logged.

mod census;
mod collection;
mod config;
mod contamination;
mod entry;
mod presets;
mod prompt;
mod solution;

use std::collections::HashMap;

use farthing_sdk::{prelude::*, rng::shuffled};

use collection::Collection;
use config::Config;
use entry::Entry;
use prompt::PromptForm;

pub use census::Census;

/// Problems of JSONL and parquet files, in memory.
pub struct Problems {
    train: Vec<Entry>,
    test: Vec<Entry>,
    /// By id: the split and the place in it.
    places: HashMap<String, (Split, usize)>,
    prompt: PromptForm,
    census: Census,
}

/// Mathematical problems from JSONL or parquet files, checked as they are loaded.
#[component("problems")]
impl Task for Problems {
    type Config = Config;

    fn new(config: Config) -> Result<Self> {
        config.check()?;
        let Collection {
            train,
            test,
            census,
        } = Collection::read(&config)?;
        let of_split = |split, entries: &[Entry]| -> Vec<(String, (Split, usize))> {
            let place = |(place, entry): (usize, &Entry)| (entry.id.clone(), (split, place));
            entries.iter().enumerate().map(place).collect()
        };
        let places = of_split(Split::Train, &train)
            .into_iter()
            .chain(of_split(Split::Test, &test))
            .collect();
        Ok(Self {
            train,
            test,
            places,
            prompt: config.prompt,
            census,
        })
    }

    fn size(&self, split: Split) -> Result<Option<u64>> {
        Ok(Some(self.entries(split).len() as u64))
    }

    /// The test split comes in one order under every seed, so that runs can be compared; a
    /// shuffled one, because files are sorted by subject.
    fn problem(&self, split: Split, index: u64, seed: u64) -> Result<Problem> {
        let entries = self.entries(split);
        if entries.is_empty() {
            return Err(
                Error::new(format!("the {} split is empty", split.name())).help(
                    "name files in `train` and `test`, or hold out a `test_share` of the former",
                ),
            );
        }
        let seed = match split {
            Split::Train => seed,
            Split::Test => 0,
        };
        let place = shuffled(seed, split.name(), index, entries.len() as u64);
        let entry = &entries[place as usize];
        Ok(Problem {
            id: entry.id.clone(),
            prompt: self.prompt.pose(&entry.question),
            facts: json!({ "answer": entry.gold }),
            tags: entry.tags.clone(),
        })
    }

    fn solution(&self, problem: &Problem, _variant: u64) -> Result<Option<String>> {
        let Some(&(split, place)) = self.places.get(&problem.id) else {
            bail!("no problem of these files has the id {:?}", problem.id);
        };
        let entry = &self.entries(split)[place];
        let solution = entry.solution.as_deref();
        Ok(solution.map(|solution| solution::completion(solution, &entry.gold)))
    }
}

impl Problems {
    /// How many rows became problems, and why the others did not.
    pub fn census(&self) -> &Census {
        &self.census
    }

    fn entries(&self, split: Split) -> &[Entry] {
        match split {
            Split::Train => &self.train,
            Split::Test => &self.test,
        }
    }
}
