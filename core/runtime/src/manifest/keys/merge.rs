//! `kind = "merge"`: one model from several.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{NAME_FORM, NAME_PATTERN};

/// Merging: the run goes on with a model whose weights are put together from several. It counts as one step of the run.
/// Models must have the same tensors, configuration and tokenizer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MergeStage {
    /// The stage's name in metrics and checkpoints; each is unique.
    #[serde(default)]
    #[schemars(
        regex(pattern = NAME_PATTERN),
        extend("x-expected" = NAME_FORM, "x-default" = "the kind; with `-2` and so on from the second of a kind")
    )]
    pub name: String,
    /// The name of an earlier stage with a `probe`: what its curriculum selected is merged, with the weights that it
    /// gave. Either this or `models`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-default" = "none: give `models`"))]
    pub from: Option<String>,
    /// Directories of models to merge, as Hugging Face writes them; checkpoints of runs are such directories.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-default" = "none: give `from`"))]
    pub models: Vec<MergeModel>,
    /// How weights are put together. The weights w of the models are divided by their sum. `linear`: their weighted
    /// mean (model soups, arXiv 2203.05482). `task-arithmetic`: `base + scale * sum w (model - base)` (arXiv
    /// 2212.04089). `slerp`: along the arc between two models, tensor by tensor. Linear, which has nothing to set.
    #[serde(default)]
    pub method: MergeMethod,
    /// `task-arithmetic`'s base, a directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1), extend("x-default" = "the model that the run began with"))]
    pub base: Option<PathBuf>,
    /// `task-arithmetic`'s scale. 1 is the linear merge; the paper's lambda, which multiplies the sum and not the mean
    /// of N task vectors, is `scale / N`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-default" = "1"))]
    pub scale: Option<f64>,
}

/// A model of a merge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MergeModel {
    /// Its directory.
    #[schemars(length(min = 1))]
    pub path: PathBuf,
    /// What it counts, in proportion to the others.
    #[serde(default = "MergeModel::default_weight")]
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub weight: f64,
}

/// How weights are put together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MergeMethod {
    #[default]
    Linear,
    TaskArithmetic,
    Slerp,
}

impl MergeModel {
    fn default_weight() -> f64 {
        1.0
    }
}
