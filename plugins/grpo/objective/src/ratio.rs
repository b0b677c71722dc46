//! Importance ratios: how much likelier the present policy finds what the old one drew.
//!
//! The exponent is not clamped, as in the papers and in TRL (verl clamps it at 20). A
//! policy that has moved so far that a ratio overflows is broken, and a derivative that is
//! not finite makes the host say so; a clamp would hide it behind a zero derivative.

/// rho_t = pi(o_t) / pi_old(o_t). Its derivative with respect to log pi(o_t) is rho_t.
pub fn token_ratio(logp: f32, old_logp: f32) -> f64 {
    log_ratio(logp, old_logp).exp()
}

/// s = (pi(o) / pi_old(o))^(1/|o|) = exp(1/|o| sum_t log rho_t), the geometric mean of the
/// tokens' ratios (GSPO 2507.18071 eq 7). Its derivative with respect to each log pi(o_t)
/// is s / |o|. The slices (|o|) are one sequence, not empty.
pub fn sequence_ratio(logp: &[f32], old_logp: &[f32]) -> f64 {
    let pairs = logp.iter().zip(old_logp);
    let sum: f64 = pairs.map(|(&new, &old)| log_ratio(new, old)).sum();
    (sum / logp.len() as f64).exp()
}

fn log_ratio(logp: f32, old_logp: f32) -> f64 {
    f64::from(logp) - f64::from(old_logp)
}
