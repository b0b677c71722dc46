//! How fast attempts are drawn on this machine, every completion at its full length.
//!
//! `decode_speed --model DIR --batch FILE --new-tokens N [--groups G] [--group 8] [--short-tokens M] [--warm-up 1]
//! [--repeats 5]` prints one line of JSON. `--short-tokens` measures a shorter completion as well, so that the time of
//! one more token comes out without the prompt's and without packing the weights, which each call does once.
//!
//! `cargo xtask bench` makes the directory and the batch; `RAYON_NUM_THREADS=1` measures one core.

mod support;

use anyhow::Result;
use farthing_engine::{Device, Model, Tokenizer};
use serde_json::json;

use support::{Batch, Options, draw_full_length, median, timed};

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

    let draw = |new_tokens| -> Result<f64> {
        let draw = || draw_full_length(&model, &tokenizer, prompts, group, new_tokens);
        Ok(timed(draw)?.1)
    };
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
