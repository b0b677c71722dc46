//! MGPO: MaxEnt-guided policy optimization. VibeThinker-1.5B, arXiv 2511.06221, section 3.4.
//!
//! ```text
//! p_c(q) = 1/G sum_i I(r_i = 1)
//! D_ME   = p_c log(p_c / p_0) + (1 - p_c) log((1 - p_c) / (1 - p_0)),     p_0 = 0.5
//! w_ME   = exp(-lambda D_ME)
//! A'_i   = w_ME(p_c(q)) A_i,     A_i = (r_i - mean(r)) / std(r)
//! J      = 1/G sum_i 1/|o_i| sum_t min[rho_it A'_i, clip(rho_it, 1-eps, 1+eps) A'_i]
//! ```
//!
//! The entropy of a coin is greatest where it falls on either side as often, and that is
//! where there is most to learn: problems that a policy solves about half of the time keep
//! their advantage, those that it nearly always or nearly never solves count less. With
//! p_0 = 0.5 the weight is between 2^-lambda and 1; with lambda = 0 it is 1, and what is
//! left is GRPO, to the last bit.
//!
//! What differs from the paper:
//! - lambda, eps and the group's size were never published. lambda is 1 here: the weight of
//!   one right attempt in eight is then 0.73, which shifts the emphasis and silences nobody.
//!   eps is 0.2, PPO's.
//! - A reward may be more than right or wrong, so an attempt is correct if its total reward
//!   is at least `correct`, 1 by default.
//! - p_c is over the attempts that were scored: one whose reward failed is no wrong answer.
//! - p_c is clamped to 1e-6 .. 1 - 1e-6 for the logarithm. Groups that are all right or all
//!   wrong have advantages of zero anyway, unless other parts of the reward differ.
//! - std is the unbiased one plus 1e-6, as in `grpo/grpo`.
//! - The paper writes no KL term and says that one "is often added": `beta`, 0 by default.
//! - `long2short` is from the report on the 3B model; see `long2short.rs`.

use farthing_objective::{
    Aggregation, Clip, Regularization, Scale, advantage::group_relative, clipped_surrogate,
};
use farthing_sdk::prelude::*;

use crate::long2short::shifted;

#[config]
pub struct Config {
    /// How fast the weight falls with the distance from `p_0`; 0 is GRPO.
    #[serde(default = "default_lambda")]
    #[schemars(range(min = 0.0))]
    lambda: f64,
    /// The share of right attempts at which a group's weight is 1.
    #[serde(default = "default_p_0")]
    #[schemars(extend("exclusiveMinimum" = 0.0, "exclusiveMaximum" = 1.0))]
    p_0: f64,
    /// An attempt is correct if its total reward is at least this. Lower it where a right
    /// answer can total less than 1, as with weights of 0.9 and 0.1 for answer and format.
    #[serde(default = "default_correct")]
    correct: f64,
    /// How much shorter correct attempts gain, and longer ones lose, at most; 0.2 in the
    /// report on the 3B model. 0 leaves rewards as they are.
    #[serde(default)]
    #[schemars(range(min = 0.0))]
    long2short: f64,
    /// The ratio is clipped to 1 - epsilon .. 1 + epsilon.
    #[serde(default = "default_epsilon")]
    #[schemars(range(min = 0.0, max = 1.0))]
    epsilon: f64,
    #[serde(flatten)]
    regularization: Regularization,
}

fn default_lambda() -> f64 {
    1.0
}

fn default_p_0() -> f64 {
    0.5
}

fn default_correct() -> f64 {
    1.0
}

fn default_epsilon() -> f64 {
    0.2
}

/// A sum of weighted rewards that should be 1 may be off by rounding.
const ROUNDING: f64 = 1e-9;

/// p_c stays this far from 0 and 1, where the logarithm has no value.
const CLAMP: f64 = 1e-6;

/// p_c is counted in this many equal bins; the last includes 1.
const BINS: usize = 10;

pub struct Mgpo {
    lambda: f64,
    p_0: f64,
    correct: f64,
    long2short: f64,
    clip: Clip,
    regularization: Regularization,
}

/// MaxEnt-guided policy optimization (VibeThinker): GRPO that dwells on problems solved half of the time.
#[component("mgpo")]
impl Optimizer for Mgpo {
    type Config = Config;

    fn new(config: Config) -> Result<Self> {
        if !(config.p_0 > 0.0 && config.p_0 < 1.0) {
            bail!(
                "p_0 is {}; expected more than 0 and less than 1",
                config.p_0
            );
        }
        Ok(Self {
            lambda: config.lambda,
            p_0: config.p_0,
            correct: config.correct - ROUNDING,
            long2short: config.long2short,
            clip: Clip::new(config.epsilon, config.epsilon, None)?,
            regularization: config.regularization,
        })
    }

    fn needs(&self) -> Vec<Need> {
        self.regularization.needs()
    }

    fn advantages(&mut self, rollout: &Rollout<'_>, out: &mut Advantages<'_>) -> Result<()> {
        let correct: Vec<bool> = rollout.rewards.iter().map(|&r| r >= self.correct).collect();
        let rewards = shifted(rollout, &correct, self.long2short);
        let rollout = Rollout {
            rewards: &rewards,
            ..*rollout
        };
        group_relative(&rollout, Scale::Group, out.sequence);

        let groups = rollout.groups().len() as f64;
        let (mut p_sum, mut w_sum) = (0.0, 0.0);
        let mut histogram = [0.0; BINS];
        for group in rollout.groups() {
            let p_c = share(&correct[group.clone()]);
            let w = self.weight(p_c);
            for i in group {
                out.sequence[i] = (w * f64::from(out.sequence[i])) as f32;
            }
            p_sum += p_c;
            w_sum += w;
            histogram[((p_c * BINS as f64) as usize).min(BINS - 1)] += 1.0;
        }
        if groups > 0.0 {
            out.metrics.mean("mgpo/p_c_mean", p_sum / groups, groups);
            out.metrics.mean("mgpo/w_mean", w_sum / groups, groups);
            for (bin, count) in histogram.into_iter().enumerate() {
                let name = format!("mgpo/p_c_histogram/0.{bin}");
                out.metrics.mean(&name, count / groups, groups);
            }
        }
        Ok(())
    }

    fn loss(&mut self, batch: &MicroBatch<'_>, out: &mut LossOutput<'_>) -> Result<f64> {
        let aggregation = Aggregation::SequenceMean;
        let surrogate = clipped_surrogate(batch, out, &self.clip, aggregation);
        Ok(surrogate + self.regularization.add_to(batch, out, aggregation)?)
    }
}

impl Mgpo {
    /// w_ME = exp(-lambda D_ME(p_c || p_0)).
    fn weight(&self, p_c: f64) -> f64 {
        let p = p_c.clamp(CLAMP, 1.0 - CLAMP);
        let p_0 = self.p_0;
        let d_me = p * (p / p_0).ln() + (1.0 - p) * ((1.0 - p) / (1.0 - p_0)).ln();
        (-self.lambda * d_me).exp()
    }
}

/// The share of true among some; 0 of none.
fn share(correct: &[bool]) -> f64 {
    let count = correct.iter().filter(|&&correct| correct).count();
    count as f64 / correct.len().max(1) as f64
}
