//! A sampler as the host holds it.

use farthing_abi::{Boxed, RawSampler_TO};
use serde_json::Value;

use super::{answered, from_json, state, to_json};
use crate::{DecodingPlan, Pause, PlanRequest, Result, SamplerHook, Steer};

/// A sampler behind the boundary.
pub struct SamplerClient(RawSampler_TO<Boxed>);

impl SamplerClient {
    pub fn new(raw: RawSampler_TO<Boxed>) -> Self {
        Self(raw)
    }

    /// The plan of one step, its ranges checked.
    pub fn plan(&self, request: &PlanRequest) -> Result<DecodingPlan> {
        let json = to_json(request)?;
        let plan: DecodingPlan = from_json(self.0.plan(json.as_str().into()))?;
        plan.check()?;
        Ok(plan)
    }

    pub fn hooks(&self) -> Result<Vec<SamplerHook>> {
        from_json(self.0.hooks())
    }

    pub fn steer(&self, pause: &Pause) -> Result<Steer> {
        let json = to_json(pause)?;
        from_json(self.0.steer(json.as_str().into()))
    }

    pub fn logits(&self, tokens: &[u32], logits: &mut [f32]) -> Result<()> {
        answered(self.0.logits(tokens.into(), logits.into()))
    }

    pub fn save_state(&self) -> Result<Value> {
        state(self.0.save_state())
    }
}
