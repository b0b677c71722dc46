//! `[[stage]]`: one step of the run's pipeline; `kind` says which keys it has.

use serde::{Deserialize, Serialize};

use super::{EvalStage, MergeStage, Probe, RlStage, SftStage};

/// The kinds of stages that this version runs.
pub(in crate::manifest) const KINDS: [&str; 4] = ["sft", "rl", "merge", "eval"];

/// Kinds that the design names and this version does not run.
pub(in crate::manifest) const PLANNED_KINDS: [&str; 3] = ["probe", "distill", "curate"];

/// One step of the run's pipeline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Stage {
    Sft(SftStage),
    Rl(RlStage),
    Merge(MergeStage),
    Eval(EvalStage),
}

impl Stage {
    /// The stage's kind as the manifest writes it.
    pub fn kind(&self) -> &'static str {
        match self {
            Stage::Sft(_) => "sft",
            Stage::Rl(_) => "rl",
            Stage::Merge(_) => "merge",
            Stage::Eval(_) => "eval",
        }
    }

    /// The stage's name, unique in the run.
    pub fn name(&self) -> &str {
        match self {
            Stage::Sft(stage) => &stage.name,
            Stage::Rl(stage) => &stage.name,
            Stage::Merge(stage) => &stage.name,
            Stage::Eval(stage) => &stage.name,
        }
    }

    pub(in crate::manifest) fn name_mut(&mut self) -> &mut String {
        match self {
            Stage::Sft(stage) => &mut stage.name,
            Stage::Rl(stage) => &mut stage.name,
            Stage::Merge(stage) => &mut stage.name,
            Stage::Eval(stage) => &mut stage.name,
        }
    }

    /// Whether it takes problems from tasks.
    pub fn draws(&self) -> bool {
        !matches!(self, Stage::Merge(_))
    }

    /// What measures its checkpoints as it trains.
    pub fn probe(&self) -> Option<&Probe> {
        match self {
            Stage::Sft(stage) => stage.probe.as_ref(),
            Stage::Rl(_) | Stage::Merge(_) | Stage::Eval(_) => None,
        }
    }

    /// The names of the tasks it uses; none means all.
    pub fn tasks(&self) -> &[String] {
        match self {
            Stage::Sft(stage) => &stage.tasks,
            Stage::Rl(stage) => &stage.tasks,
            Stage::Merge(_) => &[],
            Stage::Eval(stage) => &stage.tasks,
        }
    }
}
