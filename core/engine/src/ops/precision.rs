//! How compositions compute in half precision: sums, exponentials and norms in f32, and what goes on to the next matrix
//! product rounded to the type it came in. Wider types stay as they are.

use candle_core::{DType, Tensor};

use crate::error::Result;

/// `x` in f32 if it is of half precision.
pub fn widened(x: &Tensor) -> Result<Tensor> {
    match x.dtype() {
        DType::BF16 | DType::F16 => Ok(x.to_dtype(DType::F32)?),
        _ => Ok(x.clone()),
    }
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
