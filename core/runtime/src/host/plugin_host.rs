//! The loaded plugins: finding their components and making them.

use farthing_abi::{PluginRootRef, RawCreate, RawError, abi_stable::std_types::RResult};
use farthing_sdk::client::{
    CurriculumClient, OptimizerClient, RewardClient, SamplerClient, TaskClient,
};
use serde_json::Value;

use super::{
    component::{Component, ComponentKind, PluginIdentity},
    discovery::SkippedFile,
    host_error::HostError,
    load::LoadedPlugin,
    load_error::{LoadError, LoadErrors},
    loading::{LoadRequest, load_all},
};

/// Every plugin of a run, ready to make components.
pub struct PluginHost {
    plugins: Vec<LoadedPlugin>,
    skipped: Vec<SkippedFile>,
}

impl PluginHost {
    /// Loads plugins.
    ///
    /// # Errors
    /// Everything that is wrong with any of the files, at once.
    pub fn load(request: &LoadRequest<'_>) -> Result<Self, LoadErrors> {
        match Self::load_what_can_be(request) {
            (host, errors) if errors.is_empty() => Ok(host),
            (_, errors) => Err(LoadErrors(errors)),
        }
    }

    /// The same for a report: the plugins that can be loaded, and why the others cannot.
    pub fn load_what_can_be(request: &LoadRequest<'_>) -> (Self, Vec<LoadError>) {
        let (plugins, skipped, errors) = load_all(request);
        (Self { plugins, skipped }, errors)
    }

    /// The loaded plugins, by name.
    pub fn plugins(&self) -> impl ExactSizeIterator<Item = &PluginIdentity> {
        self.plugins.iter().map(|plugin| &*plugin.identity)
    }

    /// Every component, by plugin, kind and name.
    pub fn components(&self) -> impl Iterator<Item = &Component> {
        self.plugins.iter().flat_map(|plugin| &plugin.components)
    }

    /// Libraries of the searched directories that were passed over.
    pub fn skipped(&self) -> &[SkippedFile] {
        &self.skipped
    }

    /// The component of this kind that a manifest calls `plugin/component`.
    pub fn find(&self, kind: ComponentKind, name: &str) -> Result<&Component, HostError> {
        Ok(self.locate(kind, name)?.1)
    }

    /// Makes a task. `config` is its configuration; `state` what `save_state` returned, or null for a fresh start.
    pub fn task(&self, name: &str, config: &Value, state: &Value) -> Result<TaskClient, HostError> {
        self.make(ComponentKind::Task, name, config, state, |root, create| {
            root.task()(create)
        })
        .map(TaskClient::new)
    }

    /// Makes a reward.
    pub fn reward(
        &self,
        name: &str,
        config: &Value,
        state: &Value,
    ) -> Result<RewardClient, HostError> {
        self.make(
            ComponentKind::Reward,
            name,
            config,
            state,
            |root, create| root.reward()(create),
        )
        .map(RewardClient::new)
    }

    /// Makes a sampler.
    pub fn sampler(
        &self,
        name: &str,
        config: &Value,
        state: &Value,
    ) -> Result<SamplerClient, HostError> {
        self.make(
            ComponentKind::Sampler,
            name,
            config,
            state,
            |root, create| root.sampler()(create),
        )
        .map(SamplerClient::new)
    }

    /// Makes an optimizer.
    pub fn optimizer(
        &self,
        name: &str,
        config: &Value,
        state: &Value,
    ) -> Result<OptimizerClient, HostError> {
        let kind = ComponentKind::Optimizer;
        let raw = self.make(kind, name, config, state, |root, create| {
            root.optimizer()(create)
        })?;
        OptimizerClient::new(raw).map_err(|error| refused(kind, name, error))
    }

    /// Makes a curriculum.
    pub fn curriculum(
        &self,
        name: &str,
        config: &Value,
        state: &Value,
    ) -> Result<CurriculumClient, HostError> {
        self.make(
            ComponentKind::Curriculum,
            name,
            config,
            state,
            |root, create| root.curriculum()(create),
        )
        .map(CurriculumClient::new)
    }

    fn make<T>(
        &self,
        kind: ComponentKind,
        name: &str,
        config: &Value,
        state: &Value,
        create: impl FnOnce(PluginRootRef, RawCreate<'_>) -> RResult<T, RawError>,
    ) -> Result<T, HostError> {
        let (plugin, component) = self.locate(kind, name)?;
        let (config, state) = (config.to_string(), state.to_string());
        let made = create(
            plugin.root,
            RawCreate {
                name: component.name.as_str().into(),
                config: config.as_str().into(),
                state: state.as_str().into(),
            },
        );
        made.into_result()
            .map_err(|raw| refused(kind, name, farthing_sdk::Error::from_raw(raw)))
    }

    fn locate(
        &self,
        kind: ComponentKind,
        name: &str,
    ) -> Result<(&LoadedPlugin, &Component), HostError> {
        let Some((plugin_name, component_name)) = name.split_once('/') else {
            let suggestion = self.nearest(kind, name, |component| component.name.clone());
            return Err(HostError::BadName {
                name: name.into(),
                suggestion,
            });
        };
        let Some(plugin) = self
            .plugins
            .iter()
            .find(|plugin| plugin.identity.name == plugin_name)
        else {
            return Err(HostError::UnknownPlugin {
                kind,
                name: name.into(),
                plugin: plugin_name.into(),
                loaded: self.loaded_clause(plugin_name),
                suggestion: self.nearest(kind, name, Component::full_name),
            });
        };
        let matches =
            |component: &&Component| component.kind == kind && component.name == component_name;
        let Some(component) = plugin.components.iter().find(matches) else {
            return Err(HostError::UnknownComponent {
                kind,
                plugin: plugin_name.into(),
                component: component_name.into(),
                has: has_clause(plugin, component_name),
                suggestion: self.nearest(kind, name, Component::full_name),
            });
        };
        Ok((plugin, component))
    }

    /// The component of this kind that was most likely meant, by the nearest of the names that `named` gives.
    fn nearest(
        &self,
        kind: ComponentKind,
        name: &str,
        named: fn(&Component) -> String,
    ) -> Option<String> {
        // A name of kilobytes is no slip of the finger, and the comparison costs the product of both lengths.
        if name.len() > 128 {
            return None;
        }
        let distance = |component: &&Component| {
            let target = named(component);
            let distance = strsim::damerau_levenshtein(name, &target);
            (distance <= name.len().max(target.len()).div_ceil(3)).then_some(distance)
        };
        self.components()
            .filter(|component| component.kind == kind)
            .filter_map(|component| Some((distance(&component)?, component.full_name())))
            .min()
            .map(|(_, full_name)| full_name)
    }

    fn loaded_clause(&self, wanted: &str) -> String {
        if let Some(skipped) = self
            .skipped
            .iter()
            .find(|skipped| skipped.plugin.as_deref() == Some(wanted))
        {
            return format!("`{}` was skipped: {}", skipped.file.display(), skipped.why);
        }
        let names: Vec<_> = self.plugins().map(|plugin| plugin.name.as_str()).collect();
        match names.as_slice() {
            [] => "no plugin is loaded: give `search` or a path in the manifest's [plugins]".into(),
            names => format!("the loaded plugins are {}", names.join(", ")),
        }
    }
}

/// What a plugin has, said so that a component of another kind is seen first.
fn has_clause(plugin: &LoadedPlugin, wanted: &str) -> String {
    if let Some(other) = plugin
        .components
        .iter()
        .find(|component| component.name == wanted)
    {
        return format!("`{}` is a {}", other.full_name(), other.kind);
    }
    let names: Vec<_> = plugin
        .components
        .iter()
        .map(|component| format!("the {} `{}`", component.kind, component.name))
        .collect();
    format!("it has {}", names.join(", "))
}

fn refused(kind: ComponentKind, name: &str, error: farthing_sdk::Error) -> HostError {
    HostError::Refused {
        kind,
        name: name.into(),
        error: Box::new(error),
    }
}
