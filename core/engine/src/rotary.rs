//! Rotary position embeddings (Su et al. 2021), in the half-split layout of Hugging Face's checkpoints: feature `i` of
//! a head turns together with feature `i + head_dim / 2` by the angle `position * frequency[i]`.
//!
//! One table serves decoding and training, so that the two cannot differ.

use candle_core::{DType, Device, Tensor};

use crate::config::{ModelConfig, RopeScaling};
use crate::error::Result;

/// Cosines and sines up to the positions in use.
#[derive(Clone, Debug)]
pub(crate) struct RotaryTable {
    /// Radians for each position, for each pair of features.
    frequencies: Vec<f32>,
    /// What cosines and sines are multiplied by: 1 but for YaRN and LongRoPE.
    scale: f32,
    /// `(positions, head_dim / 2)` each.
    cosines: Vec<f32>,
    sines: Vec<f32>,
}

impl RotaryTable {
    pub fn new(config: &ModelConfig) -> Self {
        Self {
            frequencies: frequencies(config),
            scale: match config.rope_scaling {
                RopeScaling::Yarn {
                    attention_factor, ..
                }
                | RopeScaling::LongRope {
                    attention_factor, ..
                } => attention_factor as f32,
                _ => 1.0,
            },
            cosines: Vec::new(),
            sines: Vec::new(),
        }
    }

    /// Makes the table reach `positions`.
    pub fn reserve(&mut self, positions: usize) {
        let made = self.cosines.len() / self.frequencies.len();
        for position in made..positions {
            for frequency in &self.frequencies {
                // Rounded to f32 before the sine is taken, as in the reference implementation: at position 8000 the
                // rounding is larger than the tolerance between two implementations.
                let angle = position as f32 * frequency;
                self.cosines.push(angle.cos() * self.scale);
                self.sines.push(angle.sin() * self.scale);
            }
        }
    }

    /// Half a head's size.
    pub fn half(&self) -> usize {
        self.frequencies.len()
    }

    /// Cosines and sines at a position that [`reserve`](Self::reserve) reached.
    pub fn at(&self, position: usize) -> (&[f32], &[f32]) {
        let half = self.half();
        (
            &self.cosines[position * half..][..half],
            &self.sines[position * half..][..half],
        )
    }

    /// Cosines and sines at `positions`, which [`reserve`](Self::reserve) reached: `(positions, head_dim / 2)` each.
    pub fn tensors(
        &self,
        positions: impl ExactSizeIterator<Item = usize>,
        dtype: DType,
        device: &Device,
    ) -> Result<(Tensor, Tensor)> {
        let shape = (positions.len(), self.half());
        let (mut cosines, mut sines) = (Vec::new(), Vec::new());
        for position in positions {
            let (cosine, sine) = self.at(position);
            cosines.extend_from_slice(cosine);
            sines.extend_from_slice(sine);
        }
        let tensor = |values| Tensor::from_vec(values, shape, device)?.to_dtype(dtype);
        Ok((tensor(cosines)?, tensor(sines)?))
    }

    /// Turns each head of `heads`.
    #[inline(always)]
    pub fn turn(&self, heads: &mut [f32], position: usize) {
        let (cosines, sines) = self.at(position);
        for head in heads.chunks_exact_mut(2 * self.half()) {
            let (first, second) = head.split_at_mut(self.half());
            for (((x, y), cosine), sine) in first.iter_mut().zip(second).zip(cosines).zip(sines) {
                (*x, *y) = (*x * cosine - *y * sine, *y * cosine + *x * sine);
            }
        }
    }

    /// The derivative of [`turn`](Self::turn): its transpose, which turns back (and stretches, where the table does).
    #[inline(always)]
    pub fn turn_back(&self, heads: &mut [f32], position: usize) {
        let (cosines, sines) = self.at(position);
        for head in heads.chunks_exact_mut(2 * self.half()) {
            let (first, second) = head.split_at_mut(self.half());
            for (((x, y), cosine), sine) in first.iter_mut().zip(second).zip(cosines).zip(sines) {
                (*x, *y) = (*x * cosine + *y * sine, *y * cosine - *x * sine);
            }
        }
    }
}

fn frequencies(config: &ModelConfig) -> Vec<f32> {
    let dim = config.head_dim as f64;
    let base = config.rope_theta;
    (0..config.head_dim / 2)
        .map(|pair| {
            let frequency = base.powf(-((2 * pair) as f64) / dim);
            let scaled = match &config.rope_scaling {
                // Dynamic scaling begins beyond the longest sequence that is accepted.
                RopeScaling::None | RopeScaling::Dynamic { .. } => frequency,
                RopeScaling::Linear { factor } => frequency / factor,
                RopeScaling::Llama3 {
                    factor,
                    low_freq_factor,
                    high_freq_factor,
                    original_max_position_embeddings,
                } => {
                    let original = *original_max_position_embeddings as f64;
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
                RopeScaling::Yarn {
                    factor,
                    beta_fast,
                    beta_slow,
                    original_max_position_embeddings,
                    truncate,
                    ..
                } => {
                    let original = *original_max_position_embeddings as f64;
                    // The pair that turns so many times within the original context.
                    let pair_of = |rotations: f64| {
                        dim * (original / (rotations * std::f64::consts::TAU)).ln()
                            / (2.0 * base.ln())
                    };
                    let (low, high) = (pair_of(*beta_fast), pair_of(*beta_slow));
                    let (low, high) = match truncate {
                        true => (low.floor(), high.ceil()),
                        false => (low, high),
                    };
                    let (low, high) = (low.max(0.0), high.min(dim - 1.0));
                    let high = if low == high { high + 0.001 } else { high };
                    let stretched = ((pair as f64 - low) / (high - low)).clamp(0.0, 1.0);
                    stretched * frequency / factor + (1.0 - stretched) * frequency
                }
                RopeScaling::LongRope { short_factor, .. } => frequency / short_factor[pair],
            };
            scaled as f32
        })
        .collect()
}
