//! The task `code/problems`: programming problems from a data set.
//!
//! A column is found under the name that its preset gives it, or the one that `columns` says.
//! Every problem's tests are read when the task is made, by the reader that the reward uses.
//! Problems whose tests cannot be run are left out, each with its reason in the log; a row
//! that is no problem at all is an error.

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
};

use farthing_dataset::{OneOrMany, Row, is_held_out, rows, test_share};
use farthing_sdk::prelude::*;

use crate::{
    phrasing::Phrasing,
    presets::{Columns, Preset, Read, Source},
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
    /// Share of the problems of `train` that are held out as well, whatever the seed: which
    /// ones depends on nothing but their ids. Left out, it is 0 with a `test` file and 0.1
    /// without.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub test_share: Option<f64>,
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
    /// Worked solutions, by the ids of their problems.
    solutions: HashMap<String, String>,
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
        config.preset.check(&config.columns)?;
        let share = test_share(config.test_share, !config.test.as_slice().is_empty())?;
        let phrasing = Phrasing::parse(&config.template, config.system.clone())?;
        let mut solutions = HashMap::new();
        let mut read = |files: &[PathBuf]| -> Result<Vec<Problem>> {
            let mut problems = Vec::new();
            for file in files {
                problems.extend(read_file(file, &config, &phrasing, &mut solutions)?);
            }
            Ok(problems)
        };
        let (mut test, train): (Vec<Problem>, Vec<Problem>) = read(config.train.as_slice())?
            .into_iter()
            .partition(|problem| is_held_out(&problem.id, share));
        test.extend(read(config.test.as_slice())?);
        check_ids(&train, &test)?;
        Ok(Self {
            train,
            test,
            solutions,
        })
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

    fn solution(&self, problem: &Problem, _variant: u64) -> Result<Option<String>> {
        Ok(self.solutions.get(&problem.id).cloned())
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

/// The problems of a file; their solutions, as completions, are added to `solutions`.
fn read_file(
    path: &Path,
    config: &Config,
    phrasing: &Phrasing,
    solutions: &mut HashMap<String, String>,
) -> Result<Vec<Problem>> {
    let mut refused = Vec::new();
    let mut problems = Vec::new();
    for row in rows(path)? {
        let row = row?;
        let read = read_row(&row, config)?;
        let suite = serde_json::from_value(read.facts.clone()).map_err(|error| {
            Error::from(error).context(format!("{}: its tests cannot be read", row.place))
        })?;
        if let Suite::Refused(why) = suite {
            refused.push((read.id, why));
            continue;
        }
        if let Some(program) = read.solution {
            solutions.insert(read.id.clone(), phrasing.answer(&program));
        }
        problems.push(Problem {
            prompt: phrasing.pose(&read.statement),
            id: read.id,
            facts: read.facts,
            tags: read.tags,
        });
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

fn read_row(row: &Row<'_>, config: &Config) -> Result<Read> {
    config.preset.read(&Source {
        row,
        columns: &config.columns,
        show_tests: config.show_tests,
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
