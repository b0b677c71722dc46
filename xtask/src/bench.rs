//! `cargo xtask bench`: runs the programs that measure.

use anyhow::Result;

use crate::cargo::{build, cargo};

pub fn run() -> Result<()> {
    build()?;
    cargo(&["run", "--package", "farthing-runtime", "--example", "reward_call_cost"])
}
