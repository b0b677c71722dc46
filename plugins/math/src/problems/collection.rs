//! All problems of a configuration: read, checked, rid of repeats, and cut in two.
//!
//! A problem is in one split only, and none that a benchmark has is trained on. Whether a
//! problem of the training files is held out depends on its id alone, so no seed and no other
//! row moves it.

use std::{
    collections::{HashMap, HashSet, hash_map},
    path::PathBuf,
};

use farthing_dataset::{is_held_out, rows};
use farthing_sdk::prelude::*;

use super::{
    census::Census,
    config::{Config, Unusable},
    contamination::Benchmarks,
    entry::{Entry, EntryReader, Reading, fingerprint},
};

/// The problems of both splits.
pub struct Collection {
    pub train: Vec<Entry>,
    pub test: Vec<Entry>,
    pub census: Census,
}

impl Collection {
    /// # Errors
    /// When a file or a row cannot be read, an id names two problems, or nothing is left.
    pub fn read(config: &Config) -> Result<Self> {
        let mut census = Census::default();
        let test = read_all(config.test.as_slice(), config, &mut census)?;
        let train = read_all(config.train.as_slice(), config, &mut census)?;
        let mut collection = Self {
            train: Vec::new(),
            test,
            census,
        };
        collection.add_training(train, config)?;
        collection.check_ids()?;
        let (train, test) = (collection.train.len(), collection.test.len());
        collection.census.train = train;
        collection.census.test = test;
        if train + test == 0 {
            return Err(
                Error::new(format!("no problem is left: {}", collection.census))
                    .help("check `preset`, `columns` and `only`"),
            );
        }
        tracing::info!("math/problems: {}", collection.census);
        Ok(collection)
    }

    fn add_training(&mut self, entries: Vec<Entry>, config: &Config) -> Result<()> {
        let benchmarks = config
            .decontaminate
            .as_ref()
            .map(Benchmarks::read)
            .transpose()?;
        let held_out: HashSet<String> = self
            .test
            .iter()
            .map(|entry| fingerprint(&entry.question))
            .collect();
        let share = config.test_share()?;
        for entry in entries {
            if held_out.contains(&fingerprint(&entry.question)) {
                self.census.held_out += 1;
            } else if is_held_out(&entry.id, share) {
                self.test.push(entry);
            } else if benchmarks
                .as_ref()
                .is_some_and(|benchmarks| benchmarks.have(&entry.question))
            {
                self.census.contaminated += 1;
            } else {
                self.train.push(entry);
            }
        }
        Ok(())
    }

    /// Logs and worked solutions find a problem by its id.
    fn check_ids(&self) -> Result<()> {
        let mut seen = HashSet::new();
        match self
            .test
            .iter()
            .chain(&self.train)
            .find(|entry| !seen.insert(entry.id.as_str()))
        {
            None => Ok(()),
            Some(entry) => Err(Error::new(format!(
                "two different problems have the id {:?}; one of them asks {:?}",
                entry.id,
                entry.question.chars().take(80).collect::<String>()
            ))
            .help("name problems by their text with columns = { id = [] }, or by another column")),
        }
    }
}

/// The usable problems of these files, each once.
fn read_all(files: &[PathBuf], config: &Config, census: &mut Census) -> Result<Vec<Entry>> {
    let reader = EntryReader {
        columns: config.preset.columns(&config.columns),
        skipped_answers: config
            .skip_answers
            .clone()
            .unwrap_or_else(|| config.preset.skipped_answers()),
        config,
    };
    let mut entries: Vec<Entry> = Vec::new();
    // By question: which entry has it.
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut conflicting = HashSet::new();
    for file in files {
        for row in rows(file)? {
            let row = row?;
            let entry = match reader.read(&row)? {
                Reading::Problem(entry) => entry,
                Reading::Filtered => {
                    census.filtered += 1;
                    continue;
                }
                Reading::Skipped => {
                    census.skipped += 1;
                    continue;
                }
                Reading::Unusable(why) => {
                    census.unusable += 1;
                    let what = format!("{}: {why}", row.place);
                    unusable(config.unusable, census.unusable, &what)?;
                    continue;
                }
            };
            match places.entry(fingerprint(&entry.question)) {
                hash_map::Entry::Vacant(place) => {
                    place.insert(entries.len());
                    entries.push(entry);
                }
                hash_map::Entry::Occupied(place) => {
                    let agrees = entries[*place.get()].gold == entry.gold;
                    if agrees && !conflicting.contains(place.get()) {
                        census.duplicate += 1;
                    } else {
                        // Nobody knows which is right.
                        census.conflicting += 1;
                        conflicting.insert(*place.get());
                    }
                }
            }
        }
    }
    census.conflicting += conflicting.len();
    let mut index = 0..;
    entries.retain(|_| {
        !index
            .next()
            .is_some_and(|index| conflicting.contains(&index))
    });
    Ok(entries)
}

fn unusable(policy: Unusable, count: usize, what: &str) -> Result<()> {
    // Enough to see what is wrong with a data set.
    const NAMED: usize = 5;
    match policy {
        Unusable::Refuse => Err(Error::new(what).help(
            "mend the row, or drop such problems with unusable = \"drop\", which counts them",
        )),
        Unusable::Drop => {
            if count <= NAMED {
                tracing::warn!("math/problems drops a problem: {what}");
            }
            Ok(())
        }
    }
}
