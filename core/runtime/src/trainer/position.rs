//! Where a run stands: with the weights and the update rule's moments, all that a resumed run needs.

use std::collections::BTreeMap;
use std::path::Path;

use farthing_sdk::{CheckpointReport, Selected};

use serde::{Deserialize, Serialize};

use crate::error::{Result, RuntimeError};
use crate::run::MetricsPosition;
use crate::run::completions::CompletionsPosition;
use crate::stage::components::States;

/// The trainer's position in a checkpoint.
pub(super) const POSITION_FILE: &str = "state/position.json";

/// Where a run stands.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Position {
    /// The stage, counted from 0.
    pub stage: usize,
    /// Steps done in the stage.
    pub stage_step: u64,
    /// Steps done in the run.
    pub step: u64,
    /// Tokens trained on.
    pub num_tokens: u64,
    /// Wall-clock seconds that the run has taken, for its budget.
    #[serde(default)]
    pub seconds: f64,
    /// Problems drawn in the stage.
    pub cursor: u64,
    /// Whether the first update of the run, where every tensor must get a gradient, is still to come.
    pub coverage_pending: bool,
    /// The checkpoints at the ends of stages, which are kept. The last is the one that the present stage began with.
    pub stage_ends: Vec<String>,
    pub metrics: MetricsPosition,
    pub completions: CompletionsPosition,
    /// By stage, the checkpoints that its probes selected. They are kept for as long as the run lasts.
    #[serde(default)]
    pub selections: BTreeMap<String, Selection>,
    /// States of tasks and rewards.
    pub task_states: States,
    /// States of the stage's own components.
    pub stage_states: States,
}

/// What probing came to in one stage so far.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Selection {
    /// What was measured on those that are selected.
    pub candidates: Vec<CheckpointReport>,
    pub selected: Vec<Selected>,
}

impl Position {
    /// What the probes of a stage selected; nothing before the first.
    pub fn selection(&self, stage: &str) -> &Selection {
        static NONE: Selection = Selection {
            candidates: Vec::new(),
            selected: Vec::new(),
        };
        self.selections.get(stage).unwrap_or(&NONE)
    }

    /// The position of a fresh run.
    pub fn start() -> Self {
        Self {
            coverage_pending: true,
            ..Self::default()
        }
    }

    /// Reads the position of a checkpoint.
    pub fn read(checkpoint: &Path) -> Result<Self> {
        let path = checkpoint.join(POSITION_FILE);
        let refuse = |problem: String| RuntimeError::Checkpoint {
            path: path.clone(),
            problem,
        };
        let text = std::fs::read_to_string(&path).map_err(|error| refuse(error.to_string()))?;
        serde_json::from_str(&text).map_err(|error| refuse(error.to_string()))
    }
}
