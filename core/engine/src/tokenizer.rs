//! Text to tokens and back, from the files of a Hugging Face directory.
//!
//! The `tokenizers` crate does the work. Around it stand what a framework needs and the crate leaves open: every
//! end-of-sequence id that the directory names, chat templates, files kept byte for byte for the next checkpoint,
//! text that can be shown while it grows, and errors instead of panics on crafted files.

mod characters;
pub(crate) mod files;
mod streaming;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use crate::chat_template::{ChatOptions, ChatTemplate, Message};
use crate::error::{EngineError, Result};
use crate::gguf;
pub use characters::{END_OF_TEXT, PADDING};
pub(crate) use files::{SpecialTokens, TokenizerFiles};
pub use streaming::StreamingDecoder;

/// A tokenizer with its special tokens and chat template.
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    files: TokenizerFiles,
    vocab_size: usize,
    bos_id: Option<u32>,
    pad_id: Option<u32>,
    eos_ids: Vec<u32>,
    chat_template: Option<ChatTemplate>,
}

impl Tokenizer {
    /// Reads `tokenizer.json` and, where they exist, `tokenizer_config.json`, `special_tokens_map.json`,
    /// `chat_template.jinja`, and the end-of-sequence ids of `generation_config.json` and `config.json`. A path that
    /// is a file ending in `.gguf` is loaded with [`load_gguf`](Self::load_gguf).
    pub fn load(path: &Path) -> Result<Self> {
        match gguf::is_gguf(path) {
            true => Self::load_gguf(path),
            false => Self::from_files(TokenizerFiles::read(path)?),
        }
    }

    /// The tokenizer inside a GGUF file. Saving it writes the files of a Hugging Face directory.
    pub fn load_gguf(path: &Path) -> Result<Self> {
        Self::from_files(gguf::tokenizer_files(path)?)
    }

    /// A tokenizer for a model from scratch: one token for each character of `alphabet` and one for each entry of
    /// `tokens` (such as `<think>`), after [`END_OF_TEXT`] (id 0) and [`PADDING`] (id 1).
    ///
    /// Text with a character outside the alphabet cannot be encoded, and the error names the character.
    pub fn characters<S: AsRef<str>>(alphabet: &str, tokens: &[S]) -> Result<Self> {
        let tokens: Vec<&str> = tokens.iter().map(AsRef::as_ref).collect();
        Self::from_files(characters::files(alphabet, &tokens)?)
    }

    /// Writes the files that this tokenizer was made from, byte for byte. Making them durable is the caller's
    /// business.
    pub fn save(&self, directory: &Path) -> Result<()> {
        self.files.write(directory)
    }

    /// Token ids of `text` as it stands: no special tokens are added, those that the text spells out are recognised.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>> {
        self.encode_text(text, false)
    }

    /// As [`encode`](Self::encode), with the special tokens that the tokenizer puts around a text (often a leading
    /// beginning-of-sequence token). Not for rendered chats: their template has written them already.
    pub fn encode_with_special_tokens(&self, text: &str) -> Result<Vec<u32>> {
        self.encode_text(text, true)
    }

    /// The text of `tokens` without special tokens. Bytes that are not UTF-8 become U+FFFD.
    pub fn decode(&self, tokens: &[u32]) -> Result<String> {
        self.decode_tokens(tokens, true)
    }

    /// The text of `tokens`, special tokens spelled out.
    pub fn decode_with_special_tokens(&self, tokens: &[u32]) -> Result<String> {
        self.decode_tokens(tokens, false)
    }

    /// Turns tokens into text while they arrive; special tokens are spelled out if `with_special_tokens`.
    pub fn streaming_decoder(&self, with_special_tokens: bool) -> StreamingDecoder<'_> {
        StreamingDecoder::new(self, with_special_tokens)
    }

    /// One more than the largest token id. A model's `vocab_size` may be larger (padded), never smaller.
    pub fn vocab_size(&self) -> usize {
        self.vocab_size
    }

    /// All ids that end a sequence: those of `generation_config.json`, then `config.json`, then the tokenizer's own.
    pub fn eos_ids(&self) -> &[u32] {
        &self.eos_ids
    }

    /// The beginning-of-sequence id, if this tokenizer has one.
    pub fn bos_id(&self) -> Option<u32> {
        self.bos_id
    }

    /// The padding id, if this tokenizer has one.
    pub fn pad_id(&self) -> Option<u32> {
        self.pad_id
    }

    pub fn token_to_id(&self, token: &str) -> Option<u32> {
        self.inner.token_to_id(token)
    }

    /// The token as the vocabulary spells it, which is not always text (`Ġthe`, `<0x0A>`).
    pub fn id_to_token(&self, id: u32) -> Option<String> {
        self.inner.id_to_token(id)
    }

    pub fn has_chat_template(&self) -> bool {
        self.chat_template.is_some()
    }

    /// The text of a chat by the model's own template; `add_generation_prompt` opens the assistant's turn.
    pub fn render_chat(&self, messages: &[Message], add_generation_prompt: bool) -> Result<String> {
        self.render_chat_with(
            messages,
            &ChatOptions {
                add_generation_prompt,
                ..ChatOptions::default()
            },
        )
    }

    /// As [`render_chat`](Self::render_chat), with variables for the template (such as `enable_thinking`) and a date.
    pub fn render_chat_with(&self, messages: &[Message], options: &ChatOptions) -> Result<String> {
        let template = self.chat_template.as_ref().ok_or_else(|| {
            EngineError::ChatTemplate(format!(
                "{} has no chat template; add chat_template.jinja, or give prompts as raw text",
                self.files.directory().display()
            ))
        })?;
        template.render(messages, options)
    }

    pub(crate) fn files(&self) -> &TokenizerFiles {
        &self.files
    }

    fn from_files(files: TokenizerFiles) -> Result<Self> {
        let refuse = |problem: String| EngineError::Tokenizer {
            path: files.path_of("tokenizer.json"),
            problem,
        };
        let mut inner = guard(|| tokenizers::Tokenizer::from_bytes(files.tokenizer_json()))
            .map_err(|problem| {
                refuse(format!(
                    "not a tokenizer this version can read: {problem}; download it again, or write it with a current \
                     version of tokenizers"
                ))
            })?;
        // Truncation and padding saved by a training script would silently cut or lengthen prompts.
        guard(|| inner.with_truncation(None).map(|_| ())).map_err(refuse)?;
        inner.with_padding(None);
        let largest_id = inner.get_vocab(true).into_values().max();
        let vocab_size =
            largest_id.ok_or_else(|| refuse("the vocabulary is empty".to_owned()))? as usize + 1;
        let special = files.special_tokens()?;
        let id_of = |name: &str| special.get(name).and_then(|token| inner.token_to_id(token));
        let mut eos_ids = files.eos_ids()?;
        eos_ids.extend(id_of("eos_token"));
        let mut seen = std::collections::HashSet::new();
        eos_ids.retain(|&id| seen.insert(id));
        if let Some(id) = eos_ids.iter().find(|&&id| inner.id_to_token(id).is_none()) {
            tracing::warn!(
                "{}: end-of-sequence id {id} is not in the tokenizer's vocabulary",
                files.directory().display()
            );
        }
        Ok(Self {
            vocab_size,
            bos_id: id_of("bos_token"),
            pad_id: id_of("pad_token"),
            eos_ids,
            chat_template: files
                .chat_template_source()?
                .map(|(path, source)| ChatTemplate::new(path, source, special)),
            inner,
            files,
        })
    }

    fn encode_text(&self, text: &str, special: bool) -> Result<Vec<u32>> {
        guard(|| self.inner.encode_fast(text, special))
            .map(|encoding| encoding.get_ids().to_vec())
            .map_err(|problem| EngineError::Tokenization(self.explain_encoding(text, &problem)))
    }

    /// A vocabulary without an unknown token fails on the whole text; the user needs the character.
    fn explain_encoding(&self, text: &str, problem: &str) -> String {
        let unknown = text.char_indices().find(|(at, character)| {
            guard(|| {
                self.inner
                    .encode_fast(&text[*at..*at + character.len_utf8()], false)
            })
            .is_err()
        });
        match unknown {
            Some((at, character)) => format!(
                "the character {character:?} at byte {at} is not in the vocabulary of {}; leave it out of the \
                 text, or add it to the tokenizer's alphabet before training starts",
                self.files.directory().display()
            ),
            None => format!("cannot encode a text of {} bytes: {problem}", text.len()),
        }
    }

    fn decode_tokens(&self, tokens: &[u32], skip_special_tokens: bool) -> Result<String> {
        guard(|| self.inner.decode(tokens, skip_special_tokens)).map_err(|problem| {
            EngineError::Tokenization(format!("cannot decode {} tokens: {problem}", tokens.len()))
        })
    }
}

impl std::fmt::Debug for Tokenizer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Tokenizer")
            .field("directory", &self.files.directory())
            .field("vocab_size", &self.vocab_size)
            .field("bos_id", &self.bos_id)
            .field("pad_id", &self.pad_id)
            .field("eos_ids", &self.eos_ids)
            .finish_non_exhaustive()
    }
}

/// The crate panics on some crafted files; what it was working on is dropped with the panic, so nothing half-changed
/// is seen afterwards.
fn guard<T>(work: impl FnOnce() -> tokenizers::Result<T>) -> std::result::Result<T, String> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(panic) => {
            let message = panic
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| panic.downcast_ref::<&str>().copied())
                .unwrap_or("no message");
            Err(format!("the tokenizers library panicked: {message}"))
        }
    }
}

/// Where a tokenizer that was built in memory says it comes from.
fn built_in_memory() -> PathBuf {
    PathBuf::from("the character tokenizer")
}
