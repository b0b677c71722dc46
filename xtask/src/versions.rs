//! Which sources, compiler and libraries a number or a binary comes from.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result};

use crate::cargo::root;

/// What a program prints, run in the workspace's root.
pub fn line_of(program: &str, arguments: &[&str]) -> Result<String> {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(root())
        .output()
        .with_context(|| format!("cannot run `{program}`"))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The commit, with a word when files differ from it.
pub fn commit() -> String {
    let described = line_of("git", &["describe", "--always", "--dirty", "--abbrev=10"]);
    described
        .ok()
        .filter(|text| !text.is_empty())
        .unwrap_or_else(|| "unknown".into())
}

/// The version of a package in the lock file.
pub fn locked_version(package: &str) -> Option<String> {
    let lock = fs::read_to_string(root().join("Cargo.lock")).ok()?;
    let entry = lock.split("[[package]]").find(|entry| {
        entry
            .lines()
            .any(|line| line == format!("name = \"{package}\""))
    })?;
    let version = entry
        .lines()
        .find_map(|line| line.strip_prefix("version = "))?;
    Some(version.trim_matches('"').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candles_version_is_in_the_lock_file() {
        let version = locked_version("candle-core").expect("candle is locked");
        assert!(version.starts_with("0."), "{version}");
    }
}
