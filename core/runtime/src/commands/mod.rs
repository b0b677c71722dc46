//! What the command line offers, as functions of plain requests: one module for each command.
//!
//! Data goes to the writer that the caller gives; everything for a person goes through `tracing` and [`Terminal`].
//!
//! [`Terminal`]: crate::run::Terminal

use serde_json::Value;

use crate::error::{Result, RuntimeError};
use crate::host::{ComponentKind, PluginHost};
use crate::manifest::{Manifest, check_config_text};

pub mod check;
pub mod evaluate;
pub mod export;
pub mod merge;
pub mod objective;
pub mod plugins;
pub mod sample;
pub mod score;
pub mod train;

/// Computes on as many threads as the manifest says. Call it before anything computes: the first that does settles the
/// number.
fn limit_threads(manifest: &Manifest) {
    if let Some(threads) = manifest.run.threads {
        // It fails only where a test has built the pool already; results do not depend on it.
        let _ = rayon::ThreadPoolBuilder::new()
            .num_threads(threads as usize)
            .build_global();
    }
}

/// A component's configuration as given on the command line, checked like one in a manifest.
pub fn component_config(
    host: &PluginHost,
    kind: ComponentKind,
    name: &str,
    text: &str,
) -> Result<Value> {
    let found = host.find(kind, name)?;
    let config: Value = serde_json::from_str(text).map_err(|error| {
        RuntimeError::Usage(format!("--config is not JSON: {error}; found {text}"))
    })?;
    if !config.is_object() {
        return Err(RuntimeError::Usage(format!(
            "--config is no JSON object: {config}"
        )));
    }
    let problems = check_config_text(name, text, &config, &found.schema);
    match problems.is_empty() {
        true => Ok(config),
        false => Err(RuntimeError::Manifest(problems)),
    }
}
