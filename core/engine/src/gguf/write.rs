//! A model and its tokenizer as one GGUF file that llama.cpp runs.
//!
//! The header is known before the first weight is read, so tensors are packed and written one by one. The file gets its
//! name when it is whole and on the disk.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use candle_core::{DType, Device};
use serde_json::Value;

use super::blocks::{Encoding, WeightType};
use super::config::architecture_of;
use super::header::{DEFAULT_ALIGNMENT, MAGIC, VERSION};
use super::names::{Order, reorder, reordered_heads, to_gguf};
use super::{rope, vocabulary};
use crate::error::{EngineError, Result};
use crate::model::Model;
use crate::tokenizer::Tokenizer;

/// The version of ggml's packed types that every reader expects.
const QUANTIZATION_VERSION: u32 = 2;

/// One metadata value as it is written.
#[derive(Clone, Debug)]
pub(super) enum Entry {
    Count(u32),
    Number(f32),
    Bool(bool),
    Text(String),
    Texts(Vec<String>),
    Integers(Vec<i32>),
    Counts(Vec<u32>),
    Floats(Vec<f32>),
}

impl Entry {
    pub fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    fn write(&self, bytes: &mut Vec<u8>) {
        fn list<T>(bytes: &mut Vec<u8>, kind: u32, items: &[T], put: impl Fn(&mut Vec<u8>, &T)) {
            bytes.extend(9_u32.to_le_bytes());
            bytes.extend(kind.to_le_bytes());
            bytes.extend((items.len() as u64).to_le_bytes());
            items.iter().for_each(|item| put(bytes, item));
        }
        let mut one = |kind: u32, value: &[u8]| {
            bytes.extend(kind.to_le_bytes());
            bytes.extend(value);
        };
        match self {
            Self::Count(number) => one(4, &number.to_le_bytes()),
            Self::Number(number) => one(6, &number.to_le_bytes()),
            Self::Bool(flag) => one(7, &[u8::from(*flag)]),
            Self::Text(text) => {
                bytes.extend(8_u32.to_le_bytes());
                put_text(bytes, text);
            }
            Self::Texts(texts) => list(bytes, 8, texts, |bytes, text| put_text(bytes, text)),
            Self::Integers(numbers) => {
                list(bytes, 5, numbers, |bytes, number| {
                    bytes.extend(number.to_le_bytes())
                });
            }
            Self::Counts(numbers) => {
                list(bytes, 4, numbers, |bytes, number| {
                    bytes.extend(number.to_le_bytes())
                });
            }
            Self::Floats(numbers) => {
                list(bytes, 6, numbers, |bytes, number| {
                    bytes.extend(number.to_le_bytes())
                });
            }
        }
    }
}

fn put_text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend((text.len() as u64).to_le_bytes());
    bytes.extend(text.as_bytes());
}

/// Writes `model` and `tokenizer` to `path`, matrices as `weights`, norms and biases as F32.
///
/// What llama.cpp cannot run as this model runs is an error that says why, and nothing is written.
pub fn write(path: &Path, model: &Model, tokenizer: &Tokenizer, weights: WeightType) -> Result<()> {
    let plan = Plan::of(path, model, tokenizer, weights).map_err(|problem| EngineError::Gguf {
        path: path.to_owned(),
        problem: format!("cannot be written: {problem}"),
    })?;
    let partial = partial(path);
    let written = plan.write(&partial, path).and_then(|()| {
        std::fs::rename(&partial, path).map_err(|error| EngineError::io(path, error))
    });
    if written.is_err() {
        // The first error is the one to tell.
        let _ = std::fs::remove_file(&partial);
    }
    written
}

fn partial(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.partial-{}", std::process::id()))
}

/// A tensor to write.
enum Source<'a> {
    Parameter {
        tensor: &'a candle_core::Tensor,
        /// The heads whose rows llama.cpp has in another order.
        heads: Option<usize>,
    },
    Values(Vec<f32>),
}

struct Planned<'a> {
    name: String,
    shape: Vec<usize>,
    encoding: Encoding,
    byte_count: usize,
    source: Source<'a>,
}

struct Plan<'a> {
    entries: vocabulary::Entries,
    tensors: Vec<Planned<'a>>,
}

impl<'a> Plan<'a> {
    fn of(
        path: &Path,
        model: &'a Model,
        tokenizer: &Tokenizer,
        weights: WeightType,
    ) -> std::result::Result<Self, String> {
        let config = model.config();
        let json = config.to_json();
        let model_type = json["model_type"].as_str().unwrap_or_default();
        let architecture = architecture_of(model_type).ok_or_else(|| {
            format!("llama.cpp's name for {model_type:?} models is not known here")
        })?;
        refuse_sliding_window(&json)?;
        let rope = rope::to_metadata(&json["rope_parameters"], architecture, config.head_dim)?;
        let mut entries: vocabulary::Entries = Vec::new();
        let mut set = |name: String, entry: Entry| entries.push((name, entry));
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        set("general.architecture".to_owned(), Entry::text(architecture));
        set("general.type".to_owned(), Entry::text("model"));
        set("general.name".to_owned(), Entry::Text(stem.into_owned()));
        let file_type = match weights {
            WeightType::F16 => 1,
            WeightType::Q8_0 => 7,
        };
        set("general.file_type".to_owned(), Entry::Count(file_type));
        set(
            "general.quantization_version".to_owned(),
            Entry::Count(QUANTIZATION_VERSION),
        );
        let head_dim = config.head_dim;
        let counts = [
            ("block_count", config.num_hidden_layers),
            ("context_length", config.max_position_embeddings),
            ("embedding_length", config.hidden_size),
            ("feed_forward_length", config.intermediate_size),
            ("attention.head_count", config.num_attention_heads),
            ("attention.head_count_kv", config.num_key_value_heads),
            ("attention.key_length", head_dim),
            ("attention.value_length", head_dim),
            ("rope.dimension_count", head_dim),
            ("vocab_size", config.vocab_size),
        ];
        let counts = counts.into_iter().map(|(name, count)| (name, count as u64));
        for (name, count) in counts.chain(rope.counts) {
            let count = u32::try_from(count).map_err(|_| format!("{name} is {count}"))?;
            set(format!("{architecture}.{name}"), Entry::Count(count));
        }
        let epsilon = ("attention.layer_norm_rms_epsilon", config.rms_norm_eps);
        for (name, number) in rope.numbers.into_iter().chain([epsilon]) {
            set(
                format!("{architecture}.{name}"),
                Entry::Number(number as f32),
            );
        }
        for (name, text) in rope.texts {
            set(format!("{architecture}.{name}"), Entry::Text(text));
        }
        entries.extend(vocabulary::entries(tokenizer, config.vocab_size)?);
        let mut tensors = Vec::new();
        if let Some(divisors) = rope.divisors {
            tensors.push(Planned {
                name: "rope_freqs.weight".to_owned(),
                shape: vec![divisors.len()],
                encoding: Encoding::F32,
                byte_count: divisors.len() * 4,
                source: Source::Values(divisors),
            });
        }
        for (parameter, tensor) in model.parameters() {
            let name = to_gguf(parameter)
                .ok_or_else(|| format!("llama.cpp's name for {parameter} is not known here"))?;
            let shape = tensor.dims().to_vec();
            let encoding = match (shape.as_slice(), weights) {
                (&[_, row], WeightType::Q8_0) if row.is_multiple_of(32) => Encoding::Q8_0,
                ([_, _], _) => Encoding::F16,
                _ => Encoding::F32,
            };
            let heads = reordered_heads(
                architecture,
                parameter,
                config.num_attention_heads,
                config.num_key_value_heads,
            );
            tensors.push(Planned {
                byte_count: encoding.byte_count(&shape)?,
                source: Source::Parameter { tensor, heads },
                name,
                shape,
                encoding,
            });
        }
        Ok(Self { entries, tensors })
    }

    fn write(&self, partial: &Path, path: &Path) -> Result<()> {
        let fail = |error| EngineError::io(partial, error);
        let mut file = BufWriter::with_capacity(1 << 20, File::create(partial).map_err(fail)?);
        file.write_all(&self.header()).map_err(fail)?;
        let mut bytes = Vec::new();
        for planned in &self.tensors {
            let values = planned.values()?;
            bytes.clear();
            bytes.reserve_exact(planned.byte_count);
            if !planned.encoding.pack(&values, &mut bytes) {
                return Err(EngineError::Gguf {
                    path: path.to_owned(),
                    problem: format!(
                        "cannot be written: {} holds a number that is not finite or too large for {:?}; nothing was \
                         written",
                        planned.name, planned.encoding
                    ),
                });
            }
            pad(&mut bytes);
            file.write_all(&bytes).map_err(fail)?;
        }
        let file = file
            .into_inner()
            .map_err(|error| fail(error.into_error()))?;
        file.sync_all().map_err(fail)
    }

    fn header(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend((self.tensors.len() as u64).to_le_bytes());
        bytes.extend((self.entries.len() as u64).to_le_bytes());
        for (key, entry) in &self.entries {
            put_text(&mut bytes, key);
            entry.write(&mut bytes);
        }
        let mut offset = 0_u64;
        for planned in &self.tensors {
            put_text(&mut bytes, &planned.name);
            bytes.extend((planned.shape.len() as u32).to_le_bytes());
            // The innermost size comes first.
            for &size in planned.shape.iter().rev() {
                bytes.extend((size as u64).to_le_bytes());
            }
            bytes.extend(planned.encoding.kind().to_le_bytes());
            bytes.extend(offset.to_le_bytes());
            offset += (planned.byte_count as u64).next_multiple_of(DEFAULT_ALIGNMENT);
        }
        pad(&mut bytes);
        bytes
    }
}

fn pad(bytes: &mut Vec<u8>) {
    bytes.resize(bytes.len().next_multiple_of(DEFAULT_ALIGNMENT as usize), 0);
}

impl Planned<'_> {
    fn values(&self) -> Result<Vec<f32>> {
        match &self.source {
            Source::Values(values) => Ok(values.clone()),
            Source::Parameter { tensor, heads } => {
                let tensor = tensor.to_device(&Device::Cpu)?.to_dtype(DType::F32)?;
                let values: Vec<f32> = tensor.flatten_all()?.to_vec1()?;
                Ok(match heads {
                    Some(heads) => reorder(&values, self.shape[0], *heads, Order::LlamaCpp),
                    None => values,
                })
            }
        }
    }
}

/// llama.cpp attends to the whole context in these architectures.
fn refuse_sliding_window(config: &Value) -> std::result::Result<(), String> {
    let positions = config["max_position_embeddings"].as_u64();
    let used = config["use_sliding_window"] != false;
    match config["sliding_window"].as_u64() {
        Some(window) if used && positions.is_none_or(|positions| window < positions) => {
            Err(format!(
                "the model attends to a window of {window} tokens, which GGUF cannot say for this architecture"
            ))
        }
        _ => Ok(()),
    }
}
