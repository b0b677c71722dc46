//! The keys of a manifest: one type for each table, each key with its meaning, default and reason.
//!
//! These types are the only description there is. Serde reads and writes them, schemars turns them into the schema
//! that checks a manifest, and the reference page is rendered from the same doc comments. The convention for a key's
//! comment: what it means, then why the default is what it is and where that comes from.
//! `x-expected` names a form in words where the schema has only a pattern; `x-default` describes a default that
//! depends on other keys.

mod component;
mod duration;
mod eval;
mod merge;
mod model;
mod plugins;
mod probe;
mod rl;
mod run;
mod sft;
mod stage;
mod task;
mod update;

pub use component::Component;
pub use duration::HumanDuration;
pub use eval::{EvalStage, Split};
pub use merge::{MergeMethod, MergeModel, MergeStage};
pub use model::{InitArchitecture, Lora, LoraTarget, Model, ModelInit, TokenizerSource};
pub use plugins::{Isolation, PluginFile, Plugins};
pub use probe::Probe;
pub use rl::{PeriodicEval, RlStage};
pub use run::{ActivationCheckpointing, Cost, Gpu, Run};
pub use sft::SftStage;
pub use stage::Stage;
pub(super) use stage::{KINDS, PLANNED_KINDS};
pub use task::{OnFailure, PythonFunction, Reward, Task};
pub use update::{Schedule, Update, UpdateRule};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A resolved manifest: every default filled in, every path absolute, every name present.
///
/// Paths are relative to the manifest's own directory. Unknown keys are errors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The run as a whole.
    pub run: Run,
    /// Where plugins are found.
    #[serde(default)]
    pub plugins: Plugins,
    /// The model to train.
    pub model: Model,
    /// The tasks that give problems, with the rewards that judge the attempts. The order has no meaning.
    #[serde(rename = "task")]
    #[schemars(length(min = 1))]
    pub tasks: Vec<Task>,
    /// The steps of the run's pipeline, in this order.
    #[serde(rename = "stage")]
    #[schemars(
        length(min = 1),
        with = "Vec<serde_json::Map<String, serde_json::Value>>"
    )]
    pub stages: Vec<Stage>,
}

/// Names become parts of file names and of metric names.
pub(super) const NAME_PATTERN: &str = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$";

/// In words.
pub(super) const NAME_FORM: &str =
    "a name of at most 64 letters, digits, `.`, `_` and `-`, starting with a letter or digit";
