//! `kind = "sft"`: supervised fine-tuning on the tasks' worked solutions.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Component, NAME_FORM, NAME_PATTERN, Probe, Update};

/// Supervised fine-tuning: the model learns the tasks' worked solutions token by token; the prompt's tokens carry no
/// loss. The defaults are s1's (arXiv 2501.19393, appendix D): 1000 examples, 5 epochs, batches of 16.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SftStage {
    /// The stage's name in metrics and checkpoints; each is unique.
    #[serde(default)]
    #[schemars(
        regex(pattern = NAME_PATTERN),
        extend("x-expected" = NAME_FORM, "x-default" = "the kind; with `-2` and so on from the second of a kind")
    )]
    pub name: String,
    /// The names of the tasks to learn from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-default" = "all tasks"))]
    pub tasks: Vec<String>,
    /// How many worked solutions to take from the tasks, by their weights; a task that has fewer gives all. 1000, as
    /// s1 found enough for a pretrained model; a model from scratch wants tens of thousands.
    #[serde(default = "SftStage::default_examples")]
    #[schemars(range(min = 1))]
    pub examples: u32,
    /// How often to go through the examples. Either this or `steps`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1), extend("x-default" = "5, unless `steps` is given"))]
    pub epochs: Option<u32>,
    /// How many updates to make, going through the examples as often as that takes. Either this or `epochs`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1), extend("x-default" = "as many as `epochs` takes"))]
    pub steps: Option<u32>,
    /// How many sequences make one update. 16, as in s1.
    #[serde(default = "SftStage::default_batch")]
    #[schemars(range(min = 1))]
    pub batch: u32,
    /// The longest example in tokens, prompt and solution together. A longer one is left out and counted: a solution
    /// without its end teaches the model not to stop (s1, table 8: cutting training sequences lengthens answers and
    /// costs accuracy).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 2), extend("x-default" = "the longest sequence that the model takes"))]
    pub max_length: Option<u32>,
    /// How many tokens go through the model at once. It bounds memory and changes no result: the gradient of a batch
    /// is that of the whole batch however it is split. A longer sequence goes alone.
    #[serde(default = "SftStage::default_micro_batch_tokens")]
    #[schemars(range(min = 1))]
    pub micro_batch_tokens: u32,
    /// What chooses the examples and, with `probe`, the checkpoints to keep.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-default" = "examples by the tasks' weights; the newest checkpoint"))]
    pub curriculum: Option<Component>,
    /// Measure the model while it trains, and keep the checkpoints that `curriculum` selects by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-default" = "no probing"))]
    pub probe: Option<Probe>,
    /// How gradients become new weights.
    #[serde(default = "Update::for_sft", deserialize_with = "Update::over_sft")]
    #[schemars(with = "Update")]
    pub update: Update,
}

impl SftStage {
    /// Used where neither `epochs` nor `steps` is given.
    pub const DEFAULT_EPOCHS: u32 = 5;

    /// Steps of the stage over so many examples.
    pub fn steps_over(&self, examples: usize) -> u64 {
        match self.steps {
            Some(steps) => u64::from(steps),
            None => {
                let epochs = u64::from(self.epochs.unwrap_or(Self::DEFAULT_EPOCHS));
                let batch = u64::from(self.batch).min(examples as u64).max(1);
                (epochs * examples as u64).div_ceil(batch)
            }
        }
    }

    fn default_examples() -> u32 {
        1000
    }

    fn default_batch() -> u32 {
        16
    }

    fn default_micro_batch_tokens() -> u32 {
        4096
    }
}
