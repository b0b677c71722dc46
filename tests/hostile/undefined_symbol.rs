//! Lacks a function that only one of its methods calls: a lazy loader would end the process at that call.

use farthing_sdk::prelude::*;

farthing_sdk::plugin!("undefined-symbol");

unsafe extern "C" {
    safe fn a_function_of_a_library_that_is_not_there() -> f64;
}

struct Borrowing;

/// A score that another library computes.
#[component("borrowing")]
impl Reward for Borrowing {
    type Config = Value;

    fn new(_: Value) -> Result<Self> {
        Ok(Self)
    }

    fn score(&self, _: &ProblemView<'_>, _: &Attempt<'_>) -> Result<Outcome> {
        Ok(Outcome::scored(a_function_of_a_library_that_is_not_there()))
    }
}
