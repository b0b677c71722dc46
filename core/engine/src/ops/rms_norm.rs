//! y = x / rms(x) * w, with rms(x) = sqrt(mean(x^2) + eps) over the features of a token (Zhang and Sennrich 2019).
//!
//! The residual addition before a norm is part of the operation: the sum is made while its squares are taken.

use candle_core::{D, Tensor};
use rayon::prelude::*;

use super::columns;
use super::lanes::{dot, vectorised};
use super::precision::{accumulate, rounded_as, widened};
use super::slices::{on_cpu, read, write};
use crate::buffers;
use crate::error::Result;

/// A norm's output and what its backward needs besides the input.
#[derive(Debug)]
pub struct Normed {
    /// (tokens, features)
    pub y: Tensor,
    /// 1 / rms(x), (tokens, 1)
    pub inverse_rms: Tensor,
}

pub fn forward(x: &Tensor, weight: &Tensor, eps: f64) -> Result<Normed> {
    if !on_cpu(&[x, weight]) {
        return composed(x, weight, eps);
    }
    let (tokens, features) = x.dims2()?;
    let mut y = buffers::take(tokens * features);
    let mut inverse_rms = buffers::take(tokens);
    let (x, weight) = (read(x), read(weight));
    y.par_chunks_mut(features * columns::BLOCK)
        .zip(x.par_chunks(features * columns::BLOCK))
        .zip(inverse_rms.par_chunks_mut(columns::BLOCK))
        .for_each(|((y, x), inverse_rms)| rows(x, &weight, eps, y, inverse_rms));
    Ok(Normed {
        y: y.into_tensor(tokens, features)?,
        inverse_rms: inverse_rms.into_tensor(tokens, 1)?,
    })
}

/// The same for slices of whole tokens, on the calling thread.
pub fn rows(x: &[f32], weight: &[f32], eps: f64, y: &mut [f32], inverse_rms: &mut [f32]) {
    let features = weight.len();
    vectorised(
        #[inline(always)]
        || {
            for ((x, y), inverse) in x
                .chunks_exact(features)
                .zip(y.chunks_exact_mut(features))
                .zip(inverse_rms)
            {
                *inverse = inverse_root(dot(x, x), features, eps);
                for ((y, x), w) in y.iter_mut().zip(x).zip(weight) {
                    *y = x * *inverse * w;
                }
            }
        },
    );
}

/// `x + delta`, in the memory of `delta`, and its norm.
pub fn forward_sum(
    x: &Tensor,
    delta: Tensor,
    weight: &Tensor,
    eps: f64,
) -> Result<(Tensor, Normed)> {
    if !on_cpu(&[x, &delta, weight]) {
        let sum = (x + delta)?;
        let normed = composed(&sum, weight, eps)?;
        return Ok((sum, normed));
    }
    let (tokens, features) = x.dims2()?;
    let mut y = buffers::take(tokens * features);
    let mut inverse_rms = buffers::take(tokens);
    let (x, weight) = (read(x), read(weight));
    write(&delta, |sum| {
        y.par_chunks_mut(features * columns::BLOCK)
            .zip(x.par_chunks(features * columns::BLOCK))
            .zip(sum.par_chunks_mut(features * columns::BLOCK))
            .zip(inverse_rms.par_chunks_mut(columns::BLOCK))
            .for_each(|(((y, x), sum), inverse_rms)| {
                vectorised(
                    #[inline(always)]
                    || {
                        for (sum, x) in sum.iter_mut().zip(x) {
                            *sum += x;
                        }
                    },
                );
                rows(sum, &weight, eps, y, inverse_rms);
            });
    })?;
    Ok((
        delta,
        Normed {
            y: y.into_tensor(tokens, features)?,
            inverse_rms: inverse_rms.into_tensor(tokens, 1)?,
        },
    ))
}

/// Adds dx to `onto` (the derivative that flows past the norm on the residual path) and dw to `dweight`, if it is
/// wanted.
///
/// With n = x / rms(x): dx = (w dy - n mean(w dy n)) / rms(x), dw = sum over tokens of dy n.
pub fn backward(
    x: &Tensor,
    weight: &Tensor,
    inverse_rms: &Tensor,
    dy: &Tensor,
    onto: Tensor,
    dweight: Option<&mut Tensor>,
) -> Result<Tensor> {
    let (tokens, features) = x.dims2()?;
    if !on_cpu(&[x, weight, inverse_rms, dy, &onto]) {
        let n = widened(x)?.broadcast_mul(inverse_rms)?;
        let dy = widened(dy)?;
        if let Some(dweight) = dweight {
            accumulate(dweight, &(&dy * &n)?.sum(0)?, 1.0)?;
        }
        let dn = dy.broadcast_mul(&widened(weight)?)?;
        let projection = (&dn * &n)?.mean_keepdim(D::Minus1)?;
        let dx = (dn - n.broadcast_mul(&projection)?)?.broadcast_mul(inverse_rms)?;
        return Ok((&onto + rounded_as(dx, &onto)?)?);
    }
    let (x, weight, inverse_rms, dy) = (read(x), read(weight), read(inverse_rms), read(dy));
    let chunk = features * columns::BLOCK;
    let sums: Vec<Vec<f32>> = write(&onto, |onto| {
        onto.par_chunks_mut(chunk)
            .zip(x.par_chunks(chunk))
            .zip(dy.par_chunks(chunk))
            .zip(inverse_rms.par_chunks(columns::BLOCK))
            .map(|(((onto, x), dy), inverse_rms)| {
                let mut dweight = vec![0.0; features];
                vectorised(
                    #[inline(always)]
                    || backward_rows(x, &weight, inverse_rms, dy, onto, &mut dweight),
                );
                dweight
            })
            .collect()
    })?;
    debug_assert_eq!(sums.len(), tokens.div_ceil(columns::BLOCK));
    if let Some(dweight) = dweight {
        write(dweight, |dweight| columns::add_in_order(dweight, &sums))?;
    }
    Ok(onto)
}

#[inline(always)]
fn backward_rows(
    x: &[f32],
    weight: &[f32],
    inverse_rms: &[f32],
    dy: &[f32],
    onto: &mut [f32],
    dweight: &mut [f32],
) {
    let features = weight.len();
    let rows = x
        .chunks_exact(features)
        .zip(dy.chunks_exact(features))
        .zip(onto.chunks_exact_mut(features));
    for (((x, dy), onto), &inverse) in rows.zip(inverse_rms) {
        // w dy n, summed while dw is taken.
        let mut product = [0.0; 16];
        let blocks = features / 16 * 16;
        for start in (0..blocks).step_by(16) {
            for lane in 0..16 {
                let at = start + lane;
                let dyn_ = dy[at] * (x[at] * inverse);
                dweight[at] += dyn_;
                product[lane] += dyn_ * weight[at];
            }
        }
        for at in blocks..features {
            let dyn_ = dy[at] * (x[at] * inverse);
            dweight[at] += dyn_;
            product[at - blocks] += dyn_ * weight[at];
        }
        let mean = super::lanes::sum(&product) / features as f32;
        let pull = mean * inverse * inverse;
        for (((onto, &x), &dy), &w) in onto.iter_mut().zip(x).zip(dy).zip(weight) {
            *onto += dy * w * inverse - x * pull;
        }
    }
}

fn composed(x: &Tensor, weight: &Tensor, eps: f64) -> Result<Normed> {
    let wide = widened(x)?;
    let mean_square = wide.sqr()?.mean_keepdim(D::Minus1)?;
    let inverse_rms = (mean_square + eps)?.sqrt()?.recip()?;
    let y = wide
        .broadcast_mul(&inverse_rms)?
        .broadcast_mul(&widened(weight)?)?;
    Ok(Normed {
        y: rounded_as(y, x)?,
        inverse_rms,
    })
}

#[inline(always)]
fn inverse_root(sum_of_squares: f32, features: usize, eps: f64) -> f32 {
    1.0 / (sum_of_squares / features as f32 + eps as f32).sqrt()
}
