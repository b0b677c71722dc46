//! From the rewards of a step to how much better each attempt was than expected.
//!
//! Two cases are decided here for all objectives. A group whose rewards are all equal has
//! advantages of exactly zero: the mean is computed as an offset from the first reward, so
//! that no rounding is left to be blown up by a tiny deviation. A group of one (others may
//! have been dropped because their reward failed) has nothing to be compared with, so its
//! advantage is zero too, and nothing is divided by zero.

use farthing_sdk::prelude::*;

/// Added to a standard deviation before dividing (verl's value; TRL adds 1e-4): large enough
/// that the rounding of nearly equal rewards stays small, too small to matter otherwise.
pub const EPSILON: f64 = 1e-6;

/// What centred rewards are divided by.
#[config]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Scale {
    /// The standard deviation of the group's rewards (DeepSeekMath 2402.03300, 4.1.2).
    #[default]
    Group,
    /// The standard deviation of all rewards of the step, which one lucky group cannot
    /// shrink (2508.08221; ScaleRL 2510.13786).
    Batch,
    /// Nothing: dividing favours problems that are almost always or almost never solved
    /// (Dr. GRPO 2503.20783).
    None,
}

/// A_i = (r_i - mean(r)) / (std(r) + epsilon), the mean and, with [`Scale::Group`], the
/// deviation being those of the group of attempt i.
pub fn group_relative(rollout: &Rollout<'_>, scale: Scale, advantages: &mut [f32]) {
    let batch = Moments::of(rollout.rewards);
    for group in rollout.groups() {
        let moments = Moments::of(&rollout.rewards[group.clone()]);
        let divisor = match scale {
            Scale::Group => moments.std + EPSILON,
            Scale::Batch => batch.std + EPSILON,
            Scale::None => 1.0,
        };
        for i in group {
            advantages[i] = ((rollout.rewards[i] - moments.mean) / divisor) as f32;
        }
    }
}

/// A_i = r_i - 1/(G-1) sum_{j != i} r_j = G/(G-1) (r_i - mean(r)), by groups of `rewards` (N).
pub fn leave_one_out(rollout: &Rollout<'_>, rewards: &[f64], advantages: &mut [f32]) {
    for group in rollout.groups() {
        let moments = Moments::of(&rewards[group.clone()]);
        let g = group.len() as f64;
        // A group of one deviates from its own mean by zero, whatever it is multiplied by.
        let factor = g / (g - 1.0).max(1.0);
        for i in group {
            advantages[i] = (factor * (rewards[i] - moments.mean)) as f32;
        }
    }
}

/// Mean and standard deviation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moments {
    /// Exactly the common value if all values are equal; 0 of nothing.
    pub mean: f64,
    /// Unbiased (divided by n - 1); 0 of fewer than two values.
    pub std: f64,
}

impl Moments {
    /// The moments of some values.
    pub fn of(values: &[f64]) -> Self {
        let n = values.len() as f64;
        let first = values.first().copied().unwrap_or(0.0);
        let offset: f64 = values.iter().map(|value| value - first).sum();
        let mean = first + offset / n.max(1.0);
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let std = (squares / (n - 1.0).max(1.0)).sqrt();
        Self { mean, std }
    }
}
