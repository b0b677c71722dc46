//! The shape of a model, with the field names of Hugging Face's `config.json`.
//!
//! transformers 4 and 5 write this file differently (`rope_theta`, `rope_scaling`, `torch_dtype` at the top level
//! against `rope_parameters`, `dtype`). Both are read, and what is written here can be read by both. A setting that
//! would change the mathematics and is not implemented is refused, never ignored.

use std::path::Path;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::error::{EngineError, Result};

/// Decoder families. They share one description and differ in the bias of the query, key and value projections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Architecture {
    Llama,
    Qwen2,
}

/// How rotary frequencies are stretched beyond the context of pre-training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RopeScaling {
    None,
    /// All frequencies divided by `factor`.
    Linear {
        factor: f64,
    },
    /// Llama 3.1: long wavelengths divided by `factor`, short ones kept, a ramp between.
    Llama3 {
        factor: f64,
        low_freq_factor: f64,
        high_freq_factor: f64,
        original_max_position_embeddings: usize,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub struct ModelConfig {
    pub architecture: Architecture,
    pub vocab_size: usize,
    pub hidden_size: usize,
    pub intermediate_size: usize,
    pub num_hidden_layers: usize,
    pub num_attention_heads: usize,
    pub num_key_value_heads: usize,
    pub head_dim: usize,
    pub rms_norm_eps: f64,
    pub rope_theta: f64,
    pub rope_scaling: RopeScaling,
    pub max_position_embeddings: usize,
    pub tie_word_embeddings: bool,
    /// Standard deviation of the normal distribution that weights are drawn from.
    pub initializer_range: f64,
    pub bos_token_id: Option<u32>,
    pub eos_token_id: Vec<u32>,
    pub pad_token_id: Option<u32>,
}

impl ModelConfig {
    /// Whether the query, key and value projections have a bias.
    pub fn attention_bias(&self) -> bool {
        self.architecture == Architecture::Qwen2
    }

    /// Reads `config.json` in `directory`.
    pub fn read(directory: &Path) -> Result<Self> {
        let path = directory.join("config.json");
        let text = std::fs::read_to_string(&path).map_err(|error| EngineError::io(&path, error))?;
        Self::from_json(&text).map_err(|problem| EngineError::Config { path, problem })
    }

    /// Writes `config.json` into `directory`.
    pub fn write(&self, directory: &Path) -> Result<()> {
        let path = directory.join("config.json");
        let mut text =
            serde_json::to_string_pretty(&self.to_json()).expect("a JSON value serialises");
        text.push('\n');
        std::fs::write(&path, text).map_err(|error| EngineError::io(path, error))
    }

    /// Reads the text of a `config.json`; an error is one sentence without the file's name.
    pub fn from_json(text: &str) -> std::result::Result<Self, String> {
        let file: ConfigFile = serde_json::from_str(text)
            .map_err(|error| format!("not a model configuration: {error}"))?;
        let config = file.resolve()?;
        config.validate()?;
        Ok(config)
    }

    /// A `config.json` that transformers 4 and 5 both read.
    pub fn to_json(&self) -> Value {
        let (class, model_type) = match self.architecture {
            Architecture::Llama => ("LlamaForCausalLM", "llama"),
            Architecture::Qwen2 => ("Qwen2ForCausalLM", "qwen2"),
        };
        let scaling = match self.rope_scaling {
            RopeScaling::None => None,
            RopeScaling::Linear { factor } => {
                Some(json!({ "rope_type": "linear", "factor": factor }))
            }
            RopeScaling::Llama3 {
                factor,
                low_freq_factor,
                high_freq_factor,
                original_max_position_embeddings,
            } => Some(json!({
                "rope_type": "llama3",
                "factor": factor,
                "low_freq_factor": low_freq_factor,
                "high_freq_factor": high_freq_factor,
                "original_max_position_embeddings": original_max_position_embeddings,
            })),
        };
        let mut rope_parameters = scaling
            .clone()
            .unwrap_or_else(|| json!({ "rope_type": "default" }));
        rope_parameters["rope_theta"] = json!(self.rope_theta);
        let eos = match self.eos_token_id.as_slice() {
            [] => Value::Null,
            [one] => json!(one),
            several => json!(several),
        };
        let mut value = json!({
            "architectures": [class],
            "model_type": model_type,
            "vocab_size": self.vocab_size,
            "hidden_size": self.hidden_size,
            "intermediate_size": self.intermediate_size,
            "num_hidden_layers": self.num_hidden_layers,
            "num_attention_heads": self.num_attention_heads,
            "num_key_value_heads": self.num_key_value_heads,
            "head_dim": self.head_dim,
            "hidden_act": "silu",
            "attention_dropout": 0.0,
            "rms_norm_eps": self.rms_norm_eps,
            "rope_theta": self.rope_theta,
            "rope_scaling": scaling,
            "rope_parameters": rope_parameters,
            "max_position_embeddings": self.max_position_embeddings,
            "tie_word_embeddings": self.tie_word_embeddings,
            "initializer_range": self.initializer_range,
            "bos_token_id": self.bos_token_id,
            "eos_token_id": eos,
            "pad_token_id": self.pad_token_id,
            "use_cache": true,
            "dtype": "float32",
            "torch_dtype": "float32",
        });
        match self.architecture {
            Architecture::Llama => {
                value["attention_bias"] = json!(false);
                value["mlp_bias"] = json!(false);
            }
            Architecture::Qwen2 => value["use_sliding_window"] = json!(false),
        }
        value
    }

    /// Checks that the sizes are possible together. `init` and `load` call it; an error is one sentence.
    pub fn validate(&self) -> std::result::Result<(), String> {
        // The limits are far above any model and keep products of two sizes inside 64 bits.
        const LARGEST: usize = 1 << 24;
        let sizes = [
            ("vocab_size", self.vocab_size),
            ("hidden_size", self.hidden_size),
            ("intermediate_size", self.intermediate_size),
            ("num_attention_heads", self.num_attention_heads),
            ("num_key_value_heads", self.num_key_value_heads),
            ("head_dim", self.head_dim),
            ("max_position_embeddings", self.max_position_embeddings),
        ];
        for (name, size) in sizes {
            if size == 0 || size > LARGEST {
                return Err(format!("{name} is {size}; expected 1 to {LARGEST}"));
            }
        }
        if self.num_hidden_layers == 0 || self.num_hidden_layers > 4096 {
            return Err(format!(
                "num_hidden_layers is {}; expected 1 to 4096",
                self.num_hidden_layers
            ));
        }
        if !self
            .num_attention_heads
            .is_multiple_of(self.num_key_value_heads)
        {
            return Err(format!(
                "num_attention_heads {} is not a multiple of num_key_value_heads {}",
                self.num_attention_heads, self.num_key_value_heads
            ));
        }
        if self.num_attention_heads * self.head_dim > LARGEST {
            return Err(format!(
                "num_attention_heads {} times head_dim {} exceeds {LARGEST}",
                self.num_attention_heads, self.head_dim
            ));
        }
        if !self.head_dim.is_multiple_of(2) {
            return Err(format!(
                "head_dim is {}; rotary embeddings need an even number",
                self.head_dim
            ));
        }
        let positive = [
            ("rms_norm_eps", self.rms_norm_eps),
            ("rope_theta", self.rope_theta),
        ];
        for (name, number) in positive {
            if !(number.is_finite() && number > 0.0) {
                return Err(format!("{name} is {number}; expected a positive number"));
            }
        }
        if !(self.initializer_range.is_finite() && self.initializer_range >= 0.0) {
            return Err(format!(
                "initializer_range is {}; expected at least 0",
                self.initializer_range
            ));
        }
        Ok(())
    }
}

/// The file as found: everything optional, so that a missing field is named by us with its remedy.
#[derive(Deserialize)]
struct ConfigFile {
    model_type: Option<String>,
    vocab_size: Option<usize>,
    hidden_size: Option<usize>,
    intermediate_size: Option<usize>,
    num_hidden_layers: Option<usize>,
    num_attention_heads: Option<usize>,
    num_key_value_heads: Option<usize>,
    head_dim: Option<usize>,
    hidden_act: Option<String>,
    rms_norm_eps: Option<f64>,
    rope_theta: Option<f64>,
    rope_scaling: Option<RopeFile>,
    rope_parameters: Option<RopeFile>,
    max_position_embeddings: Option<usize>,
    tie_word_embeddings: Option<bool>,
    attention_bias: Option<bool>,
    mlp_bias: Option<bool>,
    use_sliding_window: Option<bool>,
    layer_types: Option<Vec<String>>,
    initializer_range: Option<f64>,
    bos_token_id: Option<TokenIds>,
    eos_token_id: Option<TokenIds>,
    pad_token_id: Option<TokenIds>,
    quantization_config: Option<Value>,
}

#[derive(Deserialize)]
struct RopeFile {
    rope_theta: Option<f64>,
    rope_type: Option<String>,
    /// transformers before 4.45 called `rope_type` so.
    #[serde(rename = "type")]
    old_rope_type: Option<String>,
    factor: Option<f64>,
    low_freq_factor: Option<f64>,
    high_freq_factor: Option<f64>,
    original_max_position_embeddings: Option<usize>,
    partial_rotary_factor: Option<f64>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum TokenIds {
    One(i64),
    Several(Vec<i64>),
}

impl ConfigFile {
    fn resolve(self) -> std::result::Result<ModelConfig, String> {
        let architecture = match self.model_type.as_deref() {
            Some("llama") => Architecture::Llama,
            Some("qwen2") => Architecture::Qwen2,
            Some(other) => {
                return Err(format!(
                    "model_type is {other:?}; expected \"llama\" or \"qwen2\""
                ));
            }
            None => return Err("model_type is missing; expected \"llama\" or \"qwen2\"".to_owned()),
        };
        self.refuse_unsupported()?;
        let (rope_theta, rope_scaling) = self.rope()?;
        let need =
            |name: &str, value: Option<usize>| value.ok_or_else(|| format!("{name} is missing"));
        let hidden_size = need("hidden_size", self.hidden_size)?;
        let num_attention_heads = need("num_attention_heads", self.num_attention_heads)?;
        if num_attention_heads == 0 {
            return Err("num_attention_heads is 0; expected at least 1".to_owned());
        }
        let head_dim = match self.head_dim {
            Some(head_dim) => head_dim,
            None if hidden_size.is_multiple_of(num_attention_heads) => {
                hidden_size / num_attention_heads
            }
            None => {
                return Err(format!(
                    "head_dim is missing and hidden_size {hidden_size} is not a multiple of \
                     num_attention_heads {num_attention_heads}"
                ));
            }
        };
        // The defaults are those of transformers' LlamaConfig and Qwen2Config.
        let default_positions = match architecture {
            Architecture::Llama => 2048,
            Architecture::Qwen2 => 32768,
        };
        Ok(ModelConfig {
            architecture,
            vocab_size: need("vocab_size", self.vocab_size)?,
            hidden_size,
            intermediate_size: need("intermediate_size", self.intermediate_size)?,
            num_hidden_layers: need("num_hidden_layers", self.num_hidden_layers)?,
            num_attention_heads,
            num_key_value_heads: self.num_key_value_heads.unwrap_or(num_attention_heads),
            head_dim,
            rms_norm_eps: self.rms_norm_eps.unwrap_or(1e-6),
            rope_theta,
            rope_scaling,
            max_position_embeddings: self.max_position_embeddings.unwrap_or(default_positions),
            tie_word_embeddings: self.tie_word_embeddings.unwrap_or(false),
            initializer_range: self.initializer_range.unwrap_or(0.02),
            bos_token_id: token_ids("bos_token_id", self.bos_token_id)?
                .first()
                .copied(),
            eos_token_id: token_ids("eos_token_id", self.eos_token_id)?,
            pad_token_id: token_ids("pad_token_id", self.pad_token_id)?
                .first()
                .copied(),
        })
    }

    fn refuse_unsupported(&self) -> std::result::Result<(), String> {
        if let Some(activation) = self.hidden_act.as_deref()
            && !matches!(activation, "silu" | "swish")
        {
            return Err(format!(
                "hidden_act is {activation:?}; only \"silu\" is implemented"
            ));
        }
        // Llama's attention_bias also puts a bias on the output projection, which no published small model has.
        if self.model_type.as_deref() == Some("llama") && self.attention_bias == Some(true) {
            return Err(
                "attention_bias is true; Llama models with it are not implemented".to_owned(),
            );
        }
        if self.mlp_bias == Some(true) {
            return Err("mlp_bias is true; it is not implemented".to_owned());
        }
        let sliding = self
            .layer_types
            .iter()
            .flatten()
            .find(|kind| *kind != "full_attention");
        if self.use_sliding_window == Some(true) || sliding.is_some() {
            return Err("sliding-window attention is not implemented; expected full attention in every layer".to_owned());
        }
        if self.quantization_config.is_some() {
            return Err(
                "quantization_config is present; expected unquantised weights (f32, bf16 or f16)"
                    .to_owned(),
            );
        }
        Ok(())
    }

    fn rope(&self) -> std::result::Result<(f64, RopeScaling), String> {
        let nested = self.rope_parameters.as_ref();
        let theta = nested
            .and_then(|rope| rope.rope_theta)
            .or(self.rope_theta)
            .unwrap_or(10_000.0);
        let Some(rope) = nested.or(self.rope_scaling.as_ref()) else {
            return Ok((theta, RopeScaling::None));
        };
        if rope
            .partial_rotary_factor
            .is_some_and(|factor| factor != 1.0)
        {
            return Err(
                "partial_rotary_factor is not 1; partial rotary embeddings are not implemented"
                    .to_owned(),
            );
        }
        let kind = rope
            .rope_type
            .as_deref()
            .or(rope.old_rope_type.as_deref())
            .unwrap_or("default");
        let need = |name: &str, value: Option<f64>| match value {
            Some(number) if number.is_finite() && number > 0.0 => Ok(number),
            Some(number) => Err(format!(
                "rope scaling {kind:?} has {name} {number}; expected a positive number"
            )),
            None => Err(format!("rope scaling {kind:?} lacks {name}")),
        };
        let scaling = match kind {
            "default" => RopeScaling::None,
            "linear" => RopeScaling::Linear {
                factor: need("factor", rope.factor)?,
            },
            "llama3" => {
                let low_freq_factor = need("low_freq_factor", rope.low_freq_factor)?;
                let high_freq_factor = need("high_freq_factor", rope.high_freq_factor)?;
                if high_freq_factor <= low_freq_factor {
                    return Err(format!(
                        "rope scaling \"llama3\" has high_freq_factor {high_freq_factor}, \
                         which must exceed low_freq_factor {low_freq_factor}"
                    ));
                }
                RopeScaling::Llama3 {
                    factor: need("factor", rope.factor)?,
                    low_freq_factor,
                    high_freq_factor,
                    original_max_position_embeddings: rope
                        .original_max_position_embeddings
                        .filter(|&positions| positions > 0)
                        .ok_or("rope scaling \"llama3\" lacks original_max_position_embeddings")?,
                }
            }
            other => {
                return Err(format!(
                    "rope scaling {other:?} is not implemented; expected \"default\", \"linear\" or \"llama3\""
                ));
            }
        };
        Ok((theta, scaling))
    }
}

fn token_ids(name: &str, ids: Option<TokenIds>) -> std::result::Result<Vec<u32>, String> {
    let ids = match ids {
        None => Vec::new(),
        // Some configurations say "no padding token" with -1.
        Some(TokenIds::One(-1)) => Vec::new(),
        Some(TokenIds::One(id)) => vec![id],
        Some(TokenIds::Several(ids)) => ids,
    };
    ids.into_iter()
        .map(|id| u32::try_from(id).map_err(|_| format!("{name} is {id}; expected a token id")))
        .collect()
}
