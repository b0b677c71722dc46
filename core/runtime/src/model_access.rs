//! From what a user calls a model to a directory on this machine, and to the model.
//!
//! What is on the disk is taken from the disk. Only what is not there and reads `owner/name` is a model of the hub; what
//! begins with `/`, `./` or `../` never is, so a path that was mistyped that way costs no request and tells no server
//! about it.

use std::path::{Path, PathBuf};

use farthing_engine::gguf::is_gguf;
use farthing_engine::{AdapterBase, AdapterFile, Device, Model, Tokenizer};
use serde::Serialize;

use crate::error::{Result, RuntimeError};
use crate::hub::{Hub, HubError, HubSettings, ModelId, Snapshot, Watch};
use crate::run::transfer::{Transfer, bytes_text};
use crate::run::{Checkpoints, Interrupt, Terminal};

/// Which hub a command may use, and who watches.
#[derive(Clone, Debug)]
pub struct ModelAccess {
    /// As the environment says if `None`: it is read when a model of the hub is asked for, so that a mistake in it
    /// disturbs nobody else.
    settings: Option<HubSettings>,
    terminal: Terminal,
    interrupt: Interrupt,
}

/// A model with its tokenizer.
#[derive(Debug)]
pub struct LoadedModel {
    pub model: Model,
    pub tokenizer: Tokenizer,
    /// Where they were found.
    pub path: PathBuf,
}

/// A model of the hub whose description is here.
#[derive(Debug)]
pub struct HubModel {
    hub: Hub,
    snapshot: Snapshot,
    terminal: Terminal,
    interrupt: Interrupt,
}

/// How much of a model is still to be fetched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Download {
    /// `owner/name`.
    pub repository: String,
    pub commit: String,
    pub endpoint: String,
    /// The cache that it goes to.
    pub cache: PathBuf,
    /// All weights in bytes.
    pub weights: u64,
    /// Those that are not in the cache yet.
    pub missing: u64,
}

impl ModelAccess {
    pub fn new(terminal: &Terminal, interrupt: &Interrupt) -> Self {
        Self {
            settings: None,
            terminal: terminal.clone(),
            interrupt: interrupt.clone(),
        }
    }

    /// The same with a hub of the caller's choice.
    #[must_use]
    pub fn with_settings(mut self, settings: HubSettings) -> Self {
        self.settings = Some(settings);
        self
    }

    /// Settles the model's commit and fetches what describes it, but no weights.
    pub fn describe(&self, id: &ModelId) -> Result<HubModel, HubError> {
        let settings = match &self.settings {
            Some(settings) => settings.clone(),
            None => HubSettings::from_env()?,
        };
        let hub = Hub::new(settings)?;
        let mut watch = Transfer::new(&self.terminal, &self.interrupt, &id.to_string());
        let snapshot = hub.describe(id, &mut watch)?;
        drop(watch);
        Ok(HubModel {
            hub,
            snapshot,
            terminal: self.terminal.clone(),
            interrupt: self.interrupt.clone(),
        })
    }

    /// The directory of a model that a command line names: a path, or a model of the hub, which is fetched whole.
    pub fn directory(&self, model: &Path) -> Result<PathBuf> {
        let is_here = model.symlink_metadata().is_ok();
        match model.to_str().and_then(ModelId::parse) {
            Some(id) if !is_here => Ok(self.describe(&id)?.fetch_weights()?),
            _ if !is_here => Err(RuntimeError::Usage(format!(
                "there is no {} here; give a model's directory, a run directory, or a model of the hub as owner/name",
                model.display()
            ))),
            _ => Ok(model.to_owned()),
        }
    }

    /// Where a model's files lie: a path, the newest checkpoint of a run directory, or a model of the hub.
    pub fn checkpoint(&self, model: &Path) -> Result<PathBuf> {
        newest_model(&self.directory(model)?)
    }

    /// Loads a path, the newest checkpoint of a run directory, or a model of the hub.
    pub fn load(&self, model: &Path, device: &Device) -> Result<LoadedModel> {
        let path = self.checkpoint(model)?;
        Ok(LoadedModel {
            model: self.load_weights(&path, device)?,
            tokenizer: Tokenizer::load(&path)?,
            path,
        })
    }

    /// Loads the weights at `path`; where these are adapters, the model they were trained on and the adapters upon it.
    pub fn load_weights(&self, path: &Path, device: &Device) -> Result<Model> {
        if !AdapterFile::is_in(path) {
            return Ok(Model::load(path, device)?);
        }
        let base = AdapterFile::read(path)?.base;
        // A relative path begins where the adapter is, as a manifest's begins where the manifest is.
        let beside = path.join(&base.name);
        let base = match beside.symlink_metadata().is_ok() {
            true => beside,
            false => self.directory(&named(&base)).map_err(|error| {
                RuntimeError::Usage(format!(
                    "{} is an adapter, and the model it was trained on cannot be had: {error}",
                    path.display()
                ))
            })?,
        };
        if AdapterFile::is_in(&base) {
            return Err(RuntimeError::Usage(format!(
                "{} is an adapter for {}, which is an adapter itself; export that one as a whole model first",
                path.display(),
                base.display()
            )));
        }
        Ok(Model::load(&base, device)?.with_adapters_from(path)?)
    }
}

/// What the base of adapters is called on a command line. What is on the disk has no revisions.
fn named(base: &AdapterBase) -> PathBuf {
    let path = Path::new(&base.name);
    match (&base.revision, ModelId::parse(&base.name)) {
        (Some(revision), Some(id)) if path.symlink_metadata().is_err() => {
            PathBuf::from(id.at(revision).to_string())
        }
        _ => path.to_owned(),
    }
}

/// A run directory stands for its newest checkpoint, anything else for itself.
fn newest_model(path: &Path) -> Result<PathBuf> {
    let checkpoints = path.join("checkpoints");
    let is_model = path.join("config.json").exists()
        || AdapterFile::is_in(path)
        || (is_gguf(path) && path.exists());
    if is_model {
        return Ok(path.to_path_buf());
    }
    if !checkpoints.is_dir() {
        return Err(RuntimeError::Usage(format!(
            "{} is neither a model (a directory with config.json or adapter_config.json, or a .gguf file) nor a run \
             (a directory with checkpoints/)",
            path.display()
        )));
    }
    match Checkpoints::new(&checkpoints).newest()?.newest {
        Some(checkpoint) => Ok(checkpoint.path().to_path_buf()),
        None => Err(RuntimeError::Checkpoint {
            path: checkpoints,
            problem: "no whole checkpoint is there".to_owned(),
        }),
    }
}

impl HubModel {
    /// The directory with the description, and with the weights once they are fetched.
    pub fn directory(&self) -> PathBuf {
        self.snapshot.directory()
    }

    pub fn commit(&self) -> &str {
        &self.snapshot.commit
    }

    /// Fetches the weights, unless they are in the cache.
    pub fn fetch_weights(&self) -> Result<PathBuf, HubError> {
        self.snapshot.fetch_weights(&self.hub, &mut self.watch())
    }

    /// How large the weights are and how much of them is missing.
    pub fn download(&self) -> Result<Download, HubError> {
        let files = self.snapshot.weights(&self.hub, &mut self.watch())?;
        let sum = |is_counted: fn(&&crate::hub::WeightFile) -> bool| {
            let counted = files.iter().filter(is_counted);
            counted.filter_map(|file| file.size).sum()
        };
        Ok(Download {
            repository: self.snapshot.id.repository.clone(),
            commit: self.snapshot.commit.clone(),
            endpoint: self.hub.settings().endpoint.clone(),
            cache: self.snapshot.cache().to_owned(),
            weights: sum(|_| true),
            missing: sum(|file| !file.is_here),
        })
    }

    fn watch(&self) -> Transfer {
        Transfer::new(
            &self.terminal,
            &self.interrupt,
            &self.snapshot.id.to_string(),
        )
    }
}

impl Download {
    /// The download in one line.
    pub fn text(&self) -> String {
        let Self {
            repository,
            commit,
            endpoint,
            weights,
            missing,
            ..
        } = self;
        let of = format!("{repository} at {}", commit.get(..12).unwrap_or(commit));
        let cache = self.cache.display();
        match missing {
            0 => format!("none: {of} is in the cache {cache}"),
            _ => format!(
                "{} of {} of weights, {of} from {endpoint} into {cache}",
                bytes_text(*missing),
                bytes_text(*weights)
            ),
        }
    }
}

impl Watch for Transfer {
    fn begin(&mut self, file: &str, size: Option<u64>, done: u64) {
        Transfer::begin(self, file, size, done);
    }

    fn at(&mut self, done: u64) {
        Transfer::at(self, done);
    }

    fn end(&mut self) {
        Transfer::end(self);
    }

    fn interrupted(&self) -> Option<&'static str> {
        Transfer::interrupted(self)
    }
}
