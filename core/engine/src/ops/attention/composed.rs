//! Attention from Candle's operations, sequence by sequence, for devices and types without a kernel here.

use candle_core::{D, DType, Tensor};

use super::{Attended, Derivatives, Heads};
use crate::error::Result;

pub fn forward(
    query: &Tensor,
    key: &Tensor,
    value: &Tensor,
    offsets: &[usize],
    heads: Heads,
) -> Result<Attended> {
    let (tokens, width) = query.dims2()?;
    let mut outs = Vec::new();
    let mut logs = Vec::new();
    for (start, length) in sequences(offsets) {
        let q = split(query, start, length, heads.query)?;
        let k = repeat(&split(key, start, length, heads.key_value)?, heads)?;
        let v = repeat(&split(value, start, length, heads.key_value)?, heads)?;
        let s = scores(&q, &k, heads)?;
        let largest = s.max_keepdim(D::Minus1)?;
        let e = s.broadcast_sub(&largest)?.exp()?;
        let sum = e.sum_keepdim(D::Minus1)?;
        outs.push(join(&e.broadcast_div(&sum)?.matmul(&v)?)?);
        logs.push((largest + sum.log()?)?.squeeze(2)?.t()?);
    }
    if outs.is_empty() {
        let out = Tensor::zeros((tokens, width), query.dtype(), query.device())?;
        let log_normaliser = Tensor::zeros((tokens, heads.query), query.dtype(), query.device())?;
        return Ok(Attended {
            out,
            log_normaliser,
        });
    }
    Ok(Attended {
        out: Tensor::cat(&outs, 0)?,
        log_normaliser: Tensor::cat(&logs, 0)?,
    })
}

pub fn backward(
    query: &Tensor,
    key: &Tensor,
    value: &Tensor,
    attended: &Attended,
    dout: &Tensor,
    offsets: &[usize],
    heads: Heads,
) -> Result<Derivatives> {
    let scale = f64::from(heads.scale());
    let (mut dquery, mut dkey, mut dvalue) = (Vec::new(), Vec::new(), Vec::new());
    for (start, length) in sequences(offsets) {
        let q = split(query, start, length, heads.query)?;
        let k = repeat(&split(key, start, length, heads.key_value)?, heads)?;
        let v = repeat(&split(value, start, length, heads.key_value)?, heads)?;
        let o = split(&attended.out, start, length, heads.query)?;
        let d_o = split(dout, start, length, heads.query)?;
        let log_normaliser = attended
            .log_normaliser
            .narrow(0, start, length)?
            .t()?
            .unsqueeze(2)?;
        let p = scores(&q, &k, heads)?
            .broadcast_sub(&log_normaliser)?
            .exp()?;
        let d = (&d_o * &o)?.sum_keepdim(D::Minus1)?;
        let dp = d_o.matmul(&v.t()?)?;
        let ds = ((&p * dp.broadcast_sub(&d)?)? * scale)?;
        dquery.push(join(&ds.matmul(&k)?)?);
        dkey.push(join(&fold(&ds.t()?.matmul(&q)?, heads)?)?);
        dvalue.push(join(&fold(&p.t()?.matmul(&d_o)?, heads)?)?);
    }
    if dquery.is_empty() {
        return Ok(Derivatives {
            query: query.zeros_like()?,
            key: key.zeros_like()?,
            value: value.zeros_like()?,
        });
    }
    Ok(Derivatives {
        query: Tensor::cat(&dquery, 0)?,
        key: Tensor::cat(&dkey, 0)?,
        value: Tensor::cat(&dvalue, 0)?,
    })
}

fn sequences(offsets: &[usize]) -> impl Iterator<Item = (usize, usize)> {
    offsets
        .windows(2)
        .map(|bounds| (bounds[0], bounds[1] - bounds[0]))
        .filter(|&(_, length)| length > 0)
}

/// The rows of one sequence as (heads, length, dim).
fn split(x: &Tensor, start: usize, length: usize, heads: usize) -> Result<Tensor> {
    let (_, width) = x.dims2()?;
    let x = x
        .narrow(0, start, length)?
        .reshape((length, heads, width / heads))?;
    Ok(x.transpose(0, 1)?.contiguous()?)
}

/// (heads, length, dim) as (length, heads * dim).
fn join(x: &Tensor) -> Result<Tensor> {
    let (heads, length, dim) = x.dims3()?;
    Ok(x.transpose(0, 1)?
        .contiguous()?
        .reshape((length, heads * dim))?)
}

/// Each key or value head once for every query head that reads it.
fn repeat(x: &Tensor, heads: Heads) -> Result<Tensor> {
    let (_, length, dim) = x.dims3()?;
    let x = x
        .unsqueeze(1)?
        .broadcast_as((heads.key_value, heads.group(), length, dim))?;
    Ok(x.contiguous()?.reshape((heads.query, length, dim))?)
}

/// The transpose of `repeat`: the sum over the query heads of a group.
fn fold(x: &Tensor, heads: Heads) -> Result<Tensor> {
    let (_, length, dim) = x.dims3()?;
    Ok(x.reshape((heads.key_value, heads.group(), length, dim))?
        .sum(1)?)
}

/// S with minus infinity where a key lies after the query.
fn scores(q: &Tensor, k: &Tensor, heads: Heads) -> Result<Tensor> {
    let s = (q.matmul(&k.t()?)? * f64::from(heads.scale()))?;
    let length = s.dim(1)?;
    let mask: Vec<f32> = (0..length * length)
        .map(|at| {
            if at % length > at / length {
                f32::NEG_INFINITY
            } else {
                0.0
            }
        })
        .collect();
    let mask = Tensor::from_vec(mask, (length, length), &candle_core::Device::Cpu)?;
    Ok(s.broadcast_add(
        &mask
            .to_device(s.device())?
            .to_dtype(DType::F32)?
            .to_dtype(s.dtype())?,
    )?)
}
