//! Estimators of the divergence from the reference model, from the drawn token alone
//! (J. Schulman, "Approximating KL divergence", 2020: x = log pi - log pi_ref).
//!
//! As a loss they differ from what they are as estimates. k1 is unbiased, but its
//! derivative is 1 everywhere and has expectation zero: it belongs into the reward. The
//! derivative of k2 is unbiased for that of the reverse KL. k3 is unbiased, positive and of
//! low variance, and its derivative is that of the forward KL; it is what DeepSeekMath uses.

use farthing_sdk::prelude::*;

use crate::{Term, requested};

/// How the divergence is estimated.
#[config]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum KlEstimator {
    /// x
    K1,
    /// x^2 / 2
    K2,
    /// exp(-x) - 1 + x (DeepSeekMath 2402.03300 eq 4)
    #[default]
    K3,
}

impl KlEstimator {
    /// The estimate at one token, and its derivative with respect to log pi.
    pub fn at(self, logp: f32, ref_logp: f32) -> Term {
        let x = f64::from(logp) - f64::from(ref_logp);
        let (value, slope) = match self {
            Self::K1 => (x, 1.0),
            Self::K2 => (0.5 * x * x, x),
            // exp_m1 keeps the digits that exp(-x) - 1 loses near zero, where policies start.
            Self::K3 => ((-x).exp_m1() + x, -(-x).exp_m1()),
        };
        Term { value, slope }
    }
}

/// (T) k1 of each token under the policy that drew it, log pi_old - log pi_ref: the distance
/// that objectives with the KL in the reward subtract. Logs its mean as `kl`.
///
/// # Errors
/// When the host passed no `ref_logp`.
pub fn kl_of_drawn_tokens(rollout: &Rollout<'_>, metrics: &mut Metrics<'_>) -> Result<Vec<f64>> {
    let ref_logp = requested(rollout.ref_logp, "ref_logp")?;
    let pairs = rollout.old_logp.iter().zip(ref_logp);
    let kl: Vec<f64> = pairs
        .map(|(&old, &reference)| KlEstimator::K1.at(old, reference).value)
        .collect();
    if !kl.is_empty() {
        let tokens = kl.len() as f64;
        metrics.mean("kl", kl.iter().sum::<f64>() / tokens, tokens);
    }
    Ok(kl)
}
