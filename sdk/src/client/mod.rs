//! The host's side of the boundary: each kind of component as an ordinary Rust object.
//!
//! The runtime and the test kit both speak to components through these, so what passes the
//! kit behaves the same in a run. Not for authors.

mod curriculum;
mod optimizer;
mod reward;
mod sampler;
mod task;

pub use curriculum::CurriculumClient;
pub use optimizer::{AdvantageArrays, LossArrays, Metric, OptimizerClient};
pub use reward::{ProblemText, Reported, RewardClient};
pub use sampler::SamplerClient;
pub use task::TaskClient;

use farthing_abi::{
    PluginRootRef, RawError,
    abi_stable::std_types::{RResult, RString},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{Error, Result, Surrounding};

/// What a plugin found of its surroundings; nothing of libraries older than the question.
pub fn surroundings(root: PluginRootRef) -> Result<Vec<Surrounding>> {
    match root.surroundings() {
        Some(surroundings) => from_json(surroundings()),
        None => Ok(Vec::new()),
    }
}

fn answered<T>(result: RResult<T, RawError>) -> Result<T> {
    result.into_result().map_err(Error::from_raw)
}

fn to_json<T: Serialize>(value: &T) -> Result<String> {
    Ok(serde_json::to_string(value)?)
}

fn from_json<T: DeserializeOwned>(result: RResult<RString, RawError>) -> Result<T> {
    let text = answered(result)?;
    serde_json::from_str(text.as_str())
        .map_err(|error| Error::from(error).context("the plugin's answer cannot be read"))
}

fn state(result: RResult<RString, RawError>) -> Result<Value> {
    from_json(result)
}
