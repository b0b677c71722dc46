//! Rows of the embedding matrix, one for each token.

use candle_core::Tensor;
use rayon::prelude::*;

use super::columns;
use super::lanes::vectorised;
use super::slices::{on_cpu, read, write};
use crate::buffers;
use crate::error::Result;

/// (tokens, features) from `weight`: (vocabulary, features). Every token must lie inside the vocabulary.
pub fn forward(weight: &Tensor, tokens: &[u32]) -> Result<Tensor> {
    if !on_cpu(&[weight]) {
        let tokens = Tensor::new(tokens, weight.device())?;
        return Ok(weight.index_select(&tokens, 0)?);
    }
    let (_, features) = weight.dims2()?;
    let mut x = buffers::take(tokens.len() * features);
    let weight = read(weight);
    x.par_chunks_mut(features * columns::BLOCK)
        .zip(tokens.par_chunks(columns::BLOCK))
        .for_each(|(x, tokens)| {
            for (row, &token) in x.chunks_exact_mut(features).zip(tokens) {
                row.copy_from_slice(&weight[token as usize * features..][..features]);
            }
        });
    x.into_tensor(tokens.len(), features)
}

/// Adds each token's derivative to its row of `dweight`, but those of `padding`: transformers' models learn nothing from
/// where that token stands, also where it is a word of its own (as the end of a turn often is).
pub fn backward(
    tokens: &[u32],
    padding: Option<u32>,
    dx: &Tensor,
    dweight: &mut Tensor,
) -> Result<()> {
    let learned =
        (0..tokens.len() as u32).filter(|&position| Some(tokens[position as usize]) != padding);
    if !on_cpu(&[dx, dweight]) {
        let positions: Vec<u32> = learned.collect();
        if positions.is_empty() {
            return Ok(());
        }
        let rows: Vec<u32> = positions
            .iter()
            .map(|&position| tokens[position as usize])
            .collect();
        let dx = dx.index_select(&Tensor::new(positions, dx.device())?, 0)?;
        let dx = dx.to_dtype(dweight.dtype())?;
        *dweight = dweight.index_add(&Tensor::new(rows, dx.device())?, &dx, 0)?;
        return Ok(());
    }
    let (_, features) = dweight.dims2()?;
    // Positions in the order of their tokens (a stable sort), so that each row's sum is one task's, in batch order.
    let mut order: Vec<u32> = learned.collect();
    order.sort_by_key(|&position| tokens[position as usize]);
    let dx = read(dx);
    write(dweight, |dweight| {
        let mut rows = Vec::new();
        let mut rest = dweight;
        let mut first_row = 0;
        for same in order.chunk_by(|&a, &b| tokens[a as usize] == tokens[b as usize]) {
            let row = tokens[same[0] as usize] as usize;
            let (_, from_row) = rest.split_at_mut((row - first_row) * features);
            let (values, after) = from_row.split_at_mut(features);
            rows.push((values, same));
            rest = after;
            first_row = row + 1;
        }
        rows.into_par_iter().for_each(|(row, positions)| {
            vectorised(
                #[inline(always)]
                || {
                    for &position in positions {
                        for (sum, dx) in row
                            .iter_mut()
                            .zip(&dx[position as usize * features..][..features])
                        {
                            *sum += dx;
                        }
                    }
                },
            );
        });
    })
}
