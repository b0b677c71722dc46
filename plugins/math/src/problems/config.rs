//! What a manifest may say about a data set, with the reason for each default.

use std::{collections::BTreeMap, path::PathBuf};

use farthing_dataset::{OneOrMany, test_share};
use farthing_math_equivalence::Policy;
use farthing_sdk::prelude::*;

use super::{contamination::Decontaminate, presets::Preset, prompt::PromptForm};

#[config]
#[derive(Clone, Debug)]
#[serde(default)]
pub struct Config {
    /// The file or files of training problems, `.jsonl` or `.parquet`. Paths are relative to
    /// the directory in which farthing runs.
    pub train: OneOrMany<PathBuf>,
    /// The file or files of held-out problems. Training problems with the same question are
    /// dropped.
    pub test: OneOrMany<PathBuf>,
    /// Which columns the files have: `gsm8k`, `math`, `aime`, `numinamath` or `custom`.
    pub preset: Preset,
    /// Columns that are called otherwise than the preset has it.
    pub columns: ColumnNames,
    /// Which problems to keep: for a column, the values that it may have, such as
    /// `{ level = ["Level 4", "Level 5"] }`.
    pub only: BTreeMap<String, Vec<String>>,
    /// Answers that are none, such as NuminaMath's "proof" and "notfound"; problems with them
    /// are dropped. Left out, the preset says.
    pub skip_answers: Option<Vec<String>>,
    /// Share of the problems of `train` that are held out, whatever the seed. Left out, it is
    /// 0 with a `test` file and 0.1 without.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub test_share: Option<f64>,
    /// How a problem is put to the model.
    pub prompt: PromptForm,
    /// What to do with a problem whose gold answer is not there, cannot be read, or does not
    /// grade equal to itself: `drop`, which counts it in the log, or `refuse`, which names it.
    /// Dropping is the default because every large data set has some.
    pub unusable: Unusable,
    /// Problems to keep out of training because a benchmark has them.
    pub decontaminate: Option<Decontaminate>,
    /// What counts as the same answer; give the reward's `equivalence` here too.
    pub equivalence: Policy,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            train: OneOrMany::default(),
            test: OneOrMany::default(),
            preset: Preset::Custom,
            columns: ColumnNames::default(),
            only: BTreeMap::new(),
            skip_answers: None,
            test_share: None,
            prompt: PromptForm::default(),
            unusable: Unusable::Drop,
            decontaminate: None,
            equivalence: Policy::default(),
        }
    }
}

/// What to do with problems whose gold answer is of no use.
#[config]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Unusable {
    Drop,
    Refuse,
}

/// Names of columns, each one name or a list of which the first that a row has is taken. A
/// dot goes into a nested value: `reward_model.ground_truth`.
#[config]
#[derive(Clone, Debug, Default)]
#[serde(default)]
pub struct ColumnNames {
    /// The problem's text, or a list of messages of which the user's last is taken.
    pub question: Option<OneOrMany<String>>,
    /// The gold answer.
    pub answer: Option<OneOrMany<String>>,
    /// A worked solution. Where there is no answer, the gold is its last box, or what follows
    /// `####`.
    pub solution: Option<OneOrMany<String>>,
    /// A name for the problem; an empty list names problems by their text.
    pub id: Option<OneOrMany<String>>,
    /// Columns whose values become tags.
    pub tags: Option<OneOrMany<String>>,
}

impl Config {
    /// # Errors
    /// Refuses what the schema cannot express.
    pub fn check(&self) -> Result<()> {
        if self.train.as_slice().is_empty() && self.test.as_slice().is_empty() {
            return Err(Error::new("neither `train` nor `test` names a file")
                .help("name a .jsonl or .parquet file: train = \"data/train.jsonl\""));
        }
        self.test_share()?;
        self.prompt.check()?;
        self.decontaminate
            .as_ref()
            .map_or(Ok(()), Decontaminate::check)
    }

    /// # Errors
    /// When it is no share.
    pub fn test_share(&self) -> Result<f64> {
        test_share(self.test_share, !self.test.as_slice().is_empty())
    }
}
