//! The plugins and components of a plan: loaded, looked up, and their configurations tried.
//!
//! What can be loaded is, so that a library which cannot hides no mistake elsewhere in the manifest.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::error::Result;
use crate::host::{ComponentKind, HostError, LoadError, PluginHost};
use crate::manifest::{
    ComponentRole, ComponentUse, Diagnostic, Diagnostics, Place, Plugins, Problem,
    check_component_config,
};
use crate::plugin_access::PluginAccess;

/// Loads a manifest's plugins, and reports everything that is wrong with them and with the components that it uses.
///
/// # Errors
/// When the lock file cannot be read.
pub(super) fn load_and_check(
    access: &PluginAccess,
    plugins: &Plugins,
    components: &[ComponentUse<'_>],
    place_of: impl Fn(&str) -> Place,
    diagnostics: &mut Diagnostics,
) -> Result<PluginHost> {
    let (host, errors) = access.load_what_can_be(Some(plugins))?;
    for error in &errors {
        report_refused(error, plugins, &place_of, diagnostics);
    }
    check_plugin_names(&host, plugins, &place_of, diagnostics);
    for component in components {
        // Of the components of a library that was refused enough is said.
        let plugin = component.name.split('/').next().unwrap_or_default();
        let is_loaded = host.plugins().any(|loaded| loaded.name == plugin);
        let is_refused = |error: &LoadError| {
            let file = error.file.file_name().unwrap_or_default();
            listed_as(plugins, &error.file).any(|name| name == plugin)
                || file.to_string_lossy().contains(plugin)
        };
        if is_loaded || !errors.iter().any(is_refused) {
            check_component(&host, component, diagnostics);
        }
    }
    Ok(host)
}

/// A library that cannot be loaded, at the line that lists it.
fn report_refused(
    error: &LoadError,
    plugins: &Plugins,
    place_of: &impl Fn(&str) -> Place,
    diagnostics: &mut Diagnostics,
) {
    let place = match listed_as(plugins, &error.file).next() {
        Some(name) => place_of(&format!("/plugins/{name}")),
        None => place_of("/plugins"),
    };
    let text = error.to_string();
    let mut lines = text.lines().map(str::trim);
    let message = lines.next().unwrap_or_default();
    let help: Vec<&str> = lines.collect();
    diagnostics.add(
        Diagnostic::new(Problem::Unavailable, message, place, "cannot be loaded")
            .help(help.join("; ")),
    );
}

/// The names under which the manifest lists a library.
fn listed_as<'a>(plugins: &'a Plugins, file: &Path) -> impl Iterator<Item = &'a str> {
    let resolved =
        |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| PathBuf::from(path));
    let file = resolved(file);
    let listed = plugins.files.iter();
    listed
        .filter(move |(_, listed)| resolved(&listed.path) == file)
        .map(|(name, _)| name.as_str())
}

/// A library that is listed under another plugin's name would be used without a word, and its components not be found.
fn check_plugin_names(
    host: &PluginHost,
    plugins: &Plugins,
    place_of: &impl Fn(&str) -> Place,
    diagnostics: &mut Diagnostics,
) {
    for plugin in host.plugins() {
        for name in listed_as(plugins, &plugin.file).filter(|name| *name != plugin.name) {
            let message = format!(
                "the library listed as `{name}` is the plugin `{}`",
                plugin.name
            );
            let place = place_of(&format!("/plugins/{name}"));
            diagnostics.add(
                Diagnostic::new(Problem::Reference, message, place, "another plugin")
                    .help(format!("list it as `{} = {{ path = .. }}`", plugin.name)),
            );
        }
    }
}

fn check_component(host: &PluginHost, component: &ComponentUse<'_>, diagnostics: &mut Diagnostics) {
    let found = match host.find(kind_of(component.role), component.name) {
        Ok(found) => found,
        Err(error) => {
            let place = component.place.clone();
            diagnostics.add(
                Diagnostic::new(Problem::Reference, error.message(), place, "named here").help(
                    error
                        .help()
                        .unwrap_or_else(|| "`farthing plugins list` shows what there is".into()),
                ),
            );
            return;
        }
    };
    let before = diagnostics.len();
    check_component_config(&component.config, &found.schema, diagnostics);
    if diagnostics.len() > before {
        return;
    }
    // What no schema can say, the component's constructor does.
    if let Err(error) = try_component(host, component) {
        let place = component.config.place_of("");
        let diagnostic = Diagnostic::new(
            Problem::InvalidValue,
            error.message(),
            place,
            "refused by the component",
        );
        diagnostics.add(match error.help() {
            Some(help) => diagnostic.help(help),
            None => diagnostic,
        });
    }
}

fn try_component(host: &PluginHost, component: &ComponentUse<'_>) -> Result<(), HostError> {
    let config: Value = component.config.to_json();
    match component.role {
        ComponentRole::Task => host.task(component.name, &config, &Value::Null).map(drop),
        ComponentRole::Reward => host.reward(component.name, &config, &Value::Null).map(drop),
        ComponentRole::Sampler => host
            .sampler(component.name, &config, &Value::Null)
            .map(drop),
        ComponentRole::Optimizer => host
            .optimizer(component.name, &config, &Value::Null)
            .map(drop),
        ComponentRole::Curriculum => host
            .curriculum(component.name, &config, &Value::Null)
            .map(drop),
    }
}

fn kind_of(role: ComponentRole) -> ComponentKind {
    match role {
        ComponentRole::Task => ComponentKind::Task,
        ComponentRole::Reward => ComponentKind::Reward,
        ComponentRole::Sampler => ComponentKind::Sampler,
        ComponentRole::Optimizer => ComponentKind::Optimizer,
        ComponentRole::Curriculum => ComponentKind::Curriculum,
    }
}
