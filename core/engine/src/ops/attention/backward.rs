//! The backward kernel: one task for each segment and key-value head.
//!
//! With D_i = dO_i . O_i for each query i:
//! P = e^(S - log normaliser), dV = P^T dO, dP = dO V^T, dS = P (dP - D), dQ = dS K / sqrt(dim), dK = dS^T Q / sqrt(dim).

use rayon::prelude::*;

use super::{Heads, QUERY_BLOCK, SCRATCH, Scratch, Segment, join, row_bounds};
use crate::buffers::{self, Buffer};
use crate::ops::lanes::{dot, exp, vectorised};
use crate::product::{Matrix, MatrixMut, PackedMatrix, Write, multiply_serial};

#[derive(Clone, Copy)]
pub struct Inputs<'a> {
    pub query: Matrix<'a>,
    pub key: Matrix<'a>,
    pub value: Matrix<'a>,
    pub out: Matrix<'a>,
    pub log_normaliser: Matrix<'a>,
    pub dout: Matrix<'a>,
}

/// Fills `dquery`, and adds to `dkey` and `dvalue`, which lie as `inputs.key` does.
///
/// A prefix gets derivatives from every segment that sees it. So that no two tasks write the same row, segments write
/// into rows of their own, prefix included, and the sums are made afterwards, in the order of the segments.
pub fn attend(
    inputs: Inputs<'_>,
    segments: &[Segment],
    heads: Heads,
    dquery: MatrixMut<'_>,
    dkey: &mut [f32],
    dvalue: &mut [f32],
) {
    let width = heads.key_value * heads.dim;
    let shared = segments.iter().any(|segment| !segment.prefix.is_empty());
    if !shared {
        let tokens = inputs.key.rows();
        let [dkey, dvalue] = [dkey, dvalue].map(|data| MatrixMut::new(data, tokens, width));
        return tasks(
            inputs,
            segments,
            heads,
            dquery,
            &row_bounds(segments),
            dkey,
            dvalue,
        );
    }
    let mut bounds = vec![0];
    for segment in segments {
        bounds.push(bounds[bounds.len() - 1] + segment.keys());
    }
    let rows = bounds[bounds.len() - 1];
    let mut apart = [(); 2].map(|()| buffers::take_zeroed(rows * width));
    let [apart_key, apart_value] = apart
        .each_mut()
        .map(|data| MatrixMut::new(data, rows, width));
    tasks(
        inputs,
        segments,
        heads,
        dquery,
        &bounds,
        apart_key,
        apart_value,
    );
    for (apart, together) in apart.iter().zip([dkey, dvalue]) {
        for (segment, &start) in segments.iter().zip(&bounds) {
            let (prefix, own) = apart[start * width..][..segment.keys() * width]
                .split_at(segment.prefix.len() * width);
            for (part, rows) in [(prefix, &segment.prefix), (own, &segment.rows)] {
                let sums = &mut together[rows.start * width..rows.end * width];
                sums.iter_mut()
                    .zip(part)
                    .for_each(|(sum, value)| *sum += value);
            }
        }
    }
}

/// One task for each segment and key-value head; segment `i` owns the rows of `dkey` and `dvalue` from
/// `key_bounds[i]`.
fn tasks(
    inputs: Inputs<'_>,
    segments: &[Segment],
    heads: Heads,
    dquery: MatrixMut<'_>,
    key_bounds: &[usize],
    dkey: MatrixMut<'_>,
    dvalue: MatrixMut<'_>,
) {
    let dquery = dquery.grid(
        &row_bounds(segments),
        &heads.bounds(heads.group() * heads.dim),
    );
    let dkey = dkey.grid(key_bounds, &heads.bounds(heads.dim));
    let dvalue = dvalue.grid(key_bounds, &heads.bounds(heads.dim));
    dquery
        .into_par_iter()
        .zip(dkey)
        .zip(dvalue)
        .enumerate()
        .for_each(|(task, ((dquery, dkey), dvalue))| {
            let (segment, head) = (&segments[task / heads.key_value], task % heads.key_value);
            let rows = segment.rows.clone();
            let columns = head * heads.dim..(head + 1) * heads.dim;
            let query_columns = columns.start * heads.group()..columns.end * heads.group();
            let query_heads = head * heads.group()..(head + 1) * heads.group();
            SCRATCH.with_borrow_mut(|scratch| {
                let Scratch {
                    packed,
                    scores,
                    dscores,
                    joined: [joined_key, joined_value],
                } = scratch;
                let [key_transposed, value_transposed, packed_key, others @ ..] = packed;
                let key = join(inputs.key, segment, columns.clone(), joined_key);
                let value = join(inputs.value, segment, columns, joined_value);
                key_transposed.refill(key.transposed());
                value_transposed.refill(value.transposed());
                packed_key.refill(key);
                let group = Group {
                    query: inputs.query.block(rows.clone(), query_columns.clone()),
                    out: inputs.out.block(rows.clone(), query_columns.clone()),
                    log_normaliser: inputs.log_normaliser.block(rows.clone(), query_heads),
                    dout: inputs.dout.block(rows, query_columns),
                    key_transposed,
                    value_transposed,
                    packed_key,
                    prefix: segment.prefix.len(),
                };
                group.attend(heads, dquery, dkey, dvalue, others, scores, dscores);
            });
        });
}

/// All query heads of one key-value head in one segment. Every row sees the first `prefix` keys.
struct Group<'a> {
    query: Matrix<'a>,
    out: Matrix<'a>,
    log_normaliser: Matrix<'a>,
    dout: Matrix<'a>,
    key_transposed: &'a PackedMatrix,
    value_transposed: &'a PackedMatrix,
    packed_key: &'a PackedMatrix,
    prefix: usize,
}

impl Group<'_> {
    fn attend(
        &self,
        heads: Heads,
        mut dquery: MatrixMut<'_>,
        mut dkey: MatrixMut<'_>,
        mut dvalue: MatrixMut<'_>,
        [packed_query, packed_dout]: &mut [PackedMatrix; 2],
        scores: &mut Buffer,
        dscores: &mut Buffer,
    ) {
        let scale = heads.scale();
        let length = self.query.rows();
        for head in 0..heads.group() {
            let columns = head * heads.dim..(head + 1) * heads.dim;
            for start in (0..length).step_by(QUERY_BLOCK) {
                let end = (start + QUERY_BLOCK).min(length);
                let rows = end - start;
                let keys = self.prefix + end;
                let query = self.query.block(start..end, columns.clone());
                let out = self.out.block(start..end, columns.clone());
                let dout = self.dout.block(start..end, columns.clone());
                scores.resize(rows * keys);
                dscores.resize(rows * keys);
                multiply_serial(
                    query,
                    self.key_transposed.view().first_columns(keys),
                    scale,
                    Write::Replace,
                    MatrixMut::new(scores, rows, keys),
                );
                multiply_serial(
                    dout,
                    self.value_transposed.view().first_columns(keys),
                    1.0,
                    Write::Replace,
                    MatrixMut::new(dscores, rows, keys),
                );
                for (row, (scores, dscores)) in scores
                    .chunks_exact_mut(keys)
                    .zip(dscores.chunks_exact_mut(keys))
                    .enumerate()
                {
                    let log_normaliser = self.log_normaliser.row(start + row)[head];
                    let visible = self.prefix + start + row + 1;
                    vectorised(
                        #[inline(always)]
                        || {
                            let d = dot(dout.row(row), out.row(row));
                            probabilities(scores, dscores, visible, log_normaliser, d);
                        },
                    );
                }
                let p = Matrix::new(scores, rows, keys);
                let ds = Matrix::new(dscores, rows, keys);
                packed_dout.refill(dout);
                let dvalue = dvalue.reborrow().block(0..keys, 0..heads.dim);
                multiply_serial(p.transposed(), packed_dout.view(), 1.0, Write::Add, dvalue);
                packed_query.refill(query);
                let dkey = dkey.reborrow().block(0..keys, 0..heads.dim);
                multiply_serial(
                    ds.transposed(),
                    packed_query.view(),
                    scale,
                    Write::Add,
                    dkey,
                );
                let dquery = dquery.reborrow().block(start..end, columns.clone());
                multiply_serial(
                    ds,
                    self.packed_key.view().first_rows(keys),
                    scale,
                    Write::Replace,
                    dquery,
                );
            }
        }
    }
}

/// Turns a row of S into P, and of dP into dS; both are 0 where the mask hides the key.
#[inline(always)]
fn probabilities(
    scores: &mut [f32],
    dscores: &mut [f32],
    visible: usize,
    log_normaliser: f32,
    d: f32,
) {
    let (scores, hidden) = scores.split_at_mut(visible);
    hidden.fill(0.0);
    let (dscores, hidden) = dscores.split_at_mut(visible);
    hidden.fill(0.0);
    for (score, dscore) in scores.iter_mut().zip(dscores) {
        *score = exp(*score - log_normaliser);
        *dscore = *score * (*dscore - d);
    }
}
