//! Tests a component the way the host uses it: through the same shims, with the same
//! checks of what comes back.
//!
//! ```
//! # use farthing_sdk::prelude::*;
//! # struct Short;
//! # /// Scores 1 for a short yes.
//! # #[component("short")]
//! # impl Reward for Short {
//! #     type Config = Value;
//! #     fn new(_: Value) -> Result<Self> { Ok(Self) }
//! #     fn score(&self, _: &ProblemView<'_>, attempt: &Attempt<'_>) -> Result<Outcome> {
//! #         Ok(Outcome::scored(u8::from(attempt.completion.trim() == "yes")))
//! #     }
//! # }
//! use farthing_sdk::testing;
//!
//! let reward = testing::reward::<Short>(json!({}))?;
//! assert_eq!(reward.score(&json!({}), "maybe")?, Outcome::scored(0.0));
//! reward.check(&json!({}), &["yes"], &["no, rather long"])?;
//! # Ok::<(), farthing_sdk::Error>(())
//! ```

mod curriculum;
mod optimizer;
mod reward;
mod sampler;
mod task;

pub use curriculum::{CurriculumKit, curriculum};
pub use optimizer::{OptimizerKit, SampleBatch, optimizer};
pub use reward::{RewardKit, hostile_texts, reward};
pub use sampler::{SamplerKit, sampler};
pub use task::{TaskKit, task};

use farthing_abi::RawCreate;
use serde_json::Value;

use crate::{Result, shim};

/// Makes a component through its shim, as the root module does.
fn create<T>(config: &Value, make: fn(RawCreate<'_>) -> Result<T>) -> Result<T> {
    create_with_state(config, &Value::Null, make)
}

fn create_with_state<T>(
    config: &Value,
    state: &Value,
    make: fn(RawCreate<'_>) -> Result<T>,
) -> Result<T> {
    let (config, state) = (config.to_string(), state.to_string());
    shim::caught(|| {
        make(RawCreate {
            name: "under-test".into(),
            config: config.as_str().into(),
            state: state.as_str().into(),
        })
    })
}
