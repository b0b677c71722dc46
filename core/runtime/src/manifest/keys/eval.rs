//! `kind = "eval"`: measuring the model between or after training stages.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Component, HumanDuration, NAME_FORM, NAME_PATTERN};

/// Evaluation: attempts at held-out problems are scored; nothing is trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EvalStage {
    /// The stage's name in metrics; each is unique.
    #[serde(default)]
    #[schemars(
        regex(pattern = NAME_PATTERN),
        extend("x-expected" = NAME_FORM, "x-default" = "the kind; with `-2` and so on from the second of a kind")
    )]
    pub name: String,
    /// The names of the tasks to evaluate on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-default" = "all tasks"))]
    pub tasks: Vec<String>,
    /// How many problems of each task. 256 bounds the standard error of a share by 3.1 points
    /// (`0.5 / sqrt(problems)`).
    #[serde(default = "EvalStage::default_problems")]
    #[schemars(range(min = 1))]
    pub problems: u32,
    /// How many problems of the split to pass over first, so that what is reported here chose nothing before.
    #[serde(default)]
    pub skip: u64,
    /// How many attempts at each problem.
    #[serde(default = "EvalStage::default_attempts")]
    #[schemars(range(min = 1, max = 65_536))]
    pub attempts: u32,
    /// The `k` of the pass@k figures, each at most `attempts`: the unbiased estimate of the chance that one of k
    /// attempts is right (Codex, arXiv 2107.03374).
    #[serde(default)]
    #[schemars(inner(range(min = 1)), extend("x-default" = "1 and `attempts`"))]
    pub pass_at: Vec<u32>,
    /// How attempts are drawn; `attempts` stands in for the group's size. No default: the runtime knows no component.
    pub sampler: Component,
    /// The longest completion in tokens; 1024, as for training.
    #[serde(default = "EvalStage::default_max_new_tokens")]
    #[schemars(range(min = 1, max = 1_048_576))]
    pub max_new_tokens: u32,
    /// How many positions are held at a time while attempts are drawn: prompts, each once for its group (on a GPU once for
    /// each attempt), and completions up to their limit. It bounds memory, and changes no attempt on the CPU. An attempt
    /// that needs more is drawn alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        range(min = 1),
        extend("x-default" = "as many as the machine's memory has room for")
    )]
    pub decode_tokens: Option<u32>,
    /// Which of the tasks' problems: `test` are those that no training stage sees.
    #[serde(default)]
    pub split: Split,
    /// The deadline of rewards that name none.
    #[serde(default = "EvalStage::default_reward_deadline")]
    pub reward_deadline: HumanDuration,
    /// The share of the attempts whose scoring may fail or time out, for rewards that name none, before the run
    /// stops.
    #[serde(default = "EvalStage::default_max_failure_share")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub max_failure_share: f64,
}

/// Which of a task's problems.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    #[default]
    Test,
    Train,
}

impl From<Split> for farthing_sdk::Split {
    fn from(split: Split) -> Self {
        match split {
            Split::Test => Self::Test,
            Split::Train => Self::Train,
        }
    }
}

impl EvalStage {
    fn default_problems() -> u32 {
        256
    }

    fn default_attempts() -> u32 {
        1
    }

    pub(super) fn default_max_new_tokens() -> u32 {
        1024
    }

    pub(super) fn default_reward_deadline() -> HumanDuration {
        HumanDuration::from_secs(10)
    }

    pub(super) fn default_max_failure_share() -> f64 {
        0.1
    }
}
