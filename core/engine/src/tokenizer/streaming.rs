//! Text that is shown while tokens arrive.
//!
//! One token need not be whole characters: byte-level and byte-fallback vocabularies spread a character over several.
//! Text is held back while it ends in a replacement character. Decoding looks at a short window, not at one token
//! alone, because some decoders treat the first token of a text differently (leading spaces).

use super::Tokenizer;
use crate::error::Result;

/// A UTF-8 sequence that lacks bytes is complete after three more tokens. Far beyond that the bytes are no text, and
/// holding them back would decode a longer and longer window.
const LONGEST_WINDOW: usize = 64;

/// Joined together, the pieces are the text of all tokens; where bytes are no UTF-8, they may show more of it.
pub struct StreamingDecoder<'a> {
    tokenizer: &'a Tokenizer,
    with_special_tokens: bool,
    /// Tokens whose text has been given out, kept as context, then those that wait.
    window: Vec<u32>,
    given_out: usize,
}

impl<'a> StreamingDecoder<'a> {
    pub(super) fn new(tokenizer: &'a Tokenizer, with_special_tokens: bool) -> Self {
        Self {
            tokenizer,
            with_special_tokens,
            window: Vec::new(),
            given_out: 0,
        }
    }

    /// Takes a token and returns the text that became certain, often that of this token, sometimes none.
    pub fn push(&mut self, token: u32) -> Result<String> {
        self.window.push(token);
        let text = self.text(self.window.len())?;
        let incomplete = text.ends_with(char::REPLACEMENT_CHARACTER);
        if incomplete && self.window.len() - self.given_out < LONGEST_WINDOW {
            return Ok(String::new());
        }
        self.give_out(text)
    }

    /// The rest, when no token follows: an incomplete character shows as U+FFFD.
    pub fn finish(&mut self) -> Result<String> {
        let text = self.text(self.window.len())?;
        self.give_out(text)
    }

    fn give_out(&mut self, text: String) -> Result<String> {
        let old = self.text(self.given_out)?;
        let new = match text.strip_prefix(old.as_str()) {
            Some(new) => new.to_owned(),
            // Byte fallback rewrites earlier text when a later byte is no UTF-8. What was shown stays.
            None => {
                let waiting = &self.window[self.given_out..];
                self.tokenizer
                    .decode_tokens(waiting, !self.with_special_tokens)?
            }
        };
        if !new.is_empty() {
            self.window.drain(..self.given_out);
        }
        self.given_out = self.window.len();
        Ok(new)
    }

    fn text(&self, tokens: usize) -> Result<String> {
        self.tokenizer
            .decode_tokens(&self.window[..tokens], !self.with_special_tokens)
    }
}
