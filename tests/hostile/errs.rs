//! Says no politely: with a message, causes and a remedy.

use farthing_sdk::prelude::*;

farthing_sdk::plugin!("errs");

#[config]
struct Config {
    /// Refused unless it is even, which no schema can say here.
    number: u64,
}

struct Errs;

fn refusal(at: &str) -> Error {
    Error::new("the file has 3 columns")
        .context(format!("cannot {at}"))
        .help("export the file with 4 columns")
}

/// A reward that fails.
#[component("errs")]
impl Reward for Errs {
    type Config = Config;

    fn new(config: Config) -> Result<Self> {
        match config.number % 2 {
            0 => Ok(Self),
            _ => Err(refusal("make the reward")),
        }
    }

    fn score(&self, _: &ProblemView<'_>, _: &Attempt<'_>) -> Result<Outcome> {
        Err(refusal("score"))
    }
}

/// A task that fails.
#[component("errs")]
impl Task for Errs {
    type Config = Config;

    fn new(_: Config) -> Result<Self> {
        Ok(Self)
    }

    fn problem(&self, _: Split, _: u64, _: u64) -> Result<Problem> {
        Err(refusal("pose a problem"))
    }
}
