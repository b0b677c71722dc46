//! A curriculum as the host holds it.

use farthing_abi::{Boxed, RawCurriculum_TO};
use serde_json::Value;

use super::{answered, from_json, state, to_json};
use crate::{
    CheckpointReport, Error, GroupReport, NextRequest, Pick, Progress, Result, Selected, StepReport,
};

/// A curriculum behind the boundary.
pub struct CurriculumClient(RawCurriculum_TO<Boxed>);

impl CurriculumClient {
    pub fn new(raw: RawCurriculum_TO<Boxed>) -> Self {
        Self(raw)
    }

    /// The next picks, each checked to name a task of the request and an index inside it.
    pub fn next(&mut self, request: &NextRequest) -> Result<Vec<Pick>> {
        let json = to_json(request)?;
        let picks: Vec<Pick> = from_json(self.0.next(json.as_str().into()))?;
        for pick in &picks {
            let task = request.tasks.get(pick.task as usize).ok_or_else(|| {
                Error::new(format!(
                    "the curriculum picked task {} of {}",
                    pick.task,
                    request.tasks.len()
                ))
            })?;
            if task.size.is_some_and(|size| pick.index >= size) {
                return Err(Error::new(format!(
                    "the curriculum picked problem {} of task {:?}, which has {}",
                    pick.index,
                    task.name,
                    task.size.unwrap_or_default()
                )));
            }
        }
        Ok(picks)
    }

    pub fn keep(&mut self, group: &GroupReport) -> Result<bool> {
        let json = to_json(group)?;
        answered(self.0.keep(json.as_str().into()))
    }

    pub fn observe(&mut self, step: &StepReport) -> Result<()> {
        let json = to_json(step)?;
        answered(self.0.observe(json.as_str().into()))
    }

    pub fn finished(&mut self, progress: &Progress) -> Result<bool> {
        let json = to_json(progress)?;
        answered(self.0.finished(json.as_str().into()))
    }

    pub fn select(&mut self, checkpoints: &[CheckpointReport]) -> Result<Vec<Selected>> {
        let json = to_json(&checkpoints)?;
        from_json(self.0.select(json.as_str().into()))
    }

    pub fn save_state(&self) -> Result<Value> {
        state(self.0.save_state())
    }
}
