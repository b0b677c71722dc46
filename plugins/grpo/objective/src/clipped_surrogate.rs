//! The sum that PPO's descendants share.
//!
//! ```text
//! L = - sum_i sum_t w_i min(rho_it A_it, clip(rho_it, 1 - eps_low, 1 + eps_high) A_it)
//! ```
//!
//! GRPO, Dr. GRPO, DAPO, REINFORCE++ and MGPO are this sum with other advantages A and
//! other weights w. It is written once, so that two of them that should agree (MGPO with
//! lambda 0 and GRPO) run the same instructions and agree to the last bit.

use farthing_sdk::prelude::*;

use crate::{Aggregation, Clip, clip::ClipShares, ratio::token_ratio};

/// Writes d L / d logp (T), logs `policy_loss` and the clip ratios, returns L.
///
/// A_it is the token's advantage where the objective asked for these, else the sequence's.
pub fn clipped_surrogate(
    batch: &MicroBatch<'_>,
    out: &mut LossOutput<'_>,
    clip: &Clip,
    aggregation: Aggregation,
) -> f64 {
    let mut loss = 0.0;
    let mut shares = ClipShares::new();
    for (i, o_i) in batch.sequences().enumerate() {
        let w = aggregation.weight(o_i.len(), &batch.totals);
        for t in o_i {
            let advantage = batch.token_advantages.map_or(batch.advantages[i], |a| a[t]);
            let a = f64::from(advantage);
            let rho = token_ratio(batch.logp[t], batch.old_logp[t]);
            let term = clip.surrogate(rho, a);
            loss -= w * term.value;
            out.dlogp[t] -= (w * term.slope) as f32;
            shares.count(clip.side(rho, a));
        }
        shares.end_sequence();
    }
    shares.record(&mut out.metrics);
    out.metrics.sum("policy_loss", loss);
    loss
}
