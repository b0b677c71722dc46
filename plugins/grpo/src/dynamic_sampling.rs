//! Dynamic sampling: DAPO's condition, as a curriculum. arXiv 2503.14476, section 3.2, eq 11.
//!
//! ```text
//! 0 < #{i : attempt i is correct} < G
//! ```
//!
//! A group whose attempts are all right or all wrong has advantages of zero under any
//! objective that compares within groups: it costs its decoding and gives no gradient, and
//! the more of them there are, the smaller and noisier the step. So they are not kept, and
//! the host draws others in their place, up to the stage's limit.
//!
//! What differs from the paper: a reward here may be any number, so the condition is that
//! rewards differ, by more than `min_spread`. With 0 or 1 as rewards that is the paper's. The
//! order of problems is the default one.

use farthing_sdk::prelude::*;

#[config]
#[derive(Default)]
#[serde(default)]
pub struct Config {
    /// A group is kept if its greatest and its least reward differ by more than this. Above
    /// 0 where small parts of the reward (length, format) make nearly every group differ.
    #[schemars(range(min = 0.0))]
    min_spread: f64,
}

pub struct DynamicSampling {
    min_spread: f64,
}

/// Trains only on groups whose attempts earned different rewards (DAPO).
#[component("dynamic-sampling")]
impl Curriculum for DynamicSampling {
    type Config = Config;

    fn new(config: Config) -> Result<Self> {
        Ok(Self {
            min_spread: config.min_spread,
        })
    }

    fn keep(&mut self, group: &GroupReport) -> Result<bool> {
        let rewards = group.rewards.iter().copied();
        let greatest = rewards.clone().fold(f64::NEG_INFINITY, f64::max);
        let least = rewards.fold(f64::INFINITY, f64::min);
        // A group without scored attempts has the spread -inf, which is never enough.
        Ok(greatest - least > self.min_spread)
    }
}
