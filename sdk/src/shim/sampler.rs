//! [`Sampler`] over the boundary.

use farthing_abi::{
    Boxed, RawCreate, RawError, RawSampler, RawSampler_TO,
    abi_stable::{
        sabi_trait::TD_Opaque,
        std_types::{RResult, RSlice, RSliceMut, RStr, RString},
    },
};

use super::{guard, made, to_json};
use crate::{Result, Sampler};

pub(crate) fn create<T: Sampler>(create: RawCreate<'_>) -> Result<RawSampler_TO<Boxed>> {
    let sampler = made(create, T::new, T::load_state)?;
    Ok(RawSampler_TO::from_value(Shim(sampler), TD_Opaque))
}

struct Shim<T>(T);

impl<T: Sampler> RawSampler for Shim<T> {
    fn plan(&self, request_json: RStr<'_>) -> RResult<RString, RawError> {
        guard(|| {
            let plan = self.0.plan(&serde_json::from_str(request_json.as_str())?)?;
            plan.check()?;
            to_json(&plan)
        })
    }

    fn hooks(&self) -> RResult<RString, RawError> {
        guard(|| to_json(&T::HOOKS))
    }

    fn steer(&self, pause_json: RStr<'_>) -> RResult<RString, RawError> {
        guard(|| to_json(&self.0.steer(&serde_json::from_str(pause_json.as_str())?)?))
    }

    fn logits(
        &self,
        tokens: RSlice<'_, u32>,
        mut logits: RSliceMut<'_, f32>,
    ) -> RResult<(), RawError> {
        guard(|| self.0.logits(tokens.as_slice(), logits.as_mut_slice()))
    }

    fn save_state(&self) -> RResult<RString, RawError> {
        guard(|| to_json(&self.0.save_state()?))
    }
}
