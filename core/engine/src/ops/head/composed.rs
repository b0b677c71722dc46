//! The head from Candle's operations, for devices and types without a kernel here.
//!
//! Logits are made in the type of the pass and widened for the softmax. What is wanted of all chunks comes to the host
//! in one copy, so that a device works through them without a pause.

use candle_core::{D, DType, Tensor};

use super::Predicted;
use crate::error::Result;
use crate::ops::precision::{Softmax, accumulate, rounded_as, widened};

pub fn forward(
    x: &Tensor,
    weight: &Tensor,
    targets: &[u32],
    temperature: f32,
    chunk: usize,
) -> Result<Predicted> {
    let mut parts = Vec::new();
    for (start, targets) in chunks(targets, chunk) {
        let z = logits(&x.narrow(0, start, targets.len())?, weight, temperature)?;
        let softmax = Softmax::of(&z)?;
        let log_sum = softmax.log_normaliser()?;
        let mean = (softmax.p * &z)?.sum_keepdim(D::Minus1)?;
        let target = Tensor::new(targets, z.device())?.unsqueeze(1)?;
        let logp = (z.gather(&target, 1)? - &log_sum)?;
        parts.push(Tensor::cat(&[&logp, &(&log_sum - mean)?, &log_sum], 1)?);
    }
    let rows: Vec<Vec<f32>> = match parts.is_empty() {
        true => Vec::new(),
        false => Tensor::cat(&parts, 0)?.to_dtype(DType::F32)?.to_vec2()?,
    };
    let column = |index: usize| rows.iter().map(|row| row[index]).collect();
    Ok(Predicted {
        logp: column(0),
        entropy: column(1),
        log_normaliser: column(2),
    })
}

pub fn backward(
    x: &Tensor,
    weight: &Tensor,
    targets: &[u32],
    temperature: f32,
    predicted: &Predicted,
    dlogp: &[f32],
    dentropy: Option<&[f32]>,
    mut dweight: Option<&mut Tensor>,
    chunk: usize,
) -> Result<Tensor> {
    let mut parts = Vec::new();
    for (start, targets) in chunks(targets, chunk) {
        let end = start + targets.len();
        let x = x.narrow(0, start, targets.len())?;
        let z = logits(&x, weight, temperature)?;
        let column = |values: &[f32]| -> Result<Tensor> {
            let column = Tensor::new(&values[start..end], z.device())?;
            Ok(column.to_dtype(z.dtype())?.unsqueeze(1)?)
        };
        let log_p = z.broadcast_sub(&column(&predicted.log_normaliser)?)?;
        let p = log_p.exp()?;
        let dlogp = column(dlogp)?;
        let mut dz = p.broadcast_mul(&dlogp.neg()?)?;
        if let Some(dentropy) = dentropy {
            let surprise = log_p.broadcast_add(&column(&predicted.entropy)?)?;
            dz = (dz - (p * surprise)?.broadcast_mul(&column(dentropy)?)?)?;
        }
        let target = Tensor::new(targets, dz.device())?.unsqueeze(1)?;
        let dz = (dz.scatter_add(&target, &dlogp, 1)? / f64::from(temperature))?;
        let dz = rounded_as(dz, &x)?;
        parts.push(dz.matmul(weight)?);
        if let Some(dweight) = &mut dweight {
            accumulate(dweight, &dz.t()?.matmul(&x)?, 1.0)?;
        }
    }
    match parts.is_empty() {
        true => Ok(x.zeros_like()?),
        false => Ok(Tensor::cat(&parts, 0)?),
    }
}

fn chunks(targets: &[u32], chunk: usize) -> impl Iterator<Item = (usize, &[u32])> {
    targets
        .chunks(chunk)
        .enumerate()
        .map(move |(index, targets)| (index * chunk, targets))
}

fn logits(x: &Tensor, weight: &Tensor, temperature: f32) -> Result<Tensor> {
    let z = widened(&x.matmul(&weight.t()?)?)?;
    Ok(match temperature {
        1.0 => z,
        _ => (z / f64::from(temperature))?,
    })
}
