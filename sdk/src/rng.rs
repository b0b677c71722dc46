//! Random streams derived from counters.
//!
//! A stream is a function of (seed, purpose, counter) and is never carried from call to
//! call, so a run that resumes, or draws in another order, or on more threads, draws the
//! same numbers.

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

/// FNV-1a: it only has to keep purposes apart, ChaCha does the mixing.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
