//! GRPO: Group Relative Policy Optimization. DeepSeekMath, arXiv 2402.03300, eq 3 and 4.
//!
//! ```text
//! J = 1/G sum_i 1/|o_i| sum_t { min[rho_it A_i, clip(rho_it, 1-eps, 1+eps) A_i] - beta D_it }
//! rho_it = pi(o_it) / pi_old(o_it)
//! A_i    = (r_i - mean(r)) / std(r)                                   (section 4.1.2)
//! D_it   = pi_ref(o_it) / pi(o_it) - log(pi_ref(o_it) / pi(o_it)) - 1         (eq 4, k3)
//! ```
//!
//! What differs from the paper:
//! - beta is 0 by default (the paper: 0.04). Where rewards are verifiable, DAPO and Dr. GRPO
//!   found no use for the term, and the reference model's pass is not free.
//! - std is the unbiased one plus 1e-6; the paper states neither. `scale` has two others.
//! - 1/G over groups is 1/N over sequences; see `Aggregation` for groups that lost attempts.
//! - eps is not stated in the paper; 0.2 is PPO's. `epsilon_high` sets the upper one alone,
//!   `delta` bounds the ratio where the advantage is negative (INTELLECT-2, 2505.07291).

use farthing_objective::{
    Aggregation, Clip, Regularization, Scale, advantage::group_relative, clipped_surrogate,
};
use farthing_sdk::prelude::*;

#[config]
pub struct Config {
    /// The ratio is clipped to 1 - epsilon .. 1 + epsilon.
    #[serde(default = "default_epsilon")]
    #[schemars(range(min = 0.0, max = 1.0))]
    epsilon: f64,
    /// The upper epsilon, where it is to differ ("clip-higher").
    #[serde(default)]
    #[schemars(range(min = 0.0))]
    epsilon_high: Option<f64>,
    /// Upper bound of the ratio where the advantage is negative; above 1 + epsilon.
    #[serde(default)]
    #[schemars(range(min = 1.0))]
    delta: Option<f64>,
    /// What the group's centred rewards are divided by.
    #[serde(default)]
    scale: Scale,
    #[serde(flatten)]
    regularization: Regularization,
}

fn default_epsilon() -> f64 {
    0.2
}

pub struct Grpo {
    clip: Clip,
    scale: Scale,
    regularization: Regularization,
}

/// Group Relative Policy Optimization (DeepSeekMath): every attempt counts the same.
#[component("grpo")]
impl Optimizer for Grpo {
    type Config = Config;

    fn new(config: Config) -> Result<Self> {
        let high = config.epsilon_high.unwrap_or(config.epsilon);
        Ok(Self {
            clip: Clip::new(config.epsilon, high, config.delta)?,
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
        let aggregation = Aggregation::SequenceMean;
        let surrogate = clipped_surrogate(batch, out, &self.clip, aggregation);
        Ok(surrogate + self.regularization.add_to(batch, out, aggregation)?)
    }
}
