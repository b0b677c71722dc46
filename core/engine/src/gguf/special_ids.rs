//! What single tokens are for: their types, and the ids that have a role.
//!
//! A file names one end of sequence and models have several, so the others are found by what they are called.

use std::collections::HashSet;

use super::value::Metadata;

type Checked<T> = std::result::Result<T, String>;

/// What a token is; the numbers are llama.cpp's.
pub(super) mod token_type {
    pub const NORMAL: i64 = 1;
    pub const UNKNOWN: i64 = 2;
    pub const CONTROL: i64 = 3;
    pub const USER_DEFINED: i64 = 4;
    pub const UNUSED: i64 = 5;
    pub const BYTE: i64 = 6;
}

/// Ours: GGUF has room for one end of sequence, and models have several.
pub(super) const EOS_IDS: &str = "farthing.eos_token_ids";

/// Control tokens that end a turn wherever they occur. A file names one of them; llama.cpp stops at all, and the models'
/// own `generation_config.json` list them.
const ENDS: [&str; 9] = [
    "<|eot_id|>",
    "<|eom_id|>",
    "<|im_end|>",
    "<|end|>",
    "<|endoftext|>",
    "<|end_of_text|>",
    "<end_of_turn>",
    "<end_of_utterance>",
    "<｜end▁of▁sentence｜>",
];

/// The ids that a file gives a role.
#[derive(Debug, Default)]
pub(super) struct SpecialIds {
    pub bos: Option<u32>,
    /// The file's own first.
    pub eos: Vec<u32>,
    pub pad: Option<u32>,
    pub unk: Option<u32>,
}

impl SpecialIds {
    pub fn of(metadata: &Metadata) -> Checked<Self> {
        let Some(tokens) = metadata.texts("tokenizer.ggml.tokens")? else {
            return Ok(Self::default());
        };
        // SentencePiece's own ids, which older files leave out.
        let sentence_piece = metadata.text("tokenizer.ggml.model")? == Some("llama");
        let id = |role: &str, usual: u32| {
            let key = format!("tokenizer.ggml.{role}_token_id");
            let found = match metadata.count(&key)? {
                // -1 in 32 bits says none.
                Some(none) if none == u64::from(u32::MAX) => None,
                Some(id) if id < tokens.len() as u64 => u32::try_from(id).ok(),
                Some(id) => {
                    return Err(format!(
                        "{key} is {id}, and there are {} tokens",
                        tokens.len()
                    ));
                }
                None => Some(usual).filter(|&id| sentence_piece && (id as usize) < tokens.len()),
            };
            Ok(found)
        };
        const NONE: u32 = u32::MAX;
        let mut eos = Vec::new();
        match metadata.integers(EOS_IDS)? {
            Some(ids) => {
                for &id in ids {
                    match u32::try_from(id)
                        .ok()
                        .filter(|&id| (id as usize) < tokens.len())
                    {
                        Some(id) => eos.push(id),
                        None => return Err(format!("{EOS_IDS} holds {id}, which is no token")),
                    }
                }
            }
            None => {
                for (role, usual) in [("eos", 2), ("eot", NONE), ("eom", NONE)] {
                    eos.extend(id(role, usual)?);
                }
                let types = metadata
                    .integers("tokenizer.ggml.token_type")?
                    .unwrap_or(&[]);
                let ends = tokens.iter().zip(types).enumerate();
                let ends = ends.filter(|(_, (token, kind))| {
                    **kind == token_type::CONTROL && ENDS.contains(&token.as_str())
                });
                eos.extend(ends.map(|(id, _)| id as u32));
                let mut seen = HashSet::new();
                eos.retain(|&id| seen.insert(id));
            }
        }
        Ok(Self {
            bos: id("bos", 1)?,
            eos,
            pad: id("padding", NONE)?,
            unk: id("unknown", 0)?,
        })
    }
}
