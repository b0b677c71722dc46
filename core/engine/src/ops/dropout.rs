//! Dropout whose mask is a function of a seed and of the tokens: y = x * mask / (1 - share).
//!
//! Each row has a key made from its token and all tokens before it in its sequence. So the mask does not depend on how
//! sequences are laid out in batches, and need not be kept for the backward.

use candle_core::Tensor;
use rayon::prelude::*;

use super::columns;
use super::slices::{on_cpu, read};
use crate::buffers;
use crate::error::Result;

/// Which mask: one for each pass and each place in the model.
#[derive(Clone, Copy, Debug)]
pub struct Mask<'a> {
    /// The share of values that are dropped.
    pub share: f64,
    pub seed: u64,
    /// One for each row of what is masked.
    pub keys: &'a [u64],
}

/// x * mask / (1 - share), for the forward pass and, of derivatives, for the backward.
pub fn apply(x: &Tensor, mask: Mask<'_>) -> Result<Tensor> {
    let (rows, features) = x.dims2()?;
    debug_assert_eq!(rows, mask.keys.len());
    let mut y = buffers::take(rows * features);
    let chunk = features * columns::BLOCK;
    if !on_cpu(&[x]) {
        y.par_chunks_mut(chunk)
            .zip(mask.keys.par_chunks(columns::BLOCK))
            .for_each(|(y, keys)| factors(y, features, mask, keys));
        let factors = y.into_tensor(rows, features)?;
        let factors = factors.to_device(x.device())?.to_dtype(x.dtype())?;
        return Ok((x * factors)?);
    }
    let x = read(x);
    y.par_chunks_mut(chunk)
        .zip(x.par_chunks(chunk))
        .zip(mask.keys.par_chunks(columns::BLOCK))
        .for_each(|((y, x), keys)| {
            factors(y, features, mask, keys);
            y.iter_mut().zip(x).for_each(|(y, x)| *y *= x);
        });
    y.into_tensor(rows, features)
}

/// Fills rows with 0 and 1 / (1 - share).
fn factors(rows: &mut [f32], features: usize, mask: Mask<'_>, keys: &[u64]) {
    // Four draws of 16 bits from each number; the share is rounded to 2^-16.
    let threshold = (mask.share * 65536.0).round() as u64;
    let kept = (1.0 / (1.0 - mask.share)) as f32;
    for (row, &key) in rows.chunks_exact_mut(features).zip(keys) {
        let start = mix(key ^ mask.seed);
        for (four, values) in row.chunks_mut(4).enumerate() {
            let bits = mix(start.wrapping_add((four as u64 + 1).wrapping_mul(GOLDEN)));
            for (lane, value) in values.iter_mut().enumerate() {
                let draw = (bits >> (16 * lane)) & 0xffff;
                *value = if draw < threshold { 0.0 } else { kept };
            }
        }
    }
}

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// The finaliser of SplitMix64 (Steele et al. 2014).
pub fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The keys of the rows of a sequence that continues one whose last row has the key `before`.
pub fn row_keys(before: u64, tokens: &[u32]) -> impl Iterator<Item = u64> + '_ {
    tokens.iter().scan(before, |key, &token| {
        *key = mix(key.wrapping_add(GOLDEN) ^ u64::from(token));
        Some(*key)
    })
}
