//! Manifests through the public surface: what is read, what is refused and in which words, what is written back.

#![allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.

mod components;
mod form;
mod hostile;
mod merges;
mod mistakes;
mod overrides;
mod resolved;

use std::path::Path;

use farthing_runtime::manifest::{Diagnostics, ManifestFile};

/// The directory that paths are relative to in these tests; nothing lies there.
const DIRECTORY: &str = "/nowhere/recipes";

/// The smallest manifest of each kind of stage; tests change a line of it.
const MINIMAL: &str = r#"[run]
name = "small"

[model]
path = "./model"

[[task]]
use = "sums/add"
rewards = [{ use = "sums/exact" }]

[[stage]]
kind = "sft"

[[stage]]
kind = "rl"
steps = 3
sampler = { use = "sampling/standard" }
optimizer = { use = "policy/plain" }

[[stage]]
kind = "eval"
sampler = { use = "sampling/standard" }
"#;

fn parse(text: &str) -> Result<ManifestFile, Diagnostics> {
    parse_with(text, &[])
}

fn parse_with(text: &str, overrides: &[&str]) -> Result<ManifestFile, Diagnostics> {
    let overrides: Vec<String> = overrides.iter().map(|text| text.to_string()).collect();
    ManifestFile::parse("run.toml", text, Path::new(DIRECTORY), &overrides)
}

/// The problems of a manifest that must have some.
fn problems(text: &str) -> Diagnostics {
    parse(text).expect_err("the manifest has a mistake")
}
