//! The same models and tokens on the CPU's f32 kernels and on a device: how far apart scores, gradients, a short training
//! run and decoding are.
//!
//! Differences of numbers that are small by nature are shown relative to the whole tensor, because that is the step that
//! an update takes. Losses of a run are compared step by step: weights are not, since AdamW divides by the gradient's size
//! and so turns rounding of the smallest gradients into whole steps.

use std::collections::HashMap;

use anyhow::{Result, bail};
use candle_core::{DType, Tensor};
use farthing_engine::{
    AdamW, AdamWConfig, Architecture, DecodingPlan, Device, Gradients, Model, NoHooks, Packed,
    PromptGroup, Tokenizer, decode, select_device,
};
use serde_json::{Value, json};

use crate::memory;
use crate::precision::{Precision, Tolerance};
use crate::shapes::tiny;
use crate::support::Options;

const SEED: u64 = 7;
const LEARNING_RATE: f64 = 3e-3;
/// Not 1, so that a temperature that is lost somewhere shows.
const TEMPERATURE: f64 = 0.9;

/// What a family's comparison found.
struct Found {
    family: &'static str,
    logp: f64,
    entropy: f64,
    gradient: (f64, String),
    losses: Vec<(f64, f64)>,
    decoding: f64,
}

pub fn run(options: &Options) -> Result<()> {
    let device = select_device(options.text("device").unwrap_or("cuda:0"))?;
    let precision = Precision::named(options.text("precision").unwrap_or("f32"))?;
    let steps: usize = options.number("steps", 20)?;
    let tolerance = precision.tolerance();
    let (mut families, mut failures) = (Vec::new(), Vec::new());
    for architecture in Architecture::ALL {
        let found = compare(architecture, precision, &device, steps)?;
        eprintln!("{}", found.line());
        failures.extend(found.failures(&tolerance));
        families.push(found.json());
    }
    println!(
        "{}",
        json!({
            "device": memory::name(&device)?,
            "precision": precision.name(),
            "steps": steps,
            "tolerance": {
                "nats": tolerance.nats,
                "gradient": tolerance.gradient,
                "loss": tolerance.loss,
                "decoding": tolerance.decoding,
            },
            "families": families,
            "failures": failures,
        })
    );
    if !failures.is_empty() {
        bail!(
            "{} {}: {}",
            memory::name(&device)?,
            precision.name(),
            failures.join("; ")
        );
    }
    Ok(())
}

fn compare(
    architecture: Architecture,
    precision: Precision,
    device: &Device,
    steps: usize,
) -> Result<Found> {
    let alphabet: String = (b' '..=b'y').map(char::from).collect();
    let tokenizer = Tokenizer::characters::<&str>(&alphabet, &[])?;
    let config = tiny(architecture, tokenizer.vocab_size());
    let packed = batch(config.vocab_size);
    let reference = Model::init(config.clone(), SEED, &Device::Cpu)?;
    let model = precision.convert(Model::init(config, SEED, device)?)?;

    let expected = reference.score(&packed, TEMPERATURE)?;
    let found = model.score(&packed, TEMPERATURE)?;
    let gradient = worst_gradient(
        &gradients(&reference, &packed)?,
        &gradients(&model, &packed)?,
    )?;
    let decoding = decoding_difference(&model, &tokenizer)?;
    let losses = train(reference, &packed, steps)?
        .into_iter()
        .zip(train(model, &packed, steps)?)
        .collect();
    Ok(Found {
        family: architecture.model_type(),
        logp: largest_difference(&expected.logp, &found.logp),
        entropy: largest_difference(&expected.entropy, &found.entropy),
        gradient,
        losses,
        decoding,
    })
}

/// Attempts that share their prompts, sequences that stand alone, and one of which nothing is predicted.
fn batch(vocab_size: usize) -> Packed {
    let tokens = |length: usize, stream: u64| -> Vec<u32> {
        let numbers = arbitrary(length, stream);
        let token = |number: f32| ((number + 1.0) / 2.0 * vocab_size as f32) as u32;
        numbers
            .into_iter()
            .map(|number| token(number).min(vocab_size as u32 - 1))
            .collect()
    };
    let mut sequences = Vec::new();
    for (group, (prompt, completions)) in [
        (23, [40, 1, 17]),
        (1, [5, 9, 60]),
        (70, [3, 0, 88]),
        (12, [30, 30, 30]),
    ]
    .into_iter()
    .enumerate()
    {
        let shared = tokens(prompt, group as u64);
        for (attempt, length) in completions.into_iter().enumerate() {
            let own = tokens(length, 100 + (group * 10 + attempt) as u64);
            sequences.push(([shared.clone(), own].concat(), prompt));
        }
    }
    Packed::from_sequences(
        sequences
            .iter()
            .map(|(tokens, prompt)| (tokens.as_slice(), *prompt)),
    )
}

/// Numbers between -1 and 1 that are the same everywhere.
fn arbitrary(count: usize, stream: u64) -> Vec<f32> {
    let mut state = stream.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) % 20_001) as f32 / 10_000.0 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

fn largest_difference(expected: &[f32], found: &[f32]) -> f64 {
    let differences = expected
        .iter()
        .zip(found)
        .map(|(&a, &b)| (f64::from(a) - f64::from(b)).abs());
    largest(differences)
}

/// Not a number counts as infinitely far, which `f64::max` would pass over.
fn largest(values: impl Iterator<Item = f64>) -> f64 {
    values
        .map(|value| match value.is_nan() {
            true => f64::INFINITY,
            false => value,
        })
        .fold(0.0, f64::max)
}

type Derivatives = HashMap<String, Vec<f64>>;

/// Of an arbitrary function of log-probabilities and entropies, so that no derivative cancels.
fn gradients(model: &Model, packed: &Packed) -> Result<Derivatives> {
    let count = packed.predicted_count();
    let mut gradients = Gradients::zeros(model)?;
    let pass = model.forward(packed, TEMPERATURE)?;
    pass.backward(
        &arbitrary(count, 1),
        Some(&arbitrary(count, 2)),
        &mut gradients,
    )?;
    gradients
        .iter()
        .map(|(name, tensor)| Ok((name.to_owned(), values(tensor)?)))
        .collect()
}

fn values(tensor: &Tensor) -> Result<Vec<f64>> {
    let tensor = tensor.to_device(&Device::Cpu)?.to_dtype(DType::F64)?;
    Ok(tensor.flatten_all()?.to_vec1()?)
}

/// The parameter whose gradients are furthest apart, and the norm of the difference over the norm.
fn worst_gradient(expected: &Derivatives, found: &Derivatives) -> Result<(f64, String)> {
    let mut worst = (0.0, String::new());
    for (name, expected) in expected {
        let Some(found) = found.get(name) else {
            bail!("{name} has a gradient on the CPU and none on the device");
        };
        let norm = |values: &mut dyn Iterator<Item = f64>| {
            values.map(|value| value * value).sum::<f64>().sqrt()
        };
        let difference = norm(&mut expected.iter().zip(found).map(|(a, b)| a - b));
        let relative = largest(std::iter::once(
            difference / norm(&mut expected.iter().copied()),
        ));
        if relative >= worst.0 {
            worst = (relative, name.clone());
        }
    }
    Ok(worst)
}

/// The losses, in nats a token, of so many steps on one batch.
fn train(mut model: Model, packed: &Packed, steps: usize) -> Result<Vec<f64>> {
    let count = packed.predicted_count();
    let derivatives = vec![-1.0 / count as f32; count];
    let mut gradients = Gradients::zeros(&model)?;
    let mut rule = AdamW::new(AdamWConfig::default(), &model)?;
    let mut losses = Vec::new();
    for _ in 0..steps {
        let pass = model.forward(packed, 1.0)?;
        let sum: f64 = pass
            .scores()
            .logp
            .iter()
            .map(|&value| f64::from(value))
            .sum();
        losses.push(-sum / count as f64);
        pass.backward(&derivatives, None, &mut gradients)?;
        rule.step(&mut model, &gradients, LEARNING_RATE)?;
        gradients.zero()?;
    }
    Ok(losses)
}

/// How far the log-probabilities at decoding are from those of the training pass, on the model's device.
fn decoding_difference(model: &Model, tokenizer: &Tokenizer) -> Result<f64> {
    let prompts: [Vec<u32>; 3] = [vec![5, 9, 2, 40], vec![17], (0..60).collect()];
    let seeds = [1, 2, 3, 4];
    let groups: Vec<PromptGroup<'_>> = prompts
        .iter()
        .map(|tokens| PromptGroup {
            tokens,
            seeds: &seeds,
        })
        .collect();
    let plan = DecodingPlan {
        temperature: TEMPERATURE as f32,
        top_p: 0.95,
        max_new_tokens: 40,
        ..DecodingPlan::default()
    };
    let attempts = decode(model, tokenizer, &groups, &plan, 5, &mut NoHooks)?;
    let (mut sequences, mut drawn) = (Vec::new(), Vec::new());
    for (prompt, attempts) in prompts.iter().zip(&attempts) {
        for attempt in attempts {
            sequences.push((
                [prompt.clone(), attempt.tokens.clone()].concat(),
                prompt.len(),
            ));
            drawn.extend_from_slice(&attempt.logp);
        }
    }
    let packed = Packed::from_sequences(
        sequences
            .iter()
            .map(|(tokens, prompt)| (tokens.as_slice(), *prompt)),
    );
    let scores = model.score(&packed, TEMPERATURE)?;
    if scores.logp.len() != drawn.len() || drawn.is_empty() {
        bail!(
            "decoding drew {} tokens and the training pass scored {}",
            drawn.len(),
            scores.logp.len()
        );
    }
    Ok(largest_difference(&scores.logp, &drawn))
}

impl Found {
    fn loss(&self) -> f64 {
        let relative = |(a, b): &(f64, f64)| (a - b).abs() / a.abs();
        largest(self.losses.iter().map(relative))
    }

    fn line(&self) -> String {
        format!(
            "{}: log-probability {:.1e}, entropy {:.1e} nats; gradient {:.1e} ({}); loss {:.1e}; decoding {:.1e} nats",
            self.family,
            self.logp,
            self.entropy,
            self.gradient.0,
            self.gradient.1,
            self.loss(),
            self.decoding
        )
    }

    fn failures(&self, tolerance: &Tolerance) -> Vec<String> {
        // Twenty steps on one batch teach it by heart; a run that does not learn agrees with itself and proves nothing.
        let learns = match (self.losses.first(), self.losses.last()) {
            (Some(first), Some(last)) => largest(std::iter::once(last.1 / first.1)),
            _ => 0.0,
        };
        let checks = [
            ("log-probability", self.logp, tolerance.nats),
            ("entropy", self.entropy, tolerance.nats),
            ("gradient", self.gradient.0, tolerance.gradient),
            ("loss", self.loss(), tolerance.loss),
            ("decoding", self.decoding, tolerance.decoding),
            ("last loss over first", learns, 0.95),
        ];
        let failed = checks.into_iter().filter(|(_, found, most)| found > most);
        failed
            .map(|(what, found, most)| {
                format!(
                    "{}: {what}: expected at most {most}, found {found:.2e}",
                    self.family
                )
            })
            .collect()
    }

    fn json(&self) -> Value {
        let [first, last] = [self.losses.first(), self.losses.last()]
            .map(|losses| losses.map(|(_, on_device)| *on_device));
        json!({
            "family": self.family,
            "logp": self.logp,
            "entropy": self.entropy,
            "gradient": self.gradient.0,
            "gradient_of": self.gradient.1,
            "loss": self.loss(),
            "first_loss": first,
            "last_loss": last,
            "decoding": self.decoding,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn not_a_number_is_infinitely_far() {
        assert_eq!(
            largest_difference(&[1.0, f32::NAN], &[1.0, 2.0]),
            f64::INFINITY
        );
        assert_eq!(largest_difference(&[1.0, 2.0], &[1.5, 2.0]), 0.5);
    }

    #[test]
    fn what_is_too_far_is_named() {
        let found = Found {
            family: "llama",
            logp: 1e-6,
            entropy: f64::INFINITY,
            gradient: (1e-6, "norm".into()),
            losses: vec![(4.0, 4.0), (3.0, 3.1)],
            decoding: 0.0,
        };
        let failures = found.failures(&Precision::F32.tolerance()).join("\n");
        insta::assert_snapshot!(failures, @r"
        llama: entropy: expected at most 0.0001, found inf
        llama: loss: expected at most 0.001, found 3.33e-2
        ");
    }
}
