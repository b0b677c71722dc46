//! The two terms that any objective may add: distance to a reference model, and entropy.
//!
//! Both are off by default, and an objective that does not use them costs neither the
//! reference model's forward pass nor the entropy.

use farthing_sdk::prelude::*;

use crate::{Aggregation, KlEstimator, requested};

/// loss + beta KL(pi || pi_ref) - entropy_coef H(pi); flattened into a configuration.
#[config(part)]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[serde(default)]
pub struct Regularization {
    /// Weight of the KL term. 0, as in DAPO and Dr. GRPO, needs no reference model;
    /// DeepSeekMath used 0.04.
    #[schemars(range(min = 0.0))]
    pub beta: f64,
    /// How the KL divergence is estimated from the drawn tokens.
    pub kl_estimator: KlEstimator,
    /// Weight of the mean entropy of a token, which is subtracted from the loss.
    #[schemars(range(min = 0.0))]
    pub entropy_coef: f64,
}

impl Regularization {
    /// The arrays that the terms read.
    pub fn needs(&self) -> Vec<Need> {
        let wanted = [
            (self.beta > 0.0, Need::RefLogp),
            (self.entropy_coef > 0.0, Need::Entropy),
        ];
        let wanted = wanted.into_iter().filter(|(wanted, _)| *wanted);
        wanted.map(|(_, need)| need).collect()
    }

    /// Adds the terms' derivatives to what `out` has, logs `kl` and `entropy`, and returns
    /// what the terms add to the loss.
    ///
    /// # Errors
    /// When the host passed no array that [`Self::needs`] names.
    pub fn add_to(
        &self,
        batch: &MicroBatch<'_>,
        out: &mut LossOutput<'_>,
        aggregation: Aggregation,
    ) -> Result<f64> {
        let mut loss = 0.0;
        if self.beta > 0.0 {
            loss += self.add_kl(batch, out, aggregation)?;
        }
        if self.entropy_coef > 0.0 {
            loss += self.add_entropy(batch, out)?;
        }
        Ok(loss)
    }

    /// The KL term stands inside the paper's sum (DeepSeekMath eq 3), so each token's
    /// estimate has the weight of the token's surrogate.
    fn add_kl(
        &self,
        batch: &MicroBatch<'_>,
        out: &mut LossOutput<'_>,
        aggregation: Aggregation,
    ) -> Result<f64> {
        let ref_logp = requested(batch.ref_logp, "ref_logp")?;
        let (mut loss, mut sum) = (0.0, 0.0);
        for o_i in batch.sequences() {
            let weight = self.beta * aggregation.weight(o_i.len(), &batch.totals);
            for t in o_i {
                let kl = self.kl_estimator.at(batch.logp[t], ref_logp[t]);
                out.dlogp[t] += (weight * kl.slope) as f32;
                loss += weight * kl.value;
                sum += kl.value;
            }
        }
        mean_over_tokens("kl", sum, batch, &mut out.metrics);
        Ok(loss)
    }

    /// The entropy is averaged over tokens whatever the objective's own normaliser, so that
    /// `entropy_coef` means the same everywhere (as in TRL; verl uses the objective's).
    fn add_entropy(&self, batch: &MicroBatch<'_>, out: &mut LossOutput<'_>) -> Result<f64> {
        let entropy = requested(batch.entropy, "entropy")?;
        let weight = self.entropy_coef / batch.totals.tokens;
        out.dentropy.fill(-weight as f32);
        let sum: f64 = entropy.iter().copied().map(f64::from).sum();
        mean_over_tokens("entropy", sum, batch, &mut out.metrics);
        Ok(-weight * sum)
    }
}

fn mean_over_tokens(name: &str, sum: f64, batch: &MicroBatch<'_>, metrics: &mut Metrics<'_>) {
    let tokens = batch.logp.len() as f64;
    if tokens > 0.0 {
        metrics.mean(name, sum / tokens, tokens);
    }
}
