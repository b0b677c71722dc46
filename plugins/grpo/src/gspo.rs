//! GSPO: Group Sequence Policy Optimization. arXiv 2507.18071, eq 5 to 7.
//!
//! ```text
//! J   = 1/G sum_i min[s_i A_i, clip(s_i, 1-eps_low, 1+eps_high) A_i]               (eq 5)
//! A_i = (r_i - mean(r)) / std(r)                                                   (eq 6)
//! s_i = (pi(o_i) / pi_old(o_i))^(1/|o_i|)                                          (eq 7)
//! ```
//!
//! The reward belongs to the whole sequence, so the ratio does too: a token's ratio is one
//! draw from a distribution and corrects nothing by itself. All tokens of a sequence get
//! the same derivative, s_i A_i / |o_i|, or none if the sequence is clipped.
//!
//! What differs from the paper:
//! - eq 5 writes one eps; 3e-4 and 4e-4 are the two bounds of its experiments. They are so
//!   small because s_i is a geometric mean, which moves far less than a token's ratio.
//! - 1/G over groups is 1/N over sequences; see `Aggregation` for groups that lost attempts.
//! - GSPO-token (its section 4.3) is left out: with one advantage for all tokens its
//!   derivative is this one.
//! - The KL and entropy terms can be turned on; the paper does not discuss them.

use farthing_objective::{
    Aggregation, Clip, Regularization, Scale, advantage::group_relative, clip::ClipShares,
    ratio::sequence_ratio,
};
use farthing_sdk::prelude::*;

#[config]
pub struct Config {
    /// Sequence ratios below 1 - epsilon_low are clipped.
    #[serde(default = "default_epsilon_low")]
    #[schemars(range(min = 0.0, max = 1.0))]
    epsilon_low: f64,
    /// Sequence ratios above 1 + epsilon_high are clipped.
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
    3e-4
}

fn default_epsilon_high() -> f64 {
    4e-4
}

pub struct Gspo {
    clip: Clip,
    scale: Scale,
    regularization: Regularization,
}

/// GSPO: the ratio, its clip and the reward all belong to the whole sequence.
#[component("gspo")]
impl Optimizer for Gspo {
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
        let mut loss = 0.0;
        let mut shares = ClipShares::new();
        for (i, o_i) in batch.sequences().enumerate() {
            if o_i.is_empty() {
                continue;
            }
            let a_i = f64::from(batch.advantages[i]);
            let s_i = sequence_ratio(&batch.logp[o_i.clone()], &batch.old_logp[o_i.clone()]);
            let term = self.clip.surrogate(s_i, a_i);
            loss -= term.value / batch.totals.sequences;
            // d log s_i / d logp_it = 1/|o_i|
            let slope = term.slope / (batch.totals.sequences * o_i.len() as f64);
            for t in o_i {
                out.dlogp[t] -= slope as f32;
            }
            shares.count(self.clip.side(s_i, a_i));
            shares.end_sequence();
        }
        shares.record(&mut out.metrics);
        out.metrics.sum("policy_loss", loss);
        Ok(loss
            + self
                .regularization
                .add_to(batch, out, Aggregation::SequenceMean)?)
    }
}
