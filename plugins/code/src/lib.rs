//! Programs as answers: problems with tests, and the reward that runs them.
//!
//! The reward is the interesting half. Models that are rewarded for passing tests learn to
//! pass them in every way there is: they exit early with status 0, return objects that equal
//! everything, read the expected values from the frame above. So the expected values never
//! enter the process that runs the program, and a program runs in a sandbox of its own
//! (`farthing-sandbox`), without a network, without anything to read, with little to use up.

mod checker;
mod config;
mod judge;
mod language;
mod one_liners;
mod packed;
mod phrasing;
mod presets;
mod problems;
mod program;
mod python;
mod suite;
mod surroundings;
mod tests;
mod value;
mod verdict;

pub use one_liners::OneLiners;
pub use problems::Problems;
pub use tests::TestsReward;

farthing_sdk::plugin!("code", surroundings = surroundings::surroundings);
