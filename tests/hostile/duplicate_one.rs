//! One of two different libraries that call themselves by one name.

use farthing_sdk::prelude::*;

farthing_sdk::plugin!("duplicate");

struct Same;

/// Version one of a reward.
#[component("same")]
impl Reward for Same {
    type Config = Value;

    fn new(_: Value) -> Result<Self> {
        Ok(Self)
    }

    fn score(&self, _: &ProblemView<'_>, _: &Attempt<'_>) -> Result<Outcome> {
        bail!("this one is never loaded")
    }
}
