//! Layer 2: the lock file, which pins the plugins of a run to the bytes they had.
//!
//! It lies beside the manifest and is copied into the run and every checkpoint, so that a number in a report can be
//! traced to the code that produced it. The hash decides; name, version and sdk are there for the person who reads
//! the difference. A run that is locked opens no plugin that the lock does not name.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{
    component::{PluginIdentity, SdkVersion},
    load_error::LoadFault,
};

/// The lock file's name, beside the manifest and in the run directory.
pub const LOCK_FILE_NAME: &str = "farthing.lock";

/// The command that error messages offer for accepting what differs from the lock.
pub const UPDATE_LOCK: &str = "farthing check --update-lock";

/// The plugins of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lock {
    plugins: Vec<LockedPlugin>,
}

/// One plugin of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedPlugin {
    pub name: String,
    pub version: String,
    pub sdk: SdkVersion,
    pub sha256: String,
    /// The library's file name, without its directory: a lock may be used on another machine.
    pub file: String,
}

/// Why a lock file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    #[error("cannot {action} the lock file `{}`: {source}", path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error("`{}` is no lock file: {why}; expected what `{UPDATE_LOCK}` writes", path.display())]
    Syntax { path: PathBuf, why: String },
    #[error(
        "`{}` has format {found}; this version reads format {FORMAT}: update farthing, or make the lock anew with \
         `{UPDATE_LOCK}`",
        path.display()
    )]
    Format { path: PathBuf, found: u32 },
    #[error("`{}` names the plugin `{name}` twice; remove one of the entries", path.display())]
    Twice { path: PathBuf, name: String },
}

impl Lock {
    /// Pins these plugins; of several with one name the first.
    pub fn of<'a>(plugins: impl IntoIterator<Item = &'a PluginIdentity>) -> Self {
        let mut plugins: Vec<_> = plugins.into_iter().map(LockedPlugin::of).collect();
        plugins.sort_by(|a, b| a.name.cmp(&b.name));
        plugins.dedup_by(|a, b| a.name == b.name);
        Self { plugins }
    }

    /// The plugins by name.
    pub fn plugins(&self) -> &[LockedPlugin] {
        &self.plugins
    }

    /// The entry of a plugin.
    pub fn get(&self, name: &str) -> Option<&LockedPlugin> {
        self.plugins.iter().find(|plugin| plugin.name == name)
    }

    /// Reads the lock file; `None` where there is none.
    pub fn read(path: &Path) -> Result<Option<Self>, LockError> {
        match fs::read_to_string(path) {
            Ok(text) => Self::parse(&text, path).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(LockError::Io {
                action: "read",
                path: path.into(),
                source,
            }),
        }
    }

    /// Reads a lock from text; `path` is for messages.
    pub fn parse(text: &str, path: &Path) -> Result<Self, LockError> {
        let syntax = |error: toml::de::Error| LockError::Syntax {
            path: path.into(),
            why: error.to_string(),
        };
        // The format is read alone first: a later one may have any other key.
        let OnlyFormat { format } = toml::from_str(text).map_err(syntax)?;
        if format != FORMAT {
            return Err(LockError::Format {
                path: path.into(),
                found: format,
            });
        }
        let LockFile { mut plugin, .. } = toml::from_str(text).map_err(syntax)?;
        plugin.sort_by(|a, b| a.name.cmp(&b.name));
        if let Some(pair) = plugin.windows(2).find(|pair| pair[0].name == pair[1].name) {
            return Err(LockError::Twice {
                path: path.into(),
                name: pair[0].name.clone(),
            });
        }
        Ok(Self { plugins: plugin })
    }

    /// The lock as text: the same plugins give the same bytes.
    pub fn to_toml(&self) -> String {
        let file = LockFile {
            format: FORMAT,
            plugin: self.plugins.clone(),
        };
        let body = toml::to_string(&file).expect("strings and numbers are always TOML");
        format!(
            "# The plugins of this run, pinned to their bytes. Beside a manifest, `{UPDATE_LOCK}` writes it.\n{body}"
        )
    }

    /// Writes the lock file. It appears whole or not at all.
    pub fn write(&self, path: &Path) -> Result<(), LockError> {
        let error = |action| {
            let path = path.to_path_buf();
            move |source| LockError::Io {
                action,
                path,
                source,
            }
        };
        let mut beside = path.as_os_str().to_owned();
        beside.push(format!(".{}.tmp", std::process::id()));
        let mut file = File::create(&beside).map_err(error("create"))?;
        file.write_all(self.to_toml().as_bytes())
            .map_err(error("write"))?;
        file.sync_all().map_err(error("write"))?;
        fs::rename(&beside, path).map_err(error("replace"))
    }

    /// Compares a plugin with its entry.
    pub(super) fn check(&self, identity: &PluginIdentity) -> Result<(), LoadFault> {
        let found = LockedPlugin::of(identity);
        match self.get(&identity.name) {
            None => Err(LoadFault::NotLocked {
                plugin: identity.name.clone(),
                locked: self
                    .plugins
                    .iter()
                    .map(|plugin| plugin.name.clone())
                    .collect(),
            }),
            Some(expected) if expected.sha256 == found.sha256 => Ok(()),
            Some(expected) => Err(LoadFault::LockMismatch {
                expected: Box::new(expected.clone()),
                found: Box::new(found),
            }),
        }
    }
}

impl LockedPlugin {
    fn of(identity: &PluginIdentity) -> Self {
        let file = identity.file.file_name().unwrap_or_default();
        Self {
            name: identity.name.clone(),
            version: identity.version.clone(),
            sdk: identity.sdk,
            sha256: identity.sha256.clone(),
            file: file.to_string_lossy().into_owned(),
        }
    }

    /// What distinguishes this entry from the other, for a message.
    pub(super) fn difference(&self, other: &Self) -> String {
        let mut words = Vec::new();
        if self.version != other.version {
            words.push(format!("version {}", self.version));
        }
        if self.sdk != other.sdk {
            words.push(format!("sdk {}", self.sdk));
        }
        words.push(format!("sha256 {}", self.sha256));
        words.join(", ")
    }
}

/// Format of the lock file. Raised when an older farthing would misread a newer file.
const FORMAT: u32 = 1;

#[derive(Deserialize)]
struct OnlyFormat {
    format: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LockFile {
    format: u32,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    plugin: Vec<LockedPlugin>,
}
