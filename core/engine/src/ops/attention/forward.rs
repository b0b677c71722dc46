//! The forward kernel: one task for each segment and key-value head.

use rayon::prelude::*;

use super::{Heads, QUERY_BLOCK, SCRATCH, Scratch, Segment, join, row_bounds};
use crate::buffers::Buffer;
use crate::ops::lanes::{exp, max, sum, vectorised};
use crate::product::{Matrix, MatrixMut, PackedMatrix, Write, multiply_serial};

pub fn attend(
    query: Matrix<'_>,
    key: Matrix<'_>,
    value: Matrix<'_>,
    segments: &[Segment],
    heads: Heads,
    out: MatrixMut<'_>,
    log_normaliser: MatrixMut<'_>,
) {
    let rows = row_bounds(segments);
    let out = out.grid(&rows, &heads.bounds(heads.group() * heads.dim));
    let log_normaliser = log_normaliser.grid(&rows, &heads.bounds(heads.group()));
    out.into_par_iter()
        .zip(log_normaliser)
        .enumerate()
        .for_each(|(task, (out, log_normaliser))| {
            let (segment, head) = (&segments[task / heads.key_value], task % heads.key_value);
            let columns = head * heads.dim..(head + 1) * heads.dim;
            let query_columns = columns.start * heads.group()..columns.end * heads.group();
            SCRATCH.with_borrow_mut(|scratch| {
                let Scratch {
                    packed: [key_transposed, packed_value, ..],
                    scores,
                    joined: [joined_key, joined_value],
                    ..
                } = scratch;
                let key = join(key, segment, columns.clone(), joined_key);
                let value = join(value, segment, columns, joined_value);
                key_transposed.refill(key.transposed());
                packed_value.refill(value);
                attend_group(
                    query.block(segment.rows.clone(), query_columns),
                    key_transposed,
                    packed_value,
                    segment.prefix.len(),
                    heads,
                    out,
                    log_normaliser,
                    scores,
                );
            });
        });
}

/// All query heads of one key-value head in one segment. Every row sees the first `prefix` keys.
fn attend_group(
    query: Matrix<'_>,
    key_transposed: &PackedMatrix,
    packed_value: &PackedMatrix,
    prefix: usize,
    heads: Heads,
    mut out: MatrixMut<'_>,
    mut log_normaliser: MatrixMut<'_>,
    scores: &mut Buffer,
) {
    let length = query.rows();
    for head in 0..heads.group() {
        let columns = head * heads.dim..(head + 1) * heads.dim;
        for start in (0..length).step_by(QUERY_BLOCK) {
            let end = (start + QUERY_BLOCK).min(length);
            let rows = end - start;
            // S, (rows, keys): keys after the block's last query are not needed.
            let keys = prefix + end;
            scores.resize(rows * keys);
            let query = query.block(start..end, columns.clone());
            multiply_serial(
                query,
                key_transposed.view().first_columns(keys),
                heads.scale(),
                Write::Replace,
                MatrixMut::new(scores, rows, keys),
            );
            let mut normalisers = [0.0; QUERY_BLOCK];
            for (row, scores) in scores.chunks_exact_mut(keys).enumerate() {
                let (normaliser, log) = vectorised(
                    #[inline(always)]
                    || exponentials(scores, prefix + start + row + 1),
                );
                normalisers[row] = normaliser;
                log_normaliser.row_mut(start + row)[head] = log;
            }
            let mut out = out.reborrow().block(start..end, columns.clone());
            multiply_serial(
                Matrix::new(scores, rows, keys),
                packed_value.view().first_rows(keys),
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
