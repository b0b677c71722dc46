//! Operations that treat each token by itself.

use candle_core::Tensor;

use super::{Operation, assert_close, check, flat};
use crate::error::Result;
use crate::ops::{embedding, linear, rms_norm, rows, swiglu};

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
