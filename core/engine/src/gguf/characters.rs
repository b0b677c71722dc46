//! Our character tokenizer in a form that llama.cpp runs.
//!
//! It has no tokenizer of characters, but one of bytes and merges: without merges, each ASCII character is the token of
//! its byte, and all else is matched whole before anything is cut.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::special_ids::token_type;
use super::vocabulary::Tokens;

type Checked<T> = Result<T, String>;

/// Turns the tokens of a character tokenizer into byte-level ones.
///
/// Text outside the alphabet, which this tokenizer refuses, llama.cpp leaves out.
pub(super) fn as_bytes(json: &Value, tokens: &mut Tokens) -> Checked<()> {
    let splitter = json!({
        "type": "Split",
        "pattern": { "Regex": "[\\s\\S]" },
        "behavior": "Isolated",
        "invert": false,
    });
    if json["pre_tokenizer"] != splitter || !json["normalizer"].is_null() {
        return Err("the tokenizer is a word-level model; llama.cpp runs merges only".to_owned());
    }
    let mut ends = BTreeMap::new();
    for entry in tokens.list.iter_mut().flatten() {
        let mut text = entry.0.chars();
        match (text.next(), text.next(), entry.1) {
            (Some(character), None, token_type::NORMAL) if character.is_ascii() => {
                entry.0 = byte_spelling(character as u8).to_string();
            }
            (Some(character), None, _) if is_byte_spelling(character) => {
                return Err(format!(
                    "the character {character:?} also spells a byte in byte-level vocabularies, and transformers \
                     would decode it as that byte"
                ));
            }
            (_, None, _) => entry.1 = token_type::USER_DEFINED,
            (_, Some(_), token_type::NORMAL) => {
                return Err(
                    "the tokenizer is a word-level model; llama.cpp runs merges only".to_owned(),
                );
            }
            _ => {
                for (at, _) in entry.0.char_indices().skip(1) {
                    ends.insert(entry.0[at..].to_owned(), entry.0.clone());
                }
            }
        }
    }
    // llama.cpp looks for the longest token in the whole text first, and we read from the left: the same unless one
    // can end inside another.
    let whole = tokens.list.iter().flatten();
    for (token, _) in
        whole.filter(|(token, kind)| *kind != token_type::NORMAL && token.chars().nth(1).is_some())
    {
        for (at, _) in token.char_indices().skip(1) {
            if let Some(other) = ends.get(&token[..at]) {
                return Err(format!(
                    "the tokens {other:?} and {token:?} can overlap in a text: we read it from the left, llama.cpp \
                     takes one of them first wherever it stands. Only a model trained without such tokens can be \
                     written as GGUF (`model.tokenizer.numbers` makes them)"
                ));
            }
        }
    }
    Ok(())
}

/// The character that stands for a byte in byte-level vocabularies: itself if it is printable, else one from U+0100 on.
fn byte_spelling(byte: u8) -> char {
    let printable = |byte: u8| matches!(byte, 0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff);
    match printable(byte) {
        true => char::from(byte),
        false => {
            let earlier = (0..byte).filter(|&byte| !printable(byte)).count();
            char::from_u32(0x100 + earlier as u32).unwrap_or(char::REPLACEMENT_CHARACTER)
        }
    }
}

fn is_byte_spelling(character: char) -> bool {
    (0..=u8::MAX).any(|byte| byte_spelling(byte) == character)
}
