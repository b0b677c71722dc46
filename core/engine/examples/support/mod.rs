//! What the measuring programs share: options, a plain model, the batch that both sides of a comparison read, attempts that
//! are drawn at full length, times as JSON.
//!
//! A number from here stands beside one from another framework, so the tokens come from a file that the other side
//! reads as well, and every time is printed, not only the best: whoever compares takes the medians.

#![allow(dead_code)] // Each program uses its part.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use farthing_engine::{
    Architecture, DecodingPlan, Model, ModelConfig, NoHooks, PromptGroup, RopeScaling, Tokenizer,
    decode,
};
use serde_json::Value;

/// `--name value` pairs.
pub struct Options {
    pairs: Vec<(String, String)>,
}

impl Options {
    /// The program's arguments; `known` are the names that it understands.
    pub fn from_arguments(known: &[&str]) -> Result<Self> {
        Self::parse(std::env::args().skip(1), known)
    }

    pub fn parse(mut arguments: impl Iterator<Item = String>, known: &[&str]) -> Result<Self> {
        let mut pairs = Vec::new();
        while let Some(name) = arguments.next() {
            let Some(key) = name.strip_prefix("--").filter(|key| known.contains(key)) else {
                bail!("expected one of --{}, found {name:?}", known.join(", --"));
            };
            let value = arguments
                .next()
                .with_context(|| format!("{name} needs a value"))?;
            pairs.push((key.to_owned(), value));
        }
        Ok(Self { pairs })
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        let given = self.pairs.iter().rev().find(|(key, _)| key == name);
        given.map(|(_, value)| value.as_str())
    }

    pub fn path(&self, name: &str) -> Result<PathBuf> {
        let value = self.text(name);
        value
            .map(PathBuf::from)
            .with_context(|| format!("--{name} is missing"))
    }

    pub fn number<T: FromStr>(&self, name: &str, default: T) -> Result<T> {
        match self.text(name) {
            None => Ok(default),
            Some(text) => text
                .parse()
                .ok()
                .with_context(|| format!("--{name}: expected a number, found {text:?}")),
        }
    }
}

/// Token ids that both sides of a comparison work on.
pub struct Batch {
    pub prompts: Vec<Vec<u32>>,
    /// Prompt and completion, all of one length.
    pub sequences: Vec<Vec<u32>>,
    pub prompt_length: usize,
}

impl Batch {
    /// Reads `{"prompts": [[..]], "sequences": [[..]], "prompt_length": n}`.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        let value: Value = serde_json::from_str(&text)
            .with_context(|| format!("{} is not JSON", path.display()))?;
        let read = || {
            Some(Self {
                prompts: token_lists(&value["prompts"])?,
                sequences: token_lists(&value["sequences"])?,
                prompt_length: value["prompt_length"].as_u64()? as usize,
            })
        };
        read().with_context(|| {
            format!(
                "{}: expected `prompts`, `sequences` (lists of token ids) and `prompt_length`",
                path.display()
            )
        })
    }
}

fn token_lists(value: &Value) -> Option<Vec<Vec<u32>>> {
    let list = |list: &Value| {
        let tokens = list.as_array()?.iter();
        tokens
            .map(|token| token.as_u64().map(|token| token as u32))
            .collect()
    };
    value.as_array()?.iter().map(list).collect()
}

/// The sizes of a decoder.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    pub hidden: usize,
    pub inner: usize,
    pub layers: usize,
    pub heads: usize,
    pub kv_heads: usize,
}

/// A decoder with tied embeddings, and without biases of choice, scaled positions and a sliding window.
pub fn plain_config(architecture: Architecture, vocab_size: usize, sizes: Sizes) -> ModelConfig {
    ModelConfig {
        architecture,
        vocab_size,
        hidden_size: sizes.hidden,
        intermediate_size: sizes.inner,
        num_hidden_layers: sizes.layers,
        num_attention_heads: sizes.heads,
        num_key_value_heads: sizes.kv_heads,
        head_dim: sizes.hidden / sizes.heads,
        rms_norm_eps: 1e-6,
        rope_theta: 10_000.0,
        rope_scaling: RopeScaling::None,
        max_position_embeddings: 512,
        tie_word_embeddings: true,
        attention_bias: false,
        mlp_bias: false,
        sliding_window: None,
        initializer_range: 0.02,
        bos_token_id: None,
        eos_token_id: Vec::new(),
        pad_token_id: None,
    }
}

/// Draws `group` attempts at each prompt, all together. No token ends an attempt; one that is shorter than `new_tokens` is
/// an error.
pub fn draw_full_length(
    model: &Model,
    tokenizer: &Tokenizer,
    prompts: &[Vec<u32>],
    group: usize,
    new_tokens: usize,
) -> Result<()> {
    let seeds: Vec<Vec<u64>> = (0..prompts.len())
        .map(|prompt| (0..group).map(|at| (prompt * group + at) as u64).collect())
        .collect();
    let groups: Vec<PromptGroup<'_>> = prompts
        .iter()
        .zip(&seeds)
        .map(|(tokens, seeds)| PromptGroup { tokens, seeds })
        .collect();
    let plan = DecodingPlan {
        max_new_tokens: new_tokens,
        ..DecodingPlan::default()
    };
    let rows = prompts.len() * group;
    let attempts = decode(model, tokenizer, &groups, &plan, rows, &mut NoHooks)?;
    for attempt in attempts.iter().flatten() {
        let length = attempt.tokens.len();
        ensure!(
            length == new_tokens,
            "an attempt has {length} tokens, expected {new_tokens}: the times are not comparable"
        );
    }
    Ok(())
}

/// What `work` gives, and the seconds that it took.
pub fn timed<T>(work: impl FnOnce() -> Result<T>) -> Result<(T, f64)> {
    let started = Instant::now();
    let value = work()?;
    Ok((value, started.elapsed().as_secs_f64()))
}

pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}
