//! Adapter files as the Python library `peft` reads and writes them: `adapter_config.json` and
//! `adapter_model.safetensors`.
//!
//! A setting of theirs that would change the mathematics and is not implemented is refused, never ignored.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use candle_core::Tensor;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::error::{EngineError, Result};
use crate::lora::{LoraConfig, LoraTarget};
use crate::model::Model;
use crate::parameters::Declared;
use crate::{regular_file, weights};

const CONFIG_FILE: &str = "adapter_config.json";
const WEIGHTS_FILE: &str = "adapter_model.safetensors";

/// Configurations are some kilobytes.
const LARGEST_FILE: u64 = 1 << 20;

/// PEFT wraps the model twice.
const PREFIX: &str = "base_model.model.";

/// What `adapter_config.json` says.
#[derive(Clone, Debug, PartialEq)]
pub struct AdapterFile {
    pub lora: LoraConfig,
    pub base: AdapterBase,
}

/// The model that adapters were trained on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdapterBase {
    /// `base_model_name_or_path`: a directory, or the id of a hub's model.
    pub name: String,
    /// `revision`: which version of a hub's model.
    pub revision: Option<String>,
}

impl From<&str> for AdapterBase {
    /// A base of one version only.
    fn from(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            revision: None,
        }
    }
}

impl AdapterFile {
    /// Whether `directory` holds an adapter and no whole model.
    pub fn is_in(directory: &Path) -> bool {
        let whole = ["model.safetensors", "model.safetensors.index.json"];
        directory.join(CONFIG_FILE).is_file()
            && !whole.iter().any(|name| directory.join(name).exists())
    }

    pub fn read(directory: &Path) -> Result<Self> {
        let path = directory.join(CONFIG_FILE);
        let text = regular_file::read_text(&path, LARGEST_FILE)
            .map_err(|error| EngineError::io(&path, error))?;
        Self::from_json(&text).map_err(|problem| EngineError::Config { path, problem })
    }

    fn from_json(text: &str) -> std::result::Result<Self, String> {
        let file: ConfigFile = serde_json::from_str(text)
            .map_err(|error| format!("not an adapter's configuration: {error}"))?;
        file.resolve()
    }

    fn to_json(&self) -> Value {
        let lora = &self.lora;
        let targets: Vec<&str> = lora.targets.iter().map(|target| target.name()).collect();
        json!({
            "peft_type": "LORA",
            "task_type": "CAUSAL_LM",
            "base_model_name_or_path": self.base.name,
            "revision": self.base.revision,
            "r": lora.rank,
            "lora_alpha": lora.alpha,
            "lora_dropout": lora.dropout,
            "target_modules": targets,
            "use_rslora": lora.rank_stabilized,
            "bias": "none",
            "fan_in_fan_out": false,
            "inference_mode": true,
            "init_lora_weights": true,
            "layers_pattern": null,
            "layers_to_transform": null,
            "modules_to_save": null,
            "rank_pattern": {},
            "alpha_pattern": {},
            "use_dora": false,
        })
    }
}

impl Model {
    /// Writes the adapters alone, for a base model that PEFT finds under the name of `base`. Making the files durable is
    /// the caller's business.
    pub fn save_adapters(&self, directory: &Path, base: &AdapterBase) -> Result<()> {
        let Some(lora) = self.lora() else {
            return Err(EngineError::Argument(
                "the model has no adapters to write".to_owned(),
            ));
        };
        let file = AdapterFile {
            lora: lora.clone(),
            base: base.clone(),
        };
        let path = directory.join(CONFIG_FILE);
        let text = format!("{:#}\n", file.to_json());
        std::fs::write(&path, text).map_err(|error| EngineError::io(path, error))?;
        let named: Vec<(String, &Tensor)> = self
            .trainable()
            .map(|(name, tensor)| (format!("{PREFIX}{name}"), tensor))
            .collect();
        let tensors = named.iter().map(|(name, tensor)| (name.as_str(), *tensor));
        let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
        weights::write(&directory.join(WEIGHTS_FILE), tensors, metadata)
    }

    /// This model with the adapters in `directory`.
    pub fn with_adapters_from(self, directory: &Path) -> Result<Self> {
        let AdapterFile { lora, .. } = AdapterFile::read(directory)?;
        let mut model = self.with_adapters(lora, 0)?;
        let path = directory.join(WEIGHTS_FILE);
        let declared: Vec<Declared> = model
            .declared()
            .iter()
            .filter(|declared| declared.trainable)
            .map(|declared| Declared {
                name: format!("{PREFIX}{}", declared.name),
                ..declared.clone()
            })
            .collect();
        let (mut found, mut problems) = (BTreeMap::new(), Vec::new());
        weights::read_entries(&path, &mut found, &mut problems)?;
        if problems.is_empty() {
            weights::check(&declared, false, &found, &mut problems);
        }
        if !problems.is_empty() {
            return Err(EngineError::Weights { path, problems });
        }
        let device = model.device().clone();
        let frozen = model.parameters().len() - declared.len();
        for (index, declared) in declared.iter().enumerate() {
            let values = found[&declared.name].read()?;
            let read = Tensor::from_vec(values, declared.shape.as_slice(), &device)?;
            model.change(frozen + index, |tensor| {
                *tensor = read;
                Ok(())
            })?;
        }
        Ok(model)
    }
}

/// The file as found: everything optional, so that a missing field is named by us.
#[derive(Deserialize)]
struct ConfigFile {
    peft_type: Option<String>,
    base_model_name_or_path: Option<String>,
    revision: Option<String>,
    r: Option<usize>,
    lora_alpha: Option<f64>,
    lora_dropout: Option<f64>,
    target_modules: Option<Targets>,
    use_rslora: Option<bool>,
    bias: Option<String>,
    #[serde(flatten)]
    others: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Targets {
    All(String),
    Named(Vec<String>),
}

impl ConfigFile {
    fn resolve(self) -> std::result::Result<AdapterFile, String> {
        if self.peft_type.as_deref() != Some("LORA") {
            return Err(format!(
                "peft_type is {:?}; expected \"LORA\"",
                self.peft_type.unwrap_or_default()
            ));
        }
        if self.bias.as_deref().is_some_and(|bias| bias != "none") {
            return Err("bias is not \"none\"; trained biases are not implemented".to_owned());
        }
        // Null, false and empty mean that a setting is off.
        let off = |value: &Value| match value {
            Value::Null | Value::Bool(false) => true,
            Value::Array(values) => values.is_empty(),
            Value::Object(values) => values.is_empty(),
            _ => false,
        };
        // How an adapter was begun, and who wrote it. Anything else that is on may change what it computes.
        const HARMLESS: [&str; 11] = [
            "auto_mapping",
            "corda_config",
            "eva_config",
            "inference_mode",
            "init_lora_weights",
            "loftq_config",
            "lora_ga_config",
            "megatron_core",
            "peft_version",
            "qalora_group_size",
            "task_type",
        ];
        if let Some((name, value)) = self
            .others
            .iter()
            .find(|(name, value)| !off(value) && !HARMLESS.contains(&name.as_str()))
        {
            return Err(format!("{name} is {value}; it is not implemented"));
        }
        let mut targets = match self.target_modules {
            None => return Err("target_modules is missing".to_owned()),
            Some(Targets::All(name)) if name == "all-linear" => LoraTarget::ALL.to_vec(),
            Some(Targets::All(pattern)) => {
                return Err(format!(
                    "target_modules is the pattern {pattern:?}; expected a list of names or \"all-linear\""
                ));
            }
            Some(Targets::Named(names)) => names
                .iter()
                .map(|name| {
                    LoraTarget::named(name).ok_or_else(|| {
                        let known = LoraTarget::ALL.map(LoraTarget::name).join(", ");
                        format!("target_modules has {name:?}; expected some of {known}")
                    })
                })
                .collect::<std::result::Result<_, _>>()?,
        };
        targets.sort_unstable();
        targets.dedup();
        Ok(AdapterFile {
            lora: LoraConfig {
                rank: self.r.ok_or("r is missing")?,
                alpha: self.lora_alpha.ok_or("lora_alpha is missing")?,
                targets,
                dropout: self.lora_dropout.unwrap_or(0.0),
                rank_stabilized: self.use_rslora.unwrap_or(false),
            },
            base: AdapterBase {
                name: self
                    .base_model_name_or_path
                    .ok_or("base_model_name_or_path is missing")?,
                revision: self.revision,
            },
        })
    }
}
