//! The plan: everything that a manifest means on this machine, found out before any work.
//!
//! Components are looked up, their configurations checked against their schemas and handed to their constructors, the
//! model's shape is read, memory is reckoned. All problems are collected with their places.

use std::path::Path;

use farthing_engine::{
    Architecture, Device, Model, ModelConfig, RopeScaling, Tokenizer, select_device,
};
use serde_json::Value;

use crate::error::{Result, RuntimeError};
use crate::host::{ComponentKind, HostError, PluginHost};
use crate::manifest::{
    ComponentRole, ComponentUse, Diagnostic, Diagnostics, InitArchitecture, Manifest,
    ManifestDraft, ManifestFile, ModelInit, Place, Plugins, Problem, check_component_config,
};
use crate::memory::MemoryEstimate;
use crate::plugin_access::PluginAccess;

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
            let more = components_of(&draft, access);
            return Err(RuntimeError::Manifest(draft.refuse(&more)));
        }
        Self::of(draft.finish().map_err(RuntimeError::Manifest)?, access)
    }

    /// Checks a manifest that was read.
    pub fn of(file: ManifestFile, access: &PluginAccess) -> Result<Self> {
        let host = access.load(Some(&file.manifest.plugins))?;
        let mut diagnostics = file.diagnostics();
        file.refuse_unavailable(&mut diagnostics);
        let place_of = |pointer: &str| file.place_of(pointer);
        check_plugin_names(&host, &file.manifest.plugins, place_of, &mut diagnostics);
        check_components(&host, &file.components(), &mut diagnostics);
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

/// What is wrong with the components of a manifest whose form is wrong elsewhere.
fn components_of(draft: &ManifestDraft, access: &PluginAccess) -> Diagnostics {
    let mut diagnostics = draft.diagnostics();
    draft.refuse_planned(&mut diagnostics);
    // Without the section nobody knows which plugins there are.
    let Some(plugins) = draft.plugins() else {
        return diagnostics;
    };
    match access.load(Some(&plugins)) {
        Ok(host) => {
            let place_of = |pointer: &str| draft.place_of(pointer);
            check_plugin_names(&host, &plugins, place_of, &mut diagnostics);
            check_components(&host, &draft.components(), &mut diagnostics);
        }
        Err(error) => diagnostics.add(Diagnostic::new(
            Problem::Unavailable,
            error.to_string(),
            draft.place_of("/plugins"),
            "these plugins",
        )),
    }
    diagnostics
}

/// A library that is listed under another plugin's name would be used without a word, and its components not be found.
fn check_plugin_names(
    host: &PluginHost,
    plugins: &Plugins,
    place_of: impl Fn(&str) -> Place,
    diagnostics: &mut Diagnostics,
) {
    for (name, listed) in &plugins.files {
        let file = std::fs::canonicalize(&listed.path);
        let is_it =
            |path: &Path| matches!((&file, std::fs::canonicalize(path)), (Ok(a), Ok(b)) if *a == b);
        let Some(plugin) = host.plugins().find(|plugin| is_it(&plugin.file)) else {
            continue;
        };
        if plugin.name != *name {
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

fn check_components(
    host: &PluginHost,
    components: &[ComponentUse<'_>],
    diagnostics: &mut Diagnostics,
) {
    for component in components {
        check_component(host, component, diagnostics);
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
            InitArchitecture::Qwen2 => Architecture::Qwen2,
            InitArchitecture::Llama => Architecture::Llama,
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
        initializer_range: init.initializer_range,
        bos_token_id: tokenizer.bos_id(),
        eos_token_id: tokenizer.eos_ids().to_vec(),
        pad_token_id: tokenizer.pad_id(),
    }
}
