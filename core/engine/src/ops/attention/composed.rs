//! Attention from Candle's operations, segment by segment, for devices and types without a kernel here.

use candle_core::{D, DType, Tensor};

use super::{Attended, Derivatives, Heads, Segment};
use crate::error::Result;

pub fn forward(
    query: &Tensor,
    key: &Tensor,
    value: &Tensor,
    segments: &[Segment],
    heads: Heads,
) -> Result<Attended> {
    let (tokens, width) = query.dims2()?;
    let mut outs = Vec::new();
    let mut logs = Vec::new();
    for segment in not_empty(segments) {
        let q = split(&own(query, segment)?, heads.query)?;
        let k = repeat(&split(&seen(key, segment)?, heads.key_value)?, heads)?;
        let v = repeat(&split(&seen(value, segment)?, heads.key_value)?, heads)?;
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
    segments: &[Segment],
    heads: Heads,
) -> Result<Derivatives> {
    let scale = f64::from(heads.scale());
    let mut dquery = Vec::new();
    let (mut dkey, mut dvalue) = (key.zeros_like()?, value.zeros_like()?);
    for segment in not_empty(segments) {
        let q = split(&own(query, segment)?, heads.query)?;
        let k = repeat(&split(&seen(key, segment)?, heads.key_value)?, heads)?;
        let v = repeat(&split(&seen(value, segment)?, heads.key_value)?, heads)?;
        let o = split(&own(&attended.out, segment)?, heads.query)?;
        let d_o = split(&own(dout, segment)?, heads.query)?;
        let log_normaliser = own(&attended.log_normaliser, segment)?.t()?.unsqueeze(2)?;
        let p = scores(&q, &k, heads)?
            .broadcast_sub(&log_normaliser)?
            .exp()?;
        let d = (&d_o * &o)?.sum_keepdim(D::Minus1)?;
        let dp = d_o.matmul(&v.t()?)?;
        let ds = ((&p * dp.broadcast_sub(&d)?)? * scale)?;
        dquery.push(join(&ds.matmul(&k)?)?);
        let rows: Vec<u32> = segment
            .prefix
            .clone()
            .chain(segment.rows.clone())
            .map(|row| row as u32)
            .collect();
        let rows = Tensor::new(rows, key.device())?;
        let dk = join(&fold(&ds.t()?.matmul(&q)?, heads)?)?;
        let dv = join(&fold(&p.t()?.matmul(&d_o)?, heads)?)?;
        dkey = dkey.index_add(&rows, &dk, 0)?;
        dvalue = dvalue.index_add(&rows, &dv, 0)?;
    }
    if dquery.is_empty() {
        return Ok(Derivatives {
            query: query.zeros_like()?,
            key: dkey,
            value: dvalue,
        });
    }
    Ok(Derivatives {
        query: Tensor::cat(&dquery, 0)?,
        key: dkey,
        value: dvalue,
    })
}

fn not_empty(segments: &[Segment]) -> impl Iterator<Item = &Segment> {
    segments.iter().filter(|segment| !segment.rows.is_empty())
}

fn own(x: &Tensor, segment: &Segment) -> Result<Tensor> {
    Ok(x.narrow(0, segment.rows.start, segment.rows.len())?)
}

/// The rows that the segment's last row sees.
fn seen(x: &Tensor, segment: &Segment) -> Result<Tensor> {
    let own = own(x, segment)?;
    if segment.prefix.is_empty() {
        return Ok(own);
    }
    let prefix = x.narrow(0, segment.prefix.start, segment.prefix.len())?;
    Ok(Tensor::cat(&[prefix, own], 0)?)
}

/// (length, heads * dim) as (heads, length, dim).
fn split(x: &Tensor, heads: usize) -> Result<Tensor> {
    let (length, width) = x.dims2()?;
    let x = x.reshape((length, heads, width / heads))?;
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
    let (rows, keys) = (s.dim(1)?, s.dim(2)?);
    // The first row sees the prefix and itself.
    let first = keys - rows;
    let mask: Vec<f32> = (0..rows * keys)
        .map(|at| match at % keys > first + at / keys {
            true => f32::NEG_INFINITY,
            false => 0.0,
        })
        .collect();
    let mask = Tensor::from_vec(mask, (rows, keys), &candle_core::Device::Cpu)?;
    Ok(s.broadcast_add(
        &mask
            .to_device(s.device())?
            .to_dtype(DType::F32)?
            .to_dtype(s.dtype())?,
    )?)
}
