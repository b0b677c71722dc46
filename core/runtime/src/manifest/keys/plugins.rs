//! `[plugins]`: where components come from.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where plugins are found: directories to search, and single files by name. Plugins are trusted native code: whoever
/// wrote one can do whatever you can do on this machine.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Plugins {
    /// Directories whose dynamic libraries are all loaded, besides the directory of the built-in plugins.
    #[serde(default)]
    pub search: Vec<PathBuf>,
    /// `NAME = { path = .. }` loads one library; NAME is the plugin's own, which its components' names begin with.
    #[serde(flatten)]
    pub files: BTreeMap<String, PluginFile>,
}

/// One plugin's library.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PluginFile {
    /// The dynamic library (`.so`, `.dylib`, `.dll`).
    pub path: PathBuf,
    /// Where the plugin's code runs. In-process calls cost nanoseconds; a process of its own costs a copy over a
    /// pipe, and a crash, a hang or a leak then costs one attempt and not the run. `process` is not available in this
    /// version: `check` refuses it.
    #[serde(default)]
    pub isolation: Isolation,
}

/// Where a plugin's code runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Isolation {
    #[default]
    InProcess,
    Process,
}
