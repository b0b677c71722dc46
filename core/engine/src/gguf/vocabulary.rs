//! A tokenizer as llama.cpp's metadata, or the reason why llama.cpp cannot run it.
//!
//! llama.cpp has its own tokenizers; a file gives them a vocabulary, merges or scores, and the name of a pre-tokenizer.
//! What cannot be said with those is refused: a file that cuts text in another way than the model was trained with
//! answers worse, and nobody would know why.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::characters::as_bytes;
use super::merges;
use super::pre_tokenizers::{self, without_lists_of_one};
use super::special_ids::{EOS_IDS, token_type};
use super::tokenizer::{WORD_MARK, filler_token, word_marks};
use super::write::Entry;
use crate::tokenizer::Tokenizer;

type Checked<T> = Result<T, String>;

/// Metadata entries of a tokenizer.
pub(super) type Entries = Vec<(String, Entry)>;

/// The entries of `tokenizer` for a model with `vocab_size` rows of embedding.
pub(super) fn entries(tokenizer: &Tokenizer, vocab_size: usize) -> Checked<Entries> {
    let json: Value = serde_json::from_slice(tokenizer.files().tokenizer_json())
        .map_err(|error| format!("tokenizer.json is not JSON: {error}"))?;
    let mut tokens = Tokens::of(&json, vocab_size)?;
    let around = Around::of(tokenizer)?;
    let mut unknown = None;
    let merges = merges_of(&json["model"])?;
    let mut entries: Entries = Vec::new();
    let mut set =
        |name: &str, entry: Entry| entries.push((format!("tokenizer.ggml.{name}"), entry));
    match json["model"]["type"].as_str() {
        Some("WordLevel") => {
            as_bytes(&json, &mut tokens)?;
            set("model", Entry::text("gpt2"));
            set("pre", Entry::text("gpt-2"));
            set("merges", Entry::Texts(Vec::new()));
        }
        Some("BPE") | None if is_byte_level(&json) => {
            refuse_unusual(&json["model"], &["byte_fallback"])?;
            let pre_tokenizer = pre_tokenizers::of_tokenizer(&json)?;
            set("model", Entry::text("gpt2"));
            set("pre", Entry::text(pre_tokenizer.names[0]));
            set("merges", Entry::Texts(joined(&merges)?));
        }
        Some("BPE") | None => {
            refuse_unusual(&json["model"], &["ignore_merges"])?;
            let prefix = word_mark_prefix(&json)?;
            unknown = json["model"]["unk_token"]
                .as_str()
                .and_then(|token| tokens.id(token));
            let scores = tokens.sentence_piece(&merges, unknown)?;
            set("model", Entry::text("llama"));
            set("pre", Entry::text("default"));
            set("scores", Entry::Floats(scores));
            // llama.cpp takes the scores; other readers take the merges and need not guess them.
            set("merges", Entry::Texts(joined(&merges)?));
            set("add_space_prefix", Entry::Bool(prefix));
        }
        Some(other) => {
            return Err(format!(
                "the tokenizer is a {other} model; llama.cpp runs byte-level and SentencePiece merges"
            ));
        }
    }
    let id = |id: u32| Entry::Count(id);
    let bos = around.before.or(tokenizer.bos_id());
    let known = |id: &u32| tokens.list.get(*id as usize).is_some_and(Option::is_some);
    let mut eos: Vec<u32> = tokenizer.eos_ids().iter().copied().filter(known).collect();
    if let Some(after) = around.after {
        eos.retain(|&id| id != after);
        eos.insert(0, after);
    }
    let roles = [
        ("bos", bos),
        ("eos", eos.first().copied()),
        ("eot", eos.get(1).copied()),
        ("eom", eos.get(2).copied()),
        ("unknown", unknown),
        ("padding", tokenizer.pad_id()),
    ];
    for (role, token) in roles {
        if let Some(token) = token.filter(known) {
            set(&format!("{role}_token_id"), id(token));
        }
    }
    set("add_bos_token", Entry::Bool(around.before.is_some()));
    set("add_eos_token", Entry::Bool(around.after.is_some()));
    let (texts, types) = tokens.finish()?;
    set("tokens", Entry::Texts(texts));
    set("token_type", Entry::Integers(types));
    entries.push((EOS_IDS.to_owned(), Entry::Counts(eos)));
    let template = tokenizer.files().chat_template_source();
    if let Some((_, template)) = template.map_err(|error| error.to_string())? {
        entries.push(("tokenizer.chat_template".to_owned(), Entry::Text(template)));
    }
    Ok(entries)
}

/// The tokens that are put around a text.
struct Around {
    before: Option<u32>,
    after: Option<u32>,
}

impl Around {
    /// Found by encoding: templates can be written in many ways, and this is what they do.
    fn of(tokenizer: &Tokenizer) -> Checked<Self> {
        // A character that the tokenizer has: any will do.
        let sample = (0..tokenizer.vocab_size() as u32).find_map(|id| {
            let text = tokenizer.decode(&[id]).ok()?;
            let tokens = tokenizer.encode(&text).ok()?;
            (!text.is_empty() && !tokens.is_empty()).then_some((text, tokens))
        });
        let (text, inner) = sample.ok_or("the tokenizer has no token that stands for text")?;
        let outer = tokenizer
            .encode_with_special_tokens(&text)
            .map_err(|error| error.to_string())?;
        let at = outer.windows(inner.len()).position(|part| part == inner);
        let parts = at.map(|at| (&outer[..at], &outer[at + inner.len()..]));
        match parts {
            Some((before, after)) if before.len() < 2 && after.len() < 2 => Ok(Self {
                before: before.first().copied(),
                after: after.first().copied(),
            }),
            _ => Err(format!(
                "the tokenizer puts more around a text than one token on each side ({text:?} becomes {outer:?})"
            )),
        }
    }
}

/// All tokens by id, with llama.cpp's types.
pub(super) struct Tokens {
    pub list: Vec<Option<(String, i64)>>,
}

impl Tokens {
    fn of(json: &Value, vocab_size: usize) -> Checked<Self> {
        let mut tokens = Self {
            list: vec![None; vocab_size],
        };
        let vocabulary = json["model"]["vocab"].as_object();
        let vocabulary = vocabulary.ok_or("tokenizer.json has no vocabulary of tokens and ids")?;
        for (token, id) in vocabulary {
            tokens.put(token, id, token_type::NORMAL)?;
        }
        for added in json["added_tokens"].as_array().into_iter().flatten() {
            let token = added["content"].as_str().unwrap_or_default();
            let unusual = ["single_word", "lstrip", "rstrip"];
            if let Some(flag) = unusual.into_iter().find(|flag| added[*flag] == true) {
                return Err(format!(
                    "the added token {token:?} has {flag}, which llama.cpp does not know"
                ));
            }
            let kind = match added["special"] == true {
                true => token_type::CONTROL,
                false => token_type::USER_DEFINED,
            };
            tokens.put(token, &added["id"], kind)?;
        }
        Ok(tokens)
    }

    fn put(&mut self, token: &str, id: &Value, kind: i64) -> Checked<()> {
        let rows = self.list.len();
        let place = id.as_u64().and_then(|id| self.list.get_mut(id as usize));
        let place = place.ok_or_else(|| {
            format!("the token {token:?} has id {id}, and the model has {rows} rows of embedding")
        })?;
        if token.is_empty() {
            return Err(format!("the token with id {id} is empty"));
        }
        if let Some((other, _)) = place.as_ref().filter(|(other, _)| other != token) {
            return Err(format!(
                "the tokens {other:?} and {token:?} have the same id {id}"
            ));
        }
        *place = Some((token.to_owned(), kind));
        Ok(())
    }

    fn id(&self, token: &str) -> Option<u32> {
        let found =
            |entry: &Option<(String, i64)>| entry.as_ref().is_some_and(|(text, _)| text == token);
        self.list.iter().position(found).map(|id| id as u32)
    }

    /// Marks bytes and the unknown token, and finds the scores of all tokens.
    fn sentence_piece(
        &mut self,
        merges: &[(String, String)],
        unknown: Option<u32>,
    ) -> Checked<Vec<f32>> {
        for entry in self.list.iter_mut().flatten() {
            if is_byte(&entry.0) {
                entry.1 = token_type::BYTE;
            }
        }
        if let Some(Some(entry)) = unknown.map(|id| &mut self.list[id as usize]) {
            entry.1 = token_type::UNKNOWN;
        }
        let bytes = self
            .list
            .iter()
            .flatten()
            .filter(|(_, kind)| *kind == token_type::BYTE);
        let bytes = bytes.count();
        if bytes != 256 {
            return Err(format!(
                "the vocabulary has {bytes} byte tokens (<0x00> to <0xFF>); llama.cpp needs all 256 for text that \
                 is in no token"
            ));
        }
        let normal = self
            .list
            .iter()
            .flatten()
            .filter(|(_, kind)| *kind == token_type::NORMAL);
        let pieces: Vec<&str> = normal.map(|(token, _)| token.as_str()).collect();
        let scores = merges::to_scores(&pieces, merges)?;
        let score = |entry: &Option<(String, i64)>| {
            let made = entry.as_ref().and_then(|(token, _)| scores.get(token));
            made.copied().unwrap_or(0.0)
        };
        Ok(self.list.iter().map(score).collect())
    }

    fn finish(self) -> Checked<(Vec<String>, Vec<i32>)> {
        let (texts, types): (Vec<String>, Vec<i32>) = self
            .list
            .into_iter()
            .enumerate()
            .map(|(id, entry)| entry.unwrap_or_else(|| (filler_token(id), token_type::UNUSED)))
            .map(|(text, kind)| (text, kind as i32))
            .unzip();
        let mut seen = HashSet::new();
        match texts.iter().find(|text| !seen.insert(text.as_str())) {
            Some(twice) => Err(format!("the token {twice:?} would be in the file twice")),
            None => Ok((texts, types)),
        }
    }
}

fn is_byte(token: &str) -> bool {
    let digits = token
        .strip_prefix("<0x")
        .and_then(|rest| rest.strip_suffix('>'));
    digits.is_some_and(|digits| digits.len() == 2 && u8::from_str_radix(digits, 16).is_ok())
}

fn is_byte_level(json: &Value) -> bool {
    let decoder = without_lists_of_one(&json["decoder"], "decoders");
    decoder["type"] == "ByteLevel"
}

/// Settings of a merging model that llama.cpp has no word for, and those `forbidden` in one kind.
fn refuse_unusual(model: &Value, forbidden: &[&str]) -> Checked<()> {
    let usual = ["dropout", "continuing_subword_prefix", "end_of_word_suffix"];
    for name in usual.iter().chain(forbidden) {
        let value = &model[*name];
        let none = value.is_null() || value == false || value == "" || value == 0.0;
        if !none {
            return Err(format!(
                "the tokenizer has {name} = {value}, which llama.cpp does not know"
            ));
        }
    }
    Ok(())
}

fn merges_of(model: &Value) -> Checked<Vec<(String, String)>> {
    let pair = |merge: &Value| match merge {
        Value::String(text) => text
            .split_once(' ')
            .map(|(left, right)| (left.to_owned(), right.to_owned())),
        _ => Some((
            merge.get(0)?.as_str()?.to_owned(),
            merge.get(1)?.as_str()?.to_owned(),
        )),
    };
    let merges = model["merges"].as_array().into_iter().flatten();
    merges
        .map(|merge| pair(merge).ok_or_else(|| format!("the merge {merge} is no pair of tokens")))
        .collect()
}

fn joined(merges: &[(String, String)]) -> Checked<Vec<String>> {
    let join = |(left, right): &(String, String)| match left.contains(' ') || right.contains(' ') {
        true => Err(format!(
            "the merge of {left:?} and {right:?} holds a space, which GGUF separates merges with"
        )),
        false => Ok(format!("{left} {right}")),
    };
    merges.iter().map(join).collect()
}

/// Whether a SentencePiece tokenizer puts a word mark before a text.
fn word_mark_prefix(json: &Value) -> Checked<bool> {
    let pre_tokenizer = without_lists_of_one(&json["pre_tokenizer"], "pretokenizers");
    let normalizer = match without_lists_of_one(&json["normalizer"], "normalizers") {
        one if one["type"] == "Replace" => json!({ "type": "Sequence", "normalizers": [one] }),
        other => other,
    };
    if pre_tokenizer.is_null() {
        for prefix in [true, false] {
            if normalizer == word_marks(prefix).0 {
                return Ok(prefix);
            }
        }
        return Err(format!(
            "the normalizer {normalizer} has no name in llama.cpp"
        ));
    }
    let marks = pre_tokenizer["type"] == "Metaspace"
        && pre_tokenizer["replacement"] == WORD_MARK
        && pre_tokenizer["split"] == false;
    if !(marks && normalizer.is_null()) {
        return Err(format!(
            "the pre-tokenizer {pre_tokenizer} with the normalizer {normalizer} has no name in llama.cpp"
        ));
    }
    match pre_tokenizer["prepend_scheme"].as_str() {
        Some("never") => Ok(false),
        Some("first" | "always") => {
            // llama.cpp's own converter writes these models so too.
            tracing::warn!(
                "llama.cpp puts a word mark before every text, this tokenizer not before one that begins with a space \
                 or follows a special token: there the tokens differ by one"
            );
            Ok(true)
        }
        other => Err(format!("the pre-tokenizer's prepend_scheme is {other:?}")),
    }
}
