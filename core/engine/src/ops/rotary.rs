//! Rotary position embeddings forward and backward, on all heads of a batch of tokens (see [`crate::rotary`]).

use std::sync::OnceLock;

use candle_core::Tensor;
use rayon::prelude::*;

use super::columns;
use super::lanes::vectorised;
use super::precision::{rounded_as, widened};
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
    /// Cosines and sines, (tokens, 1, dim / 2) each, where the batch is computed: made when the first layer asks.
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
        let half = self.table.half();
        let wide = widened(x)?;
        if self.tensors.get().is_none() {
            let _ = self.tensors.set(self.make_tensors(&wide)?);
        }
        let (cosines, sines) = self.tensors.get().expect("they were just made");
        let sines = match direction {
            Direction::Forward => sines.clone(),
            Direction::Backward => sines.neg()?,
        };
        let heads = wide.reshape((tokens, width / (2 * half), 2 * half))?;
        let first = heads.narrow(2, 0, half)?;
        let second = heads.narrow(2, half, half)?;
        let turned_first = (first.broadcast_mul(cosines)? - second.broadcast_mul(&sines)?)?;
        let turned_second = (second.broadcast_mul(cosines)? + first.broadcast_mul(&sines)?)?;
        let turned = Tensor::cat(&[turned_first, turned_second], 2)?.reshape((tokens, width))?;
        rounded_as(turned, x)
    }

    /// On the device and in the type of `like`.
    fn make_tensors(&self, like: &Tensor) -> Result<(Tensor, Tensor)> {
        let (mut cosines, mut sines) = (Vec::new(), Vec::new());
        for &position in &self.positions {
            let (cosine, sine) = self.table.at(position as usize);
            cosines.extend_from_slice(cosine);
            sines.extend_from_slice(sine);
        }
        let shape = (self.positions.len(), 1, self.table.half());
        let tensor = |values: Vec<f32>| -> Result<Tensor> {
            Ok(Tensor::from_vec(values, shape, like.device())?.to_dtype(like.dtype())?)
        };
        Ok((tensor(cosines)?, tensor(sines)?))
    }
}
