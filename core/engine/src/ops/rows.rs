//! Choosing some tokens of a batch, and its transpose.

use candle_core::Tensor;
use rayon::prelude::*;

use super::columns;
use super::precision::{rounded_as, widened};
use super::slices::{on_cpu, read, write};
use crate::buffers;
use crate::error::Result;

/// The rows `rows` of `x`.
pub fn gather(x: &Tensor, rows: &[u32]) -> Result<Tensor> {
    if !on_cpu(&[x]) {
        return Ok(x.index_select(&Tensor::new(rows, x.device())?, 0)?);
    }
    let (_, features) = x.dims2()?;
    let mut chosen = buffers::take(rows.len() * features);
    let x = read(x);
    chosen
        .par_chunks_mut(features * columns::BLOCK)
        .zip(rows.par_chunks(columns::BLOCK))
        .for_each(|(chosen, rows)| {
            for (to, &row) in chosen.chunks_exact_mut(features).zip(rows) {
                to.copy_from_slice(&x[row as usize * features..][..features]);
            }
        });
    chosen.into_tensor(rows.len(), features)
}

/// A matrix of `tokens` rows: for each the sum of the rows of `x` that `rows` says belong there.
pub fn scatter(x: &Tensor, rows: &[u32], tokens: usize) -> Result<Tensor> {
    let (_, features) = x.dims2()?;
    if !on_cpu(&[x]) {
        let wide = widened(x)?;
        let spread = Tensor::zeros((tokens, features), wide.dtype(), x.device())?;
        let spread = spread.index_add(&Tensor::new(rows, x.device())?, &wide, 0)?;
        return rounded_as(spread, x);
    }
    let spread = buffers::take_zeroed(tokens * features).into_tensor(tokens, features)?;
    let x = read(x);
    write(&spread, |spread| {
        for (from, &row) in x.chunks_exact(features).zip(rows) {
            let sum = &mut spread[row as usize * features..][..features];
            sum.iter_mut()
                .zip(from)
                .for_each(|(sum, value)| *sum += value);
        }
    })?;
    Ok(spread)
}
