//! How fast a training pass runs on this machine, on given tokens; the completion's tokens are predicted.
//!
//! `pass_speed --model DIR --batch FILE [--micro-batch-tokens 4096] [--warm-up 1] [--repeats 5]` prints one line of JSON
//! with the seconds of each phase. A pass goes over the whole batch in micro-batches as even as can be, as `farthing train`
//! does it.

mod support;

use anyhow::Result;
use farthing_engine::{AdamW, AdamWConfig, Device, Gradients, Model, Packed};
use serde_json::json;

use support::{Batch, Options, median, timed};

fn main() -> Result<()> {
    let options =
        Options::from_arguments(&["model", "batch", "micro-batch-tokens", "warm-up", "repeats"])?;
    let mut model = Model::load(&options.path("model")?, &Device::Cpu)?;
    let batch = Batch::read(&options.path("batch")?)?;
    let micro_batch_tokens: usize = options.number("micro-batch-tokens", 4096)?;
    let warm_up: usize = options.number("warm-up", 1)?;
    let repeats: usize = options.number("repeats", 5)?;

    let length = batch.sequences.first().map_or(1, Vec::len);
    let sequences = batch.sequences.len();
    let part_count = sequences.div_ceil((micro_batch_tokens / length).max(1));
    let parts: Vec<Packed> = batch
        .sequences
        .chunks(sequences.div_ceil(part_count.max(1)).max(1))
        .map(|part| {
            Packed::from_sequences(
                part.iter()
                    .map(|tokens| (tokens.as_slice(), batch.prompt_length)),
            )
        })
        .collect();
    let predicted: usize = parts.iter().map(Packed::predicted_count).sum();
    let mut gradients = Gradients::zeros(&model)?;
    let mut rule = AdamW::new(AdamWConfig::default(), &model)?;

    let [mut score, mut forward, mut backward, mut update] = [const { Vec::new() }; 4];
    for round in 0..warm_up + repeats {
        let mut seconds = [0.0; 4];
        for packed in &parts {
            let derivatives = vec![-1.0 / predicted as f32; packed.predicted_count()];
            seconds[0] += timed(|| Ok(model.score(packed, 1.0)?))?.1;
            let (pass, time) = timed(|| Ok(model.forward(packed, 1.0)?))?;
            seconds[1] += time;
            seconds[2] += timed(|| Ok(pass.backward(&derivatives, None, &mut gradients)?))?.1;
        }
        seconds[3] = timed(|| {
            // A step of no size: the weights stay finite however often this is measured.
            rule.step(&mut model, &gradients, 0.0)?;
            Ok(gradients.zero()?)
        })?
        .1;
        if round >= warm_up {
            let times = [&mut score, &mut forward, &mut backward, &mut update];
            for (times, time) in times.into_iter().zip(seconds) {
                times.push(time);
            }
        }
    }
    let both: Vec<f64> = forward.iter().zip(&backward).map(|(f, b)| f + b).collect();
    let tokens: usize = batch.sequences.iter().map(Vec::len).sum();
    eprintln!(
        "{} x {length} tokens: forward+backward {:.3} s, {:.1} GFLOP/s of 6 x parameters x tokens",
        batch.sequences.len(),
        median(&both),
        6.0 * model.parameter_count() as f64 * tokens as f64 / median(&both) / 1e9
    );
    println!(
        "{}",
        json!({
            "parameters": model.parameter_count(),
            "sequences": batch.sequences.len(),
            "length": length,
            "predicted": predicted,
            "micro_batches": parts.len(),
            "seconds": both,
            "score": score,
            "forward": forward,
            "backward": backward,
            "update": update,
        })
    );
    Ok(())
}
