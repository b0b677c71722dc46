//! Learning rates over the steps of a stage.

/// What happens to the learning rate after the warm-up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Decay {
    Constant,
    /// Half a cosine from the peak down to `floor` times the peak at the last step.
    Cosine {
        floor: f64,
    },
    /// A straight line from the peak down to `floor` times the peak after the last step.
    Linear {
        floor: f64,
    },
}

/// A linear warm-up to `peak`, then a decay until `total_steps`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Schedule {
    pub decay: Decay,
    pub peak: f64,
    pub warmup_steps: u64,
    pub total_steps: u64,
}

impl Schedule {
    /// The learning rate of step `step`, counted from 0.
    ///
    /// The warm-up's first step already learns (`peak / warmup_steps`, not 0 as in transformers), and its last has
    /// the peak.
    pub fn lr_at(&self, step: u64) -> f64 {
        if step < self.warmup_steps {
            return self.peak * (step + 1) as f64 / self.warmup_steps as f64;
        }
        let decaying = self.total_steps.saturating_sub(self.warmup_steps).max(1);
        let progress = ((step - self.warmup_steps) as f64 / decaying as f64).min(1.0);
        self.peak
            * match self.decay {
                Decay::Constant => 1.0,
                Decay::Cosine { floor } => {
                    floor + (1.0 - floor) * 0.5 * (1.0 + (std::f64::consts::PI * progress).cos())
                }
                Decay::Linear { floor } => floor + (1.0 - floor) * (1.0 - progress),
            }
    }
}
