//! Rotary position embeddings (Su et al. 2021), in the half-split layout of Llama and Qwen2: feature `i` of a head is
//! rotated together with feature `i + dim / 2` by the angle `position * frequency[i]`.

use candle_core::{Device, Tensor};
use rayon::prelude::*;

use super::columns;
use super::lanes::vectorised;
use super::slices::{on_cpu, write};
use crate::config::{ModelConfig, RopeScaling};
use crate::error::Result;

/// Cosines and sines of all positions up to a limit.
#[derive(Clone, Debug)]
pub struct Rotary {
    /// Half a head's size.
    half: usize,
    /// (positions, half) each.
    cosines: Vec<f32>,
    sines: Vec<f32>,
}

/// Forward turns by the angle, backward (the derivative, since a rotation's transpose is its inverse) by its negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Forward,
    Backward,
}

impl Rotary {
    pub fn new(config: &ModelConfig, positions: usize) -> Self {
        let half = config.head_dim / 2;
        let frequencies = frequencies(config);
        let mut cosines = Vec::with_capacity(positions * half);
        let mut sines = Vec::with_capacity(positions * half);
        for position in 0..positions {
            for &frequency in &frequencies {
                // Rounded to f32 before the sine is taken, as in the reference implementation: at position 8000 the
                // rounding is larger than the tolerance between two implementations.
                let angle = position as f32 * frequency;
                cosines.push(angle.cos());
                sines.push(angle.sin());
            }
        }
        Self {
            half,
            cosines,
            sines,
        }
    }

    /// Rotates `x`: (tokens, heads * dim); token `t` stands at `positions[t]`. On the CPU in place.
    pub fn rotate(&self, x: Tensor, positions: &[u32], direction: Direction) -> Result<Tensor> {
        let (tokens, width) = x.dims2()?;
        debug_assert_eq!(tokens, positions.len());
        if !on_cpu(&[&x]) {
            return self.composed(&x, positions, direction);
        }
        write(&x, |x| {
            x.par_chunks_mut(width * columns::BLOCK)
                .zip(positions.par_chunks(columns::BLOCK))
                .for_each(|(x, positions)| {
                    for (row, &position) in x.chunks_exact_mut(width).zip(positions) {
                        self.rotate_row(row, position, direction);
                    }
                });
        })?;
        Ok(x)
    }

    /// Rotates all heads of one token.
    pub fn rotate_row(&self, row: &mut [f32], position: u32, direction: Direction) {
        let half = self.half;
        let start = position as usize * half;
        let cosines = &self.cosines[start..][..half];
        let sines = &self.sines[start..][..half];
        let sign = if direction == Direction::Forward {
            1.0
        } else {
            -1.0
        };
        vectorised(
            #[inline(always)]
            || {
                for head in row.chunks_exact_mut(2 * half) {
                    let (first, second) = head.split_at_mut(half);
                    for (((a, b), cosine), sine) in
                        first.iter_mut().zip(second).zip(cosines).zip(sines)
                    {
                        let sine = sine * sign;
                        let (x, y) = (*a, *b);
                        *a = x * cosine - y * sine;
                        *b = y * cosine + x * sine;
                    }
                }
            },
        );
    }

    fn composed(&self, x: &Tensor, positions: &[u32], direction: Direction) -> Result<Tensor> {
        let (tokens, width) = x.dims2()?;
        let gather = |table: &[f32]| -> Result<Tensor> {
            let rows: Vec<f32> = positions
                .iter()
                .flat_map(|&position| &table[position as usize * self.half..][..self.half])
                .copied()
                .collect();
            let table = Tensor::from_vec(rows, (tokens, 1, self.half), &Device::Cpu)?;
            Ok(table.to_device(x.device())?.to_dtype(x.dtype())?)
        };
        let cosines = gather(&self.cosines)?;
        let sines = match direction {
            Direction::Forward => gather(&self.sines)?,
            Direction::Backward => gather(&self.sines)?.neg()?,
        };
        let heads = x.reshape((tokens, width / (2 * self.half), 2 * self.half))?;
        let first = heads.narrow(2, 0, self.half)?;
        let second = heads.narrow(2, self.half, self.half)?;
        let turned_first = (first.broadcast_mul(&cosines)? - second.broadcast_mul(&sines)?)?;
        let turned_second = (second.broadcast_mul(&cosines)? + first.broadcast_mul(&sines)?)?;
        Ok(Tensor::cat(&[turned_first, turned_second], 2)?.reshape((tokens, width))?)
    }
}

/// Radians for each position, for each pair of features.
fn frequencies(config: &ModelConfig) -> Vec<f32> {
    let dim = config.head_dim;
    (0..dim / 2)
        .map(|pair| {
            let frequency = config.rope_theta.powf(-((2 * pair) as f64) / dim as f64);
            let scaled = match config.rope_scaling {
                RopeScaling::None => frequency,
                RopeScaling::Linear { factor } => frequency / factor,
                RopeScaling::Llama3 {
                    factor,
                    low_freq_factor,
                    high_freq_factor,
                    original_max_position_embeddings,
                } => {
                    let original = original_max_position_embeddings as f64;
                    let wavelength = std::f64::consts::TAU / frequency;
                    if wavelength > original / low_freq_factor {
                        frequency / factor
                    } else if wavelength < original / high_freq_factor {
                        frequency
                    } else {
                        let kept = (original / wavelength - low_freq_factor)
                            / (high_freq_factor - low_freq_factor);
                        (1.0 - kept) * frequency / factor + kept * frequency
                    }
                }
            };
            scaled as f32
        })
        .collect()
}
