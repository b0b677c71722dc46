//! `config.json` as transformers 4 and 5 write it, on its way to a [`ModelConfig`].

use serde::Deserialize;
use serde_json::Value;

use super::rope::{RopeContext, RopeFile};
use super::{Architecture, ModelConfig, RopeScaling, SlidingWindow};

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
    /// Absent and null differ: Mistral's absent window is the default one.
    #[serde(default, deserialize_with = "present")]
    sliding_window: Option<Option<usize>>,
    max_window_layers: Option<usize>,
    original_max_position_embeddings: Option<usize>,
    layer_types: Option<Vec<String>>,
    initializer_range: Option<f64>,
    bos_token_id: Option<TokenIds>,
    eos_token_id: Option<TokenIds>,
    pad_token_id: Option<TokenIds>,
    quantization_config: Option<Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum TokenIds {
    One(i64),
    Several(Vec<i64>),
}

impl ConfigFile {
    pub(super) fn resolve(self) -> std::result::Result<ModelConfig, String> {
        let known = "expected \"llama\", \"mistral\", \"qwen2\" or \"qwen3\"";
        let model_type = self
            .model_type
            .as_deref()
            .ok_or_else(|| format!("model_type is missing; {known}"))?;
        let architecture = Architecture::ALL
            .into_iter()
            .find(|architecture| architecture.model_type() == model_type)
            .ok_or_else(|| format!("model_type is {model_type:?}; {known}"))?;
        let defaults = Defaults::of(architecture);
        self.refuse_unsupported()?;
        let need =
            |name: &str, value: Option<usize>| value.ok_or_else(|| format!("{name} is missing"));
        let hidden_size = need("hidden_size", self.hidden_size)?;
        let num_attention_heads = need("num_attention_heads", self.num_attention_heads)?;
        if num_attention_heads == 0 {
            return Err("num_attention_heads is 0; expected at least 1".to_owned());
        }
        let head_dim = match self.head_dim {
            Some(head_dim) => head_dim,
            None if let Some(head_dim) = defaults.head_dim => head_dim,
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
        let max_position_embeddings = self
            .max_position_embeddings
            .unwrap_or(defaults.max_position_embeddings);
        let num_hidden_layers = need("num_hidden_layers", self.num_hidden_layers)?;
        let sliding_window = self.window(architecture)?;
        let (rope_theta, rope_scaling) = rope(
            self.rope_parameters,
            self.rope_scaling,
            self.rope_theta,
            &RopeContext {
                head_dim,
                max_position_embeddings,
                original_max_position_embeddings: self.original_max_position_embeddings,
            },
        )?;
        Ok(ModelConfig {
            architecture,
            vocab_size: need("vocab_size", self.vocab_size)?,
            hidden_size,
            intermediate_size: need("intermediate_size", self.intermediate_size)?,
            num_hidden_layers,
            num_attention_heads,
            num_key_value_heads: self
                .num_key_value_heads
                .or(defaults.num_key_value_heads)
                .unwrap_or(num_attention_heads),
            head_dim,
            rms_norm_eps: self.rms_norm_eps.unwrap_or(1e-6),
            rope_theta,
            rope_scaling,
            max_position_embeddings,
            attention_bias: self.attention_bias.unwrap_or(false)
                && architecture != Architecture::Qwen2,
            mlp_bias: self.mlp_bias.unwrap_or(false),
            sliding_window,
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
        if self.quantization_config.is_some() {
            return Err(
                "quantization_config is present; expected unquantised weights (f32, bf16 or f16)"
                    .to_owned(),
            );
        }
        Ok(())
    }

    /// Which layers slide is told by `layer_types`, or where that is absent by the family's own settings.
    fn window(
        &self,
        architecture: Architecture,
    ) -> std::result::Result<Option<SlidingWindow>, String> {
        let given = match architecture {
            Architecture::Llama => None,
            Architecture::Mistral => self.sliding_window.unwrap_or(Some(4096)),
            Architecture::Qwen2 | Architecture::Qwen3 if self.use_sliding_window == Some(true) => {
                self.sliding_window.unwrap_or(Some(4096))
            }
            Architecture::Qwen2 | Architecture::Qwen3 => None,
        };
        let first_layer = match &self.layer_types {
            None if architecture == Architecture::Mistral => 0,
            None => self.max_window_layers.unwrap_or(28),
            Some(types) => {
                let known = |kind: &&String| {
                    !matches!(kind.as_str(), "full_attention" | "sliding_attention")
                };
                if let Some(kind) = types.iter().find(known) {
                    return Err(format!(
                        "layer_types has {kind:?}; expected \"full_attention\" or \"sliding_attention\""
                    ));
                }
                match types.iter().position(|kind| kind == "sliding_attention") {
                    Some(first) if given.is_none() => {
                        return Err(format!(
                            "layer_types makes layer {first} slide, but no sliding_window is in force"
                        ));
                    }
                    Some(first) => first,
                    None => return Ok(None),
                }
            }
        };
        Ok(given.map(|size| SlidingWindow { size, first_layer }))
    }
}

/// What transformers takes for an absent key.
struct Defaults {
    max_position_embeddings: usize,
    /// None where it follows from the number of query heads.
    num_key_value_heads: Option<usize>,
    /// None where it follows from the hidden size.
    head_dim: Option<usize>,
}

impl Defaults {
    fn of(architecture: Architecture) -> Self {
        let (max_position_embeddings, num_key_value_heads, head_dim) = match architecture {
            Architecture::Llama => (2048, None, None),
            Architecture::Mistral => (131_072, Some(8), None),
            Architecture::Qwen2 => (32_768, Some(32), None),
            Architecture::Qwen3 => (32_768, Some(32), Some(128)),
        };
        Self {
            max_position_embeddings,
            num_key_value_heads,
            head_dim,
        }
    }
}

fn rope(
    parameters: Option<RopeFile>,
    scaling: Option<RopeFile>,
    theta: Option<f64>,
    context: &RopeContext,
) -> std::result::Result<(f64, RopeScaling), String> {
    let nested = parameters.as_ref().and_then(|rope| rope.rope_theta);
    let theta = nested.or(theta).unwrap_or(10_000.0);
    match parameters.or(scaling) {
        None => Ok((theta, RopeScaling::None)),
        Some(rope) => Ok((theta, rope.scaling(context)?)),
    }
}

fn present<'de, D, T>(deserializer: D) -> std::result::Result<Option<Option<T>>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Some)
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
