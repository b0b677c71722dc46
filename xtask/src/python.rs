//! `cargo xtask test --python`: our numbers and files in the libraries that others use them with.
//!
//! These tests need a gigabyte of Python, so they stand beside the ordinary ones and not among them.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};

use crate::cargo::{build, cargo, products, root, run as run_command};
use crate::venv::interpreter;

const REQUIREMENTS: &str = "tests/python/requirements.txt";
const PROBE: &str = "model_probe";

/// Runs pytest over `tests/python`; `rest` goes to it, but for `--venv DIR`.
pub fn run(rest: &[String]) -> Result<()> {
    let (venv, rest) = match rest {
        [flag, directory, rest @ ..] if flag == "--venv" => (PathBuf::from(directory), rest),
        [flag] if flag == "--venv" => bail!("--venv needs a directory"),
        _ => (root().join("target/python-venv"), rest),
    };
    let python = interpreter(&venv, REQUIREMENTS)?;
    let farthing = build()?;
    // Of the whole workspace, as the tests are built: with one package's features candle would be compiled again.
    cargo(&["build", "--workspace", "--example", PROBE])?;
    run_command(
        Command::new(python)
            .args([
                "-m",
                "pytest",
                "-q",
                "-p",
                "no:cacheprovider",
                "tests/python",
            ])
            .args(rest)
            .env("FARTHING", farthing)
            .env("FARTHING_PROBE", products().join("examples").join(PROBE))
            .env("HF_HUB_OFFLINE", "1"),
    )
}
