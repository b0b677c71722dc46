//! Low-rank adapters (Hu et al. 2021): `y = x W^T + scale * dropout(x) A^T B^T`, where A and B are trained and W is not.
//!
//! The settings have PEFT's names and meanings, so that an adapter can go back and forth.

use crate::error::{EngineError, Result};

/// The projections of a layer that can have an adapter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LoraTarget {
    Query,
    Key,
    Value,
    Output,
    Gate,
    Up,
    Down,
}

impl LoraTarget {
    pub const ALL: [Self; 7] = [
        Self::Query,
        Self::Key,
        Self::Value,
        Self::Output,
        Self::Gate,
        Self::Up,
        Self::Down,
    ];

    /// The module's name in checkpoints and in PEFT's `target_modules`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Query => "q_proj",
            Self::Key => "k_proj",
            Self::Value => "v_proj",
            Self::Output => "o_proj",
            Self::Gate => "gate_proj",
            Self::Up => "up_proj",
            Self::Down => "down_proj",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|target| target.name() == name)
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct LoraConfig {
    pub rank: usize,
    pub alpha: f64,
    /// Without repeats.
    pub targets: Vec<LoraTarget>,
    /// The share of a projection's inputs that the adapter does not see in a training pass.
    pub dropout: f64,
    /// Scales by `alpha / sqrt(rank)` instead of `alpha / rank` (Kalajdzievski 2023).
    pub rank_stabilized: bool,
}

impl LoraConfig {
    /// What the adapter's output is multiplied by.
    pub fn scale(&self) -> f32 {
        let rank = self.rank as f64;
        let divisor = match self.rank_stabilized {
            true => rank.sqrt(),
            false => rank,
        };
        (self.alpha / divisor) as f32
    }

    pub fn validate(&self) -> Result<()> {
        let refuse = |problem: String| Err(EngineError::Argument(format!("lora: {problem}")));
        if self.rank == 0 {
            return refuse("rank is 0; expected at least 1".to_owned());
        }
        if !(self.alpha.is_finite() && self.alpha > 0.0) {
            return refuse(format!(
                "alpha is {}; expected a number above 0",
                self.alpha
            ));
        }
        if !(0.0..1.0).contains(&self.dropout) {
            return refuse(format!(
                "dropout is {}; expected 0 or more, less than 1",
                self.dropout
            ));
        }
        if self.targets.is_empty() {
            return refuse("no target is named; expected one projection at least".to_owned());
        }
        Ok(())
    }
}
