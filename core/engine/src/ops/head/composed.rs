//! The head from Candle's operations, for devices and types without a kernel here.

use candle_core::{D, DType, Tensor};

use super::Predicted;
use crate::error::Result;

pub fn forward(
    x: &Tensor,
    weight: &Tensor,
    targets: &[u32],
    temperature: f32,
    chunk: usize,
) -> Result<Predicted> {
    let mut predicted = Predicted {
        logp: Vec::new(),
        entropy: Vec::new(),
        log_normaliser: Vec::new(),
    };
    for (start, targets) in chunks(targets, chunk) {
        let z = logits(&x.narrow(0, start, targets.len())?, weight, temperature)?;
        let largest = z.max_keepdim(D::Minus1)?;
        let e = z.broadcast_sub(&largest)?.exp()?;
        let sum = e.sum_keepdim(D::Minus1)?;
        let log_sum = (largest + sum.log()?)?;
        let mean = (e.broadcast_div(&sum)? * &z)?.sum_keepdim(D::Minus1)?;
        let target = Tensor::new(targets, z.device())?.unsqueeze(1)?;
        predicted
            .logp
            .extend(values(&(z.gather(&target, 1)? - &log_sum)?)?);
        predicted.entropy.extend(values(&(&log_sum - mean)?)?);
        predicted.log_normaliser.extend(values(&log_sum)?);
    }
    Ok(predicted)
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
        let column = |values: &[f32]| -> Result<Tensor> {
            Ok(Tensor::new(values, x.device())?
                .to_dtype(x.dtype())?
                .unsqueeze(1)?)
        };
        let x = x.narrow(0, start, targets.len())?;
        let z = logits(&x, weight, temperature)?;
        let log_p = z.broadcast_sub(&column(&predicted.log_normaliser[start..end])?)?;
        let p = log_p.exp()?;
        let dlogp = column(&dlogp[start..end])?;
        let mut dz = p.broadcast_mul(&dlogp.neg()?)?;
        if let Some(dentropy) = dentropy {
            let surprise = log_p.broadcast_add(&column(&predicted.entropy[start..end])?)?;
            dz = (dz - (p * surprise)?.broadcast_mul(&column(&dentropy[start..end])?)?)?;
        }
        let target = Tensor::new(targets, dz.device())?.unsqueeze(1)?;
        let dz = (dz.scatter_add(&target, &dlogp, 1)? / f64::from(temperature))?;
        parts.push(dz.matmul(weight)?);
        if let Some(dweight) = &mut dweight {
            **dweight = (&**dweight + dz.t()?.matmul(&x)?)?;
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
    Ok((x.matmul(&weight.t()?)? / f64::from(temperature))?)
}

fn values(column: &Tensor) -> Result<Vec<f32>> {
    Ok(column.flatten_all()?.to_dtype(DType::F32)?.to_vec1()?)
}
