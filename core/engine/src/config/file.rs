//! `config.json` as transformers 4 and 5 write it, on its way to a [`ModelConfig`].

use serde::Deserialize;
use serde_json::Value;

use super::{Architecture, ModelConfig, RopeScaling};

/// The file as found: everything optional, so that a missing field is named by us with its remedy.
#[derive(Deserialize)]
pub(super) struct ConfigFile {
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
    pub(super) fn resolve(self) -> std::result::Result<ModelConfig, String> {
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
