//! REINFORCE++: global advantage normalisation. arXiv 2501.03262, eq 8 to 10.
//!
//! ```text
//! A_t    = r - beta sum_{i >= t} KL(i)                                             (eq 8)
//! KL(t)  = log(pi_old(o_t) / pi_ref(o_t))                                          (eq 9)
//! A_norm = (A - mean(A)) / std(A), over all tokens of the step                    (eq 10)
//! J      = 1/(sum_i |o_i|) sum_i sum_t min[rho_it A_norm, clip(rho_it, 1-eps, 1+eps) A_norm]
//! ```
//!
//! The deviation of a small group depends on the very rewards that it divides, which biases
//! GRPO's advantage; the deviation of a whole step hardly does. It needs no groups: one
//! attempt a problem will do. With `baseline`, each group's mean is subtracted from its
//! rewards before they are normalised (REINFORCE++ with baseline), for `r` in eq 8.
//!
//! What differs from the paper:
//! - beta is 0 by default (the paper: 0.001); see `grpo/grpo`. Then all tokens of an attempt
//!   share one advantage, and none is stored by token. The mean and the deviation are over
//!   tokens in both cases, so a beta near 0 gives nearly the same as 0.
//! - std is unbiased, plus 1e-6 (verl: the root of the variance plus 1e-8).
//! - The KL stays in the reward with `baseline` too.
//! - An entropy term can be turned on.

use std::iter;

use farthing_objective::{
    Aggregation, Clip, Regularization,
    advantage::{EPSILON, Moments},
    clipped_surrogate,
    kl::kl_of_drawn_tokens,
};
use farthing_sdk::prelude::*;

#[config]
#[serde(default)]
pub struct Config {
    /// Subtract the mean of the group's rewards first; wants groups of two or more.
    baseline: bool,
    /// The ratio is clipped to 1 - epsilon .. 1 + epsilon.
    #[schemars(range(min = 0.0, max = 1.0))]
    epsilon: f64,
    /// Weight of the distance to the reference model, which is subtracted from the reward
    /// of each token; 0 needs no reference model.
    #[schemars(range(min = 0.0))]
    beta: f64,
    /// Weight of the mean entropy of a token, which is subtracted from the loss.
    #[schemars(range(min = 0.0))]
    entropy_coef: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            baseline: false,
            epsilon: 0.2,
            beta: 0.0,
            entropy_coef: 0.0,
        }
    }
}

pub struct ReinforcePp {
    baseline: bool,
    beta: f64,
    clip: Clip,
    regularization: Regularization,
}

/// REINFORCE++: advantages normalised over the whole step, with or without a group baseline.
#[component("reinforce-pp")]
impl Optimizer for ReinforcePp {
    type Config = Config;

    fn new(config: Config) -> Result<Self> {
        Ok(Self {
            baseline: config.baseline,
            beta: config.beta,
            clip: Clip::new(config.epsilon, config.epsilon, None)?,
            regularization: Regularization {
                entropy_coef: config.entropy_coef,
                ..Regularization::default()
            },
        })
    }

    fn needs(&self) -> Vec<Need> {
        let mut needs = self.regularization.needs();
        if self.beta > 0.0 {
            needs.extend([Need::RefLogp, Need::TokenAdvantages]);
        }
        needs
    }

    fn advantages(&mut self, rollout: &Rollout<'_>, out: &mut Advantages<'_>) -> Result<()> {
        let mut rewards = rollout.rewards.to_vec();
        if self.baseline {
            subtract_group_means(rollout, &mut rewards);
        }
        if self.beta > 0.0 {
            let kl = kl_of_drawn_tokens(rollout, &mut out.metrics)?;
            self.by_token(rollout, &rewards, &kl, out);
        } else {
            by_sequence(rollout, &rewards, out.sequence);
        }
        Ok(())
    }

    fn loss(&mut self, batch: &MicroBatch<'_>, out: &mut LossOutput<'_>) -> Result<f64> {
        let aggregation = Aggregation::TokenMean;
        let surrogate = clipped_surrogate(batch, out, &self.clip, aggregation);
        Ok(surrogate + self.regularization.add_to(batch, out, aggregation)?)
    }
}

impl ReinforcePp {
    /// eq 8 and 10 with a KL term: each token its own. The sequence's is their mean, for
    /// the log.
    fn by_token(&self, rollout: &Rollout<'_>, r: &[f64], kl: &[f64], out: &mut Advantages<'_>) {
        let mut a = vec![0.0; kl.len()]; // (T)
        for (i, o_i) in rollout.sequences().enumerate() {
            let mut kl_to_go = 0.0;
            for t in o_i.rev() {
                kl_to_go += kl[t];
                a[t] = r[i] - self.beta * kl_to_go;
            }
        }
        let moments = Moments::of(&a);
        for (i, o_i) in rollout.sequences().enumerate() {
            let normalised = |&a: &f64| (a - moments.mean) / (moments.std + EPSILON);
            let mean = a[o_i.clone()].iter().map(normalised).sum::<f64>() / o_i.len().max(1) as f64;
            out.sequence[i] = mean as f32;
            for t in o_i {
                out.token[t] = normalised(&a[t]) as f32;
            }
        }
    }
}

/// eq 10 without a KL term: all tokens of a sequence have its reward, so a sequence counts
/// as often in the moments as it has tokens.
fn by_sequence(rollout: &Rollout<'_>, r: &[f64], advantages: &mut [f32]) {
    let pairs = rollout.sequences().zip(r);
    let tokens: Vec<f64> = pairs
        .flat_map(|(o_i, &r_i)| iter::repeat_n(r_i, o_i.len()))
        .collect();
    let moments = Moments::of(&tokens);
    for (advantage, r_i) in advantages.iter_mut().zip(r) {
        *advantage = ((r_i - moments.mean) / (moments.std + EPSILON)) as f32;
    }
}

fn subtract_group_means(rollout: &Rollout<'_>, rewards: &mut [f64]) {
    for group in rollout.groups() {
        let mean = Moments::of(&rewards[group.clone()]).mean;
        for reward in &mut rewards[group] {
            *reward -= mean;
        }
    }
}
