//! DAPO: Decoupled Clip and Dynamic sAmpling Policy Optimization. arXiv 2503.14476, eq 8-10.
//!
//! ```text
//! J = 1/(sum_i |o_i|) sum_i sum_t min[rho_it A_i, clip(rho_it, 1-eps_low, 1+eps_high) A_i]
//! A_i = (r_i - mean(r)) / std(r)                                                   (eq 9)
//! subject to 0 < #{i: attempt i is correct} < G
//! ```
//!
//! The higher upper bound lets unlikely tokens grow ("clip-higher", 3.1); every token counts
//! the same, so long attempts are neither diluted nor excused ("token-level loss", 3.3).
//!
//! What differs from the paper:
//! - The condition is the curriculum `grpo/dynamic-sampling`; this objective works without.
//! - The soft punishment of overlong attempts (eq 13) is part of the reward, not of the
//!   loss, so a reward plugin gives it.
//! - The tokens are those of all groups of the update, as in the authors' code; eq 8 reads
//!   as if each group were divided by its own.
//! - The KL and entropy terms can be turned on; the paper has none (2.3).

use farthing_objective::{
    Aggregation, Clip, Regularization, Scale, advantage::group_relative, clipped_surrogate,
};
use farthing_sdk::prelude::*;

#[config]
pub struct Config {
    /// Ratios below 1 - epsilon_low are clipped.
    #[serde(default = "default_epsilon_low")]
    #[schemars(range(min = 0.0, max = 1.0))]
    epsilon_low: f64,
    /// Ratios above 1 + epsilon_high are clipped.
    #[serde(default = "default_epsilon_high")]
    #[schemars(range(min = 0.0))]
    epsilon_high: f64,
    /// What the group's centred rewards are divided by.
    #[serde(default)]
    scale: Scale,
    #[serde(flatten)]
    regularization: Regularization,
}

fn default_epsilon_low() -> f64 {
    0.2
}

/// 4.1: large enough to let unlikely tokens grow. The lower bound stays, because a larger
/// one would push probabilities to zero.
fn default_epsilon_high() -> f64 {
    0.28
}

pub struct Dapo {
    clip: Clip,
    scale: Scale,
    regularization: Regularization,
}

/// DAPO: every token counts the same, and the upper clip is higher.
#[component("dapo")]
impl Optimizer for Dapo {
    type Config = Config;

    fn new(config: Config) -> Result<Self> {
        Ok(Self {
            clip: Clip::new(config.epsilon_low, config.epsilon_high, None)?,
            scale: config.scale,
            regularization: config.regularization,
        })
    }

    fn needs(&self) -> Vec<Need> {
        self.regularization.needs()
    }

    fn advantages(&mut self, rollout: &Rollout<'_>, out: &mut Advantages<'_>) -> Result<()> {
        group_relative(rollout, self.scale, out.sequence);
        Ok(())
    }

    fn loss(&mut self, batch: &MicroBatch<'_>, out: &mut LossOutput<'_>) -> Result<f64> {
        let aggregation = Aggregation::TokenMean;
        let surrogate = clipped_surrogate(batch, out, &self.clip, aggregation);
        Ok(surrogate + self.regularization.add_to(batch, out, aggregation)?)
    }
}
