//! `cargo xtask bench`: runs the programs that measure.

use anyhow::Result;

use crate::cargo::{build, cargo};

pub fn run() -> Result<()> {
    build()?;
    cargo(&[
        "run",
        "--package",
        "farthing-e2e",
        "--example",
        "reward_call_cost",
    ])
}
