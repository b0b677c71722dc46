//! Cosines and sines of the rotary embedding, made up to the positions in use.

use crate::config::ModelConfig;

pub(super) struct RotaryTable {
    inverse_frequencies: Vec<f32>,
    /// `(positions, head_dim / 2)`.
    cosines: Vec<f32>,
    sines: Vec<f32>,
}

impl RotaryTable {
    pub fn new(config: &ModelConfig) -> Self {
        Self {
            inverse_frequencies: inverse_frequencies(config),
            cosines: Vec::new(),
            sines: Vec::new(),
        }
    }

    /// Makes the table reach `positions`.
    pub fn reserve(&mut self, positions: usize) {
        let made = self.cosines.len() / self.inverse_frequencies.len();
        for position in made..positions {
            for frequency in &self.inverse_frequencies {
                let angle = position as f32 * frequency;
                self.cosines.push(angle.cos());
                self.sines.push(angle.sin());
            }
        }
    }

    pub fn at(&self, position: usize) -> (&[f32], &[f32]) {
        let half = self.inverse_frequencies.len();
        (
            &self.cosines[position * half..][..half],
            &self.sines[position * half..][..half],
        )
    }

    /// Turns each head of `heads`, whose halves are the two coordinates of each plane (the layout of Hugging Face's
    /// checkpoints).
    pub fn turn(&self, heads: &mut [f32], head_dim: usize, position: usize) {
        let (cosines, sines) = self.at(position);
        for head in heads.chunks_exact_mut(head_dim) {
            let (first, second) = head.split_at_mut(head_dim / 2);
            for (((x, y), cosine), sine) in first.iter_mut().zip(second).zip(cosines).zip(sines) {
                (*x, *y) = (*x * cosine - *y * sine, *y * cosine + *x * sine);
            }
        }
    }
}

fn inverse_frequencies(config: &ModelConfig) -> Vec<f32> {
    (0..config.head_dim / 2)
        .map(|i| {
            (1.0 / config
                .rope_theta
                .powf(2.0 * i as f64 / config.head_dim as f64)) as f32
        })
        .collect()
}
