//! A Python environment of the project's own: an existing one, or a new one from a list of requirements.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::cargo::run;

/// The interpreter of the environment in `directory`, which is made if there is none.
pub fn interpreter(directory: &Path, requirements: &str) -> Result<PathBuf> {
    let python = directory.join("bin/python");
    if !python.exists() {
        println!("making {} of {requirements} from PyPI", directory.display());
        run(Command::new("python3").args(["-m", "venv"]).arg(directory))
            .context("python3 with its venv module is needed")?;
        run(Command::new(&python).args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--requirement",
            requirements,
        ]))?;
    }
    Ok(python)
}
