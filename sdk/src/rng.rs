//! Random streams and shuffles derived from counters.
//!
//! A stream is a function of (seed, purpose, counter) and is never carried from call to
//! call, so a run that resumes, or draws in another order, or on more threads, draws the
//! same numbers. Likewise a place in a shuffle is a function of its index: nobody writes the
//! shuffled list down.

use rand::RngExt;
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

pub use rand;

/// The generator behind every stream.
pub type Stream = ChaCha8Rng;

/// The stream of `purpose` and `counter` under `seed`.
///
/// ```
/// use farthing_sdk::rng::{rand::RngExt, stream};
/// let dice: Vec<u32> = (0..3).map(|i| stream(7, "dice", i).random_range(1..=6)).collect();
/// assert_eq!(dice[2], stream(7, "dice", 2).random_range(1..=6));
/// ```
pub fn stream(seed: u64, purpose: &str, counter: u64) -> Stream {
    let mut key = [0_u8; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&counter.to_le_bytes());
    key[16..24].copy_from_slice(&fnv1a(purpose.as_bytes()).to_le_bytes());
    ChaCha8Rng::from_seed(key)
}

/// Number `index` of the stream of `purpose` and `counter`, without drawing those before.
pub fn word(seed: u64, purpose: &str, counter: u64, index: u64) -> u64 {
    let mut stream = stream(seed, purpose, counter);
    stream.set_word_pos(2 * u128::from(index));
    stream.next_u64()
}

/// Where `index` goes when `0..size` is shuffled again and again under `seed`: every number
/// comes once before any comes again. `size` is at least 1.
///
/// ```
/// use farthing_sdk::rng::shuffled;
/// let lap: Vec<u64> = (0..10).map(|index| shuffled(7, "train", index, 10)).collect();
/// assert_eq!(lap, [5, 7, 1, 3, 8, 2, 4, 9, 0, 6]);
/// let mut next: Vec<u64> = (10..20).map(|index| shuffled(7, "train", index, 10)).collect();
/// assert_ne!(next, lap);
/// next.sort();
/// assert_eq!(next, (0..10).collect::<Vec<u64>>());
/// ```
pub fn shuffled(seed: u64, purpose: &str, index: u64, size: u64) -> u64 {
    shuffled_by(mixed, seed, purpose, index, size)
}

/// [`shuffled`] with another mixing of each half: a Feistel network permutes the next power of
/// four, and what falls outside `0..size` is sent round again (cycle walking; Black and
/// Rogaway, 2002).
pub(crate) fn shuffled_by(
    mix: fn(u64) -> u64,
    seed: u64,
    purpose: &str,
    index: u64,
    size: u64,
) -> u64 {
    let (lap, mut place) = (index / size, index % size);
    let keys: [u64; 4] = stream(seed, purpose, lap).random();
    let half_bits = (u64::BITS - (size - 1).leading_zeros()).div_ceil(2).max(1);
    let mask = (1 << half_bits) - 1;
    loop {
        let (mut left, mut right) = (place >> half_bits, place & mask);
        for key in keys {
            (left, right) = (right, left ^ (mix(right ^ key) & mask));
        }
        place = (left << half_bits) | right;
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

/// FNV-1a: it only has to keep purposes apart, ChaCha does the mixing.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
