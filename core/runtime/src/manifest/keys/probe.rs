//! Probing: measuring and keeping checkpoints in the course of a stage.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Component, EvalStage, HumanDuration, Split};

/// Measures the model every so often while a stage trains, and keeps the checkpoints that the stage's `curriculum`
/// selects by these measurements, for a `merge` stage to take. Without a curriculum the newest is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Probe {
    /// After how many steps; also after the stage's last.
    #[schemars(range(min = 1))]
    pub every: u32,
    /// The names of the tasks whose problems are the probing sets. A task of weight 0 is probed and not trained on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-default" = "the stage's tasks"))]
    pub tasks: Vec<String>,
    /// How many problems of each task, the same ones each time. 128: the standard error of a share is at most 4.4
    /// points (`0.5 / sqrt(problems)`), and what is compared are the same problems.
    #[serde(default = "Probe::default_problems")]
    #[schemars(range(min = 1))]
    pub problems: u32,
    /// How many problems of the split to pass over first. Checkpoints that are selected by the problems that are
    /// reported on in the end look better than they are, so probes and `eval` stages may not share problems.
    #[serde(default)]
    pub skip: u64,
    /// Which of the tasks' problems.
    #[serde(default)]
    pub split: Split,
    /// How many attempts at each problem. 8, the largest K that a few thousand completions measure.
    #[serde(default = "Probe::default_attempts")]
    #[schemars(range(min = 1, max = 65_536))]
    pub attempts: u32,
    /// The `k` of the pass@k figures, each at most `attempts`.
    #[serde(default)]
    #[schemars(inner(range(min = 1)), extend("x-default" = "1 and `attempts`"))]
    pub pass_at: Vec<u32>,
    /// How attempts are drawn; `attempts` stands in for the group's size. No default: the runtime knows no component.
    pub sampler: Component,
    /// The longest completion in tokens; 1024, as for training.
    #[serde(default = "EvalStage::default_max_new_tokens")]
    #[schemars(range(min = 1, max = 1_048_576))]
    pub max_new_tokens: u32,
    /// How many positions are held at a time while attempts are drawn; as for `eval` stages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        range(min = 1),
        extend("x-default" = "as many as the machine's memory has room for")
    )]
    pub decode_tokens: Option<u32>,
    /// The deadline of rewards that name none.
    #[serde(default = "EvalStage::default_reward_deadline")]
    pub reward_deadline: HumanDuration,
    /// The share of the attempts whose scoring may fail or time out, for rewards that name none, before the run stops.
    #[serde(default = "EvalStage::default_max_failure_share")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub max_failure_share: f64,
}

impl Probe {
    fn default_problems() -> u32 {
        128
    }

    fn default_attempts() -> u32 {
        8
    }

    /// The evaluation that it makes each time, in a stage with these tasks.
    pub fn evaluation(&self, stage: &str, tasks: &[String]) -> EvalStage {
        let tasks = match self.tasks.is_empty() {
            true => tasks,
            false => &self.tasks,
        };
        EvalStage {
            name: stage.to_owned(),
            tasks: tasks.to_vec(),
            problems: self.problems,
            skip: self.skip,
            attempts: self.attempts,
            pass_at: self.pass_at.clone(),
            sampler: self.sampler.clone(),
            max_new_tokens: self.max_new_tokens,
            decode_tokens: self.decode_tokens,
            split: self.split,
            reward_deadline: self.reward_deadline,
            max_failure_share: self.max_failure_share,
        }
    }
}
