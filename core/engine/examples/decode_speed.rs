//! How fast attempts are drawn on this machine, every completion at its full length.
//!
//! `decode_speed --model DIR --batch FILE --new-tokens N [--groups G] [--group 8] [--short-tokens M] [--warm-up 1]
//! [--repeats 5]` prints one line of JSON. `--short-tokens` measures a shorter completion as well, so that the time of
//! one more token comes out without the prompt's and without packing the weights, which each call does once.
//!
//! `cargo xtask bench` makes the directory and the batch; `RAYON_NUM_THREADS=1` measures one core.

mod support;

use anyhow::{Result, ensure};
use farthing_engine::{DecodingPlan, Device, Model, NoHooks, PromptGroup, Tokenizer, decode};
use serde_json::json;

use support::{Batch, Options, median, timed};

fn main() -> Result<()> {
    let options = Options::from_arguments(&[
        "model",
        "batch",
        "new-tokens",
        "groups",
        "group",
        "short-tokens",
        "warm-up",
        "repeats",
    ])?;
    let directory = options.path("model")?;
    let model = Model::load(&directory, &Device::Cpu)?;
    let tokenizer = Tokenizer::load(&directory)?;
    let batch = Batch::read(&options.path("batch")?)?;
    let prompts = &batch.prompts[..options
        .number("groups", batch.prompts.len())?
        .min(batch.prompts.len())];
    let group: usize = options.number("group", 8)?;
    let new_tokens: usize = options.number("new-tokens", 64)?;
    let short_tokens: usize = options.number("short-tokens", 0)?;
    let warm_up: usize = options.number("warm-up", 1)?;
    let repeats: usize = options.number("repeats", 5)?;

    let draw = |new_tokens| draw(&model, &tokenizer, prompts, group, new_tokens);
    let (mut seconds, mut short) = (Vec::new(), Vec::new());
    for round in 0..warm_up + repeats {
        let (long, brief) = (
            draw(new_tokens)?,
            (short_tokens > 0).then(|| draw(short_tokens)).transpose()?,
        );
        if round >= warm_up {
            seconds.push(long);
            short.extend(brief);
        }
    }
    let attempts = prompts.len() * group;
    let prompt_tokens: usize = prompts.iter().map(Vec::len).sum();
    eprintln!(
        "{attempts} attempts x {new_tokens} tokens in {:.3} s: {:.0} tokens/s",
        median(&seconds),
        (attempts * new_tokens) as f64 / median(&seconds)
    );
    println!(
        "{}",
        json!({
            "parameters": model.parameter_count(),
            "attempts": attempts,
            "new_tokens": new_tokens,
            "short_tokens": short_tokens,
            "prompt_tokens": prompt_tokens,
            "seconds": seconds,
            "short_seconds": short,
        })
    );
    Ok(())
}

/// The seconds of drawing `group` attempts at each prompt; an attempt that ended early is an error.
fn draw(
    model: &Model,
    tokenizer: &Tokenizer,
    prompts: &[Vec<u32>],
    group: usize,
    new_tokens: usize,
) -> Result<f64> {
    let seeds: Vec<Vec<u64>> = (0..prompts.len())
        .map(|prompt| (0..group).map(|at| (prompt * group + at) as u64).collect())
        .collect();
    let groups: Vec<PromptGroup<'_>> = prompts
        .iter()
        .zip(&seeds)
        .map(|(tokens, seeds)| PromptGroup { tokens, seeds })
        .collect();
    // No token ends an attempt.
    let plan = DecodingPlan {
        max_new_tokens: new_tokens,
        ..DecodingPlan::default()
    };
    let rows = prompts.len() * group;
    let (attempts, seconds) = timed(|| {
        Ok(decode(
            model,
            tokenizer,
            &groups,
            &plan,
            rows,
            &mut NoHooks,
        )?)
    })?;
    for attempt in attempts.iter().flatten() {
        let length = attempt.tokens.len();
        ensure!(
            length == new_tokens,
            "an attempt has {length} tokens, expected {new_tokens}: the times are not comparable"
        );
    }
    Ok(seconds)
}
