//! The forward kernel: one task for each sequence and key-value head.

use rayon::prelude::*;

use super::{Heads, QUERY_BLOCK, SCRATCH, Scratch};
use crate::ops::lanes::{exp, max, sum, vectorised};
use crate::product::{Matrix, MatrixMut, Write, multiply_serial};

pub fn attend(
    query: Matrix<'_>,
    key: Matrix<'_>,
    value: Matrix<'_>,
    offsets: &[usize],
    heads: Heads,
    out: MatrixMut<'_>,
    log_normaliser: MatrixMut<'_>,
) {
    let group_bounds = |width: usize| {
        (0..=heads.key_value)
            .map(|head| head * width)
            .collect::<Vec<_>>()
    };
    let out = out.grid(offsets, &group_bounds(heads.group() * heads.dim));
    let log_normaliser = log_normaliser.grid(offsets, &group_bounds(heads.group()));
    out.into_par_iter()
        .zip(log_normaliser)
        .enumerate()
        .for_each(|(task, (out, log_normaliser))| {
            let (sequence, head) = (task / heads.key_value, task % heads.key_value);
            let tokens = offsets[sequence]..offsets[sequence + 1];
            let columns = head * heads.dim..(head + 1) * heads.dim;
            let query_columns = columns.start * heads.group()..columns.end * heads.group();
            SCRATCH.with_borrow_mut(|scratch| {
                attend_group(
                    query.block(tokens.clone(), query_columns),
                    key.block(tokens.clone(), columns.clone()),
                    value.block(tokens, columns),
                    heads,
                    out,
                    log_normaliser,
                    scratch,
                );
            });
        });
}

/// All query heads of one key-value head in one sequence.
fn attend_group(
    query: Matrix<'_>,
    key: Matrix<'_>,
    value: Matrix<'_>,
    heads: Heads,
    mut out: MatrixMut<'_>,
    mut log_normaliser: MatrixMut<'_>,
    scratch: &mut Scratch,
) {
    let length = query.rows();
    let Scratch {
        packed: [key_transposed, packed_value, ..],
        scores,
        ..
    } = scratch;
    key_transposed.refill(key.transposed());
    packed_value.refill(value);
    for head in 0..heads.group() {
        let columns = head * heads.dim..(head + 1) * heads.dim;
        for start in (0..length).step_by(QUERY_BLOCK) {
            let end = (start + QUERY_BLOCK).min(length);
            let rows = end - start;
            // S, (rows, end): keys after the block's last query are not needed.
            scores.resize(rows * end, 0.0);
            let query = query.block(start..end, columns.clone());
            let keys = key_transposed.view().first_columns(end);
            multiply_serial(
                query,
                keys,
                heads.scale(),
                Write::Replace,
                MatrixMut::new(scores, rows, end),
            );
            let mut normalisers = [0.0; QUERY_BLOCK];
            for (row, scores) in scores.chunks_exact_mut(end).enumerate() {
                let (normaliser, log) = vectorised(
                    #[inline(always)]
                    || exponentials(scores, start + row + 1),
                );
                normalisers[row] = normaliser;
                log_normaliser.row_mut(start + row)[head] = log;
            }
            let mut out = out.reborrow().block(start..end, columns.clone());
            let values = packed_value.view().first_rows(end);
            multiply_serial(
                Matrix::new(scores, rows, end),
                values,
                1.0,
                Write::Replace,
                out.reborrow(),
            );
            for row in 0..rows {
                let factor = 1.0 / normalisers[row];
                out.row_mut(row)
                    .iter_mut()
                    .for_each(|value| *value *= factor);
            }
        }
    }
}

/// Turns a row of S into e^(s - max) where the mask allows and 0 elsewhere. Returns the sum, and the logarithm of the
/// sum of e^s.
#[inline(always)]
fn exponentials(scores: &mut [f32], visible: usize) -> (f32, f32) {
    let (scores, hidden) = scores.split_at_mut(visible);
    hidden.fill(0.0);
    let largest = max(scores);
    for score in scores.iter_mut() {
        *score = exp(*score - largest);
    }
    let sum = sum(scores);
    (sum, largest + sum.ln())
}
