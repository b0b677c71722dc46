//! [`Curriculum`] over the boundary.

use farthing_abi::{
    Boxed, RawCreate, RawCurriculum, RawCurriculum_TO, RawError,
    abi_stable::{
        sabi_trait::TD_Opaque,
        std_types::{RResult, RStr, RString},
    },
};

use super::{guard, made, to_json};
use crate::{CheckpointReport, Curriculum, Result};

pub(crate) fn create<T: Curriculum>(create: RawCreate<'_>) -> Result<RawCurriculum_TO<Boxed>> {
    let curriculum = made(create, T::new, T::load_state)?;
    Ok(RawCurriculum_TO::from_value(Shim(curriculum), TD_Opaque))
}

struct Shim<T>(T);

impl<T: Curriculum> RawCurriculum for Shim<T> {
    fn next(&mut self, request_json: RStr<'_>) -> RResult<RString, RawError> {
        guard(|| to_json(&self.0.next(&serde_json::from_str(request_json.as_str())?)?))
    }

    fn keep(&mut self, group_json: RStr<'_>) -> RResult<bool, RawError> {
        guard(|| self.0.keep(&serde_json::from_str(group_json.as_str())?))
    }

    fn observe(&mut self, step_json: RStr<'_>) -> RResult<(), RawError> {
        guard(|| self.0.observe(&serde_json::from_str(step_json.as_str())?))
    }

    fn finished(&mut self, progress_json: RStr<'_>) -> RResult<bool, RawError> {
        guard(|| {
            self.0
                .finished(&serde_json::from_str(progress_json.as_str())?)
        })
    }

    fn select(&mut self, checkpoints_json: RStr<'_>) -> RResult<RString, RawError> {
        guard(|| {
            let checkpoints: Vec<CheckpointReport> =
                serde_json::from_str(checkpoints_json.as_str())?;
            to_json(&self.0.select(&checkpoints)?)
        })
    }

    fn save_state(&self) -> RResult<RString, RawError> {
        guard(|| to_json(&self.0.save_state()?))
    }
}
