//! The kit for samplers.

use serde_json::Value;

use super::create;
use crate::{
    DecodingPlan, Pause, PlanRequest, Result, Sampler, Split, Steer, client::SamplerClient, shim,
};

/// Makes `T` with this configuration.
pub fn sampler<T: Sampler>(config: Value) -> Result<SamplerKit> {
    let raw = create(&config, shim::sampler::create::<T>)?;
    Ok(SamplerKit(SamplerClient::new(raw)))
}

/// A sampler under test.
pub struct SamplerKit(SamplerClient);

impl SamplerKit {
    /// The plan for one step, its ranges checked.
    pub fn plan(&self, request: &PlanRequest) -> Result<DecodingPlan> {
        self.0.plan(request)
    }

    /// What happens to an attempt that stopped.
    pub fn steer(&self, pause: &Pause) -> Result<Steer> {
        self.0.steer(pause)
    }

    /// Lets the sampler change logits (V) after `tokens` (T).
    pub fn logits(&self, tokens: &[u32], logits: &mut [f32]) -> Result<()> {
        self.0.logits(tokens, logits)
    }

    /// Checks that every step of a stage, and an evaluation, gets a plan in range.
    ///
    /// # Errors
    /// Names the field that is out of range.
    pub fn check(&self) -> Result<()> {
        let steps = 10;
        for step in 0..steps {
            for split in [Split::Train, Split::Test] {
                self.plan(&PlanRequest { step, steps, split })?;
            }
        }
        Ok(())
    }
}
