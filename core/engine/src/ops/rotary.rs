//! Rotary position embeddings forward and backward, on all heads of a batch of tokens (see [`crate::rotary`]).

use std::sync::OnceLock;

use candle_core::{D, Tensor};
use rayon::prelude::*;

use super::columns;
use super::lanes::vectorised;
use super::precision::{rounded_as, wide, widened};
use super::slices::{on_cpu, write};
use crate::error::Result;
use crate::rotary::RotaryTable;

/// Forward turns by the angle, backward is the derivative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Forward,
    Backward,
}

/// The angles of a batch of tokens.
#[derive(Debug)]
pub struct Turns {
    table: RotaryTable,
    /// One for each token.
    positions: Vec<u32>,
    /// Cosines and sines, (tokens, dim / 2) each, where the batch is computed: made when the first layer asks.
    tensors: OnceLock<(Tensor, Tensor)>,
}

impl Turns {
    pub fn new(mut table: RotaryTable, positions: Vec<u32>) -> Self {
        let longest = positions.iter().max().map_or(0, |last| last + 1);
        table.reserve(longest as usize);
        Self {
            table,
            positions,
            tensors: OnceLock::new(),
        }
    }

    /// Rotates `x`: (tokens, heads * dim). On the CPU in place.
    pub fn rotate(&self, x: Tensor, direction: Direction) -> Result<Tensor> {
        let (tokens, width) = x.dims2()?;
        debug_assert_eq!(tokens, self.positions.len());
        if !on_cpu(&[&x]) {
            return self.composed(&x, direction);
        }
        let table = &self.table;
        write(&x, |x| {
            x.par_chunks_mut(width * columns::BLOCK)
                .zip(self.positions.par_chunks(columns::BLOCK))
                .for_each(|(x, positions)| {
                    vectorised(
                        #[inline(always)]
                        || {
                            for (row, &position) in x.chunks_exact_mut(width).zip(positions) {
                                match direction {
                                    Direction::Forward => table.turn(row, position as usize),
                                    Direction::Backward => table.turn_back(row, position as usize),
                                }
                            }
                        },
                    );
                });
        })?;
        Ok(x)
    }

    fn composed(&self, x: &Tensor, direction: Direction) -> Result<Tensor> {
        let (tokens, width) = x.dims2()?;
        let dim = 2 * self.table.half();
        if self.tensors.get().is_none() {
            let positions = self.positions.iter().map(|&position| position as usize);
            let made = self.table.tensors(positions, wide(x.dtype()), x.device())?;
            let _ = self.tensors.set(made);
        }
        let (cosines, sines) = self.tensors.get().expect("they were just made");
        // All heads of a token turn alike.
        let (cosines, sines) = (cosines.unsqueeze(1)?, sines.unsqueeze(1)?);
        let sines = match direction {
            Direction::Forward => sines,
            Direction::Backward => sines.neg()?,
        };
        let heads = x.reshape((tokens, width / dim, dim))?;
        Ok(turn(&heads, &cosines, &sines)?.reshape((tokens, width))?)
    }
}

/// Turns heads, (.., dim), by cosines and sines that can be broadcast to (.., dim / 2), in the type that `x` is widened to.
pub(crate) fn turn(x: &Tensor, cosines: &Tensor, sines: &Tensor) -> Result<Tensor> {
    let half = x.dim(D::Minus1)? / 2;
    let wide = widened(x)?;
    let first = wide.narrow(D::Minus1, 0, half)?;
    let second = wide.narrow(D::Minus1, half, half)?;
    let turned = [
        (first.broadcast_mul(cosines)? - second.broadcast_mul(sines)?)?,
        (second.broadcast_mul(cosines)? + first.broadcast_mul(sines)?)?,
    ];
    rounded_as(Tensor::cat(&turned, D::Minus1)?, x)
}
