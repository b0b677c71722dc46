//! Shuffles `0..size` without writing the shuffled list down.
//!
//! A problem must be a function of its index, so position `i` of a shuffle is computed
//! alone: a Feistel network permutes the next power of four, and values outside `0..size`
//! are sent round again (cycle walking; Black and Rogaway, 2002).

use farthing_sdk::prelude::*;

const ROUNDS: usize = 4;

/// Where `index` goes in the shuffle of `0..size` that the keys choose; `index < size`.
pub fn shuffled(index: u64, size: u64, keys: [u64; ROUNDS]) -> u64 {
    let half_bits = (64 - size.saturating_sub(1).leading_zeros())
        .div_ceil(2)
        .max(1);
    let mut position = index;
    loop {
        position = network(position, half_bits, &keys);
        if position < size {
            return position;
        }
    }
}

/// The keys of the shuffle number `epoch` under `seed`.
pub fn keys(seed: u64, purpose: &str, epoch: u64) -> [u64; ROUNDS] {
    let mut rng = stream(seed, purpose, epoch);
    std::array::from_fn(|_| rng.random())
}

fn network(value: u64, half_bits: u32, keys: &[u64; ROUNDS]) -> u64 {
    let mask = (1 << half_bits) - 1;
    let (mut left, mut right) = (value >> half_bits, value & mask);
    for key in keys {
        (left, right) = (right, left ^ (mixed(right ^ key) & mask));
    }
    (left << half_bits) | right
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood, 2014).
fn mixed(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}
