//! The shape of a model, with the field names of Hugging Face's `config.json`.
//!
//! transformers 4 and 5 write this file differently (`rope_theta`, `rope_scaling`, `torch_dtype` at the top level
//! against `rope_parameters`, `dtype`). Both are read, and what is written here can be read by both. A setting that
//! would change the mathematics and is not implemented is refused, never ignored.

mod file;
mod rope;

use std::path::Path;

use serde_json::{Value, json};

use crate::error::{EngineError, Result};
use file::ConfigFile;
pub use rope::RopeScaling;

/// Decoder families. They share one description; [`ModelConfig`] says where they differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Architecture {
    Llama,
    Mistral,
    Qwen2,
    Qwen3,
}

impl Architecture {
    pub const ALL: [Self; 4] = [Self::Llama, Self::Mistral, Self::Qwen2, Self::Qwen3];

    /// `model_type` in `config.json`.
    pub fn model_type(self) -> &'static str {
        match self {
            Self::Llama => "llama",
            Self::Mistral => "mistral",
            Self::Qwen2 => "qwen2",
            Self::Qwen3 => "qwen3",
        }
    }

    /// The class in transformers.
    fn class(self) -> &'static str {
        match self {
            Self::Llama => "LlamaForCausalLM",
            Self::Mistral => "MistralForCausalLM",
            Self::Qwen2 => "Qwen2ForCausalLM",
            Self::Qwen3 => "Qwen3ForCausalLM",
        }
    }
}

/// Layers that see the last `size` tokens only. Within `size` tokens that is ordinary attention, and longer sequences
/// are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlidingWindow {
    pub size: usize,
    /// The first layer that has it; `max_window_layers` in Qwen's files, 0 in Mistral's.
    pub first_layer: usize,
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
    /// Whether the file asks for biases in the attention's projections. Qwen2's files say nothing and mean those of
    /// query, key and value.
    pub attention_bias: bool,
    /// Whether the projections of the feed-forward have biases.
    pub mlp_bias: bool,
    pub sliding_window: Option<SlidingWindow>,
    /// Standard deviation of the normal distribution that weights are drawn from.
    pub initializer_range: f64,
    pub bos_token_id: Option<u32>,
    pub eos_token_id: Vec<u32>,
    pub pad_token_id: Option<u32>,
}

/// Configurations are some kilobytes.
const LARGEST_FILE: u64 = 16 << 20;

impl ModelConfig {
    /// Whether the query, key and value projections have a bias.
    pub fn query_key_value_bias(&self) -> bool {
        self.architecture == Architecture::Qwen2 || self.attention_bias
    }

    /// Whether the attention's output projection has a bias.
    pub fn output_bias(&self) -> bool {
        self.architecture != Architecture::Qwen2 && self.attention_bias
    }

    /// Whether each head's query and key is normed before it is turned.
    pub fn query_key_norm(&self) -> bool {
        self.architecture == Architecture::Qwen3
    }

    /// The same shape for other lengths than its file says, which is how a model is trained for a longer context: with a
    /// larger base of the rotary embedding, or with the old one.
    pub fn with_context(self, max_position_embeddings: usize, rope_theta: Option<f64>) -> Self {
        Self {
            max_position_embeddings,
            rope_theta: rope_theta.unwrap_or(self.rope_theta),
            ..self
        }
    }

    /// The longest sequence, prompt and completion together, that this engine computes as the model means it.
    pub fn max_sequence_length(&self) -> usize {
        self.sequence_limit().0
    }

    /// That length for messages, with the setting that it comes from.
    pub fn max_sequence_length_text(&self) -> String {
        let (length, why) = self.sequence_limit();
        format!("{length} positions ({why})")
    }

    fn sequence_limit(&self) -> (usize, &'static str) {
        let positions = match self.rope_scaling {
            RopeScaling::Dynamic { .. } => {
                "max_position_embeddings; dynamic rope scaling, which begins there, is not implemented"
            }
            _ => "max_position_embeddings",
        };
        let mut limit = (self.max_position_embeddings, positions);
        if let Some(window) = self.sliding_window
            && window.first_layer < self.num_hidden_layers
            && window.size < limit.0
        {
            limit = (
                window.size,
                "sliding_window; attention that leaves tokens behind is not implemented",
            );
        }
        if let RopeScaling::LongRope {
            original_max_position_embeddings: original,
            ..
        } = self.rope_scaling
            && original < limit.0
        {
            limit = (
                original,
                "original_max_position_embeddings; longrope's long_factor, which begins there, is not implemented",
            );
        }
        limit
    }

    /// Reads `config.json` in a directory.
    pub fn read(directory: &Path) -> Result<Self> {
        let path = directory.join("config.json");
        let text = crate::regular_file::read_text(&path, LARGEST_FILE)
            .map_err(|error| EngineError::io(&path, error))?;
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
        let file: ConfigFile = serde_json::from_str(text).map_err(|error| {
            format!("not a model configuration: {error}; download or write the file again")
        })?;
        let config = file.resolve()?;
        config.validate()?;
        Ok(config)
    }

    /// A `config.json` that transformers 4 and 5 both read.
    pub fn to_json(&self) -> Value {
        let scaling = self.rope_scaling.to_json();
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
            "architectures": [self.architecture.class()],
            "model_type": self.architecture.model_type(),
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
        let window = self.sliding_window;
        match self.architecture {
            Architecture::Llama => {
                value["attention_bias"] = json!(self.attention_bias);
                value["mlp_bias"] = json!(self.mlp_bias);
            }
            Architecture::Mistral => {
                value["sliding_window"] = json!(window.map(|window| window.size));
            }
            Architecture::Qwen2 | Architecture::Qwen3 => {
                value["use_sliding_window"] = json!(window.is_some());
                value["sliding_window"] = json!(window.map(|window| window.size));
                value["max_window_layers"] =
                    json!(window.map_or(self.num_hidden_layers, |window| window.first_layer));
            }
        }
        if self.architecture == Architecture::Qwen3 {
            value["attention_bias"] = json!(self.attention_bias);
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
        if self.attention_bias
            && matches!(
                self.architecture,
                Architecture::Qwen2 | Architecture::Mistral
            )
        {
            return Err(format!(
                "attention_bias is true; {} models have no such setting",
                self.architecture.model_type()
            ));
        }
        if self.mlp_bias && self.architecture != Architecture::Llama {
            return Err(format!(
                "mlp_bias is true; {} models have no such setting",
                self.architecture.model_type()
            ));
        }
        if self.sliding_window.is_some_and(|window| window.size == 0) {
            return Err("sliding_window is 0; expected at least 1".to_owned());
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
