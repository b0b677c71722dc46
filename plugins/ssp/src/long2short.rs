//! Long2Short: among right attempts, shorter ones are worth a little more. The report on
//! VibeThinker's 3B model, arXiv 2606.16140.
//!
//! ```text
//! r'_i = r_i + delta (s_i - mean(s)) / max_j |s_j - mean(s)|,     s_i = 1 / |o_i|
//! ```
//!
//! over the correct attempts of a group only, with delta = 0.2. The shifts of a group sum to
//! zero, so a group's mean reward, and with it what wrong attempts are compared to, stays.
//!
//! What differs from the report: a group whose correct attempts are all of one length, or
//! that has one of them, is left alone; the formula divides zero by zero there.

use farthing_sdk::prelude::*;

/// (N) the rewards, shifted by at most `delta`.
pub fn shifted(rollout: &Rollout<'_>, correct: &[bool], delta: f64) -> Vec<f64> {
    let mut rewards = rollout.rewards.to_vec();
    if delta == 0.0 {
        return rewards;
    }
    let lengths: Vec<f64> = rollout.sequences().map(|o_i| o_i.len() as f64).collect();
    for group in rollout.groups() {
        let right: Vec<usize> = group.filter(|&i| correct[i] && lengths[i] > 0.0).collect();
        let s: Vec<f64> = right.iter().map(|&i| 1.0 / lengths[i]).collect();
        let Some(&first) = s.first() else { continue };
        // As an offset from the first, so that equal lengths deviate by exactly nothing.
        let mean = first + s.iter().map(|s_i| s_i - first).sum::<f64>() / s.len() as f64;
        let largest = s.iter().map(|s_i| (s_i - mean).abs()).fold(0.0, f64::max);
        if largest > 0.0 {
            for (&i, s_i) in right.iter().zip(&s) {
                rewards[i] += delta * (s_i - mean) / largest;
            }
        }
    }
    rewards
}
