//! Stop strings, found across the borders of tokens.

use crate::error::Result;
use crate::tokenizer::{StreamingDecoder, Tokenizer};

/// Watches the text of one attempt.
pub(super) struct StopWatch<'a> {
    decoder: StreamingDecoder<'a>,
    stop: &'a [String],
    /// The end of the text, one byte shorter than the longest stop string: a longer one would match the same again.
    tail: String,
}

impl<'a> StopWatch<'a> {
    pub fn new(tokenizer: &'a Tokenizer, stop: &'a [String]) -> Self {
        Self {
            decoder: tokenizer.streaming_decoder(true),
            stop,
            tail: String::new(),
        }
    }

    /// Takes a drawn token; whether the text now contains a stop string.
    pub fn push(&mut self, token: u32) -> Result<bool> {
        self.tail.push_str(&self.decoder.push(token)?);
        if self
            .stop
            .iter()
            .any(|stop| self.tail.contains(stop.as_str()))
        {
            return Ok(true);
        }
        let longest = self.stop.iter().map(String::len).max().unwrap_or(0);
        let mut start = (self.tail.len() + 1).saturating_sub(longest);
        while !self.tail.is_char_boundary(start) {
            start -= 1;
        }
        self.tail.drain(..start);
        Ok(false)
    }

    /// Takes a token that was injected: its text does not stop the attempt, and no match reaches into it.
    pub fn skip(&mut self, token: u32) -> Result<()> {
        self.decoder.push(token)?;
        self.tail.clear();
        Ok(())
    }
}
