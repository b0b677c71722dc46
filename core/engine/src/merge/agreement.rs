//! Whether models can be merged: a sum of tensors that mean different things is a model that says nothing, and nothing
//! in its numbers tells.

use std::path::Path;

use serde_json::{Map, Value};

use super::Source;
use crate::config::ModelConfig;
use crate::error::{EngineError, Result};
use crate::regular_file;
use crate::tokenizer::files::TokenizerFiles;

/// As many differences are listed as a reader takes in.
const LISTED: usize = 12;

/// The largest published configurations have some kilobytes.
const LARGEST_CONFIG: u64 = 16 << 20;

/// Keys of `config.json` that say where a model comes from and how it is run, and not what its tensors mean.
const FREE_CONFIG_KEYS: [&str; 7] = [
    "_name_or_path",
    "transformers_version",
    "torch_dtype",
    "dtype",
    "use_cache",
    "bos_token_id",
    "eos_token_id",
];

/// Keys of `tokenizer.json` that say how batches are cut and filled, and how tokens become text again.
const FREE_TOKENIZER_KEYS: [&str; 5] = [
    "version",
    "truncation",
    "padding",
    "post_processor",
    "decoder",
];

/// Refuses sources that differ from the first in what has to be the same.
pub(super) fn refuse_differences(sources: &[Source<'_>]) -> Result<()> {
    let (first, others) = sources.split_first().expect("a merge has an input");
    let unusable = first.entries.iter().find(|(_, entry)| !entry.is_float());
    if let Some((name, entry)) = unusable {
        return Err(EngineError::Merge {
            path: first.path.to_owned(),
            problems: vec![format!(
                "{name}: expected f32, bf16 or f16, found {:?}",
                entry.dtype()
            )],
        });
    }
    let config = json_of(first.path, "config.json")?;
    let tokenizer = json_of(first.path, "tokenizer.json")?;
    for other in others {
        let mut problems = tensor_differences(first, other);
        if !is_same_decoder(first.path, other.path) {
            let found = json_of(other.path, "config.json")?;
            let free = &FREE_CONFIG_KEYS;
            differing_keys("config.json", &config, &found, free, &mut problems);
        }
        let found = json_of(other.path, "tokenizer.json")?;
        differing_keys(
            "tokenizer.json",
            &tokenizer,
            &found,
            &FREE_TOKENIZER_KEYS,
            &mut problems,
        );
        if !problems.is_empty() {
            let more = problems.len().saturating_sub(LISTED);
            problems.truncate(LISTED);
            if more > 0 {
                problems.push(format!("and {more} more"));
            }
            problems.push(format!("compared with {}", first.path.display()));
            return Err(EngineError::Merge {
                path: other.path.to_owned(),
                problems,
            });
        }
    }
    Ok(())
}

/// Whether both configurations mean the same decoder to this engine: versions of transformers write the same model with
/// other keys. False also where it is none that the engine knows.
fn is_same_decoder(first: &Path, other: &Path) -> bool {
    let read = |directory| {
        let config = ModelConfig::read(directory).ok()?;
        // What ends a text, and what weights were before training, is no part of what tensors mean.
        Some(ModelConfig {
            bos_token_id: None,
            eos_token_id: Vec::new(),
            pad_token_id: None,
            initializer_range: 0.0,
            ..config
        })
    };
    read(first).is_some_and(|first| read(other) == Some(first))
}

fn tensor_differences(first: &Source<'_>, other: &Source<'_>) -> Vec<String> {
    let mut problems = Vec::new();
    for (name, expected) in &first.entries {
        let Some(found) = other.entries.get(name) else {
            problems.push(format!("{name}: missing"));
            continue;
        };
        if found.shape() != expected.shape() {
            problems.push(format!(
                "{name}: expected shape {:?}, found {:?}",
                expected.shape(),
                found.shape()
            ));
        } else if found.dtype() != expected.dtype() {
            problems.push(format!(
                "{name}: expected {:?}, found {:?}",
                expected.dtype(),
                found.dtype()
            ));
        }
    }
    let extra = other.entries.keys();
    let extra = extra.filter(|name| !first.entries.contains_key(*name));
    problems.extend(extra.map(|name| format!("{name}: the first model has no such tensor")));
    problems
}

/// A file of the directory as JSON; `Null` where there is none.
fn json_of(directory: &Path, name: &str) -> Result<Value> {
    let path = directory.join(name);
    let limit = match name {
        "config.json" => LARGEST_CONFIG,
        _ => crate::tokenizer::files::LARGEST_FILE,
    };
    match regular_file::read(&path, limit) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| EngineError::Merge {
            path,
            problems: vec![format!("not JSON: {error}")],
        }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Value::Null),
        Err(error) => Err(EngineError::io(path, error)),
    }
}

fn differing_keys(
    file: &str,
    expected: &Value,
    found: &Value,
    free: &[&str],
    problems: &mut Vec<String>,
) {
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => {
            let keys: std::collections::BTreeSet<&String> =
                expected.keys().chain(found.keys()).collect();
            for key in keys.into_iter().filter(|key| !free.contains(&key.as_str())) {
                let meaning = |object: &Map<String, Value>| object.get(key).and_then(meaning);
                if meaning(expected) != meaning(found) {
                    problems.push(format!("{file}: `{key}` differs"));
                }
            }
        }
        (Value::Null, Value::Null) => {}
        (Value::Null, _) => problems.push(format!("{file}: the first model has none")),
        (_, Value::Null) => problems.push(format!("{file}: missing")),
        _ => problems.push(format!("{file}: not an object")),
    }
}

/// A value without what writers put differently: absent, null, empty and false are one, and so are the two forms of a
/// merge, `"a b"` and `["a", "b"]`. Nothing is left of a value that says nothing.
fn meaning(value: &Value) -> Option<Value> {
    match value {
        Value::Null | Value::Bool(false) => None,
        Value::String(text) if text.is_empty() => None,
        Value::Array(values) if values.is_empty() => None,
        Value::Array(values) => {
            let values = values.iter();
            Some(
                values
                    .map(|value| meaning(value).unwrap_or_default())
                    .collect(),
            )
        }
        Value::Object(fields) => {
            let fields = fields.iter().filter_map(|(key, value)| {
                let value = match (key.as_str(), value) {
                    ("merges", Value::Array(merges)) => merges.iter().map(pair).collect(),
                    _ => meaning(value)?,
                };
                Some((key.clone(), value))
            });
            let fields: Map<String, Value> = fields.collect();
            (!fields.is_empty()).then_some(Value::Object(fields))
        }
        other => Some(other.clone()),
    }
}

fn pair(merge: &Value) -> Value {
    match merge.as_str().and_then(|text| text.split_once(' ')) {
        Some((left, right)) => [left, right].into_iter().collect(),
        None => merge.clone(),
    }
}

/// Copies what a model's directory holds beside its weights.
pub(super) fn copy_companions(from: &Path, to: &Path) -> Result<()> {
    let config = from.join("config.json");
    if config.exists() {
        let bytes = regular_file::read(&config, LARGEST_CONFIG)
            .map_err(|error| EngineError::io(&config, error))?;
        let path = to.join("config.json");
        std::fs::write(&path, bytes).map_err(|error| EngineError::io(path, error))?;
    }
    if from.join("tokenizer.json").exists() {
        TokenizerFiles::read(from)?.write(to)?;
    }
    Ok(())
}
