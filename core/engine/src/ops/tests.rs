//! Every operation against two references: the kernel (f32) against the composition (f64 tensors take that way), and
//! both backwards against finite differences of their own forwards.

#![allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.

use candle_core::{DType, Device, Tensor};

use super::attention::{self, Attended, Heads};
use super::rotary::{Direction, Rotary};
use super::{embedding, head, linear, rms_norm, rows, swiglu};
use crate::config::{Architecture, ModelConfig, RopeScaling};
use crate::error::Result;

/// An operation for the test: outputs from inputs, and the inputs' derivatives from the outputs' derivatives.
trait Operation {
    fn forward(&self, inputs: &[Tensor]) -> Result<Vec<Tensor>>;
    fn backward(&self, inputs: &[Tensor], doutputs: &[Tensor]) -> Result<Vec<Tensor>>;
}

/// Checks an operation for inputs of the given shapes.
fn check(operation: &impl Operation, shapes: &[(usize, usize)]) {
    let run = |dtype: DType| {
        let inputs: Vec<Tensor> = shapes
            .iter()
            .enumerate()
            .map(|(seed, &shape)| numbers(shape, seed as u64, dtype))
            .collect();
        let outputs = operation.forward(&copies(&inputs)).unwrap();
        let doutputs: Vec<Tensor> = outputs
            .iter()
            .enumerate()
            .map(|(seed, y)| numbers(y.dims2().unwrap(), 100 + seed as u64, dtype))
            .collect();
        let dinputs = operation
            .backward(&copies(&inputs), &copies(&doutputs))
            .unwrap();
        let (step, tolerance) = if dtype == DType::F64 {
            (1e-5, 1e-6)
        } else {
            (1e-2, 1e-2)
        };
        finite_differences(operation, &inputs, &doutputs, &dinputs, step, tolerance);
        (outputs, dinputs)
    };
    let (expected_outputs, expected_dinputs) = run(DType::F64);
    let (outputs, dinputs) = run(DType::F32);
    for (found, expected) in outputs
        .iter()
        .zip(&expected_outputs)
        .chain(dinputs.iter().zip(&expected_dinputs))
    {
        assert_eq!(found.dtype(), DType::F32);
        assert_close(&flat(found), &flat(expected), 2e-6);
    }
}

fn finite_differences(
    operation: &impl Operation,
    inputs: &[Tensor],
    doutputs: &[Tensor],
    dinputs: &[Tensor],
    step: f64,
    tolerance: f64,
) {
    let loss = |inputs: &[Tensor]| -> f64 {
        let outputs = operation.forward(&copies(inputs)).unwrap();
        outputs
            .iter()
            .zip(doutputs)
            .map(|(y, d)| flat(y).iter().zip(flat(d)).map(|(y, d)| y * d).sum::<f64>())
            .sum()
    };
    for (index, input) in inputs.iter().enumerate() {
        let values = flat(input);
        let found = flat(&dinputs[index]);
        // Every seventh element, so that large inputs stay quick; 7 divides no size used here.
        for at in (0..values.len()).step_by(7) {
            let moved = |by: f64| {
                let mut values = values.clone();
                values[at] += by;
                let mut inputs = inputs.to_vec();
                inputs[index] = tensor(&values, input.dims2().unwrap(), input.dtype());
                loss(&inputs)
            };
            let expected = (moved(step) - moved(-step)) / (2.0 * step);
            assert!(
                (found[at] - expected).abs() <= tolerance * expected.abs().max(1.0),
                "input {index}, element {at}: the backward says {}, differences say {expected}",
                found[at]
            );
        }
    }
}

struct RmsNorm;

impl Operation for RmsNorm {
    // Inputs: x, delta, weight.
    fn forward(&self, inputs: &[Tensor]) -> Result<Vec<Tensor>> {
        let weight = inputs[2].squeeze(0)?;
        let (sum, normed) = rms_norm::forward_sum(&inputs[0], inputs[1].clone(), &weight, 1e-3)?;
        let again = rms_norm::forward(&sum, &weight, 1e-3)?;
        assert_eq!(flat(&again.y), flat(&normed.y));
        Ok(vec![sum, normed.y])
    }

    fn backward(&self, inputs: &[Tensor], doutputs: &[Tensor]) -> Result<Vec<Tensor>> {
        let weight = inputs[2].squeeze(0)?;
        let (sum, normed) = rms_norm::forward_sum(&inputs[0], inputs[1].clone(), &weight, 1e-3)?;
        let mut dweight = weight.zeros_like()?;
        let dx = rms_norm::backward(
            &sum,
            &weight,
            &normed.inverse_rms,
            &doutputs[1],
            doutputs[0].clone(),
            &mut dweight,
        )?;
        Ok(vec![dx.clone(), dx, dweight.unsqueeze(0)?])
    }
}

#[test]
fn rms_norm() {
    // More tokens than one block, and features that do not fill the lanes.
    check(&RmsNorm, &[(5, 37), (5, 37), (1, 37)]);
    check(&RmsNorm, &[(150, 16), (150, 16), (1, 16)]);
}

struct Linear;

impl Operation for Linear {
    // Inputs: x, weight, bias.
    fn forward(&self, inputs: &[Tensor]) -> Result<Vec<Tensor>> {
        Ok(vec![linear::forward(
            &inputs[0],
            &inputs[1],
            Some(&inputs[2].squeeze(0)?),
        )?])
    }

    fn backward(&self, inputs: &[Tensor], doutputs: &[Tensor]) -> Result<Vec<Tensor>> {
        let dy = &doutputs[0];
        let dx = linear::backward_input(dy, &inputs[1], None)?;
        // Twice into the same, less once: `onto` adds.
        let twice = linear::backward_input(dy, &inputs[1], Some(dx.copy()?))?;
        let dx = (twice - dx)?;
        let mut dweight = inputs[1].zeros_like()?;
        let mut dbias = inputs[2].squeeze(0)?.zeros_like()?;
        linear::backward_parameters(&inputs[0], dy, &mut dweight, Some(&mut dbias))?;
        Ok(vec![dx, dweight, dbias.unsqueeze(0)?])
    }
}

#[test]
fn linear() {
    check(&Linear, &[(5, 13), (9, 13), (1, 9)]);
    check(&Linear, &[(130, 8), (71, 8), (1, 71)]);
}

struct SwiGlu;

impl Operation for SwiGlu {
    fn forward(&self, inputs: &[Tensor]) -> Result<Vec<Tensor>> {
        Ok(vec![swiglu::forward(&inputs[0], &inputs[1])?])
    }

    fn backward(&self, inputs: &[Tensor], doutputs: &[Tensor]) -> Result<Vec<Tensor>> {
        let activation = flat(&self.forward(inputs)?[0]);
        let backward = swiglu::backward(inputs[0].clone(), inputs[1].clone(), doutputs[0].clone())?;
        assert_close(&flat(&backward.activation), &activation, 1e-6);
        Ok(vec![backward.dgate, backward.dup])
    }
}

#[test]
fn swiglu() {
    check(&SwiGlu, &[(3, 45), (3, 45)]);
}

struct Rotate {
    rotary: Rotary,
    positions: Vec<u32>,
}

impl Operation for Rotate {
    fn forward(&self, inputs: &[Tensor]) -> Result<Vec<Tensor>> {
        Ok(vec![self.rotary.rotate(
            inputs[0].clone(),
            &self.positions,
            Direction::Forward,
        )?])
    }

    fn backward(&self, _: &[Tensor], doutputs: &[Tensor]) -> Result<Vec<Tensor>> {
        Ok(vec![self.rotary.rotate(
            doutputs[0].clone(),
            &self.positions,
            Direction::Backward,
        )?])
    }
}

#[test]
fn rotary() {
    let config = ModelConfig {
        architecture: Architecture::Llama,
        vocab_size: 8,
        hidden_size: 8,
        intermediate_size: 8,
        num_hidden_layers: 1,
        num_attention_heads: 3,
        num_key_value_heads: 1,
        head_dim: 10,
        rms_norm_eps: 1e-5,
        rope_theta: 100.0,
        rope_scaling: RopeScaling::None,
        max_position_embeddings: 64,
        tie_word_embeddings: false,
        initializer_range: 0.02,
        bos_token_id: None,
        eos_token_id: Vec::new(),
        pad_token_id: None,
    };
    let rotary = Rotary::new(&config, 50);
    check(
        &Rotate {
            rotary,
            positions: vec![0, 1, 2, 49],
        },
        &[(4, 30)],
    );
}

struct Attention {
    offsets: Vec<usize>,
    heads: Heads,
}

impl Attention {
    fn attend(&self, inputs: &[Tensor]) -> Result<Attended> {
        attention::forward(
            &inputs[0],
            &inputs[1],
            &inputs[2],
            &self.offsets,
            self.heads,
        )
    }
}

impl Operation for Attention {
    fn forward(&self, inputs: &[Tensor]) -> Result<Vec<Tensor>> {
        Ok(vec![self.attend(inputs)?.out])
    }

    fn backward(&self, inputs: &[Tensor], doutputs: &[Tensor]) -> Result<Vec<Tensor>> {
        let attended = self.attend(inputs)?;
        let [query, key, value] = inputs else {
            panic!("three inputs")
        };
        let derivatives = attention::backward(
            query,
            key,
            value,
            &attended,
            &doutputs[0],
            &self.offsets,
            self.heads,
        )?;
        Ok(vec![derivatives.query, derivatives.key, derivatives.value])
    }
}

#[test]
fn attention_over_packed_sequences() {
    let heads = Heads {
        query: 4,
        key_value: 2,
        dim: 6,
    };
    let offsets = vec![0, 3, 3, 4, 12];
    check(
        &Attention { offsets, heads },
        &[(12, 24), (12, 12), (12, 12)],
    );
}

#[test]
fn attention_over_more_than_one_block_of_queries() {
    let heads = Heads {
        query: 1,
        key_value: 1,
        dim: 4,
    };
    check(
        &Attention {
            offsets: vec![0, 110],
            heads,
        },
        &[(110, 4), (110, 4), (110, 4)],
    );
}

struct Embedding(Vec<u32>);

impl Operation for Embedding {
    fn forward(&self, inputs: &[Tensor]) -> Result<Vec<Tensor>> {
        Ok(vec![embedding::forward(&inputs[0], &self.0)?])
    }

    fn backward(&self, inputs: &[Tensor], doutputs: &[Tensor]) -> Result<Vec<Tensor>> {
        let mut dweight = inputs[0].zeros_like()?;
        embedding::backward(&self.0, &doutputs[0], &mut dweight)?;
        Ok(vec![dweight])
    }
}

#[test]
fn embedding_with_repeated_tokens() {
    check(&Embedding(vec![4, 0, 4, 4, 2, 0]), &[(5, 19)]);
}

struct Head {
    targets: Vec<u32>,
    temperature: f32,
}

impl Operation for Head {
    // Outputs: logp and entropy, one row each.
    fn forward(&self, inputs: &[Tensor]) -> Result<Vec<Tensor>> {
        let predicted = head::forward(&inputs[0], &inputs[1], &self.targets, self.temperature)?;
        [predicted.logp, predicted.entropy]
            .into_iter()
            .map(|row| {
                Ok(Tensor::new(row, &Device::Cpu)?
                    .unsqueeze(0)?
                    .to_dtype(inputs[0].dtype())?)
            })
            .collect()
    }

    fn backward(&self, inputs: &[Tensor], doutputs: &[Tensor]) -> Result<Vec<Tensor>> {
        let predicted = head::forward(&inputs[0], &inputs[1], &self.targets, self.temperature)?;
        let row = |index: usize| {
            doutputs[index]
                .squeeze(0)?
                .to_dtype(DType::F32)?
                .to_vec1::<f32>()
        };
        let mut dweight = inputs[1].zeros_like()?;
        let dx = head::backward(
            &inputs[0],
            &inputs[1],
            &self.targets,
            self.temperature,
            &predicted,
            &row(0)?,
            Some(&row(1)?),
            &mut dweight,
        )?;
        Ok(vec![dx, dweight])
    }
}

#[test]
fn head_with_entropy() {
    // The head hands over f32 scores, which finite differences in f64 cannot resolve; the whole-model tests against
    // transformers hold it to 1e-4, and this compares kernel and composition, and the kernel with coarse differences.
    for temperature in [1.0, 0.7] {
        let operation = Head {
            targets: vec![3, 0, 20],
            temperature,
        };
        let shapes = [(3, 11), (21, 11)];
        let run = |dtype| {
            let inputs: Vec<Tensor> = shapes
                .iter()
                .zip(0..)
                .map(|(&shape, seed)| numbers(shape, seed, dtype))
                .collect();
            let outputs = operation.forward(&inputs).unwrap();
            let doutputs = [numbers((1, 3), 5, dtype), numbers((1, 3), 6, dtype)];
            let dinputs = operation.backward(&inputs, &doutputs).unwrap();
            finite_differences(&operation, &inputs, &doutputs, &dinputs, 1e-2, 1e-3);
            outputs.into_iter().chain(dinputs).collect::<Vec<_>>()
        };
        for (found, expected) in run(DType::F32).iter().zip(run(DType::F64)) {
            assert_close(&flat(found), &flat(&expected), 2e-6);
        }
    }
}

struct Rows(Vec<u32>);

impl Operation for Rows {
    fn forward(&self, inputs: &[Tensor]) -> Result<Vec<Tensor>> {
        Ok(vec![rows::gather(&inputs[0], &self.0)?])
    }

    fn backward(&self, inputs: &[Tensor], doutputs: &[Tensor]) -> Result<Vec<Tensor>> {
        Ok(vec![rows::scatter(
            &doutputs[0],
            &self.0,
            inputs[0].dim(0)?,
        )?])
    }
}

#[test]
fn rows_chosen_and_spread() {
    check(&Rows(vec![1, 2, 5]), &[(6, 9)]);
}

/// Kernels change their inputs in place; tests go on using them.
fn copies(tensors: &[Tensor]) -> Vec<Tensor> {
    tensors
        .iter()
        .map(|tensor| tensor.copy().unwrap())
        .collect()
}

fn numbers(shape: (usize, usize), seed: u64, dtype: DType) -> Tensor {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let values: Vec<f64> = (0..shape.0 * shape.1)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            // Multiples of 2^-10 between -1 and 1, exact in both types.
            ((state >> 40) % 2049) as f64 / 1024.0 - 1.0
        })
        .collect();
    tensor(&values, shape, dtype)
}

fn tensor(values: &[f64], shape: (usize, usize), dtype: DType) -> Tensor {
    Tensor::from_vec(values.to_vec(), shape, &Device::Cpu)
        .and_then(|tensor| tensor.to_dtype(dtype))
        .unwrap()
}

fn flat(tensor: &Tensor) -> Vec<f64> {
    tensor
        .to_dtype(DType::F64)
        .and_then(|tensor| tensor.flatten_all()?.to_vec1())
        .unwrap()
}

#[track_caller]
fn assert_close(found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        let difference = (found - expected).abs();
        assert!(
            difference <= tolerance * expected.abs().max(1.0),
            "[{index}]: found {found}, expected {expected}"
        );
    }
}
