//! Curricula: what comes next, what is kept, when to stop.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{Result, rng};

/// Chooses problems, groups and checkpoints.
///
/// # A complete plugin
/// ```
/// use farthing_sdk::prelude::*;
///
/// farthing_sdk::plugin!("mixed");
///
/// #[config]
/// struct Config {
///     /// The stage ends when the mean reward reaches this.
///     enough: f64,
/// }
///
/// struct Mixed {
///     enough: f64,
///     mean: f64,
/// }
///
/// /// Keeps only groups in which some attempts are better than others.
/// #[component("mixed")]
/// impl Curriculum for Mixed {
///     type Config = Config;
///
///     fn new(config: Config) -> Result<Self> {
///         Ok(Self { enough: config.enough, mean: 0.0 })
///     }
///
///     fn keep(&mut self, group: &GroupReport) -> Result<bool> {
///         Ok(group.rewards.iter().any(|&reward| reward != group.rewards[0]))
///     }
///
///     fn observe(&mut self, step: &StepReport) -> Result<()> {
///         let rewards = step.groups.iter().flat_map(|group| &group.rewards);
///         let (sum, count) = rewards.fold((0.0, 0), |(sum, count), r| (sum + r, count + 1));
///         self.mean = sum / f64::from(count.max(1));
///         Ok(())
///     }
///
///     fn finished(&mut self, _: &Progress) -> Result<bool> {
///         Ok(self.mean >= self.enough)
///     }
///
///     fn save_state(&self) -> Result<Value> {
///         Ok(json!(self.mean))
///     }
///
///     fn load_state(&mut self, state: Value) -> Result<()> {
///         self.mean = serde_json::from_value(state)?;
///         Ok(())
///     }
/// }
/// # let mut kit = farthing_sdk::testing::curriculum::<Mixed>(json!({ "enough": 0.9 })).unwrap();
/// # kit.check().unwrap();
/// ```
pub trait Curriculum: Sized + Send + Sync + 'static {
    /// What the manifest's `config` table may say. Its JSON Schema is checked before any
    /// work, so put ranges and descriptions on the fields.
    type Config: DeserializeOwned + JsonSchema;

    /// Makes the curriculum. Refuse here what the schema cannot express.
    fn new(config: Self::Config) -> Result<Self>;

    /// The problems of the next step. The default draws tasks by their weights.
    fn next(&mut self, request: &NextRequest) -> Result<Vec<Pick>> {
        Ok(request.draw())
    }

    /// Whether this group is trained on. The host draws further groups in the place of
    /// those that are not, up to the stage's limit.
    fn keep(&mut self, group: &GroupReport) -> Result<bool> {
        let _ = group;
        Ok(true)
    }

    /// Called after each step with all its groups, kept or not.
    fn observe(&mut self, step: &StepReport) -> Result<()> {
        let _ = step;
        Ok(())
    }

    /// Whether the stage ends before its last step.
    fn finished(&mut self, progress: &Progress) -> Result<bool> {
        let _ = progress;
        Ok(false)
    }

    /// Which checkpoints to keep for a `merge` stage, at least one, each with a weight above
    /// 0. Called after each probe with those that were selected before and, last, the newest;
    /// what is not selected may be deleted. The default selects the newest.
    fn select(&mut self, checkpoints: &[CheckpointReport]) -> Result<Vec<Selected>> {
        Ok(checkpoints
            .last()
            .map(|newest| Selected {
                name: newest.name.clone(),
                weight: 1.0,
            })
            .into_iter()
            .collect())
    }

    /// What a resumed run has to know; `Null` for nothing.
    fn save_state(&self) -> Result<Value> {
        Ok(Value::Null)
    }

    /// Takes back what `save_state` returned. Not called with `Null`.
    fn load_state(&mut self, state: Value) -> Result<()> {
        let _ = state;
        Ok(())
    }
}

/// A task as a curriculum sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskEntry {
    /// Its name in the manifest.
    pub name: String,
    /// From the manifest; not normalised.
    pub weight: f64,
    /// Problems of the training split; `None` when endless.
    pub size: Option<u64>,
}

/// What the host asks of [`Curriculum::next`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NextRequest {
    /// Step within the stage, from 0.
    pub step: u64,
    /// How many problems this step has asked for before (when groups were not kept).
    pub drawn: u64,
    /// How many problems to return.
    pub count: u64,
    /// The stage's seed: derive every choice from it and the counters above.
    pub seed: u64,
    /// Problems that earlier steps of this stage have drawn, all tasks together. Endless
    /// tasks are walked from here, so that no problem comes twice.
    pub cursor: u64,
    /// The tasks of the stage.
    pub tasks: Vec<TaskEntry>,
}

impl NextRequest {
    /// Draws `count` problems, tasks by weight: endless tasks in order of `cursor`, finite
    /// ones in a fresh random order each time around.
    pub fn draw(&self) -> Vec<Pick> {
        let total: f64 = self.tasks.iter().map(|task| task.weight).sum();
        let draw_one = |i: u64| {
            use rng::rand::RngExt;
            let position = self.cursor + self.drawn + i;
            let mut stream = rng::stream(self.seed, "curriculum", position);
            let mut left = stream.random::<f64>() * total;
            let last = self.tasks.len() - 1;
            let chosen = self.tasks.iter().position(|task| {
                left -= task.weight;
                left < 0.0
            });
            let task = chosen.unwrap_or(last);
            let index = match self.tasks[task].size {
                None => position,
                Some(size) => rng::shuffled_by(mixed, self.seed, "lap", position, size.max(1)),
            };
            Pick {
                task: task as u64,
                index,
            }
        };
        if self.tasks.is_empty() {
            return Vec::new();
        }
        (0..self.count).map(draw_one).collect()
    }
}

/// How draws have always mixed: with another mixing, a run that is repeated would draw other
/// problems.
fn mixed(value: u64) -> u64 {
    value.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32
}

/// One problem to pose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pick {
    /// Which of the request's tasks.
    pub task: u64,
    /// Index within its training split.
    pub index: u64,
}

/// One group after its rewards.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupReport {
    /// The task's name.
    pub task: String,
    /// The problem's index within its training split.
    pub index: u64,
    /// The problem's tags.
    pub tags: Vec<String>,
    /// Total reward of each scored attempt.
    pub rewards: Vec<f64>,
    /// Length of each scored attempt in tokens.
    pub tokens: Vec<u64>,
}

/// One step after its rewards.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepReport {
    /// Step within the stage, from 0.
    pub step: u64,
    /// All groups that were drawn for it.
    pub groups: Vec<GroupReport>,
}

/// Where the stage stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Steps done.
    pub step: u64,
    /// Steps of the stage.
    pub steps: u64,
}

/// A checkpoint that could be selected.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckpointReport {
    /// The name of its directory.
    pub name: String,
    /// Step within the run.
    pub step: u64,
    /// What was measured on it, by name: `pass@1/algebra`.
    pub metrics: std::collections::BTreeMap<String, f64>,
}

/// A chosen checkpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Selected {
    /// The checkpoint's name.
    pub name: String,
    /// Its share of the merge; weights need not sum to 1.
    pub weight: f64,
}
