//! The task `code/problems`: programming problems from a data set.
//!
//! A column is found under the name that its preset gives it, or the one that `columns` says.
//! Every problem's tests are read when the task is made, by the reader that the reward uses.
//! Problems whose tests cannot be run are left out, each with its reason in the log; a row
//! that is no problem at all is an error.

use std::{
    collections::{BTreeMap, HashSet},
    path::{Path, PathBuf},
};

use farthing_dataset::{OneOrMany, Row, check_test_share, is_held_out, rows};
use farthing_sdk::prelude::*;

use crate::{
    phrasing::Phrasing,
    presets::{Columns, Preset, Source},
    suite::Suite,
};

#[config]
#[derive(Clone, Debug)]
pub struct Config {
    /// The file or files of training problems, `.jsonl` or `.parquet`. Paths are relative to
    /// the directory in which farthing runs.
    #[serde(default)]
    pub train: OneOrMany<PathBuf>,
    /// The file or files of held-out problems.
    #[serde(default)]
    pub test: OneOrMany<PathBuf>,
    /// Share of the problems in `train` that are held out as well. Which ones depends on
    /// nothing but their ids.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub test_share: f64,
    /// Which columns the files have: `farthing`, `humaneval`, `mbpp` or `livecodebench`.
    #[serde(default)]
    pub preset: Preset,
    /// Names of columns where they differ from the preset's: `{ prompt = "question" }`.
    #[serde(default)]
    pub columns: Columns,
    /// How a problem is put: `chat` (messages, for a model's own chat template), `base` (raw
    /// text that ends where the program begins), or a text of your own with `{problem}` in it.
    #[serde(default = "chat")]
    pub template: String,
    /// What the system message says, for `chat`. Left out: none.
    pub system: Option<String>,
    /// How many of its asserts a problem of MBPP shows. One names the function; the paper
    /// shows all three, and then a program may simply contain the answers.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 100))]
    pub show_tests: usize,
}

fn chat() -> String {
    "chat".to_owned()
}

fn one() -> usize {
    1
}

/// Problems from files.
pub struct Problems {
    train: Vec<Problem>,
    test: Vec<Problem>,
}

/// Programming problems from JSONL or parquet: HumanEval, MBPP, LiveCodeBench, or your own.
#[component("problems")]
impl Task for Problems {
    type Config = Config;

    fn new(config: Config) -> Result<Self> {
        if config.train.as_slice().is_empty() && config.test.as_slice().is_empty() {
            return Err(Error::new("neither `train` nor `test` names a file")
                .help("name a .jsonl or .parquet file: train = \"data/train.jsonl\""));
        }
        check_test_share(config.test_share)?;
        let phrasing = Phrasing::parse(&config.template, config.system.clone())?;
        let read = |files: &[PathBuf]| -> Result<Vec<Problem>> {
            let mut problems = Vec::new();
            for file in files {
                problems.extend(read_file(file, &config, &phrasing)?);
            }
            Ok(problems)
        };
        let (mut test, train): (Vec<Problem>, Vec<Problem>) = read(config.train.as_slice())?
            .into_iter()
            .partition(|problem| is_held_out(&problem.id, config.test_share));
        test.extend(read(config.test.as_slice())?);
        check_ids(&train, &test)?;
        Ok(Self { train, test })
    }

    fn size(&self, split: Split) -> Result<Option<u64>> {
        Ok(Some(self.split(split).len() as u64))
    }

    fn problem(&self, split: Split, index: u64, _seed: u64) -> Result<Problem> {
        let problems = self.split(split);
        match problems.get(usize::try_from(index)?) {
            Some(problem) => Ok(problem.clone()),
            None => bail!(
                "the {} split has {} problems, and no number {index}",
                split.name(),
                problems.len()
            ),
        }
    }
}

impl Problems {
    fn split(&self, split: Split) -> &[Problem] {
        match split {
            Split::Train => &self.train,
            Split::Test => &self.test,
        }
    }
}

fn read_file(path: &Path, config: &Config, phrasing: &Phrasing) -> Result<Vec<Problem>> {
    let mut refused = BTreeMap::new();
    let mut problems = Vec::new();
    for row in rows(path)? {
        let row = row?;
        let problem = problem(&row, config, phrasing)?;
        let suite = serde_json::from_value(problem.facts.clone()).map_err(|error| {
            Error::from(error).context(format!("{}: its tests cannot be read", row.place))
        })?;
        match suite {
            Suite::Tests(_) => problems.push(problem),
            Suite::Refused(why) => {
                refused.insert(problem.id, why);
            }
        }
    }
    for (id, why) in &refused {
        tracing::warn!(problem = %id, why = %why, "left out: its tests cannot be run");
    }
    if problems.is_empty() {
        return Err(Error::new(format!(
            "none of the {} problems of {} can be judged",
            refused.len(),
            path.display()
        ))
        .help("the log says why for each"));
    }
    Ok(problems)
}

fn problem(row: &Row<'_>, config: &Config, phrasing: &Phrasing) -> Result<Problem> {
    let source = Source {
        row,
        columns: &config.columns,
        show_tests: config.show_tests,
    };
    let read = config.preset.read(&source)?;
    Ok(Problem {
        prompt: phrasing.pose(&read.statement),
        id: read.id,
        facts: read.facts,
        tags: read.tags,
    })
}

fn check_ids(train: &[Problem], test: &[Problem]) -> Result<()> {
    let mut seen = HashSet::new();
    for problem in train.iter().chain(test) {
        if !seen.insert(problem.id.as_str()) {
            return Err(
                Error::new(format!("two problems have the id {:?}", problem.id))
                    .help("a file may be listed twice; ids are what tells problems apart"),
            );
        }
    }
    Ok(())
}
