//! The files of a tokenizer, held in memory as they were read.
//!
//! A checkpoint must carry the tokenizer on. Writing the same bytes back is the one way that loses nothing: fields that
//! this version does not know survive.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::error::{EngineError, Result};
use crate::regular_file;

/// What belongs to a tokenizer; the last three serve other tools (slow tokenizers, converters).
const NAMES: [&str; 9] = [
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "chat_template.jinja",
    "generation_config.json",
    "vocab.json",
    "merges.txt",
    "tokenizer.model",
];

/// The largest published tokenizers have about 35 MB; a file beyond this is not a tokenizer.
pub(crate) const LARGEST_FILE: u64 = 256 << 20;

/// Special tokens by their role (`bos_token`, `eos_token`, ..), only those that are set.
pub(crate) type SpecialTokens = BTreeMap<String, String>;

pub(crate) struct TokenizerFiles {
    directory: PathBuf,
    contents: BTreeMap<&'static str, Vec<u8>>,
    /// `eos_token_id` of `config.json`, which belongs to the model and is written by it.
    model_eos_ids: Vec<u32>,
}

impl TokenizerFiles {
    pub fn read(directory: &Path) -> Result<Self> {
        let mut contents = BTreeMap::new();
        for name in NAMES {
            if let Some(bytes) = read_limited(&directory.join(name))? {
                contents.insert(name, bytes);
            }
        }
        if !contents.contains_key("tokenizer.json") {
            let slow = ["tokenizer.model", "vocab.json"]
                .iter()
                .find(|name| contents.contains_key(*name));
            let remedy = match slow {
                Some(slow) => format!(
                    "found {slow} only; convert it once with transformers: \
                     AutoTokenizer.from_pretrained(directory).save_pretrained(directory)"
                ),
                None => "expected a Hugging Face model directory".to_owned(),
            };
            return Err(EngineError::Tokenizer {
                path: directory.join("tokenizer.json"),
                problem: format!("no such file; {remedy}"),
            });
        }
        let mut files = Self {
            directory: directory.to_owned(),
            contents,
            model_eos_ids: Vec::new(),
        };
        let config = directory.join("config.json");
        if let Some(bytes) = read_limited(&config)? {
            files.model_eos_ids = eos_ids_of(&parse(&config, &bytes)?, &config)?;
        }
        Ok(files)
    }

    pub fn in_memory(directory: PathBuf, contents: BTreeMap<&'static str, Vec<u8>>) -> Self {
        Self {
            directory,
            contents,
            model_eos_ids: Vec::new(),
        }
    }

    pub fn write(&self, directory: &Path) -> Result<()> {
        for (name, bytes) in &self.contents {
            let path = directory.join(name);
            std::fs::write(&path, bytes).map_err(|error| EngineError::io(path, error))?;
        }
        Ok(())
    }

    pub fn directory(&self) -> &Path {
        &self.directory
    }

    pub fn path_of(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    pub fn tokenizer_json(&self) -> &[u8] {
        self.contents
            .get("tokenizer.json")
            .map_or(&[], Vec::as_slice)
    }

    /// Ids that end a sequence, as `generation_config.json` and then `config.json` name them.
    pub fn eos_ids(&self) -> Result<Vec<u32>> {
        let mut ids = match self.json("generation_config.json")? {
            Some(config) => eos_ids_of(&config, &self.path_of("generation_config.json"))?,
            None => Vec::new(),
        };
        ids.extend(&self.model_eos_ids);
        Ok(ids)
    }

    /// `special_tokens_map.json` first, then `tokenizer_config.json`, whose `null` takes a token away.
    pub fn special_tokens(&self) -> Result<SpecialTokens> {
        let mut tokens = SpecialTokens::new();
        for name in ["special_tokens_map.json", "tokenizer_config.json"] {
            let Some(Value::Object(fields)) = self.json(name)? else {
                continue;
            };
            for role in [
                "bos_token",
                "eos_token",
                "unk_token",
                "pad_token",
                "sep_token",
                "cls_token",
                "mask_token",
            ] {
                let text = match fields.get(role) {
                    None => continue,
                    Some(Value::Null) => None,
                    Some(Value::String(text)) => Some(text.clone()),
                    Some(token) => match token.get("content").and_then(Value::as_str) {
                        Some(text) => Some(text.to_owned()),
                        None => {
                            return Err(EngineError::Tokenizer {
                                path: self.path_of(name),
                                problem: format!(
                                    "{role} is {token}; expected a string, an added token or null"
                                ),
                            });
                        }
                    },
                };
                match text {
                    Some(text) => tokens.insert(role.to_owned(), text),
                    None => tokens.remove(role),
                };
            }
        }
        Ok(tokens)
    }

    /// `chat_template.jinja` wins over `chat_template` of `tokenizer_config.json`, of whose named templates the
    /// `default` one is taken, as transformers does.
    pub fn chat_template_source(&self) -> Result<Option<(PathBuf, String)>> {
        if let Some(bytes) = self.contents.get("chat_template.jinja") {
            return match std::str::from_utf8(bytes) {
                Ok(source) => Ok(Some((
                    self.path_of("chat_template.jinja"),
                    source.to_owned(),
                ))),
                Err(error) => Err(EngineError::Tokenizer {
                    path: self.path_of("chat_template.jinja"),
                    problem: format!("not UTF-8 text: {error}; download or write the file again"),
                }),
            };
        }
        let config = self.json("tokenizer_config.json")?;
        let refuse = |problem: &str| EngineError::Tokenizer {
            path: self.path_of("tokenizer_config.json"),
            problem: problem.to_owned(),
        };
        match config
            .as_ref()
            .and_then(|config| config.get("chat_template"))
        {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(source)) => Ok(Some((
                self.path_of("tokenizer_config.json"),
                source.clone(),
            ))),
            Some(Value::Array(named)) => {
                let field =
                    |entry: &Value, name: &str| entry.get(name)?.as_str().map(str::to_owned);
                let default = named
                    .iter()
                    .find(|entry| field(entry, "name").as_deref() == Some("default"));
                let source = default
                    .or(named.first())
                    .and_then(|entry| field(entry, "template"));
                let source = source.map(|source| (self.path_of("tokenizer_config.json"), source));
                source.map(Some).ok_or_else(|| {
                    refuse(
                        "chat_template is a list without {\"name\": .., \"template\": ..} entries; correct it, or put the \
                         template into chat_template.jinja",
                    )
                })
            }
            Some(_) => Err(refuse(
                "chat_template is neither a string nor a list of named templates; correct it, or put the template into \
                 chat_template.jinja",
            )),
        }
    }

    fn json(&self, name: &'static str) -> Result<Option<Value>> {
        self.contents
            .get(name)
            .map(|bytes| parse(&self.path_of(name), bytes))
            .transpose()
    }
}

/// A file that may be missing; a link that leads nowhere is not a missing file.
fn read_limited(path: &Path) -> Result<Option<Vec<u8>>> {
    match regular_file::read(path, LARGEST_FILE) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error)
            if error.kind() == std::io::ErrorKind::NotFound && path.symlink_metadata().is_err() =>
        {
            Ok(None)
        }
        Err(error) => Err(EngineError::io(path, error)),
    }
}

fn parse(path: &Path, bytes: &[u8]) -> Result<Value> {
    serde_json::from_slice(bytes).map_err(|error| EngineError::Tokenizer {
        path: path.to_owned(),
        problem: format!("not JSON: {error}; download or write the file again"),
    })
}

/// `eos_token_id` may be a number, a list, -1 (none) or absent.
fn eos_ids_of(config: &Value, path: &Path) -> Result<Vec<u32>> {
    let entries = match config.get("eos_token_id") {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(entries)) => entries.clone(),
        Some(entry) => vec![entry.clone()],
    };
    entries
        .iter()
        .filter(|entry| entry.as_i64() != Some(-1))
        .map(|entry| {
            let id = entry.as_u64().and_then(|id| u32::try_from(id).ok());
            id.ok_or_else(|| EngineError::Tokenizer {
                path: path.to_owned(),
                problem: format!("eos_token_id holds {entry}; expected token ids"),
            })
        })
        .collect()
}
