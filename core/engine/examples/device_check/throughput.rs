//! How many tokens a second a device decodes and trains, and the most memory that each takes.
//!
//! Every completion has its full length, and a training step is what a run does: forward and backward over micro-batches,
//! then AdamW. The device works behind the program's back, so a time is taken only when it has caught up.

use anyhow::Result;
use farthing_engine::{
    AdamW, AdamWConfig, Device, Gradients, MachineSpeed, Model, Packed, Sequences, Tokenizer,
    select_device,
};
use serde_json::{Value, json};

use crate::memory;
use crate::precision::Precision;
use crate::shapes::named;
use crate::support::{Options, draw_full_length, median, timed};

pub const OPTIONS: [&str; 9] = [
    "device",
    "shape",
    "precision",
    "prompts",
    "group",
    "prompt-tokens",
    "new-tokens",
    "micro-batch-tokens",
    "repeats",
];

struct Measurement {
    device: Device,
    prompts: usize,
    group: usize,
    prompt_tokens: usize,
    new_tokens: usize,
    micro_batch_tokens: usize,
    repeats: usize,
}

pub fn run(options: &Options) -> Result<()> {
    let device = select_device(options.text("device").unwrap_or("cuda:0"))?;
    let precision = Precision::named(options.text("precision").unwrap_or("bf16"))?;
    let shape = options.text("shape").unwrap_or("qwen2.5-0.5b");
    let config = named(shape)?;
    let measurement = Measurement {
        device: device.clone(),
        prompts: options.number("prompts", 16)?,
        group: options.number("group", 8)?,
        prompt_tokens: options.number("prompt-tokens", 128)?,
        new_tokens: options.number("new-tokens", 256)?,
        micro_batch_tokens: options.number("micro-batch-tokens", 8192)?,
        repeats: options.number("repeats", 3)?,
    };
    let model = precision.convert(Model::init(config, 1, &device)?)?;
    let parameters = model.parameter_count();
    let speed = MachineSpeed::measure(&device, precision.dtype())?;
    eprintln!("{shape}: {parameters} parameters in {}", precision.name());
    let decoding = measurement.decoding(&model)?;
    eprintln!("decoding: {decoding}");
    let training = measurement.training(model)?;
    eprintln!("training: {training}");
    println!(
        "{}",
        json!({
            "device": memory::name(&device)?,
            "shape": shape,
            "precision": precision.name(),
            "parameters": parameters,
            "product_operations_per_second": speed.operations,
            "copied_bytes_per_second": speed.bytes,
            "sequences": measurement.count(),
            "group": measurement.group,
            "prompt_tokens": measurement.prompt_tokens,
            "new_tokens": measurement.new_tokens,
            "micro_batch_tokens": measurement.micro_batch_tokens,
            "decoding": decoding,
            "training": training,
        })
    );
    Ok(())
}

impl Measurement {
    fn count(&self) -> usize {
        self.prompts * self.group
    }

    fn sequences(&self) -> Sequences {
        Sequences {
            count: self.count() as f64,
            prompt: self.prompt_tokens as f64,
            new_tokens: self.new_tokens as f64,
            group: self.group as f64,
        }
    }

    fn decoding(&self, model: &Model) -> Result<Value> {
        // Tokens are numbers here: nothing is spelled out, so any tokenizer will do.
        let tokenizer = Tokenizer::characters::<&str>("ab", &[])?;
        let prompts = self.prompt_tokens(model);
        let draw = || draw_full_length(model, &tokenizer, &prompts, self.group, self.new_tokens);
        let ((), peak) = memory::peak_during(&self.device, draw)?;
        let mut seconds = Vec::new();
        for _ in 0..self.repeats {
            seconds.push(self.timed(draw)?);
        }
        let tokens = self.count() * self.new_tokens;
        let operations = model.config().forward_operations(&self.sequences());
        Ok(json!({
            "seconds": seconds,
            "tokens_per_second": tokens as f64 / median(&seconds),
            "operations": operations,
            "operations_per_second": operations / median(&seconds),
            "peak_bytes": peak,
        }))
    }

    fn training(&self, mut model: Model) -> Result<Value> {
        let prompts = self.prompt_tokens(&model);
        let length = self.prompt_tokens + self.new_tokens;
        let vocabulary = model.config().vocab_size;
        let sequences: Vec<Vec<u32>> = (0..self.count())
            .map(|at| {
                let prompt = &prompts[at / self.group];
                let own = (0..self.new_tokens).map(|position| token(at, position, vocabulary));
                prompt.iter().copied().chain(own).collect()
            })
            .collect();
        let parts: Vec<Packed> = sequences
            .chunks((self.micro_batch_tokens / length).max(1))
            .map(|part| {
                let prompt = self.prompt_tokens;
                Packed::from_sequences(part.iter().map(|tokens| (tokens.as_slice(), prompt)))
            })
            .collect();
        let predicted = self.count() * self.new_tokens;
        let mut gradients = Gradients::zeros(&model)?;
        let mut rule = AdamW::new(AdamWConfig::default(), &model)?;
        let operations = model.config().training_operations(&self.sequences());
        let mut step = || -> Result<(f64, f64)> {
            let passes = self.timed(|| {
                for packed in &parts {
                    let derivatives = vec![-1.0 / predicted as f32; packed.predicted_count()];
                    let pass = model.forward(packed, 1.0)?;
                    pass.backward(&derivatives, None, &mut gradients)?;
                }
                Ok(())
            })?;
            let update = self.timed(|| {
                // A step of no size: the weights stay finite however often this is measured.
                rule.step(&mut model, &gradients, 0.0)?;
                Ok(gradients.zero()?)
            })?;
            Ok((passes, update))
        };
        let (_, peak) = memory::peak_during(&self.device, &mut step)?;
        let (mut passes, mut updates) = (Vec::new(), Vec::new());
        for _ in 0..self.repeats {
            let (pass, update) = step()?;
            passes.push(pass);
            updates.push(update);
        }
        let whole: Vec<f64> = passes.iter().zip(&updates).map(|(a, b)| a + b).collect();
        let tokens = self.count() * length;
        Ok(json!({
            "seconds": whole,
            "forward_backward_seconds": passes,
            "update_seconds": updates,
            "micro_batches": parts.len(),
            "tokens_per_second": tokens as f64 / median(&whole),
            "operations": operations,
            "operations_per_second": operations / median(&whole),
            "peak_bytes": peak,
        }))
    }

    fn prompt_tokens(&self, model: &Model) -> Vec<Vec<u32>> {
        let vocabulary = model.config().vocab_size;
        let prompt = |at: usize| {
            let tokens =
                (0..self.prompt_tokens).map(|position| token(at + 1000, position, vocabulary));
            tokens.collect()
        };
        (0..self.prompts).map(prompt).collect()
    }

    /// The seconds until the device has done the work.
    fn timed(&self, work: impl FnOnce() -> Result<()>) -> Result<f64> {
        self.device.synchronize()?;
        let ((), seconds) = timed(|| {
            work()?;
            Ok(self.device.synchronize()?)
        })?;
        Ok(seconds)
    }
}

/// Some token: which one it is costs nothing.
fn token(sequence: usize, position: usize, vocabulary: usize) -> u32 {
    ((sequence * 7919 + position * 104_729) % vocabulary) as u32
}
