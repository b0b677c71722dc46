//! Rewards that are right most of the time.
//!
//! Each fails on every n-th call, whatever the attempt says, so a test knows how many failures a run must count.

use std::sync::atomic::{AtomicU64, Ordering};

use farthing_sdk::prelude::*;

farthing_sdk::plugin!("unreliable");

#[config]
struct Config {
    /// How it fails.
    how: How,
    /// On every call whose number this divides.
    every: u64,
}

#[config]
#[serde(rename_all = "lowercase")]
enum How {
    Error,
    Panic,
    Nan,
    Hang,
}

struct EveryNth {
    config: Config,
    calls: AtomicU64,
}

/// 1 for every attempt that it does not fail on.
#[component("every-nth")]
impl Reward for EveryNth {
    type Config = Config;

    fn new(config: Config) -> Result<Self> {
        Ok(Self {
            config,
            calls: AtomicU64::new(0),
        })
    }

    fn score(&self, _: &ProblemView<'_>, _: &Attempt<'_>) -> Result<Outcome> {
        let call = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
        if !call.is_multiple_of(self.config.every) {
            return Ok(Outcome::scored(1.0));
        }
        match self.config.how {
            How::Error => bail!("the licence server is away"),
            How::Panic => panic!("an index was out of bounds"),
            How::Nan => Ok(Outcome::scored(f64::NAN)),
            How::Hang => loop {
                std::thread::park();
            },
        }
    }
}
