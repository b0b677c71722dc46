//! Shuffles `0..size` without writing the shuffled list down.
//!
//! A problem must be a function of its index, so where an index goes is computed alone: a
//! Feistel network permutes the next power of four, and what falls outside `0..size` is sent
//! round again (cycle walking; Black and Rogaway, 2002).

use farthing_sdk::prelude::*;

/// Where `index` goes in the shuffle number `index / size` of `0..size` under `seed`: every
/// number comes once before any comes again.
pub fn shuffled(index: u64, size: u64, seed: u64, purpose: &str) -> u64 {
    const ROUNDS: usize = 4;
    let mut rng = stream(seed, purpose, index / size);
    let keys: [u64; ROUNDS] = std::array::from_fn(|_| rng.random());
    let bits = 64 - (size - 1).leading_zeros();
    let half = bits.div_ceil(2).max(1);
    let mask = (1 << half) - 1;
    let mut place = index % size;
    loop {
        let (mut left, mut right) = (place >> half, place & mask);
        for key in keys {
            (left, right) = (right, left ^ (mixed(right ^ key) & mask));
        }
        place = (left << half) | right;
        if place < size {
            return place;
        }
    }
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood, 2014).
fn mixed(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}
