//! Rewards for the form of a completion, whatever it says: tags, length, repetition,
//! patterns.
//!
//! They read no facts, so they go with every task. None of them knows what is right, and a
//! model pleases them without thinking: give them small weights beside a reward that does.

mod length;
mod pattern;
mod repetition;
mod tags;

pub use length::Length;
pub use pattern::Pattern;
pub use repetition::Repetition;
pub use tags::Tags;

farthing_sdk::plugin!("text");
