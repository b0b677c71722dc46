//! Nothing wrong with this one either; it differs from `good` in what its component of the same name says.

use farthing_sdk::prelude::*;

farthing_sdk::plugin!("another-good");

#[config]
struct Config {}

struct Next;

/// 7 for everything.
#[component("next")]
impl Reward for Next {
    type Config = Config;

    fn new(_: Config) -> Result<Self> {
        Ok(Self)
    }

    fn score(&self, _: &ProblemView<'_>, _: &Attempt<'_>) -> Result<Outcome> {
        Ok(Outcome::scored(7.0))
    }
}
