//! The clipped surrogate of one token or sequence, and how often it clips.

use farthing_sdk::prelude::*;

use crate::Term;

/// How far a ratio may move before it stops paying.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Clip {
    /// epsilon_low: ratios below 1 - low are clipped.
    pub low: f64,
    /// epsilon_high: ratios above 1 + high are clipped.
    pub high: f64,
    /// An upper bound for the ratio where the advantage is negative, where plain clipping
    /// has none (dual-clip PPO, 1912.09729; two-sided GRPO, INTELLECT-2 2505.07291).
    pub delta: Option<f64>,
}

/// On which side a ratio was clipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// rho < 1 - low, and pushing it further down would pay.
    Low,
    /// rho > 1 + high, and pushing it further up would pay.
    High,
}

impl Clip {
    /// # Errors
    /// When `delta` would cut into the range that [`Self::high`] allows.
    pub fn new(low: f64, high: f64, delta: Option<f64>) -> Result<Self> {
        if let Some(delta) = delta.filter(|&delta| delta <= 1.0 + high) {
            return Err(Error::new(format!(
                "delta is {delta}; expected more than 1 + epsilon_high = {}",
                1.0 + high
            ))
            .help("delta bounds ratios that clipping leaves alone; 2 to 4 is usual"));
        }
        Ok(Self { low, high, delta })
    }

    /// min(min(rho, delta) A, clip(rho, 1 - low, 1 + high) A), with its derivative with
    /// respect to log rho (PPO 1707.06347 eq 7).
    ///
    /// At the kinks the derivative is the unclipped one, as PyTorch's is: `torch.min` gives
    /// half to each of two equal arguments, and `torch.clamp` passes the derivative at its
    /// bounds, so inside the range and on its edge both halves arrive.
    pub fn surrogate(&self, rho: f64, advantage: f64) -> Term {
        let bounded = self.delta.map_or(rho, |delta| rho.min(delta));
        let plain = bounded * advantage;
        let clipped = rho.clamp(1.0 - self.low, 1.0 + self.high) * advantage;
        let moves = plain <= clipped && rho == bounded;
        Term {
            value: plain.min(clipped),
            slope: if moves { plain } else { 0.0 },
        }
    }

    /// Where the surrogate is flat because of the range.
    pub fn side(&self, rho: f64, advantage: f64) -> Option<Side> {
        if rho < 1.0 - self.low && advantage < 0.0 {
            Some(Side::Low)
        } else if rho > 1.0 + self.high && advantage > 0.0 {
            Some(Side::High)
        } else {
            None
        }
    }
}

/// Counts clipped ratios for TRL's metrics.
///
/// `clip_ratio/low_mean`, `clip_ratio/high_mean` and `clip_ratio/region_mean` are shares of
/// all ratios (tokens, or sequences where the ratio is a sequence's). `clip_ratio/low_min`
/// and `clip_ratio/high_max` are the least and the greatest share within a sequence, so
/// they do not depend on how the update was split.
#[derive(Clone, Copy, Debug)]
pub struct ClipShares {
    sequence: Counts,
    total: Counts,
    low_min: f64,
    high_max: f64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    low: f64,
    high: f64,
    all: f64,
}

impl ClipShares {
    /// Nothing counted.
    pub fn new() -> Self {
        Self {
            sequence: Counts::default(),
            total: Counts::default(),
            low_min: 1.0,
            high_max: 0.0,
        }
    }

    /// Counts one ratio of the present sequence.
    pub fn count(&mut self, side: Option<Side>) {
        self.sequence.all += 1.0;
        match side {
            Some(Side::Low) => self.sequence.low += 1.0,
            Some(Side::High) => self.sequence.high += 1.0,
            None => {}
        }
    }

    /// Closes the present sequence.
    pub fn end_sequence(&mut self) {
        let Counts { low, high, all } = std::mem::take(&mut self.sequence);
        if all > 0.0 {
            self.low_min = self.low_min.min(low / all);
            self.high_max = self.high_max.max(high / all);
            self.total.low += low;
            self.total.high += high;
            self.total.all += all;
        }
    }

    /// Hands the shares to the log; nothing counted, nothing logged.
    pub fn record(&self, metrics: &mut Metrics<'_>) {
        let Counts { low, high, all } = self.total;
        if all > 0.0 {
            metrics.mean("clip_ratio/low_mean", low / all, all);
            metrics.mean("clip_ratio/high_mean", high / all, all);
            metrics.mean("clip_ratio/region_mean", (low + high) / all, all);
            metrics.min("clip_ratio/low_min", self.low_min);
            metrics.max("clip_ratio/high_max", self.high_max);
        }
    }
}

impl Default for ClipShares {
    fn default() -> Self {
        Self::new()
    }
}
