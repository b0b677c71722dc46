//! Rotary frequencies as a configuration names them: `rope_theta`, and `rope_scaling` or `rope_parameters`.
//!
//! All kinds that transformers knows for Llama are here. Two of them, `dynamic` and `longrope`, change their
//! frequencies when a sequence grows past a length. Keys that were cached before that point would then be wrong, so
//! such a model takes sequences up to that length, where its frequencies are constant
//! ([`ModelConfig::max_sequence_length`](super::ModelConfig::max_sequence_length)).

use serde::Deserialize;
use serde_json::{Value, json};

/// How rotary frequencies are stretched beyond the context of pre-training.
#[derive(Clone, Debug, PartialEq)]
pub enum RopeScaling {
    None,
    /// All frequencies divided by `factor`.
    Linear {
        factor: f64,
    },
    /// The base grows with sequences longer than `max_position_embeddings`, which are refused.
    Dynamic {
        factor: f64,
    },
    /// Llama 3.1: long wavelengths divided by `factor`, short ones kept, a ramp between.
    Llama3 {
        factor: f64,
        low_freq_factor: f64,
        high_freq_factor: f64,
        original_max_position_embeddings: usize,
    },
    /// YaRN (Peng et al. 2023): a ramp over the pairs of features, and longer queries and keys.
    Yarn {
        factor: f64,
        beta_fast: f64,
        beta_slow: f64,
        original_max_position_embeddings: usize,
        /// What cosines and sines are multiplied by.
        attention_factor: f64,
        /// Whether the ends of the ramp are rounded outwards to whole pairs.
        truncate: bool,
    },
    /// LongRoPE (Ding et al. 2024): a divisor for each pair of features. Sequences that need `long_factor`, those of
    /// more than `original_max_position_embeddings` tokens, are refused.
    LongRope {
        short_factor: Vec<f64>,
        long_factor: Vec<f64>,
        original_max_position_embeddings: usize,
        attention_factor: f64,
    },
}

/// The table as found in a file.
#[derive(Deserialize)]
pub(super) struct RopeFile {
    pub rope_theta: Option<f64>,
    rope_type: Option<String>,
    /// transformers before 4.45 called `rope_type` so.
    #[serde(rename = "type")]
    old_rope_type: Option<String>,
    factor: Option<f64>,
    low_freq_factor: Option<f64>,
    high_freq_factor: Option<f64>,
    original_max_position_embeddings: Option<usize>,
    partial_rotary_factor: Option<f64>,
    beta_fast: Option<f64>,
    beta_slow: Option<f64>,
    attention_factor: Option<f64>,
    mscale: Option<f64>,
    mscale_all_dim: Option<f64>,
    truncate: Option<bool>,
    short_factor: Option<Vec<f64>>,
    long_factor: Option<Vec<f64>>,
}

/// Sizes of the model that the defaults of a scaling come from.
pub(super) struct RopeContext {
    pub head_dim: usize,
    pub max_position_embeddings: usize,
    /// `original_max_position_embeddings` beside the table instead of in it.
    pub original_max_position_embeddings: Option<usize>,
}

impl RopeFile {
    pub(super) fn scaling(self, context: &RopeContext) -> Result<RopeScaling, String> {
        if self.partial_rotary_factor.is_some_and(|share| share != 1.0) {
            return Err(
                "partial_rotary_factor is not 1; partial rotary embeddings are not implemented"
                    .to_owned(),
            );
        }
        let kind = self
            .rope_type
            .as_deref()
            .or(self.old_rope_type.as_deref())
            .unwrap_or("default")
            .to_owned();
        let positive = |name: &str, number: f64| match number.is_finite() && number > 0.0 {
            true => Ok(number),
            false => Err(format!(
                "rope scaling {kind:?} has {name} {number}; expected a positive number"
            )),
        };
        let need = |name: &str, value: Option<f64>| {
            let number = value.ok_or_else(|| format!("rope scaling {kind:?} lacks {name}"))?;
            positive(name, number)
        };
        let original = self
            .original_max_position_embeddings
            .or(context.original_max_position_embeddings)
            .unwrap_or(context.max_position_embeddings);
        if original == 0 {
            return Err(format!(
                "rope scaling {kind:?} has original_max_position_embeddings 0; expected at least 1"
            ));
        }
        let stretch = context.max_position_embeddings as f64 / original as f64;
        Ok(match kind.as_str() {
            "default" => RopeScaling::None,
            "linear" => RopeScaling::Linear {
                factor: need("factor", self.factor)?,
            },
            "dynamic" => RopeScaling::Dynamic {
                factor: need("factor", self.factor)?,
            },
            "llama3" => {
                let low_freq_factor = need("low_freq_factor", self.low_freq_factor)?;
                let high_freq_factor = need("high_freq_factor", self.high_freq_factor)?;
                if high_freq_factor <= low_freq_factor {
                    return Err(format!(
                        "rope scaling \"llama3\" has high_freq_factor {high_freq_factor}, \
                         which must exceed low_freq_factor {low_freq_factor}"
                    ));
                }
                RopeScaling::Llama3 {
                    factor: need("factor", self.factor)?,
                    low_freq_factor,
                    high_freq_factor,
                    original_max_position_embeddings: original,
                }
            }
            "yarn" => {
                let factor = positive("factor", self.factor.unwrap_or(stretch))?;
                RopeScaling::Yarn {
                    factor,
                    // Zero counts as absent, as in the reference implementation.
                    beta_fast: positive("beta_fast", or_default(self.beta_fast, 32.0))?,
                    beta_slow: positive("beta_slow", or_default(self.beta_slow, 1.0))?,
                    original_max_position_embeddings: original,
                    attention_factor: positive(
                        "attention_factor",
                        self.attention_factor
                            .unwrap_or_else(|| self.yarn_attention_factor(factor)),
                    )?,
                    truncate: self.truncate.unwrap_or(true),
                }
            }
            "longrope" => {
                let factor = self.factor.unwrap_or(stretch);
                let attention_factor = self.attention_factor.unwrap_or(match factor <= 1.0 {
                    true => 1.0,
                    false => (1.0 + factor.ln() / (original as f64).ln()).sqrt(),
                });
                let divisors = |name: &str, values: Option<Vec<f64>>| {
                    let values =
                        values.ok_or_else(|| format!("rope scaling {kind:?} lacks {name}"))?;
                    if values.len() != context.head_dim / 2 {
                        return Err(format!(
                            "rope scaling {kind:?} has {} numbers in {name}; expected {}, one for each pair of a \
                             head's features",
                            values.len(),
                            context.head_dim / 2
                        ));
                    }
                    for &value in &values {
                        positive(name, value)?;
                    }
                    Ok(values)
                };
                RopeScaling::LongRope {
                    short_factor: divisors("short_factor", self.short_factor)?,
                    long_factor: divisors("long_factor", self.long_factor)?,
                    original_max_position_embeddings: original,
                    attention_factor: positive("attention_factor", attention_factor)?,
                }
            }
            other => {
                return Err(format!(
                    "rope scaling {other:?} is not implemented; expected \"default\", \"linear\", \"dynamic\", \
                     \"yarn\", \"longrope\" or \"llama3\""
                ));
            }
        })
    }

    fn yarn_attention_factor(&self, factor: f64) -> f64 {
        let scale = |mscale: f64| match factor <= 1.0 {
            true => 1.0,
            false => 0.1 * mscale * factor.ln() + 1.0,
        };
        match (self.mscale, self.mscale_all_dim) {
            (Some(mscale), Some(all)) if mscale != 0.0 && all != 0.0 => scale(mscale) / scale(all),
            _ => scale(1.0),
        }
    }
}

fn or_default(value: Option<f64>, default: f64) -> f64 {
    value.filter(|&number| number != 0.0).unwrap_or(default)
}

impl RopeScaling {
    /// The table as transformers reads it; none where nothing is scaled.
    pub(super) fn to_json(&self) -> Option<Value> {
        Some(match self {
            Self::None => return None,
            Self::Linear { factor } => json!({ "rope_type": "linear", "factor": factor }),
            Self::Dynamic { factor } => json!({ "rope_type": "dynamic", "factor": factor }),
            Self::Llama3 {
                factor,
                low_freq_factor,
                high_freq_factor,
                original_max_position_embeddings,
            } => json!({
                "rope_type": "llama3",
                "factor": factor,
                "low_freq_factor": low_freq_factor,
                "high_freq_factor": high_freq_factor,
                "original_max_position_embeddings": original_max_position_embeddings,
            }),
            Self::Yarn {
                factor,
                beta_fast,
                beta_slow,
                original_max_position_embeddings,
                attention_factor,
                truncate,
            } => json!({
                "rope_type": "yarn",
                "factor": factor,
                "beta_fast": beta_fast,
                "beta_slow": beta_slow,
                "original_max_position_embeddings": original_max_position_embeddings,
                "attention_factor": attention_factor,
                "truncate": truncate,
            }),
            Self::LongRope {
                short_factor,
                long_factor,
                original_max_position_embeddings,
                attention_factor,
            } => json!({
                "rope_type": "longrope",
                "short_factor": short_factor,
                "long_factor": long_factor,
                "original_max_position_embeddings": original_max_position_embeddings,
                "attention_factor": attention_factor,
            }),
        })
    }
}
