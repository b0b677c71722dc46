//! First values of parameters, reproducible tensor by tensor.
//!
//! Every tensor has its own ChaCha stream, keyed by the seed and its name, so a change of one shape or an added layer
//! leaves all other tensors as they were.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use rayon::prelude::*;

use crate::parameters::{Declared, Kind};

/// The stream jumps to a position fixed by the chunk's index, so chunks may be made by any number of threads.
const CHUNK: usize = 1 << 14;

pub(crate) fn values(declared: &Declared, standard_deviation: f64, seed: u64) -> Vec<f32> {
    let count = declared.shape.iter().product();
    match declared.kind {
        Kind::Norm => vec![1.0; count],
        Kind::Bias | Kind::LowRankOut => vec![0.0; count],
        Kind::Matrix => normal(count, standard_deviation, seed, &declared.name),
        // kaiming_uniform_(a = sqrt 5), which PEFT uses: uniform within 1 / sqrt(in).
        Kind::LowRankIn => {
            let bound = 1.0 / (declared.shape[1] as f64).sqrt();
            let mut stream = ChaCha8Rng::from_seed(key(seed, &declared.name));
            (0..count)
                .map(|_| ((2.0 * open_uniform(stream.next_u64()) - 1.0) * bound) as f32)
                .collect()
        }
    }
}

fn normal(count: usize, standard_deviation: f64, seed: u64, name: &str) -> Vec<f32> {
    let mut values = vec![0.0; count];
    values
        .par_chunks_mut(CHUNK)
        .enumerate()
        .for_each(|(index, chunk)| {
            let mut stream = ChaCha8Rng::from_seed(key(seed, name));
            // One 64-bit draw, two 32-bit words, for each value.
            stream.set_word_pos((index * CHUNK * 2) as u128);
            // Box-Muller: two uniform numbers give two independent normal ones.
            for pair in chunk.chunks_mut(2) {
                let radius =
                    (-2.0 * open_uniform(stream.next_u64()).ln()).sqrt() * standard_deviation;
                let (sine, cosine) =
                    (std::f64::consts::TAU * open_uniform(stream.next_u64())).sin_cos();
                pair[0] = (radius * cosine) as f32;
                if let Some(second) = pair.get_mut(1) {
                    *second = (radius * sine) as f32;
                }
            }
        });
    values
}

/// Uniform in (0, 1): never 0, whose logarithm is infinite.
fn open_uniform(bits: u64) -> f64 {
    ((bits >> 11) as f64 + 0.5) * (1.0 / (1u64 << 53) as f64)
}

/// The seed and the 64-bit FNV-1a hash of the name; the names of one model are few and do not collide.
fn key(seed: u64, name: &str) -> [u8; 32] {
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&hash.to_le_bytes());
    key
}
