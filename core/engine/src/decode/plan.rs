//! How attempts are drawn, as plain numbers.

use std::collections::BTreeMap;

use crate::error::{EngineError, Result};

/// Settings of one decoding call. The default draws from the model's own distribution.
///
/// The order is that of transformers and vLLM: bias, repetition penalty, temperature, top-k, top-p, min-p.
#[derive(Clone, Debug, PartialEq)]
pub struct DecodingPlan {
    /// Divides the logits; 0 takes the likeliest token (the lowest id among equals).
    pub temperature: f32,
    /// Keeps the likeliest tokens until their share of the probability reaches this; 1 keeps all.
    pub top_p: f32,
    /// Keeps this many of the likeliest tokens, and those equal to the last of them; 0 keeps all.
    pub top_k: usize,
    /// Keeps tokens at least this likely, relative to the likeliest; 0 keeps all.
    pub min_p: f32,
    /// Divides positive and multiplies negative logits of every token in prompt and completion; 1 is off.
    pub repetition_penalty: f32,
    /// Added to the logits of these token ids, before everything else.
    pub logit_bias: BTreeMap<u32, f32>,
    /// An attempt ends when its text (special tokens spelled out) contains one of these; the text is kept.
    pub stop: Vec<String>,
    /// Token ids that end an attempt; they stay in its tokens.
    pub eos: Vec<u32>,
    /// Tokens drawn from the start, or from the last injected text.
    pub max_new_tokens: usize,
    /// Limit of a whole completion, injected text included; the model's context is a limit in any case.
    pub max_completion_tokens: Option<usize>,
}

/// What may be in memory at one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodingBudget {
    /// Attempts that are drawn together.
    pub rows: usize,
    /// Positions with keys and values: prompts, each once for its group (on devices once for each attempt), and
    /// completions up to their limit. An attempt that needs more than all of it is drawn alone.
    pub tokens: usize,
}

impl From<usize> for DecodingBudget {
    /// So many rows, whatever their length.
    fn from(rows: usize) -> Self {
        Self {
            rows,
            tokens: usize::MAX,
        }
    }
}

impl Default for DecodingPlan {
    fn default() -> Self {
        Self {
            temperature: 1.0,
            top_p: 1.0,
            top_k: 0,
            min_p: 0.0,
            repetition_penalty: 1.0,
            logit_bias: BTreeMap::new(),
            stop: Vec::new(),
            eos: Vec::new(),
            max_new_tokens: 128,
            max_completion_tokens: None,
        }
    }
}

impl DecodingPlan {
    pub(super) fn is_greedy(&self) -> bool {
        self.temperature == 0.0
    }

    pub(super) fn validate(&self, vocab_size: usize) -> Result<()> {
        let (t, p, m, r) = (
            self.temperature,
            self.top_p,
            self.min_p,
            self.repetition_penalty,
        );
        let ranges = [
            (
                "temperature",
                t.is_finite() && t >= 0.0,
                "a finite number, 0 or more",
                t,
            ),
            ("top_p", p > 0.0 && p <= 1.0, "more than 0, at most 1", p),
            (
                "min_p",
                (0.0..1.0).contains(&m),
                "0 or more, less than 1",
                m,
            ),
            (
                "repetition_penalty",
                r.is_finite() && r > 0.0,
                "a finite number above 0",
                r,
            ),
        ];
        for (name, fits, expected, found) in ranges {
            if !fits {
                return Err(EngineError::Argument(format!(
                    "the decoding plan has {name} = {found}; expected {expected}"
                )));
            }
        }
        for (&token, bias) in &self.logit_bias {
            if token as usize >= vocab_size || !bias.is_finite() {
                return Err(EngineError::Argument(format!(
                    "the decoding plan has logit_bias = {bias} for token {token}; expected finite numbers for tokens \
                     below {vocab_size}"
                )));
            }
        }
        if self.max_new_tokens == 0 || self.max_completion_tokens == Some(0) {
            return Err(EngineError::Argument(
                "the decoding plan allows no new token; expected a limit of at least 1".to_owned(),
            ));
        }
        if self.stop.iter().any(String::is_empty) {
            return Err(EngineError::Argument(
                "the decoding plan has an empty stop string, which would end every attempt; leave it out".to_owned(),
            ));
        }
        Ok(())
    }
}
