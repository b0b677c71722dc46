//! Sums over tokens, the gradients of gains and biases, in an order that no number of threads changes.

use std::ops::Range;

use rayon::prelude::*;

/// Tokens whose sum one task makes. The sums of blocks are added in the order of the tokens.
pub const BLOCK: usize = 128;

/// Adds to `total` the sums of blocks of rows, each made by `block(rows, sum)` on a zeroed `sum`.
pub fn add_blocks(rows: usize, total: &mut [f32], block: impl Fn(Range<usize>, &mut [f32]) + Sync) {
    let sums: Vec<Vec<f32>> = (0..rows.div_ceil(BLOCK))
        .into_par_iter()
        .map(|index| {
            let mut sum = vec![0.0; total.len()];
            block(index * BLOCK..((index + 1) * BLOCK).min(rows), &mut sum);
            sum
        })
        .collect();
    add_in_order(total, &sums);
}

pub fn add_in_order(total: &mut [f32], sums: &[Vec<f32>]) {
    for sum in sums {
        for (total, value) in total.iter_mut().zip(sum) {
            *total += value;
        }
    }
}
