//! Which plugins a command may use: the built-in ones, those that the manifest or the command line names, held against
//! a lock file where there is one.

use std::path::{Path, PathBuf};

use crate::error::{Result, RuntimeError};
use crate::host::{LOCK_FILE_NAME, LoadError, LoadErrors, LoadRequest, Lock, PluginHost, Prober};
use crate::manifest::Plugins;

/// Where plugins come from, besides the manifest.
#[derive(Default)]
pub struct PluginAccess {
    /// Directories to search and libraries to load.
    pub paths: Vec<PathBuf>,
    /// Tries out libraries that no lock vouches for.
    pub prober: Option<Box<dyn Prober>>,
    /// Which lock file holds; none is looked for if this is `None`.
    pub lock: Option<PathBuf>,
}

impl PluginAccess {
    /// Loads the plugins that a manifest names, or the built-in ones and those of `paths`.
    pub fn load(&self, plugins: Option<&Plugins>) -> Result<PluginHost> {
        match self.load_what_can_be(plugins)? {
            (host, errors) if errors.is_empty() => Ok(host),
            (_, errors) => Err(LoadErrors(errors).into()),
        }
    }

    /// The same for a report: the plugins that can be loaded, and why the others cannot.
    ///
    /// # Errors
    /// When the lock file cannot be read.
    pub fn load_what_can_be(
        &self,
        plugins: Option<&Plugins>,
    ) -> Result<(PluginHost, Vec<LoadError>)> {
        let mut search = built_in_plugins();
        let mut files = Vec::new();
        for path in &self.paths {
            match path.is_dir() {
                true => search.push(path.clone()),
                false => files.push(path.clone()),
            }
        }
        if let Some(plugins) = plugins {
            search.extend(plugins.search.iter().cloned());
            files.extend(plugins.files.values().map(|file| file.path.clone()));
        }
        let lock = match &self.lock {
            Some(path) => Lock::read(path)?,
            None => None,
        };
        Ok(PluginHost::load_what_can_be(&LoadRequest {
            search: &search,
            files: &files,
            lock: lock.as_ref(),
            prober: self.prober.as_deref(),
        }))
    }

    /// The same access with the lock file that holds for a manifest: the one beside it.
    #[must_use]
    pub fn for_manifest(mut self, manifest: &Path) -> Self {
        self.lock = Some(lock_beside(manifest));
        self
    }
}

/// The lock file of a manifest.
pub fn lock_beside(manifest: &Path) -> PathBuf {
    manifest.with_file_name(LOCK_FILE_NAME)
}

/// Where the built-in plugins lie: beside the program, or where `FARTHING_PLUGINS` says.
pub fn built_in_plugins() -> Vec<PathBuf> {
    if let Some(paths) = std::env::var_os("FARTHING_PLUGINS") {
        return std::env::split_paths(&paths).collect();
    }
    let Ok(program) = std::env::current_exe() else {
        return Vec::new();
    };
    let beside = program.parent().map(Path::to_path_buf).unwrap_or_default();
    let candidates = [
        beside.join("plugins"),
        beside.join("../lib/farthing/plugins"),
        // A test or an example runs from a folder below the program's.
        beside.join("../plugins"),
    ];
    candidates
        .into_iter()
        .find(|path| path.is_dir())
        .into_iter()
        .collect()
}

impl From<crate::host::LockError> for RuntimeError {
    fn from(error: crate::host::LockError) -> Self {
        Self::Lock(error)
    }
}
