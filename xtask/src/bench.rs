//! `cargo xtask bench`: runs the programs that measure.

use std::process::Command;

use anyhow::Result;

use crate::cargo::{build, cargo, products, run as run_command};

const PROGRAM: &str = "reward_call_cost";

pub fn run() -> Result<()> {
    build()?;
    // Of the whole workspace, as the tests are built: with one package's features, what the tests have compiled would be
    // compiled again.
    cargo(&["build", "--workspace", "--example", PROGRAM])?;
    run_command(&mut Command::new(products().join("examples").join(PROGRAM)))
}
