//! Metadata to a model's configuration, through the text of a `config.json`.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::header::Header;
use super::rope;
use super::special_ids::SpecialIds;
use super::value::{Metadata, need};
use super::weights::read_values;
use crate::config::ModelConfig;
use crate::error::{EngineError, Result};

/// llama.cpp's architectures that are read, with Hugging Face's `model_type`. Mistral's models are `llama` to it.
const ARCHITECTURES: [(&str, &str); 3] =
    [("llama", "llama"), ("qwen2", "qwen2"), ("qwen3", "qwen3")];

/// Settings of other models under these architectures that change what is computed, with the value that does not.
const NEUTRAL: [(&str, f64); 7] = [
    ("expert_count", 0.0),
    ("attention.clamp_kqv", 0.0),
    ("attention.max_alibi_bias", 0.0),
    ("attention.scale", 0.0),
    ("logit_scale", 1.0),
    ("embedding_scale", 1.0),
    ("residual_scale", 1.0),
];

/// llama.cpp's architecture for a Hugging Face `model_type`.
pub(super) fn architecture_of(model_type: &str) -> Option<&'static str> {
    match model_type {
        "mistral" => Some("llama"),
        _ => {
            let row = ARCHITECTURES.iter().find(|(_, ours)| *ours == model_type)?;
            Some(row.0)
        }
    }
}

/// The configuration of the model in `path`.
pub(crate) fn config(path: &Path) -> Result<ModelConfig> {
    let header = Header::read(path)?;
    of_header(&header)
}

pub(super) fn of_header(header: &Header) -> Result<ModelConfig> {
    let divisors = match header.tensors.get("rope_freqs.weight") {
        Some(info) => Some(read_values(&header.path, "rope_freqs.weight", info)?),
        None => None,
    };
    let text = json_of(header, divisors.as_deref()).map_err(|problem| header.refuse(problem))?;
    ModelConfig::from_json(&text.to_string()).map_err(|problem| EngineError::Config {
        path: header.path.clone(),
        problem,
    })
}

/// llama.cpp's name of the architecture in a file.
pub(super) fn architecture(metadata: &Metadata) -> std::result::Result<&str, String> {
    let name = need(
        "general.architecture",
        metadata.text("general.architecture"),
        "the family of the model",
    )?;
    match ARCHITECTURES.iter().find(|(known, _)| *known == name) {
        Some((known, _)) => Ok(known),
        None => Err(format!(
            "general.architecture is {name:?}; expected {}",
            ARCHITECTURES
                .map(|(known, _)| format!("{known:?}"))
                .join(" or ")
        )),
    }
}

fn json_of(header: &Header, divisors: Option<&[f32]>) -> std::result::Result<Value, String> {
    let metadata = &header.metadata;
    let parts = metadata.count("split.count")?.unwrap_or(1);
    if parts > 1 {
        return Err(format!(
            "the file is one of {parts} parts; join them with llama-gguf-split --merge"
        ));
    }
    let architecture = architecture(metadata)?;
    let model_type = ARCHITECTURES
        .iter()
        .find(|(known, _)| *known == architecture)
        .map_or(architecture, |(_, ours)| ours);
    let key = |name: &str| format!("{architecture}.{name}");
    let size = |name: &str, what: &str| need(&key(name), metadata.same_count(&key(name)), what);
    for (name, neutral) in NEUTRAL {
        let found = metadata.number(&key(name))?.unwrap_or(neutral);
        if found != neutral {
            return Err(format!(
                "{} is {found}; models with it are not implemented",
                key(name)
            ));
        }
    }
    let hidden = size("embedding_length", "the width of the residual stream")?;
    let heads = size("attention.head_count", "the number of heads")?;
    let positions = size("context_length", "the longest sequence")?;
    let head_dim = match metadata.count(&key("attention.key_length"))? {
        Some(length) => length,
        None if heads > 0 && hidden.is_multiple_of(heads) => hidden / heads,
        None => {
            return Err(format!(
                "{} is missing, and {hidden} is not a multiple of {heads} heads",
                key("attention.key_length")
            ));
        }
    };
    for (name, meaning) in [
        (
            "attention.value_length",
            "values of another width than keys",
        ),
        (
            "rope.dimension_count",
            "rotary embedding of a part of a head",
        ),
    ] {
        let found = metadata.count(&key(name))?.unwrap_or(head_dim);
        if found != head_dim {
            return Err(format!(
                "{} is {found}, and a head has {head_dim}: {meaning} is not implemented",
                key(name)
            ));
        }
    }
    let window = metadata.same_count(&key("attention.sliding_window"))?;
    if let Some(window) = window.filter(|&window| window > 0 && window < positions) {
        return Err(format!(
            "{} is {window}, less than the {positions} positions: sliding-window attention is not implemented",
            key("attention.sliding_window")
        ));
    }
    let theta = metadata.number(&key("rope.freq_base"))?.unwrap_or(10_000.0);
    let mut rope_parameters = rope::from_metadata(metadata, architecture)?;
    if let Some(divisors) = divisors {
        if rope_parameters["rope_type"] != "default" {
            return Err(format!(
                "the file has both rope_freqs.weight and {}",
                key("rope.scaling.type")
            ));
        }
        rope_parameters = rope::from_divisors(divisors, theta, head_dim as usize)?;
    }
    rope_parameters.insert("rope_theta".to_owned(), json!(theta));
    let special = SpecialIds::of(metadata)?;
    let one = |id: Option<u32>| id.map_or(Value::Null, |id| json!(id));
    let mut config = Map::new();
    let mut set = |name: &str, value: Value| config.insert(name.to_owned(), value);
    set("model_type", json!(model_type));
    set("vocab_size", json!(vocabulary_size(header)?));
    set("hidden_size", json!(hidden));
    set(
        "intermediate_size",
        json!(size("feed_forward_length", "the width of the MLP")?),
    );
    set(
        "num_hidden_layers",
        json!(size("block_count", "the number of layers")?),
    );
    set("num_attention_heads", json!(heads));
    let key_value_heads = metadata.same_count(&key("attention.head_count_kv"))?;
    set(
        "num_key_value_heads",
        json!(key_value_heads.unwrap_or(heads)),
    );
    set("head_dim", json!(head_dim));
    let epsilon = key("attention.layer_norm_rms_epsilon");
    set(
        "rms_norm_eps",
        json!(need(
            &epsilon,
            metadata.number(&epsilon),
            "the norms' epsilon"
        )?),
    );
    set("rope_parameters", Value::Object(rope_parameters));
    set("max_position_embeddings", json!(positions));
    set(
        "tie_word_embeddings",
        json!(!header.tensors.contains_key("output.weight")),
    );
    // Qwen2 always has biases; the other families have them where the file does.
    for (flag, tensor) in [
        ("attention_bias", "blk.0.attn_q.bias"),
        ("mlp_bias", "blk.0.ffn_up.bias"),
    ] {
        if model_type != "qwen2" && header.tensors.contains_key(tensor) {
            set(flag, json!(true));
        }
    }
    set("bos_token_id", one(special.bos));
    set("eos_token_id", json!(special.eos));
    set("pad_token_id", one(special.pad));
    Ok(Value::Object(config))
}

/// The rows of the embedding: some writers leave the padding out of `tokens`, none out of the weights.
fn vocabulary_size(header: &Header) -> std::result::Result<usize, String> {
    let embedding = header
        .tensors
        .get("token_embd.weight")
        .ok_or("token_embd.weight is missing; a model has one")?;
    let rows = embedding.shape[0];
    let tokens = header.metadata.texts("tokenizer.ggml.tokens")?;
    match tokens.map_or(0, <[String]>::len) {
        more if more > rows => Err(format!(
            "tokenizer.ggml.tokens lists {more} tokens, and token_embd.weight has {rows} rows"
        )),
        _ => Ok(rows),
    }
}
