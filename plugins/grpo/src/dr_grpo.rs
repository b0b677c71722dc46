//! Dr. GRPO: GRPO done right. "Understanding R1-Zero-Like Training", arXiv 2503.20783.
//!
//! ```text
//! J = 1/G sum_i sum_t min[rho_it A_i, clip(rho_it, 1-eps, 1+eps) A_i]
//! A_i = r_i - mean(r)
//! ```
//!
//! Two biases of GRPO are gone. Without 1/|o_i|, a long wrong attempt is punished as much
//! per token as a short one, so wrong attempts do not grow. Without std, problems that are
//! nearly always or nearly never solved weigh no more than others.
//!
//! What differs from the paper:
//! - The sum is divided by the stage's token limit, as in the authors' code
//!   (`masked_sum` with the generation limit as constant) and in TRL: it keeps the size of
//!   the gradient near GRPO's, and does not depend on the lengths drawn.
//! - The KL and entropy terms can be turned on; the paper has none.

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
    #[serde(flatten)]
    regularization: Regularization,
}

fn default_epsilon() -> f64 {
    0.2
}

pub struct DrGrpo {
    clip: Clip,
    regularization: Regularization,
}

/// Dr. GRPO: GRPO without its length and difficulty biases.
#[component("dr-grpo")]
impl Optimizer for DrGrpo {
    type Config = Config;

    fn new(config: Config) -> Result<Self> {
        Ok(Self {
            clip: Clip::new(config.epsilon, config.epsilon, None)?,
            regularization: config.regularization,
        })
    }

    fn needs(&self) -> Vec<Need> {
        self.regularization.needs()
    }

    fn advantages(&mut self, rollout: &Rollout<'_>, out: &mut Advantages<'_>) -> Result<()> {
        group_relative(rollout, Scale::None, out.sequence);
        Ok(())
    }

    fn loss(&mut self, batch: &MicroBatch<'_>, out: &mut LossOutput<'_>) -> Result<f64> {
        let aggregation = Aggregation::SequenceSumOverLimit;
        let surrogate = clipped_surrogate(batch, out, &self.clip, aggregation);
        Ok(surrogate + self.regularization.add_to(batch, out, aggregation)?)
    }
}
