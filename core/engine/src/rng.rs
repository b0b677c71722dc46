//! Random numbers that depend on a seed and a counter alone.
//!
//! A generator that is carried along ties a draw to everything drawn before it, so that batch layout, thread count or
//! a resume would change results. Here each draw is a function: ChaCha8 keyed by the seed, read at the word position
//! that the counter names.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Fills the key beside the seed; it keeps these streams apart from others keyed by the same seed.
const DOMAIN: &[u8; 24] = b"farthing uniform stream\0";

/// The `counter`-th number of the stream of `seed`, uniform in `[0, 1)` with 53 random bits.
pub fn uniform(seed: u64, counter: u64) -> f64 {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..].copy_from_slice(DOMAIN);
    let mut stream = ChaCha8Rng::from_seed(key);
    // One 64-bit draw is two 32-bit words.
    stream.set_word_pos(2 * u128::from(counter));
    (stream.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draw_does_not_depend_on_earlier_draws() {
        let forward: Vec<f64> = (0..300).map(|counter| uniform(7, counter)).collect();
        let backward: Vec<f64> = (0..300).rev().map(|counter| uniform(7, counter)).collect();
        assert!(forward.iter().eq(backward.iter().rev()));
        assert_ne!(uniform(7, 0), uniform(8, 0));
    }

    /// Recorded values: a change of them would change every run that has been made.
    #[test]
    fn the_stream_never_changes() {
        let drawn: Vec<u64> = [(0, 0), (0, 1), (1, 0), (u64::MAX, 1 << 40)]
            .map(|(seed, counter)| (uniform(seed, counter) * (1u64 << 53) as f64) as u64)
            .to_vec();
        assert_eq!(drawn, RECORDED);
    }

    const RECORDED: [u64; 4] = [
        286949953809107,
        7172685448882729,
        6034483510917987,
        2076525599813613,
    ];

    #[test]
    fn draws_fill_the_unit_interval_evenly() {
        // 100 bins of 1000 expected draws each: chi-square with 99 degrees of freedom, 1e-4 quantile 160.
        let mut bins = [0u32; 100];
        for counter in 0..100_000 {
            bins[(uniform(3, counter) * 100.0) as usize] += 1;
        }
        let chi_square: f64 = bins
            .iter()
            .map(|&count| (f64::from(count) - 1000.0).powi(2) / 1000.0)
            .sum();
        assert!(chi_square < 160.0, "chi-square {chi_square}");
    }
}
