//! Rotary position embeddings forward and backward, on all heads of a batch of tokens (see [`crate::rotary`]).

use candle_core::{Device, Tensor};
use rayon::prelude::*;

use super::columns;
use super::lanes::vectorised;
use super::slices::{on_cpu, write};
use crate::error::Result;
use crate::rotary::RotaryTable;

/// Forward turns by the angle, backward is the derivative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Forward,
    Backward,
}

/// Rotates `x`: (tokens, heads * dim); token `t` stands at `positions[t]`. On the CPU in place.
pub fn rotate(
    table: &RotaryTable,
    x: Tensor,
    positions: &[u32],
    direction: Direction,
) -> Result<Tensor> {
    let (tokens, width) = x.dims2()?;
    debug_assert_eq!(tokens, positions.len());
    if !on_cpu(&[&x]) {
        return composed(table, &x, positions, direction);
    }
    write(&x, |x| {
        x.par_chunks_mut(width * columns::BLOCK)
            .zip(positions.par_chunks(columns::BLOCK))
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

fn composed(
    table: &RotaryTable,
    x: &Tensor,
    positions: &[u32],
    direction: Direction,
) -> Result<Tensor> {
    let (tokens, width) = x.dims2()?;
    let half = table.half();
    let (mut cosines, mut sines) = (Vec::new(), Vec::new());
    for &position in positions {
        let (cosine, sine) = table.at(position as usize);
        cosines.extend_from_slice(cosine);
        sines.extend_from_slice(sine);
    }
    let turns = |values: Vec<f32>| -> Result<Tensor> {
        let turns = Tensor::from_vec(values, (tokens, 1, half), &Device::Cpu)?;
        Ok(turns.to_device(x.device())?.to_dtype(x.dtype())?)
    };
    let cosines = turns(cosines)?;
    let sines = match direction {
        Direction::Forward => turns(sines)?,
        Direction::Backward => turns(sines)?.neg()?,
    };
    let heads = x.reshape((tokens, width / (2 * half), 2 * half))?;
    let first = heads.narrow(2, 0, half)?;
    let second = heads.narrow(2, half, half)?;
    let turned_first = (first.broadcast_mul(&cosines)? - second.broadcast_mul(&sines)?)?;
    let turned_second = (second.broadcast_mul(&cosines)? + first.broadcast_mul(&sines)?)?;
    Ok(Tensor::cat(&[turned_first, turned_second], 2)?.reshape((tokens, width))?)
}
