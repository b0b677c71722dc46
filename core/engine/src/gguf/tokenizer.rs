//! The vocabulary of a file into the files of a Hugging Face tokenizer.
//!
//! Two kinds are read: `gpt2`, byte-level merges, and `llama`, SentencePiece's merges by score with bytes to fall back
//! on. The second is built as Llama 2's own `tokenizer.json` is: a word mark before every piece of text between special
//! tokens. That is what llama.cpp does with the file.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use serde_json::{Map, Value, json};

use super::header::Header;
use super::merges;
use super::pre_tokenizers;
use super::special_ids::{SpecialIds, token_type};
use super::value::{Metadata, need};
use crate::error::Result;
use crate::tokenizer::TokenizerFiles;

/// SentencePiece's word mark, a space inside tokens.
pub(super) const WORD_MARK: &str = "\u{2581}";

type Checked<T> = std::result::Result<T, String>;

/// The files of the tokenizer in `path`.
pub(crate) fn tokenizer_files(path: &Path) -> Result<TokenizerFiles> {
    let header = Header::read(path)?;
    let contents = contents(&header.metadata).map_err(|problem| header.refuse(problem))?;
    Ok(TokenizerFiles::in_memory(path.to_owned(), contents))
}

/// Tokens with their types, without those that only fill up the embedding.
struct Vocabulary<'a> {
    tokens: &'a [String],
    types: Vec<i64>,
}

impl<'a> Vocabulary<'a> {
    fn of(metadata: &'a Metadata) -> Checked<Self> {
        let tokens = need(
            "tokenizer.ggml.tokens",
            metadata.texts("tokenizer.ggml.tokens"),
            "the vocabulary",
        )?;
        let types = match metadata.integers("tokenizer.ggml.token_type")? {
            Some(types) if types.len() != tokens.len() => {
                return Err(format!(
                    "tokenizer.ggml.token_type has {} entries for {} tokens",
                    types.len(),
                    tokens.len()
                ));
            }
            Some(types) => types.to_vec(),
            None => vec![token_type::NORMAL; tokens.len()],
        };
        let mut seen = HashSet::new();
        for (id, token) in tokens.iter().enumerate() {
            if !token.is_empty() && !seen.insert(token) {
                return Err(format!(
                    "the token {token:?} (id {id}) is in the vocabulary twice"
                ));
            }
        }
        Ok(Self { tokens, types })
    }

    fn iter(&self) -> impl Iterator<Item = (usize, &'a str, i64)> {
        let filler = |id: usize, token: &str, kind: i64| {
            token.is_empty() || kind == token_type::UNUSED && token == filler_token(id)
        };
        self.tokens
            .iter()
            .zip(&self.types)
            .enumerate()
            .map(|(id, (token, &kind))| (id, token.as_str(), kind))
            .filter(move |&(id, token, kind)| !filler(id, token, kind))
    }

    fn by_token(&self) -> Map<String, Value> {
        self.iter()
            .map(|(id, token, _)| (token.to_owned(), json!(id)))
            .collect()
    }

    fn added(&self) -> Vec<Value> {
        let added = self.iter().filter(|(_, _, kind)| {
            matches!(
                *kind,
                token_type::CONTROL | token_type::USER_DEFINED | token_type::UNKNOWN
            )
        });
        added
            .map(|(id, content, kind)| {
                json!({
                    "id": id,
                    "content": content,
                    "single_word": false,
                    "lstrip": false,
                    "rstrip": false,
                    "normalized": false,
                    "special": kind != token_type::USER_DEFINED,
                })
            })
            .collect()
    }
}

/// How converters call a row of the embedding without a token.
pub(super) fn filler_token(id: usize) -> String {
    format!("[PAD{id}]")
}

fn contents(metadata: &Metadata) -> Checked<BTreeMap<&'static str, Vec<u8>>> {
    let kind = need(
        "tokenizer.ggml.model",
        metadata.text("tokenizer.ggml.model"),
        "the kind of tokenizer",
    )?;
    let vocabulary = Vocabulary::of(metadata)?;
    let special = SpecialIds::of(metadata)?;
    let (mut tokenizer, add_bos) = match kind {
        "gpt2" => byte_level(metadata, &vocabulary)?,
        "llama" => sentence_piece(metadata, &vocabulary, &special)?,
        other => {
            return Err(format!(
                "tokenizer.ggml.model is {other:?}; expected \"gpt2\" (byte-level merges) or \"llama\" \
                 (SentencePiece). Give the tokenizer's own Hugging Face directory as `model.tokenizer.path`"
            ));
        }
    };
    let flag = |name: &str| metadata.flag(&format!("tokenizer.ggml.{name}"));
    let add_bos = flag("add_bos_token")?.unwrap_or(add_bos);
    let add_eos = flag("add_eos_token")?.unwrap_or(false);
    let text = |id: Option<u32>| id.map(|id| vocabulary.tokens[id as usize].as_str());
    let (bos, eos) = (text(special.bos), text(special.eos.first().copied()));
    let around = |flag: bool, token: Option<&str>, id: Option<u32>, role: &str| match (token, id) {
        (Some(token), Some(id)) if flag => Ok(Some((token.to_owned(), id))),
        _ if !flag => Ok(None),
        _ => Err(format!(
            "tokenizer.ggml.add_{role}_token is set, but tokenizer.ggml.{role}_token_id is missing"
        )),
    };
    let before = around(add_bos, bos, special.bos, "bos")?;
    let after = around(add_eos, eos, special.eos.first().copied(), "eos")?;
    tokenizer["post_processor"] = template(before.as_ref(), after.as_ref());
    let added = vocabulary.added();
    let decoder: Map<String, Value> = added
        .iter()
        .map(|entry| {
            let mut fields = entry.clone();
            let id = fields["id"].take();
            if let Some(fields) = fields.as_object_mut() {
                fields.remove("id");
            }
            (id.to_string(), fields)
        })
        .collect();
    tokenizer["added_tokens"] = Value::Array(added);
    let config = json!({
        "tokenizer_class": "PreTrainedTokenizerFast",
        "added_tokens_decoder": decoder,
        "bos_token": bos,
        "eos_token": eos,
        "pad_token": text(special.pad),
        "unk_token": text(special.unk),
        "add_bos_token": add_bos,
        "add_eos_token": add_eos,
        "clean_up_tokenization_spaces": false,
        "model_max_length": 1_000_000_000,
    });
    let generation = json!({
        "bos_token_id": special.bos,
        "eos_token_id": special.eos,
        "pad_token_id": special.pad,
    });
    let bytes = |value: &Value| {
        let mut text = serde_json::to_vec_pretty(value).expect("a JSON value serialises");
        text.push(b'\n');
        text
    };
    let mut contents = BTreeMap::from([
        ("tokenizer.json", bytes(&tokenizer)),
        ("tokenizer_config.json", bytes(&config)),
        ("generation_config.json", bytes(&generation)),
    ]);
    if let Some(template) = metadata.text("tokenizer.chat_template")? {
        contents.insert("chat_template.jinja", template.as_bytes().to_vec());
    }
    Ok(contents)
}

/// What is put around a text.
fn template(before: Option<&(String, u32)>, after: Option<&(String, u32)>) -> Value {
    if before.is_none() && after.is_none() {
        return Value::Null;
    }
    let token = |token: &(String, u32), sentence: usize| json!({ "SpecialToken": { "id": token.0, "type_id": sentence } });
    let sequence = |name: &str, sentence: usize| {
        let text = json!({ "Sequence": { "id": name, "type_id": sentence } });
        let parts = [
            before.map(|before| token(before, sentence)),
            Some(text),
            after.map(|after| token(after, sentence)),
        ];
        parts.into_iter().flatten()
    };
    let tokens: Map<String, Value> = before
        .into_iter()
        .chain(after)
        .map(|(token, id)| {
            let entry = json!({ "id": token, "ids": [id], "tokens": [token] });
            (token.clone(), entry)
        })
        .collect();
    json!({
        "type": "TemplateProcessing",
        "single": sequence("A", 0).collect::<Vec<_>>(),
        "pair": sequence("A", 0).chain(sequence("B", 1)).collect::<Vec<_>>(),
        "special_tokens": tokens,
    })
}

fn tokenizer_json(model: Value, normalizer: Value, pre_tokenizer: Value, decoder: Value) -> Value {
    json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": [],
        "normalizer": normalizer,
        "pre_tokenizer": pre_tokenizer,
        "post_processor": null,
        "decoder": decoder,
        "model": model,
    })
}

fn byte_level(metadata: &Metadata, vocabulary: &Vocabulary<'_>) -> Checked<(Value, bool)> {
    let name = need(
        "tokenizer.ggml.pre",
        metadata.text("tokenizer.ggml.pre"),
        "the way text is cut before merging, and a wrong one gives wrong tokens. Convert the model again with a newer \
         llama.cpp",
    )?;
    let pre_tokenizer = pre_tokenizers::named(name)?;
    let merges = need(
        "tokenizer.ggml.merges",
        metadata.texts("tokenizer.ggml.merges"),
        "the merges of the byte-level tokenizer",
    )?;
    let model = json!({
        "type": "BPE",
        "dropout": null,
        "unk_token": null,
        "continuing_subword_prefix": null,
        "end_of_word_suffix": null,
        "fuse_unk": false,
        "byte_fallback": false,
        "ignore_merges": pre_tokenizer.ignore_merges,
        "vocab": vocabulary.by_token(),
        "merges": pairs(merges)?,
    });
    let decoder = json!({
        "type": "ByteLevel",
        "add_prefix_space": true,
        "trim_offsets": true,
        "use_regex": true,
    });
    let tokenizer = tokenizer_json(
        model,
        pre_tokenizer.normalizer(),
        pre_tokenizer.pre_tokenizer(),
        decoder,
    );
    Ok((tokenizer, pre_tokenizer.add_bos))
}

/// `a b` as `["a", "b"]`.
fn pairs(merges: &[String]) -> Checked<Vec<[&str; 2]>> {
    merges
        .iter()
        .enumerate()
        .map(|(at, merge)| match merge.split_once(' ') {
            Some((left, right)) if !left.is_empty() && !right.is_empty() => Ok([left, right]),
            _ => Err(format!(
                "tokenizer.ggml.merges[{at}] is {merge:?}; expected two tokens with a space between"
            )),
        })
        .collect()
}

fn sentence_piece(
    metadata: &Metadata,
    vocabulary: &Vocabulary<'_>,
    special: &SpecialIds,
) -> Checked<(Value, bool)> {
    let merges: Vec<[String; 2]> = match metadata.texts("tokenizer.ggml.merges")? {
        Some(merges) => pairs(merges)?
            .into_iter()
            .map(|pair| pair.map(str::to_owned))
            .collect(),
        None => {
            let scores = need(
                "tokenizer.ggml.scores",
                metadata.floats("tokenizer.ggml.scores"),
                "the order in which pieces are joined",
            )?;
            if scores.len() != vocabulary.tokens.len() {
                return Err(format!(
                    "tokenizer.ggml.scores has {} entries for {} tokens",
                    scores.len(),
                    vocabulary.tokens.len()
                ));
            }
            let pieces: Vec<(&str, f32)> = vocabulary
                .iter()
                .filter(|(_, _, kind)| *kind == token_type::NORMAL)
                .map(|(id, piece, _)| (piece, scores[id]))
                .collect();
            let merges = merges::from_scores(&pieces)?;
            merges.into_iter().map(<[String; 2]>::from).collect()
        }
    };
    let prefix = metadata
        .flag("tokenizer.ggml.add_space_prefix")?
        .unwrap_or(true);
    let has_bytes = vocabulary.types.contains(&token_type::BYTE);
    let unknown = special.unk.map(|id| &vocabulary.tokens[id as usize]);
    let model = json!({
        "type": "BPE",
        "dropout": null,
        "unk_token": unknown,
        "continuing_subword_prefix": null,
        "end_of_word_suffix": null,
        "fuse_unk": true,
        "byte_fallback": has_bytes,
        "ignore_merges": false,
        "vocab": vocabulary.by_token(),
        "merges": merges,
    });
    let (normalizer, decoder) = word_marks(prefix);
    Ok((
        tokenizer_json(model, normalizer, Value::Null, decoder),
        true,
    ))
}

/// How SentencePiece's word marks are put into a text and taken out.
pub(super) fn word_marks(prefix: bool) -> (Value, Value) {
    let mut before = Vec::new();
    let mut after = vec![
        json!({ "type": "Replace", "pattern": { "String": WORD_MARK }, "content": " " }),
        json!({ "type": "ByteFallback" }),
        json!({ "type": "Fuse" }),
    ];
    if prefix {
        before.push(json!({ "type": "Prepend", "prepend": WORD_MARK }));
        after.push(json!({ "type": "Strip", "content": " ", "start": 1, "stop": 0 }));
    }
    before.push(json!({ "type": "Replace", "pattern": { "String": " " }, "content": WORD_MARK }));
    (
        json!({ "type": "Sequence", "normalizers": before }),
        json!({ "type": "Sequence", "decoders": after }),
    )
}
