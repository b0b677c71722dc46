//! `kind = "rl"`: reinforcement learning from the tasks' rewards.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Component, EvalStage, HumanDuration, NAME_FORM, NAME_PATTERN, Split, Update};

/// Reinforcement learning: each step draws problems, samples a group of attempts at each, scores them, and updates
/// the model by the optimizer's objective.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RlStage {
    /// The stage's name in metrics and checkpoints; each is unique.
    #[serde(default)]
    #[schemars(
        regex(pattern = NAME_PATTERN),
        extend("x-expected" = NAME_FORM, "x-default" = "the kind; with `-2` and so on from the second of a kind")
    )]
    pub name: String,
    /// The names of the tasks to draw problems from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-default" = "all tasks"))]
    pub tasks: Vec<String>,
    /// How many steps to make. A step is one rollout and the updates made from it. No default: it is the run's price.
    #[schemars(range(min = 1))]
    pub steps: u32,
    /// How attempts are drawn; the group's size is in its configuration. No default: the runtime knows no component.
    pub sampler: Component,
    /// The policy objective. No default: the runtime knows no component.
    pub optimizer: Component,
    /// What chooses the problems and the groups to keep.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-default" = "problems by the tasks' weights, every group kept"))]
    pub curriculum: Option<Component>,
    /// How many problems a step draws. 16, as DeepSeekMath's 1024 attempts in groups of 64.
    #[serde(default = "RlStage::default_problems_per_step")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub problems_per_step: u32,
    /// The longest completion in tokens. 1024, as in TinyZero and DeepSeekMath; what is longer is cut and counted in
    /// `completions/clipped_ratio`.
    #[serde(default = "RlStage::default_max_new_tokens")]
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
    /// How many tokens go through the model at once in the training pass. It bounds memory and changes no result:
    /// the gradient of an update is that of the whole update however it is split. A longer sequence goes alone.
    #[serde(default = "RlStage::default_micro_batch_tokens")]
    #[schemars(range(min = 1))]
    pub micro_batch_tokens: u32,
    /// How often to go through a rollout's attempts. 1, as in TinyZero and TRL; more makes more of costly rollouts,
    /// and the later passes are off-policy.
    #[serde(default = "RlStage::default_num_iterations")]
    #[schemars(range(min = 1, max = 64))]
    pub num_iterations: u32,
    /// Into how many updates to split a rollout; whole groups stay together. 1 keeps the first pass exactly
    /// on-policy.
    #[serde(default = "RlStage::default_minibatches")]
    #[schemars(range(min = 1))]
    pub minibatches: u32,
    /// The deadline of rewards that name none. Ten seconds is far above what a check of text takes and ends a hang
    /// before anybody wonders.
    #[serde(default = "RlStage::default_reward_deadline")]
    pub reward_deadline: HumanDuration,
    /// The share of a step's attempts whose scoring may fail or time out, for rewards that name none, before the run
    /// stops. A few failures are noise, more than a tenth means that the reward is broken and the run is learning
    /// from what is left.
    #[serde(default = "RlStage::default_max_failure_share")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub max_failure_share: f64,
    /// How gradients become new weights.
    #[serde(default = "Update::for_rl", deserialize_with = "Update::over_rl")]
    #[schemars(with = "Update")]
    pub update: Update,
    /// Evaluate on held-out problems while training.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-default" = "no evaluation"))]
    pub eval: Option<PeriodicEval>,
}

/// Evaluation on the tasks' held-out problems while training: before the first step, every `every` steps, and after
/// the last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PeriodicEval {
    /// After how many steps; also before the first and after the last.
    #[schemars(range(min = 1))]
    pub every: u32,
    /// How many held-out problems, the same ones each time so that the curve compares like with like. The standard
    /// error of a share is at most `0.5 / sqrt(problems)`: 4.4 points at 128.
    #[serde(default = "PeriodicEval::default_problems")]
    #[schemars(range(min = 1))]
    pub problems: u32,
    /// How many attempts at each problem.
    #[serde(default = "PeriodicEval::default_attempts")]
    #[schemars(range(min = 1, max = 65_536))]
    pub attempts: u32,
    /// How attempts are drawn; `attempts` stands in for the group's size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-default" = "the stage's `sampler`"))]
    pub sampler: Option<Component>,
}

impl RlStage {
    fn default_problems_per_step() -> u32 {
        16
    }

    fn default_max_new_tokens() -> u32 {
        1024
    }

    fn default_micro_batch_tokens() -> u32 {
        4096
    }

    fn default_num_iterations() -> u32 {
        1
    }

    fn default_minibatches() -> u32 {
        1
    }

    fn default_reward_deadline() -> HumanDuration {
        HumanDuration::from_secs(10)
    }

    fn default_max_failure_share() -> f64 {
        0.1
    }
}

impl RlStage {
    /// The evaluation that it makes in its course, if it does.
    pub fn evaluation(&self) -> Option<EvalStage> {
        let eval = self.eval.as_ref()?;
        let mut pass_at = vec![1, eval.attempts];
        pass_at.dedup();
        Some(EvalStage {
            name: self.name.clone(),
            tasks: self.tasks.clone(),
            problems: eval.problems,
            skip: 0,
            attempts: eval.attempts,
            pass_at,
            sampler: eval.sampler.clone().unwrap_or_else(|| self.sampler.clone()),
            max_new_tokens: self.max_new_tokens,
            decode_tokens: self.decode_tokens,
            split: Split::Test,
            reward_deadline: self.reward_deadline,
            max_failure_share: self.max_failure_share,
        })
    }
}

impl PeriodicEval {
    fn default_problems() -> u32 {
        128
    }

    fn default_attempts() -> u32 {
        1
    }
}
