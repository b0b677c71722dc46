//! [`Task`] over the boundary.

use farthing_abi::{
    Boxed, RawCreate, RawError, RawTask, RawTask_TO,
    abi_stable::{
        sabi_trait::TD_Opaque,
        std_types::{ROption, RResult, RStr, RString},
    },
};

use super::{guard, made, to_json};
use crate::{Result, Task};

pub(crate) fn create<T: Task>(create: RawCreate<'_>) -> Result<RawTask_TO<Boxed>> {
    let task = made(create, T::new, T::load_state)?;
    Ok(RawTask_TO::from_value(Shim(task), TD_Opaque))
}

struct Shim<T>(T);

impl<T: Task> RawTask for Shim<T> {
    fn size(&self, split: RStr<'_>) -> RResult<ROption<u64>, RawError> {
        guard(|| Ok(self.0.size(split.as_str().parse()?)?.into()))
    }

    fn problem(&self, split: RStr<'_>, index: u64, seed: u64) -> RResult<RString, RawError> {
        guard(|| to_json(&self.0.problem(split.as_str().parse()?, index, seed)?))
    }

    fn solution(
        &self,
        problem_json: RStr<'_>,
        variant: u64,
    ) -> RResult<ROption<RString>, RawError> {
        guard(|| {
            let problem = serde_json::from_str(problem_json.as_str())?;
            let solution = self.0.solution(&problem, variant)?;
            Ok(solution.map(RString::from).into())
        })
    }

    fn save_state(&self) -> RResult<RString, RawError> {
        guard(|| to_json(&self.0.save_state()?))
    }
}
