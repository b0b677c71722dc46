//! How compositions compute in half precision: sums, exponentials and norms in f32, and what goes on to the next matrix
//! product rounded to the type it came in. Wider types stay as they are. The residual stream is added up in the type of the
//! pass, as transformers does.

use candle_core::{D, DType, Tensor};

use crate::error::Result;

/// What is summed in where a pass computes in `dtype`.
pub fn wide(dtype: DType) -> DType {
    match dtype {
        DType::BF16 | DType::F16 => DType::F32,
        wide => wide,
    }
}

/// `x` in f32 if it is of half precision.
pub fn widened(x: &Tensor) -> Result<Tensor> {
    Ok(x.to_dtype(wide(x.dtype()))?)
}

/// `x` in the type of `like`.
pub fn rounded_as(x: Tensor, like: &Tensor) -> Result<Tensor> {
    Ok(x.to_dtype(like.dtype())?)
}

/// `sum += scale * x`, in the type of `sum`: gradients are f32 whatever a pass computes in.
pub fn accumulate(sum: &mut Tensor, x: &Tensor, scale: f32) -> Result<()> {
    let x = x.to_dtype(sum.dtype())?;
    *sum = match scale {
        1.0 => (&*sum + x)?,
        _ => (&*sum + (x * f64::from(scale))?)?,
    };
    Ok(())
}

/// The softmax over the last dimension, in the type of its scores.
pub struct Softmax {
    /// The shape of the scores.
    pub p: Tensor,
    largest: Tensor,
    /// Of the exponentials, the largest of which is 1.
    sum: Tensor,
}

impl Softmax {
    pub fn of(scores: &Tensor) -> Result<Self> {
        let largest = scores.max_keepdim(D::Minus1)?;
        let e = scores.broadcast_sub(&largest)?.exp()?;
        let sum = e.sum_keepdim(D::Minus1)?;
        Ok(Self {
            p: e.broadcast_div(&sum)?,
            largest,
            sum,
        })
    }

    /// `log sum exp` of the scores, one for each row.
    pub fn log_normaliser(&self) -> Result<Tensor> {
        Ok((&self.largest + self.sum.log()?)?)
    }
}

/// 0 where a key may be seen and minus infinity where it comes after `last_seen`, `(rows, 1, queries, 1)`, of u32; the result
/// is `(rows, 1, queries, keys)`.
pub fn mask(last_seen: &Tensor, keys: usize, dtype: DType) -> Result<Tensor> {
    let device = last_seen.device();
    let hidden = Tensor::arange(0, keys as u32, device)?
        .reshape((1, 1, 1, keys))?
        .broadcast_gt(last_seen)?;
    let never = Tensor::new(f32::NEG_INFINITY, device)?.to_dtype(dtype)?;
    let shape = hidden.shape();
    Ok(hidden.where_cond(
        &never.broadcast_as(shape)?,
        &never.zeros_like()?.broadcast_as(shape)?,
    )?)
}
