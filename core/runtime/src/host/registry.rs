//! The loaded plugins: loading them all or saying everything that is wrong, finding components, making them.

use std::{collections::BTreeMap, path::PathBuf};

use farthing_abi::{
    PluginRootRef, RawCreate, RawError,
    abi_stable::std_types::RResult,
};
use farthing_sdk::client::{CurriculumClient, OptimizerClient, RewardClient, SamplerClient, TaskClient};
use serde_json::Value;

use super::{
    component::{Component, ComponentKind, PluginIdentity},
    discovery::{self, Candidate, SkippedFile},
    error::{HostError, LoadError, LoadErrors, LoadFault},
    load::{self, LoadedPlugin},
    lock::Lock,
    preflight::{Preflight, preflight},
    probe::{ProbeReport, Prober},
};

/// Which plugins to load.
#[derive(Clone, Copy, Default)]
pub struct LoadRequest<'a> {
    /// Directories whose plugins are all loaded. Each must exist.
    pub search: &'a [PathBuf],
    /// Libraries by path. Each must be a plugin.
    pub files: &'a [PathBuf],
    /// Pins the plugins: one that differs is refused, and one from a directory that the lock does not name is skipped.
    pub lock: Option<&'a Lock>,
    /// Tries out, in a child process, the libraries that the lock does not vouch for.
    pub prober: Option<&'a dyn Prober>,
}

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
        let mut loading = Loading::default();
        loading.examine(request);
        if let Some(lock) = request.lock {
            loading.compare(lock);
        }
        loading.refuse_duplicate_names();
        if let Some(prober) = request.prober {
            loading.try_out(prober, request.lock);
        }
        loading.open()
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
        self.make(ComponentKind::Task, name, config, state, |root, create| root.task()(create))
            .map(TaskClient::new)
    }

    /// Makes a reward.
    pub fn reward(&self, name: &str, config: &Value, state: &Value) -> Result<RewardClient, HostError> {
        self.make(ComponentKind::Reward, name, config, state, |root, create| root.reward()(create))
            .map(RewardClient::new)
    }

    /// Makes a sampler.
    pub fn sampler(&self, name: &str, config: &Value, state: &Value) -> Result<SamplerClient, HostError> {
        self.make(ComponentKind::Sampler, name, config, state, |root, create| root.sampler()(create))
            .map(SamplerClient::new)
    }

    /// Makes an optimizer.
    pub fn optimizer(&self, name: &str, config: &Value, state: &Value) -> Result<OptimizerClient, HostError> {
        let kind = ComponentKind::Optimizer;
        let raw = self.make(kind, name, config, state, |root, create| root.optimizer()(create))?;
        OptimizerClient::new(raw).map_err(|error| refused(kind, name, error))
    }

    /// Makes a curriculum.
    pub fn curriculum(&self, name: &str, config: &Value, state: &Value) -> Result<CurriculumClient, HostError> {
        self.make(ComponentKind::Curriculum, name, config, state, |root, create| root.curriculum()(create))
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

    fn locate(&self, kind: ComponentKind, name: &str) -> Result<(&LoadedPlugin, &Component), HostError> {
        let Some((plugin_name, component_name)) = name.split_once('/') else {
            let suggestion = self.named_alone(kind, name).or_else(|| self.nearest(kind, name));
            return Err(HostError::BadName { name: name.into(), suggestion });
        };
        let Some(plugin) = self.plugins.iter().find(|plugin| plugin.identity.name == plugin_name) else {
            return Err(HostError::UnknownPlugin {
                kind,
                name: name.into(),
                plugin: plugin_name.into(),
                loaded: self.loaded_clause(plugin_name),
                suggestion: self.nearest(kind, name),
            });
        };
        let matches = |component: &&Component| component.kind == kind && component.name == component_name;
        let Some(component) = plugin.components.iter().find(matches) else {
            return Err(HostError::UnknownComponent {
                kind,
                plugin: plugin_name.into(),
                component: component_name.into(),
                has: has_clause(plugin, component_name),
                suggestion: self.nearest(kind, name),
            });
        };
        Ok((plugin, component))
    }

    /// The full name of the component of this kind that somebody called by its last part alone.
    fn named_alone(&self, kind: ComponentKind, name: &str) -> Option<String> {
        let matches = |component: &&Component| component.kind == kind && component.name == name;
        self.components().find(matches).map(Component::full_name)
    }

    /// The component of this kind that was most likely meant.
    fn nearest(&self, kind: ComponentKind, name: &str) -> Option<String> {
        // A name of kilobytes is no slip of the finger, and the comparison costs the product of both lengths.
        if name.len() > 128 {
            return None;
        }
        self.components()
            .filter(|component| component.kind == kind)
            .map(Component::full_name)
            .map(|full_name| (strsim::damerau_levenshtein(name, &full_name), full_name))
            .filter(|(distance, full_name)| *distance <= name.len().max(full_name.len()).div_ceil(3))
            .min()
            .map(|(_, full_name)| full_name)
    }

    fn loaded_clause(&self, wanted: &str) -> String {
        if let Some(skipped) = self.skipped.iter().find(|skipped| file_is_named(skipped, wanted)) {
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
    if let Some(other) = plugin.components.iter().find(|component| component.name == wanted) {
        return format!("`{}` is a {}", other.full_name(), other.kind);
    }
    let names: Vec<_> = plugin
        .components
        .iter()
        .map(|component| format!("the {} `{}`", component.kind, component.name))
        .collect();
    format!("it has {}", names.join(", "))
}

fn file_is_named(skipped: &SkippedFile, plugin: &str) -> bool {
    let stem = skipped.file.file_stem().unwrap_or_default().to_string_lossy();
    stem.strip_prefix(std::env::consts::DLL_PREFIX)
        .is_some_and(|name| name.replace('_', "-") == plugin)
}

fn refused(kind: ComponentKind, name: &str, error: farthing_sdk::Error) -> HostError {
    HostError::Refused { kind, name: name.into(), error: Box::new(error) }
}

/// The files that are still in the running, and everything that was found wrong so far.
#[derive(Default)]
struct Loading {
    accepted: Vec<(Candidate, Preflight)>,
    skipped: Vec<SkippedFile>,
    errors: Vec<LoadError>,
}

impl Loading {
    /// Layer 1. The same bytes found twice are one plugin: a build leaves hard links and copies of one library.
    fn examine(&mut self, request: &LoadRequest<'_>) {
        let found = discovery::candidates(request.search, request.files);
        self.skipped = found.skipped;
        self.errors = found.errors;
        for candidate in found.files {
            match preflight(&candidate.path) {
                Err(faults) => {
                    for fault in faults {
                        self.refuse(candidate.path.clone(), fault);
                    }
                }
                Ok(checked) => match self.with_hash(&checked.identity.sha256) {
                    Some(first) => {
                        let (file, first) = (&checked.identity.file, &first.identity.file);
                        tracing::debug!(file = %file.display(), first = %first.display(), "the same library again");
                    }
                    None => self.accepted.push((candidate, checked)),
                },
            }
        }
    }

    /// Layer 2.
    fn compare(&mut self, lock: &Lock) {
        for locked in lock.plugins() {
            if !self.accepted.iter().any(|(_, checked)| checked.identity.name == locked.name) {
                self.refuse(
                    PathBuf::from(&locked.file),
                    LoadFault::LockedPluginMissing { plugin: locked.name.clone(), version: locked.version.clone() },
                );
            }
        }
        for (candidate, checked) in std::mem::take(&mut self.accepted) {
            match lock.check(&checked.identity) {
                Ok(()) => self.accepted.push((candidate, checked)),
                Err(LoadFault::NotLocked { .. }) if !candidate.named => self.skipped.push(SkippedFile {
                    file: checked.identity.file,
                    why: format!("the lock file does not name it; add it with `{}`", super::UPDATE_LOCK),
                }),
                Err(fault) => self.refuse(candidate.path, fault),
            }
        }
    }

    /// Two plugins of one name would make every `plugin/component` ambiguous; neither is opened.
    fn refuse_duplicate_names(&mut self) {
        let mut files: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
        for (_, checked) in &self.accepted {
            let same = files.entry(checked.identity.name.clone()).or_default();
            same.push(checked.identity.file.clone());
        }
        files.retain(|_, files| files.len() > 1);
        self.accepted.retain(|(_, checked)| !files.contains_key(&checked.identity.name));
        for (name, files) in files {
            for other in &files[1..] {
                self.refuse(files[0].clone(), LoadFault::DuplicateName { name: name.clone(), other: other.clone() });
            }
        }
    }

    /// Before layer 3, for libraries that nobody vouches for.
    fn try_out(&mut self, prober: &dyn Prober, lock: Option<&Lock>) {
        if lock.is_some() || self.accepted.is_empty() {
            // Whatever is left has the bytes that the lock names, and they loaded when the lock was made.
            return;
        }
        let files: Vec<PathBuf> = self.accepted.iter().map(|(_, checked)| checked.identity.file.clone()).collect();
        let reports = prober.probe(&files);
        for ((candidate, checked), report) in std::mem::take(&mut self.accepted).into_iter().zip(reports) {
            match report {
                ProbeReport::Survived => self.accepted.push((candidate, checked)),
                ProbeReport::Died { how, printed } => self.refuse(candidate.path, LoadFault::Crashes { how, printed }),
                ProbeReport::NotProbed { why } => self.refuse(candidate.path, LoadFault::NotProbed { why }),
            }
        }
    }

    /// Layer 3.
    fn open(mut self) -> Result<PluginHost, LoadErrors> {
        let mut plugins = Vec::new();
        for (candidate, checked) in std::mem::take(&mut self.accepted) {
            match load::load(&checked) {
                Ok(plugin) => {
                    let PluginIdentity { name, version, file, .. } = &*plugin.identity;
                    tracing::debug!(plugin = name, version, file = %file.display(), "loaded");
                    plugins.push(plugin);
                }
                Err(fault) => self.refuse(candidate.path, fault),
            }
        }
        plugins.sort_by(|a, b| a.identity.name.cmp(&b.identity.name));
        match self.errors.is_empty() {
            true => Ok(PluginHost { plugins, skipped: self.skipped }),
            false => Err(LoadErrors(self.errors)),
        }
    }

    fn with_hash(&self, sha256: &str) -> Option<&Preflight> {
        let same = self.accepted.iter().find(|(_, checked)| checked.identity.sha256 == sha256);
        same.map(|(_, checked)| checked)
    }

    fn refuse(&mut self, file: PathBuf, fault: LoadFault) {
        self.errors.push(LoadError { file, fault });
    }
}
