//! Mathematics: problems from data sets or made here, and the reward that judges answers.
//!
//! `math/equal` decides in two steps that are kept apart. `extraction` finds which part of a
//! completion is the answer, by rules that are written down and configurable; the crate
//! `farthing-math-equivalence` decides whether it means the same as the gold, exactly. What
//! cannot be decided is never a score.
//!
//! `math/problems` reads JSONL and parquet files, `math/arithmetic` makes problems up.

mod arithmetic;
mod equal;
mod extraction;
mod gold;
mod problems;
mod writing;

pub use arithmetic::Arithmetic;
pub use equal::Equal;
pub use extraction::{Extraction, Found, Place, Several};
pub use problems::{Census, Problems};

farthing_sdk::plugin!("math");
