//! Countdown: given a few numbers and a target, write an expression that uses each number
//! once and equals the target.
//!
//! It is the smallest task on which models were seen to learn searching and checking by
//! reinforcement alone, because answers are hard to guess and cheap to verify. The problems
//! are made here and need no data set; the reward reads answers with a parser of its own,
//! because the usual `eval` of Python accepts powers, floor division and joined digits.

mod answer;
mod arithmetic;
mod config;
mod exact;
mod expression;
mod order;
mod reach;
mod search;
mod solver;
mod space;
mod tags;
mod task;
mod template;
mod trace;

pub use arithmetic::{Operation, Rational};
pub use exact::Exact;
pub use expression::Expression;
pub use reach::Ways;
pub use solver::Solver;
pub use task::Countdown;

farthing_sdk::plugin!("countdown");
