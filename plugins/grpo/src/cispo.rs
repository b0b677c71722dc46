//! CISPO: Clipped IS-weight Policy Optimization. MiniMax-M1, arXiv 2506.13585, eq 4 and 5.
//!
//! ```text
//! J = 1/(sum_i |o_i|) sum_i sum_t sg(clip(rho_it, 1-eps_low, 1+eps_high)) A_i log pi(o_it)
//! A_i = (r_i - mean(r)) / std(r);   sg stops the gradient
//! ```
//!
//! The clipped surrogates drop a token from the gradient once its ratio has left the range,
//! and those are the rare tokens that turn a line of thought ("However", "Wait"). Here the
//! range bounds the weight of a token, and every token keeps its gradient.
//!
//! The derivative is therefore not that of the returned number with its weights moving, but
//! with the weights held: d L / d logp_it = -clip(rho_it) A_i / sum_i |o_i|.
//!
//! What differs from the paper:
//! - eps_high is not disclosed. The default 4 bounds weights at 5, which ScaleRL
//!   (2510.13786) found good and TRL recommends (its `epsilon_high` is the bound itself, 5).
//! - No lower bound unless `epsilon_low` is given; the paper used none either.
//! - The KL and entropy terms can be turned on; the paper has none.

use farthing_objective::{
    Aggregation, Regularization, Scale, advantage::group_relative, ratio::token_ratio,
};
use farthing_sdk::prelude::*;

#[config]
pub struct Config {
    /// Weights are at least 1 - epsilon_low; left out, there is no lower bound.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 1.0))]
    epsilon_low: Option<f64>,
    /// Weights are at most 1 + epsilon_high.
    #[serde(default = "default_epsilon_high")]
    #[schemars(range(min = 0.0))]
    epsilon_high: f64,
    /// What the group's centred rewards are divided by.
    #[serde(default)]
    scale: Scale,
    #[serde(flatten)]
    regularization: Regularization,
}

fn default_epsilon_high() -> f64 {
    4.0
}

pub struct Cispo {
    least: f64,
    greatest: f64,
    scale: Scale,
    regularization: Regularization,
}

/// CISPO: clips the importance weight, not the update, so that every token learns.
#[component("cispo")]
impl Optimizer for Cispo {
    type Config = Config;

    fn new(config: Config) -> Result<Self> {
        Ok(Self {
            least: config.epsilon_low.map_or(0.0, |epsilon| 1.0 - epsilon),
            greatest: 1.0 + config.epsilon_high,
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
        let (mut loss, mut clipped) = (0.0, 0.0);
        for (i, o_i) in batch.sequences().enumerate() {
            let a_i = f64::from(batch.advantages[i]);
            for t in o_i {
                let rho = token_ratio(batch.logp[t], batch.old_logp[t]);
                let weight = rho.clamp(self.least, self.greatest);
                let slope = -weight * a_i / batch.totals.tokens;
                out.dlogp[t] = slope as f32;
                loss += slope * f64::from(batch.logp[t]);
                clipped += f64::from(u8::from(rho > self.greatest && a_i > 0.0));
            }
        }
        let tokens = batch.logp.len() as f64;
        if tokens > 0.0 {
            out.metrics
                .mean("cispo_clip_ratio", clipped / tokens, tokens);
        }
        out.metrics.sum("policy_loss", loss);
        Ok(loss
            + self
                .regularization
                .add_to(batch, out, Aggregation::TokenMean)?)
    }
}
