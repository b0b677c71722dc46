//! The plan: everything that a manifest means on this machine, found out before any work.
//!
//! Components are looked up, their configurations checked against their schemas and handed to their constructors, the
//! model's shape is read. All problems are collected with their places.

mod components;
mod rehearsal;

use std::path::{Path, PathBuf};

use farthing_engine::{
    Architecture, DType, Device, EngineError, Model, ModelConfig, RopeScaling, Tokenizer,
    read_config, select_device, select_dtype,
};

use crate::error::{Result, RuntimeError};
use crate::host::PluginHost;
use crate::hub::HubError;
use crate::manifest::{
    Diagnostic, Diagnostics, Gpu, InitArchitecture, Manifest, ManifestDraft, ManifestFile,
    ModelInit, Problem,
};
use crate::model_access::{HubModel, ModelAccess};
use crate::plugin_access::PluginAccess;
use components::load_and_check;
pub use rehearsal::StageLengths;
pub(crate) use rehearsal::longest_prompt;

/// A manifest that can be run here.
pub struct Plan {
    pub file: ManifestFile,
    pub host: PluginHost,
    pub model: ModelConfig,
    pub device: Device,
    /// What passes and decoding compute in.
    pub dtype: DType,
    /// The manifest's model, if it is one of the hub; only its description is here.
    pub hub_model: Option<HubModel>,
}

impl std::fmt::Debug for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plan")
            .field("manifest", &self.file.manifest)
            .field("model", &self.model)
            .finish_non_exhaustive()
    }
}

impl Plan {
    /// Reads and checks the manifest at `path`, with `overrides` of the form `key=value`.
    pub fn make(
        path: &Path,
        overrides: &[String],
        access: &PluginAccess,
        models: &ModelAccess,
    ) -> Result<Self> {
        Self::of(Self::read(path, overrides, access)?, access, models)
    }

    /// Reads the manifest alone. If its form is wrong, what is wrong with its components is said as well.
    pub fn read(path: &Path, overrides: &[String], access: &PluginAccess) -> Result<ManifestFile> {
        let draft = ManifestDraft::read(path, overrides).map_err(RuntimeError::Manifest)?;
        if !draft.is_sound() {
            // The form is wrong somewhere; that must not hide what is wrong with the components.
            let mut more = draft.diagnostics();
            draft.refuse_planned(&mut more);
            // Without the section nobody knows which plugins there are.
            if let Some(plugins) = draft.plugins() {
                let place_of = |pointer: &str| draft.place_of(pointer);
                load_and_check(access, &plugins, &draft.components(), place_of, &mut more)?;
            }
            return Err(RuntimeError::Manifest(draft.refuse(&more)));
        }
        draft.finish().map_err(RuntimeError::Manifest)
    }

    /// Checks a manifest that was read, and settles the commit of a model of the hub.
    pub fn of(mut file: ManifestFile, access: &PluginAccess, models: &ModelAccess) -> Result<Self> {
        let mut diagnostics = file.diagnostics();
        file.refuse_unavailable(&mut diagnostics);
        let host = load_and_check(
            access,
            &file.manifest.plugins,
            &file.components(),
            |pointer| file.place_of(pointer),
            &mut diagnostics,
        )?;
        let hub_model = hub_model(&file, models, &mut diagnostics);
        if let Some(model) = &hub_model {
            file.manifest.model.commit = Some(model.commit().to_owned());
        }
        let directory = model_directory(&file.manifest, hub_model.as_ref());
        let model = model_config(&file, directory.as_deref(), &mut diagnostics);
        let device = check_device(&file, &mut diagnostics);
        if let Some((_, dtype)) = &device {
            // Written down, so that a run that goes on elsewhere goes on in the same numbers.
            file.manifest.run.dtype = dtype.as_str().to_owned();
        }
        match (model, device) {
            (Some(model), Some((device, dtype))) if diagnostics.is_empty() => Ok(Self {
                file,
                host,
                model,
                device,
                dtype,
                hub_model,
            }),
            _ => Err(RuntimeError::Manifest(diagnostics)),
        }
    }

    /// The GPU that the manifest describes, where this machine has none.
    pub(crate) fn rented_gpu(&self) -> Option<&Gpu> {
        let cost = self.manifest().run.cost.as_ref();
        cost.and_then(|cost| cost.gpu.as_ref())
            .filter(|_| self.device.is_cpu())
    }

    /// Whether the manifest names a component of this plugin.
    pub fn uses_plugin(&self, name: &str) -> bool {
        self.file
            .components()
            .iter()
            .any(|component| component.name.split('/').next() == Some(name))
    }

    pub fn manifest(&self) -> &Manifest {
        &self.file.manifest
    }

    /// The directory of the model that the manifest names; of a model of the hub it may hold the description alone.
    pub fn model_directory(&self) -> Option<PathBuf> {
        model_directory(self.manifest(), self.hub_model.as_ref())
    }
}

fn model_directory(manifest: &Manifest, hub_model: Option<&HubModel>) -> Option<PathBuf> {
    match hub_model {
        Some(model) => Some(model.directory()),
        None => manifest.model.path.clone(),
    }
}

fn hub_model(
    file: &ManifestFile,
    models: &ModelAccess,
    diagnostics: &mut Diagnostics,
) -> Option<HubModel> {
    let id = file.manifest.model.hub_id()?;
    models
        .describe(&id)
        .map_err(|error| refuse_hub_model(file, &error, diagnostics))
        .ok()
}

/// Reports at the manifest's line why a model of the hub is not to be had.
pub(crate) fn refuse_hub_model(
    file: &ManifestFile,
    error: &HubError,
    diagnostics: &mut Diagnostics,
) {
    let place = file.place_of("/model/path");
    let message = error.to_string();
    diagnostics.add(
        Diagnostic::new(Problem::Unavailable, message, place, "no model here").help(error.remedy()),
    );
}

/// Where to compute, and in which numbers.
fn check_device(file: &ManifestFile, diagnostics: &mut Diagnostics) -> Option<(Device, DType)> {
    let run = &file.manifest.run;
    let mut refuse = |error: &EngineError, pointer: &str| {
        let message = error.to_string();
        let place = file.place_of(pointer);
        let label = "not available here";
        diagnostics.add(Diagnostic::new(Problem::Unavailable, message, place, label));
    };
    let device = select_device(&run.device)
        .map_err(|error| refuse(&error, "/run/device"))
        .ok()?;
    let dtype = select_dtype(&run.dtype, &device)
        .map_err(|error| refuse(&error, "/run/dtype"))
        .ok()?;
    Some((device, dtype))
}

/// The model's shape, from the manifest or from the model's directory.
fn model_config(
    file: &ManifestFile,
    directory: Option<&Path>,
    diagnostics: &mut Diagnostics,
) -> Option<ModelConfig> {
    let model = &file.manifest.model;
    let config = match (&model.init, directory) {
        (Some(init), _) => tokenizer(&file.manifest, directory)
            .map(|tokenizer| init_config(init, &tokenizer))
            .and_then(|config| {
                config
                    .validate()
                    .map_err(|problem| farthing_engine::EngineError::Argument(problem).into())
                    .map(|()| config)
            }),
        (None, Some(path)) => read_config(path)
            .map(|config| match &model.context {
                Some(context) => context.of(config),
                None => config,
            })
            .map_err(RuntimeError::from),
        (None, None) => return None,
    };
    match config {
        Ok(config) => Some(config),
        Err(error) => {
            // A directory that is not there has been reported with the manifest.
            if diagnostics.is_empty() {
                diagnostics.add(Diagnostic::new(
                    Problem::InvalidValue,
                    error.to_string(),
                    file.place_of("/model"),
                    "this model",
                ));
            }
            None
        }
    }
}

/// The manifest's tokenizer; `directory` is that of the model.
pub fn tokenizer(manifest: &Manifest, directory: Option<&Path>) -> Result<Tokenizer> {
    let model = &manifest.model;
    if let Some(source) = &model.tokenizer {
        if let Some(characters) = &source.characters {
            return Ok(Tokenizer::characters(characters, &source.whole_tokens())?);
        }
        if let Some(path) = &source.path {
            return Ok(Tokenizer::load(path)?);
        }
    }
    match directory {
        Some(path) => Ok(Tokenizer::load(path)?),
        None => Err(RuntimeError::Usage(
            "a model from scratch needs a tokenizer: give `model.tokenizer`".to_owned(),
        )),
    }
}

/// The model that a run begins with, without adapters; `directory` is that of the model, whole.
pub fn initial_model(
    manifest: &Manifest,
    directory: Option<&Path>,
    tokenizer: &Tokenizer,
    device: &Device,
) -> Result<Model> {
    match (&manifest.model.init, directory) {
        (Some(init), _) => {
            let config = init_config(init, tokenizer);
            Ok(Model::init(config, manifest.run.seed, device)?)
        }
        (None, Some(path)) => {
            let model = Model::load(path, device)?;
            let model = match &manifest.model.context {
                Some(context) => {
                    model.with_context(context.max_position_embeddings as usize, context.rope_theta)
                }
                None => model,
            };
            let (has, needs) = (model.config().vocab_size, tokenizer.vocab_size());
            if needs > has {
                return Err(RuntimeError::Usage(format!(
                    "the tokenizer has {needs} tokens and the model {} has room for {has}; they do not belong together",
                    path.display()
                )));
            }
            Ok(model)
        }
        (None, None) => Err(RuntimeError::Usage(
            "the manifest has neither `model.path` nor `model.init`".to_owned(),
        )),
    }
}

fn init_config(init: &ModelInit, tokenizer: &Tokenizer) -> ModelConfig {
    ModelConfig {
        architecture: match init.arch {
            InitArchitecture::Llama => Architecture::Llama,
            InitArchitecture::Mistral => Architecture::Mistral,
            InitArchitecture::Qwen2 => Architecture::Qwen2,
            InitArchitecture::Qwen3 => Architecture::Qwen3,
        },
        vocab_size: tokenizer.vocab_size(),
        hidden_size: init.hidden_size as usize,
        intermediate_size: init.intermediate_size as usize,
        num_hidden_layers: init.num_hidden_layers as usize,
        num_attention_heads: init.num_attention_heads as usize,
        num_key_value_heads: init.num_key_value_heads as usize,
        head_dim: init.head_width() as usize,
        rms_norm_eps: init.rms_norm_eps,
        rope_theta: init.rope_theta,
        rope_scaling: RopeScaling::None,
        max_position_embeddings: init.max_position_embeddings as usize,
        tie_word_embeddings: init.tie_word_embeddings,
        attention_bias: false,
        mlp_bias: false,
        sliding_window: None,
        initializer_range: init.initializer_range,
        bos_token_id: tokenizer.bos_id(),
        eos_token_id: tokenizer.eos_ids().to_vec(),
        pad_token_id: tokenizer.pad_id(),
    }
}
