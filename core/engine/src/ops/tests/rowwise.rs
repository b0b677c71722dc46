//! Operations that treat each token by itself.

use candle_core::Tensor;

use super::{Operation, assert_close, check, flat};
use crate::error::Result;
use crate::ops::dropout::{self, Mask};
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
            Some(&mut dweight),
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
        let dx = linear::backward_input(dy, &inputs[1], 1.0, None)?;
        // Twice into the same, less once: `onto` adds.
        let twice = linear::backward_input(dy, &inputs[1], 1.0, Some(dx.copy()?))?;
        let dx = (twice - dx)?;
        let mut dweight = inputs[1].zeros_like()?;
        let mut dbias = inputs[2].squeeze(0)?.zeros_like()?;
        linear::backward_parameters(&inputs[0], dy, 1.0, &mut dweight, Some(&mut dbias))?;
        Ok(vec![dx, dweight, dbias.unsqueeze(0)?])
    }
}

struct LowRank;

impl Operation for LowRank {
    // Inputs: x, weight, what the product is added to.
    fn forward(&self, inputs: &[Tensor]) -> Result<Vec<Tensor>> {
        Ok(vec![linear::forward_onto(
            &inputs[0],
            &inputs[1],
            0.3,
            inputs[2].clone(),
        )?])
    }

    fn backward(&self, inputs: &[Tensor], doutputs: &[Tensor]) -> Result<Vec<Tensor>> {
        let dy = &doutputs[0];
        let dx = linear::backward_input(dy, &inputs[1], 0.3, None)?;
        let mut dweight = inputs[1].zeros_like()?;
        linear::backward_parameters(&inputs[0], dy, 0.3, &mut dweight, None)?;
        Ok(vec![dx, dweight, dy.clone()])
    }
}

#[test]
fn a_scaled_product_added_to_another() {
    check(&LowRank, &[(11, 5), (9, 5), (11, 9)]);
}

struct Dropout(Vec<u64>);

impl Dropout {
    fn apply(&self, x: &Tensor) -> Result<Vec<Tensor>> {
        let mask = Mask {
            share: 0.4,
            seed: 3,
            keys: &self.0,
        };
        Ok(vec![dropout::apply(x, mask)?])
    }
}

impl Operation for Dropout {
    fn forward(&self, inputs: &[Tensor]) -> Result<Vec<Tensor>> {
        self.apply(&inputs[0])
    }

    fn backward(&self, _: &[Tensor], doutputs: &[Tensor]) -> Result<Vec<Tensor>> {
        self.apply(&doutputs[0])
    }
}

#[test]
fn dropout_scales_what_it_keeps() {
    let keys = |count: u64| Dropout((0..count).map(dropout::mix).collect());
    check(&keys(11), &[(11, 9)]);
    let ones = Tensor::ones(
        (400, 250),
        candle_core::DType::F32,
        &candle_core::Device::Cpu,
    );
    let kept = flat(&keys(400).apply(&ones.unwrap()).unwrap()[0]);
    let scale = f64::from((1.0 / 0.6) as f32);
    assert!(kept.iter().all(|&value| value == 0.0 || value == scale));
    // 100 000 draws: the share's standard deviation is 0.0015.
    let share = kept.iter().filter(|&&value| value == 0.0).count() as f64 / 1e5;
    assert!((share - 0.4).abs() < 0.007, "{share}");
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
        embedding::backward(&self.0, None, &doutputs[0], &mut dweight)?;
        Ok(vec![dweight])
    }
}

#[test]
fn nothing_is_learned_where_padding_stands() {
    let tokens = [4, 0, 4, 2, 0];
    for dtype in [candle_core::DType::F32, candle_core::DType::F64] {
        let dx = super::numbers((5, 7), 3, dtype);
        let run = |padding| {
            let mut dweight = Tensor::zeros((5, 7), dtype, dx.device()).unwrap();
            embedding::backward(&tokens, padding, &dx, &mut dweight).unwrap();
            flat(&dweight)
        };
        let (all, without) = (run(None), run(Some(4)));
        assert_eq!(all[..28], without[..28]);
        assert!(all[28..].iter().all(|&value| value != 0.0));
        assert!(without[28..].iter().all(|&value| value == 0.0));
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
