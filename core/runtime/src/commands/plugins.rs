//! `farthing plugins`: what is there, and everything about one file.

use std::path::Path;

use serde_json::{Value, json};

use crate::error::Result;
use crate::host::{self, Inspection, PluginHost, Prober};
use crate::plugin_access::PluginAccess;

/// Loads the built-in plugins and those that the access names.
pub fn load(access: &PluginAccess) -> Result<PluginHost> {
    access.load(None)
}

/// A table: a line for each plugin, and one for each of its components.
pub fn list(host: &PluginHost) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for plugin in host.plugins() {
        let file = plugin.file.display().to_string();
        let built = format!(
            "sdk {}  sha256 {}  {file}",
            plugin.sdk,
            &plugin.sha256[..12]
        );
        rows.push(vec![
            format!("{} {}", plugin.name, plugin.version),
            String::new(),
            built,
        ]);
        for component in host
            .components()
            .filter(|component| *component.plugin == *plugin)
        {
            rows.push(vec![
                format!("  {}", component.full_name()),
                component.kind.to_string(),
                component.description.clone(),
            ]);
        }
    }
    rows
}

/// The same as data, with the components' configuration schemas.
pub fn list_json(host: &PluginHost) -> Value {
    let plugin = |plugin: &host::PluginIdentity| {
        let components: Vec<Value> = host
            .components()
            .filter(|component| *component.plugin == *plugin)
            .map(|component| {
                json!({
                    "name": component.full_name(),
                    "kind": component.kind,
                    "description": component.description,
                    "schema": component.schema,
                })
            })
            .collect();
        let mut value = serde_json::to_value(plugin).unwrap_or_default();
        value["components"] = components.into();
        value
    };
    host.plugins().map(plugin).collect()
}

/// Everything about one file.
pub fn inspect(file: &Path, prober: Option<&dyn Prober>) -> Inspection {
    host::inspect(file, None, prober)
}

/// What was found, for a person.
pub fn inspection_text(inspection: &Inspection) -> String {
    let mut lines = vec![inspection.file.display().to_string()];
    if let Some(plugin) = &inspection.plugin {
        lines.push(format!("  plugin   {} {}", plugin.name, plugin.version));
        lines.push(format!(
            "  built    with sdk {}, {}, for {}",
            plugin.sdk, plugin.rustc, plugin.target
        ));
        lines.push(format!("  sha256   {}", plugin.sha256));
    }
    for finding in &inspection.findings {
        let mark = if finding.fault.is_none() { "ok" } else { "NO" };
        lines.push(format!(
            "  {mark}  {:<10} {}",
            finding.layer, finding.message
        ));
        if let Some(fault) = &finding.fault {
            lines.push(format!("      expected: {}", fault.expected()));
            lines.push(format!("      found: {}", fault.found()));
            lines.push(format!("      remedy: {}", fault.remedy()));
        }
    }
    for component in &inspection.components {
        lines.push(format!(
            "  {} {}: {}",
            component.kind,
            component.full_name(),
            component.description
        ));
    }
    for surrounding in &inspection.surroundings {
        let mark = if surrounding.on { "on " } else { "OFF" };
        let line = format!("  {mark} {:<20} {}", surrounding.name, surrounding.detail);
        lines.push(line.trim_end().to_owned());
    }
    lines.join("\n") + "\n"
}
