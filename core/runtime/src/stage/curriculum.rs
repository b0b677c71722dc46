//! A stage's curriculum, or the default in its place: problems by the tasks' weights, every group kept, the newest
//! checkpoint.

use farthing_sdk::client::CurriculumClient;
use farthing_sdk::{
    CheckpointReport, Error, GroupReport, NextRequest, Pick, Progress, Selected, StepReport,
};
use serde_json::Value;

use super::components::{States, keep, state};
use crate::error::{Result, RuntimeError};
use crate::host::PluginHost;
use crate::manifest;

/// Where a stage's curriculum has its state.
const STATE: &str = "curriculum";

/// What chooses problems, groups and checkpoints.
pub(crate) struct LiveCurriculum(Option<(String, CurriculumClient)>);

impl LiveCurriculum {
    pub fn new(
        host: &PluginHost,
        component: Option<&manifest::Component>,
        states: &States,
    ) -> Result<Self> {
        let live = component.map(|component| {
            let config = Value::Object(component.config.clone());
            let client = host.curriculum(&component.name, &config, state(states, STATE))?;
            Ok::<_, RuntimeError>((component.name.clone(), client))
        });
        Ok(Self(live.transpose()?))
    }

    pub fn next(&mut self, request: &NextRequest) -> Result<Vec<Pick>> {
        self.ask(|curriculum| curriculum.next(request), || request.draw())
    }

    pub fn keep(&mut self, group: impl FnOnce() -> GroupReport) -> Result<bool> {
        self.ask(|curriculum| curriculum.keep(&group()), || true)
    }

    pub fn observe(&mut self, step: impl FnOnce() -> StepReport) -> Result<()> {
        self.ask(|curriculum| curriculum.observe(&step()), || ())
    }

    /// Whether the stage ends here, before its last step.
    pub fn finished(&mut self, step: u64, steps: u64) -> Result<bool> {
        self.ask(
            |curriculum| curriculum.finished(&Progress { step, steps }),
            || false,
        )
    }

    /// Which of the candidates, at least one, each with a weight above 0. The newest candidate comes last.
    pub fn select(&mut self, candidates: &[CheckpointReport]) -> Result<Vec<Selected>> {
        let newest = || {
            let newest = candidates.last();
            let newest = newest.map(|newest| Selected {
                name: newest.name.clone(),
                weight: 1.0,
            });
            newest.into_iter().collect()
        };
        self.ask(
            |curriculum| {
                let selected = curriculum.select(candidates)?;
                refuse_unusable(&selected, candidates)?;
                Ok(selected)
            },
            newest,
        )
    }

    /// Its state, where it has one.
    pub fn save(&self) -> Result<States> {
        let mut states = States::new();
        if let Some((name, curriculum)) = &self.0 {
            let saved = curriculum.save_state();
            keep(&mut states, STATE.into(), "curriculum", name, saved)?;
        }
        Ok(states)
    }

    fn ask<T>(
        &mut self,
        ask: impl FnOnce(&mut CurriculumClient) -> farthing_sdk::Result<T>,
        default: impl FnOnce() -> T,
    ) -> Result<T> {
        match &mut self.0 {
            None => Ok(default()),
            Some((name, curriculum)) => {
                ask(curriculum).map_err(RuntimeError::component("curriculum", name))
            }
        }
    }
}

fn refuse_unusable(
    selected: &[Selected],
    candidates: &[CheckpointReport],
) -> farthing_sdk::Result<()> {
    if selected.is_empty() {
        return Err(Error::new("it selected no checkpoint at all"));
    }
    for (index, chosen) in selected.iter().enumerate() {
        let name = &chosen.name;
        if !candidates.iter().any(|report| report.name == *name) {
            return Err(Error::new(format!(
                "it selected the checkpoint {name:?}, which is none of those it was shown"
            )));
        }
        if selected[..index].iter().any(|other| other.name == *name) {
            return Err(Error::new(format!(
                "it selected the checkpoint {name:?} twice"
            )));
        }
        if !(chosen.weight.is_finite() && chosen.weight > 0.0) {
            return Err(Error::new(format!(
                "it gave the checkpoint {name:?} the weight {}; expected a number above 0",
                chosen.weight
            )));
        }
    }
    Ok(())
}
