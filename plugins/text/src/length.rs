//! A penalty for completions that are too long or too short.
//!
//! With `cache` above 0 it is DAPO's soft overlong punishment (arXiv 2503.14476, eq 13),
//! `max` being L_max and `cache` L_cache:
//!
//! ```text
//!             0                                 |y| <= L_max - L_cache
//! R(y) =      ((L_max - L_cache) - |y|)/L_cache  L_max - L_cache < |y| <= L_max
//!            -1                                 L_max < |y|
//! ```
//! A cliff at the limit tells a model nothing while it comes nearer; the slope does. Beyond
//! the paper there is `min`, with a cliff, for models that stop thinking.

use farthing_sdk::prelude::*;

#[config]
#[derive(Clone, Debug)]
pub struct Config {
    /// What is counted.
    #[serde(default)]
    pub unit: Unit,
    /// Shorter completions get -1.
    #[serde(default)]
    pub min: u64,
    /// Longer completions get -1.
    #[schemars(range(min = 1))]
    pub max: u64,
    /// Over how much below `max` the penalty grows from 0 to -1. DAPO: 4096 below 20480.
    #[serde(default)]
    pub cache: u64,
}

#[config]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    #[default]
    Tokens,
    Characters,
}

pub struct Length(Config);

/// 0 within the limits, down to -1 outside; with `cache`, DAPO's soft overlong punishment.
#[component("length")]
impl Reward for Length {
    type Config = Config;

    fn new(config: Config) -> Result<Self> {
        let Config {
            min, max, cache, ..
        } = config;
        if cache > max || min > max - cache {
            return Err(Error::new(format!(
                "no length is free of penalty: `min` is {min}, `max` is {max}, `cache` is {cache}"
            ))
            .help("`min` may be at most `max` minus `cache`"));
        }
        Ok(Self(config))
    }

    fn score(&self, _: &ProblemView<'_>, attempt: &Attempt<'_>) -> Result<Outcome> {
        let length = match self.0.unit {
            Unit::Tokens => attempt.tokens,
            Unit::Characters => attempt.completion.chars().count() as u64,
        };
        Ok(Outcome::scored(self.penalty(length)).with_part("length", length as f64))
    }
}

impl Length {
    fn penalty(&self, length: u64) -> f64 {
        let Config {
            min, max, cache, ..
        } = self.0;
        let free = max - cache;
        if length < min || length > max {
            -1.0
        } else if length <= free {
            0.0
        } else {
            -((length - free) as f64) / cache as f64
        }
    }
}
