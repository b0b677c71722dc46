//! `cargo xtask check`: what a change must pass before it is shown to anybody, cheapest first.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::cargo::{build, cargo, run as run_command};
use crate::invariants;

pub fn run() -> Result<()> {
    step("formatting", || cargo(&["fmt", "--all", "--check"]))?;
    step("invariants of the architecture", invariants::check)?;
    step("dependencies", dependencies)?;
    step("lints", || {
        cargo(&[
            "clippy",
            "--workspace",
            "--all-targets",
            "--",
            "--deny",
            "warnings",
        ])
    })?;
    step("documentation", || {
        let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        run_command(
            Command::new(program)
                .args(["doc", "--workspace", "--no-deps"])
                .env("RUSTDOCFLAGS", "--deny warnings"),
        )
    })?;
    step("manifests", manifests)
}

fn step(name: &str, check: impl FnOnce() -> Result<()>) -> Result<()> {
    println!("== {name}");
    check().with_context(|| format!("{name}: not in order"))
}

/// Licences, duplicates and sources of all dependencies. Advisories need a database from the network; ask for them
/// with `cargo deny check advisories`.
fn dependencies() -> Result<()> {
    let installed = Command::new("cargo").args(["deny", "--version"]).output();
    if !installed.is_ok_and(|output| output.status.success()) {
        bail!("cargo-deny is not installed; install it with `cargo install --locked cargo-deny`");
    }
    cargo(&["deny", "--offline", "check", "bans", "licenses", "sources"])
}

/// Every shipped manifest passes `farthing check`; the test has stand-ins for what is too large to ship.
fn manifests() -> Result<()> {
    build()?;
    cargo(&["test", "--workspace", "--test", "recipes"])
}
