//! Every operation against two references: the kernel (f32) against the composition (f64 tensors take that way), and
//! both backwards against finite differences of their own forwards.

#![allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.

mod attention;
mod head;
mod rowwise;

use candle_core::{DType, Device, Tensor};

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
