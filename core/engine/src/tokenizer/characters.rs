//! Character-level vocabularies for models trained from scratch.
//!
//! A small model on a narrow task learns faster when each character is one token. The result is an ordinary
//! `tokenizer.json` (a word-level model over single characters), which transformers loads with equal ids as
//! `PreTrainedTokenizerFast`. (`AutoTokenizer` of transformers 5 does so too, but not beside a `qwen2` model: there it
//! takes Qwen2's own splitting, whatever the files say.) There is no unknown token: replacing characters silently would
//! let a task and its model disagree about the text.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Value, json};

use super::files::TokenizerFiles;
use super::{built_in_memory, guard};
use crate::error::{EngineError, Result};

/// Ends a sequence; id 0.
pub const END_OF_TEXT: &str = "<|endoftext|>";
/// Fills up batches in tools that pad; id 1.
pub const PADDING: &str = "<|pad|>";

pub(super) fn files(alphabet: &str, tokens: &[&str]) -> Result<TokenizerFiles> {
    let characters: Vec<String> = alphabet.chars().map(String::from).collect();
    check(&characters, tokens)?;
    let vocabulary: Vec<&str> = [END_OF_TEXT, PADDING]
        .into_iter()
        .chain(characters.iter().map(String::as_str))
        .chain(tokens.iter().copied())
        .collect();
    let first_token = 2 + characters.len();
    let added = (0..2).chain(first_token..vocabulary.len()).map(|id| {
        // Tokens such as <think> are part of the text that rewards read, so they are not special.
        json!({
            "id": id,
            "content": vocabulary[id],
            "single_word": false,
            "lstrip": false,
            "rstrip": false,
            "normalized": false,
            "special": id < 2,
        })
    });
    let tokenizer = json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": added.clone().collect::<Vec<_>>(),
        "normalizer": null,
        // [\s\S] matches any one character in every regular-expression engine that reads this file.
        "pre_tokenizer": {
            "type": "Split",
            "pattern": { "Regex": "[\\s\\S]" },
            "behavior": "Isolated",
            "invert": false,
        },
        "post_processor": null,
        "decoder": { "type": "Fuse" },
        "model": {
            "type": "WordLevel",
            "vocab": vocabulary.iter().enumerate().map(|(id, token)| (token.to_string(), json!(id)))
                .collect::<serde_json::Map<_, _>>(),
            // The format wants a name; it is in no vocabulary, so an unknown character is an error.
            "unk_token": "<|unknown|>",
        },
    });
    let decoder: serde_json::Map<_, _> = added
        .map(|mut entry| {
            let id = entry["id"].take();
            if let Value::Object(fields) = &mut entry {
                fields.remove("id");
            }
            (id.to_string(), entry)
        })
        .collect();
    let config = json!({
        "tokenizer_class": "PreTrainedTokenizerFast",
        "added_tokens_decoder": decoder,
        "bos_token": null,
        "eos_token": END_OF_TEXT,
        "pad_token": PADDING,
        "unk_token": null,
        "clean_up_tokenization_spaces": false,
        "model_max_length": 1_000_000_000,
    });
    let generation = json!({ "eos_token_id": 0, "pad_token_id": 1 });
    let pretty = |value: &Value| serde_json::to_vec_pretty(value).expect("a JSON value serialises");
    // The library writes the vocabulary in the order of its ids, whatever order JSON objects have in this build.
    let tokenizer =
        guard(|| tokenizers::Tokenizer::from_bytes(pretty(&tokenizer))?.to_string(true))
            .map_err(EngineError::Tokenization)?;
    let contents = BTreeMap::from([
        ("tokenizer.json", tokenizer.into_bytes()),
        ("tokenizer_config.json", pretty(&config)),
        ("generation_config.json", pretty(&generation)),
    ]);
    Ok(TokenizerFiles::in_memory(built_in_memory(), contents))
}

fn check(characters: &[String], tokens: &[&str]) -> Result<()> {
    let refuse = |problem: String| {
        Err(EngineError::Argument(format!(
            "character tokenizer: {problem}"
        )))
    };
    if characters.is_empty() {
        return refuse(
            "the alphabet is empty; list every character that prompts and completions use"
                .to_owned(),
        );
    }
    let mut seen = HashSet::from([END_OF_TEXT, PADDING]);
    for character in characters {
        if !seen.insert(character) {
            return refuse(format!(
                "the alphabet lists {character:?} twice; list it once"
            ));
        }
    }
    for &token in tokens {
        if token.is_empty() {
            return refuse("a token is empty; leave it out".to_owned());
        }
        if !seen.insert(token) {
            return refuse(format!("the token {token:?} exists already; list it once"));
        }
    }
    Ok(())
}
