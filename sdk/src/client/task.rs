//! A task as the host holds it.

use farthing_abi::{Boxed, RawTask_TO};
use serde_json::Value;

use super::{answered, from_json, state, to_json};
use crate::{Problem, Result, Split};

/// A task behind the boundary.
pub struct TaskClient(RawTask_TO<Boxed>);

impl TaskClient {
    pub fn new(raw: RawTask_TO<Boxed>) -> Self {
        Self(raw)
    }

    pub fn size(&self, split: Split) -> Result<Option<u64>> {
        Ok(answered(self.0.size(split.name().into()))?.into())
    }

    pub fn problem(&self, split: Split, index: u64, seed: u64) -> Result<Problem> {
        from_json(self.0.problem(split.name().into(), index, seed))
    }

    pub fn solution(&self, problem: &Problem, variant: u64) -> Result<Option<String>> {
        let json = to_json(problem)?;
        let solution = answered(self.0.solution(json.as_str().into(), variant))?;
        Ok(solution.into_option().map(Into::into))
    }

    pub fn save_state(&self) -> Result<Value> {
        state(self.0.save_state())
    }
}
