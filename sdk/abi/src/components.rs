//! The five kinds of component as trait objects.
//!
//! A parameter named `json` carries the type of that name in `farthing-sdk`, as JSON:
//! these calls happen a few times a step, and JSON lets both sides grow. The calls that
//! happen for each attempt or token carry slices.

use abi_stable::{
    sabi_trait,
    std_types::{ROption, RResult, RSlice, RSliceMut, RStr, RString},
};

use crate::{
    RawArray, RawArrayMut, RawAttempt, RawError, RawMetricSink_TO, RawNumber, RawOutcomeSink_TO,
    RawProblem,
};
use abi_stable::sabi_types::{RMut, RRef};

/// `farthing_sdk::Task`.
#[sabi_trait]
pub trait RawTask: Send + Sync + 'static {
    fn size(&self, split: RStr<'_>) -> RResult<ROption<u64>, RawError>;
    fn problem(&self, split: RStr<'_>, index: u64, seed: u64) -> RResult<RString, RawError>;
    fn solution(&self, problem_json: RStr<'_>, variant: u64)
    -> RResult<ROption<RString>, RawError>;
    #[sabi(last_prefix_field)]
    fn save_state(&self) -> RResult<RString, RawError>;
}

/// `farthing_sdk::Reward`.
#[sabi_trait]
pub trait RawReward: Send + Sync + 'static {
    /// True when all attempts of a group must come in one call.
    fn whole_groups(&self) -> bool;
    fn score(
        &self,
        problem: RawProblem<'_>,
        attempts: RSlice<'_, RawAttempt<'_>>,
        sink: RawOutcomeSink_TO<'_, RRef<'_, ()>>,
    ) -> RResult<(), RawError>;
    #[sabi(last_prefix_field)]
    fn save_state(&self) -> RResult<RString, RawError>;
}

/// `farthing_sdk::Sampler`.
#[sabi_trait]
pub trait RawSampler: Send + Sync + 'static {
    fn plan(&self, request_json: RStr<'_>) -> RResult<RString, RawError>;
    /// JSON list of the hooks in use: `"steer"`, `"logits"`.
    fn hooks(&self) -> RResult<RString, RawError>;
    fn steer(&self, pause_json: RStr<'_>) -> RResult<RString, RawError>;
    fn logits(&self, tokens: RSlice<'_, u32>, logits: RSliceMut<'_, f32>) -> RResult<(), RawError>;
    #[sabi(last_prefix_field)]
    fn save_state(&self) -> RResult<RString, RawError>;
}

/// `farthing_sdk::Optimizer`.
#[sabi_trait]
pub trait RawOptimizer: Send + Sync + 'static {
    /// JSON list of the optional arrays to provide.
    fn needs(&self) -> RResult<RString, RawError>;
    fn advantages(
        &mut self,
        groups: RSlice<'_, u32>,
        rewards: RSlice<'_, f64>,
        sequences: RSlice<'_, u32>,
        inputs: RSlice<'_, RawArray<'_>>,
        outputs: RSliceMut<'_, RawArrayMut<'_>>,
        metrics: RawMetricSink_TO<'_, RMut<'_, ()>>,
    ) -> RResult<(), RawError>;
    fn loss(
        &mut self,
        groups: RSlice<'_, u32>,
        sequences: RSlice<'_, u32>,
        inputs: RSlice<'_, RawArray<'_>>,
        totals: RSlice<'_, RawNumber<'_>>,
        outputs: RSliceMut<'_, RawArrayMut<'_>>,
        metrics: RawMetricSink_TO<'_, RMut<'_, ()>>,
    ) -> RResult<f64, RawError>;
    #[sabi(last_prefix_field)]
    fn save_state(&self) -> RResult<RString, RawError>;
}

/// `farthing_sdk::Curriculum`.
#[sabi_trait]
pub trait RawCurriculum: Send + Sync + 'static {
    fn next(&mut self, request_json: RStr<'_>) -> RResult<RString, RawError>;
    fn keep(&mut self, group_json: RStr<'_>) -> RResult<bool, RawError>;
    fn observe(&mut self, step_json: RStr<'_>) -> RResult<(), RawError>;
    fn finished(&mut self, progress_json: RStr<'_>) -> RResult<bool, RawError>;
    fn select(&mut self, checkpoints_json: RStr<'_>) -> RResult<RString, RawError>;
    #[sabi(last_prefix_field)]
    fn save_state(&self) -> RResult<RString, RawError>;
}
