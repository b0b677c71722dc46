//! What the command line offers, as functions of plain requests: one module for each command.
//!
//! Data goes to the writer that the caller gives; everything for a person goes through `tracing` and [`Terminal`].
//!
//! [`Terminal`]: crate::run::Terminal

use serde_json::Value;

use crate::error::{Result, RuntimeError};
use crate::host::{ComponentKind, PluginHost};
use crate::manifest::check_config_text;

pub mod check;
pub mod evaluate;
pub mod export;
pub mod merge;
pub mod objective;
pub mod plugins;
pub mod sample;
pub mod score;
pub mod train;

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
