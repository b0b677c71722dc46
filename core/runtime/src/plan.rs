//! The plan: everything that a manifest means on this machine, found out before any work.
//!
//! Components are looked up, their configurations checked against their schemas and handed to their constructors, the
//! model's shape is read, memory is reckoned. All problems are collected with their places.

mod components;
mod rehearsal;

use std::path::Path;

use farthing_engine::{
    Architecture, Device, Model, ModelConfig, RopeScaling, Tokenizer, select_device,
};

use crate::error::{Result, RuntimeError};
use crate::host::PluginHost;
use crate::manifest::{
    Diagnostic, Diagnostics, InitArchitecture, Manifest, ManifestDraft, ManifestFile, ModelInit,
    Problem,
};
use crate::memory::MemoryEstimate;
use crate::plugin_access::PluginAccess;
use components::load_and_check;

/// A manifest that can be run here.
pub struct Plan {
    pub file: ManifestFile,
    pub host: PluginHost,
    pub model: ModelConfig,
    pub device: Device,
    pub memory: MemoryEstimate,
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
    pub fn make(path: &Path, overrides: &[String], access: &PluginAccess) -> Result<Self> {
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
        Self::of(draft.finish().map_err(RuntimeError::Manifest)?, access)
    }

    /// Checks a manifest that was read.
    pub fn of(file: ManifestFile, access: &PluginAccess) -> Result<Self> {
        let mut diagnostics = file.diagnostics();
        file.refuse_unavailable(&mut diagnostics);
        let host = load_and_check(
            access,
            &file.manifest.plugins,
            &file.components(),
            |pointer| file.place_of(pointer),
            &mut diagnostics,
        )?;
        let model = model_config(&file, &mut diagnostics);
        let device = check_device(&file, &mut diagnostics);
        match (model, device) {
            (Some(model), Some(device)) if diagnostics.is_empty() => {
                let memory = MemoryEstimate::of(&file.manifest, &model, &host)?;
                Ok(Self {
                    file,
                    host,
                    model,
                    device,
                    memory,
                })
            }
            _ => Err(RuntimeError::Manifest(diagnostics)),
        }
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
}

fn check_device(file: &ManifestFile, diagnostics: &mut Diagnostics) -> Option<Device> {
    match select_device(&file.manifest.run.device) {
        Ok(device) => Some(device),
        Err(error) => {
            diagnostics.add(Diagnostic::new(
                Problem::Unavailable,
                error.to_string(),
                file.place_of("/run/device"),
                "not available here",
            ));
            None
        }
    }
}

/// The model's shape, from the manifest or from the model's directory.
fn model_config(file: &ManifestFile, diagnostics: &mut Diagnostics) -> Option<ModelConfig> {
    let model = &file.manifest.model;
    let config = match (&model.init, &model.path) {
        (Some(init), _) => tokenizer(&file.manifest)
            .map(|tokenizer| init_config(init, &tokenizer))
            .and_then(|config| {
                config
                    .validate()
                    .map_err(|problem| farthing_engine::EngineError::Argument(problem).into())
                    .map(|()| config)
            }),
        (None, Some(path)) => ModelConfig::read(path).map_err(RuntimeError::from),
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

/// The manifest's tokenizer.
pub fn tokenizer(manifest: &Manifest) -> Result<Tokenizer> {
    let model = &manifest.model;
    if let Some(source) = &model.tokenizer {
        if let Some(characters) = &source.characters {
            return Ok(Tokenizer::characters(characters, &source.whole_tokens())?);
        }
        if let Some(path) = &source.path {
            return Ok(Tokenizer::load(path)?);
        }
    }
    match &model.path {
        Some(path) => Ok(Tokenizer::load(path)?),
        None => Err(RuntimeError::Usage(
            "a model from scratch needs a tokenizer: give `model.tokenizer`".to_owned(),
        )),
    }
}

/// The model that a run begins with.
pub fn initial_model(manifest: &Manifest, tokenizer: &Tokenizer, device: &Device) -> Result<Model> {
    match (&manifest.model.init, &manifest.model.path) {
        (Some(init), _) => {
            let config = init_config(init, tokenizer);
            Ok(Model::init(config, manifest.run.seed, device)?)
        }
        (None, Some(path)) => {
            let model = Model::load(path, device)?;
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
