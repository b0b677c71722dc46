//! Loading all plugins of a run through the layers, collecting every refusal on the way.

use std::{collections::BTreeMap, path::PathBuf};

use super::{
    component::PluginIdentity,
    discovery::{self, Candidate, SkippedFile},
    load::{self, LoadedPlugin},
    load_error::{LoadError, LoadFault},
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

/// Loads what can be loaded of the request, by name, and says which files were passed over and which refused.
pub(super) fn load_all(
    request: &LoadRequest<'_>,
) -> (Vec<LoadedPlugin>, Vec<SkippedFile>, Vec<LoadError>) {
    let mut loading = Loading::default();
    loading.examine(request);
    if let Some(lock) = request.lock {
        loading.compare(lock);
    }
    loading.refuse_duplicate_names();
    if let Some(prober) = request.prober {
        loading.try_out(prober, request.lock);
    }
    let plugins = loading.open();
    (plugins, loading.skipped, loading.errors)
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
            let accepted = self
                .accepted
                .iter()
                .any(|(_, checked)| checked.identity.name == locked.name);
            // A file that was refused before is not missing, and its own message says more.
            let refused = self
                .errors
                .iter()
                .any(|error| error.file.ends_with(&locked.file));
            if !accepted && !refused {
                self.refuse(
                    PathBuf::from(&locked.file),
                    LoadFault::LockedPluginMissing {
                        plugin: locked.name.clone(),
                        version: locked.version.clone(),
                    },
                );
            }
        }
        for (candidate, checked) in std::mem::take(&mut self.accepted) {
            match lock.check(&checked.identity) {
                Ok(()) => self.accepted.push((candidate, checked)),
                Err(LoadFault::NotLocked { plugin, .. }) if !candidate.named => {
                    self.skipped.push(SkippedFile {
                        file: checked.identity.file,
                        plugin: Some(plugin),
                        why: format!(
                            "the lock file does not name it; add it with `{}`",
                            super::UPDATE_LOCK
                        ),
                    })
                }
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
        self.accepted
            .retain(|(_, checked)| !files.contains_key(&checked.identity.name));
        for (name, files) in files {
            for other in &files[1..] {
                self.refuse(
                    files[0].clone(),
                    LoadFault::DuplicateName {
                        name: name.clone(),
                        other: other.clone(),
                    },
                );
            }
        }
    }

    /// Before layer 3, for libraries that nobody vouches for.
    fn try_out(&mut self, prober: &dyn Prober, lock: Option<&Lock>) {
        if lock.is_some() || self.accepted.is_empty() {
            // Whatever is left has the bytes that the lock names, and they loaded when the lock was made.
            return;
        }
        let files: Vec<PathBuf> = self
            .accepted
            .iter()
            .map(|(_, checked)| checked.identity.file.clone())
            .collect();
        let reports = prober.probe(&files);
        for ((candidate, checked), report) in
            std::mem::take(&mut self.accepted).into_iter().zip(reports)
        {
            match report {
                ProbeReport::Survived => self.accepted.push((candidate, checked)),
                ProbeReport::Died { how, printed } => {
                    self.refuse(candidate.path, LoadFault::Crashes { how, printed })
                }
                ProbeReport::NotProbed { why } => {
                    self.refuse(candidate.path, LoadFault::NotProbed { why })
                }
            }
        }
    }

    /// Layer 3.
    fn open(&mut self) -> Vec<LoadedPlugin> {
        let mut plugins = Vec::new();
        for (candidate, checked) in std::mem::take(&mut self.accepted) {
            match load::load(&checked) {
                Ok(plugin) => {
                    let PluginIdentity {
                        name,
                        version,
                        file,
                        ..
                    } = &*plugin.identity;
                    tracing::debug!(plugin = name, version, file = %file.display(), "loaded");
                    plugins.push(plugin);
                }
                Err(fault) => self.refuse(candidate.path, fault),
            }
        }
        plugins.sort_by(|a, b| a.identity.name.cmp(&b.identity.name));
        plugins
    }

    fn with_hash(&self, sha256: &str) -> Option<&Preflight> {
        let same = self
            .accepted
            .iter()
            .find(|(_, checked)| checked.identity.sha256 == sha256);
        same.map(|(_, checked)| checked)
    }

    fn refuse(&mut self, file: PathBuf, fault: LoadFault) {
        self.errors.push(LoadError { file, fault });
    }
}
