//! RLOO: REINFORCE Leave-One-Out. "Back to Basics", arXiv 2402.14740; Kool et al. 2019.
//!
//! ```text
//! grad J = 1/k sum_i [R(y_i) - 1/(k-1) sum_{j != i} R(y_j)] grad log pi(y_i)
//! R(y)   = r(y) - beta log(pi(y) / pi_ref(y)),   log pi(y) = sum_t log pi(y_t)
//! ```
//!
//! The whole sequence is one action. The baseline of an attempt does not contain the
//! attempt, so the gradient is unbiased. As the paper has it, the distance to the reference
//! model is part of the reward, with the policy that drew the attempts.
//!
//! What differs from the paper:
//! - Off the policy (more than one update on a rollout) the gradient is used as it stands,
//!   without an importance weight: a sequence's weight is a product over all its tokens and
//!   has no useful variance. It is then biased by as much as the policy has moved. Take one
//!   update per rollout, or an objective with a ratio (`grpo/gspo`).
//! - A group of one has no others to compare with: advantage 0.
//! - 1/k over groups is 1/N over sequences; see `Aggregation` for groups that lost attempts.
//! - An entropy term can be turned on.

use farthing_objective::{
    Aggregation, Regularization, advantage::leave_one_out, kl::kl_of_drawn_tokens,
};
use farthing_sdk::prelude::*;

#[config]
#[derive(Default)]
#[serde(default)]
pub struct Config {
    /// Weight of the distance to the reference model, which is subtracted from the reward;
    /// 0 needs no reference model.
    #[schemars(range(min = 0.0))]
    beta: f64,
    /// Weight of the mean entropy of a token, which is subtracted from the loss.
    #[schemars(range(min = 0.0))]
    entropy_coef: f64,
}

pub struct Rloo {
    beta: f64,
    regularization: Regularization,
}

/// RLOO: REINFORCE on whole sequences, with the mean of the others as baseline.
#[component("rloo")]
impl Optimizer for Rloo {
    type Config = Config;

    fn new(config: Config) -> Result<Self> {
        Ok(Self {
            beta: config.beta,
            regularization: Regularization {
                entropy_coef: config.entropy_coef,
                ..Regularization::default()
            },
        })
    }

    fn needs(&self) -> Vec<Need> {
        let mut needs = self.regularization.needs();
        if self.beta > 0.0 {
            needs.push(Need::RefLogp);
        }
        needs
    }

    fn advantages(&mut self, rollout: &Rollout<'_>, out: &mut Advantages<'_>) -> Result<()> {
        let mut rewards = rollout.rewards.to_vec();
        if self.beta > 0.0 {
            let kl = kl_of_drawn_tokens(rollout, &mut out.metrics)?;
            for (reward, o_i) in rewards.iter_mut().zip(rollout.sequences()) {
                *reward -= self.beta * kl[o_i].iter().sum::<f64>();
            }
        }
        leave_one_out(rollout, &rewards, out.sequence);
        Ok(())
    }

    fn loss(&mut self, batch: &MicroBatch<'_>, out: &mut LossOutput<'_>) -> Result<f64> {
        let aggregation = Aggregation::SequenceSum;
        let mut loss = 0.0;
        for (i, y_i) in batch.sequences().enumerate() {
            let slope =
                -f64::from(batch.advantages[i]) * aggregation.weight(y_i.len(), &batch.totals);
            out.dlogp[y_i.clone()].fill(slope as f32);
            let logp_y: f64 = batch.logp[y_i].iter().copied().map(f64::from).sum();
            loss += slope * logp_y;
        }
        out.metrics.sum("policy_loss", loss);
        Ok(loss + self.regularization.add_to(batch, out, aggregation)?)
    }
}
