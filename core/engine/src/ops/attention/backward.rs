//! The backward kernel: one task for each sequence and key-value head.
//!
//! With D_i = dO_i . O_i for each query i:
//! P = e^(S - log normaliser), dV = P^T dO, dP = dO V^T, dS = P (dP - D), dQ = dS K / sqrt(dim), dK = dS^T Q / sqrt(dim).

use rayon::prelude::*;

use super::{Heads, QUERY_BLOCK, SCRATCH, Scratch};
use crate::ops::lanes::{dot, exp, vectorised};
use crate::product::{Matrix, MatrixMut, Write, multiply_serial};

#[derive(Clone, Copy)]
pub struct Inputs<'a> {
    pub query: Matrix<'a>,
    pub key: Matrix<'a>,
    pub value: Matrix<'a>,
    pub out: Matrix<'a>,
    pub log_normaliser: Matrix<'a>,
    pub dout: Matrix<'a>,
}

/// Fills `dquery`, and adds to `dkey` and `dvalue`.
pub fn attend(
    inputs: Inputs<'_>,
    offsets: &[usize],
    heads: Heads,
    dquery: MatrixMut<'_>,
    dkey: MatrixMut<'_>,
    dvalue: MatrixMut<'_>,
) {
    let group_bounds = |width: usize| {
        (0..=heads.key_value)
            .map(|head| head * width)
            .collect::<Vec<_>>()
    };
    let dquery = dquery.grid(offsets, &group_bounds(heads.group() * heads.dim));
    let dkey = dkey.grid(offsets, &group_bounds(heads.dim));
    let dvalue = dvalue.grid(offsets, &group_bounds(heads.dim));
    dquery
        .into_par_iter()
        .zip(dkey)
        .zip(dvalue)
        .enumerate()
        .for_each(|(task, ((dquery, dkey), dvalue))| {
            let (sequence, head) = (task / heads.key_value, task % heads.key_value);
            let tokens = offsets[sequence]..offsets[sequence + 1];
            let columns = head * heads.dim..(head + 1) * heads.dim;
            let query_columns = columns.start * heads.group()..columns.end * heads.group();
            let query_heads = head * heads.group()..(head + 1) * heads.group();
            let inputs = Inputs {
                query: inputs.query.block(tokens.clone(), query_columns.clone()),
                key: inputs.key.block(tokens.clone(), columns.clone()),
                value: inputs.value.block(tokens.clone(), columns),
                out: inputs.out.block(tokens.clone(), query_columns.clone()),
                log_normaliser: inputs.log_normaliser.block(tokens.clone(), query_heads),
                dout: inputs.dout.block(tokens, query_columns),
            };
            SCRATCH.with_borrow_mut(|scratch| {
                attend_group(inputs, heads, dquery, dkey, dvalue, scratch)
            });
        });
}

fn attend_group(
    inputs: Inputs<'_>,
    heads: Heads,
    mut dquery: MatrixMut<'_>,
    mut dkey: MatrixMut<'_>,
    mut dvalue: MatrixMut<'_>,
    scratch: &mut Scratch,
) {
    let length = inputs.query.rows();
    let scale = heads.scale();
    let Scratch {
        packed,
        scores,
        dscores,
    } = scratch;
    let [
        key_transposed,
        value_transposed,
        packed_key,
        packed_query,
        packed_dout,
    ] = packed;
    key_transposed.refill(inputs.key.transposed());
    value_transposed.refill(inputs.value.transposed());
    packed_key.refill(inputs.key);
    for head in 0..heads.group() {
        let columns = head * heads.dim..(head + 1) * heads.dim;
        for start in (0..length).step_by(QUERY_BLOCK) {
            let end = (start + QUERY_BLOCK).min(length);
            let rows = end - start;
            let query = inputs.query.block(start..end, columns.clone());
            let out = inputs.out.block(start..end, columns.clone());
            let dout = inputs.dout.block(start..end, columns.clone());
            scores.resize(rows * end, 0.0);
            dscores.resize(rows * end, 0.0);
            let keys = key_transposed.view().first_columns(end);
            multiply_serial(
                query,
                keys,
                scale,
                Write::Replace,
                MatrixMut::new(scores, rows, end),
            );
            let values = value_transposed.view().first_columns(end);
            multiply_serial(
                dout,
                values,
                1.0,
                Write::Replace,
                MatrixMut::new(dscores, rows, end),
            );
            for (row, (scores, dscores)) in scores
                .chunks_exact_mut(end)
                .zip(dscores.chunks_exact_mut(end))
                .enumerate()
            {
                let log_normaliser = inputs.log_normaliser.row(start + row)[head];
                vectorised(
                    #[inline(always)]
                    || {
                        let d = dot(dout.row(row), out.row(row));
                        probabilities(scores, dscores, start + row + 1, log_normaliser, d);
                    },
                );
            }
            let p = Matrix::new(scores, rows, end);
            let ds = Matrix::new(dscores, rows, end);
            packed_dout.refill(dout);
            let dvalue = dvalue.reborrow().block(0..end, 0..heads.dim);
            multiply_serial(p.transposed(), packed_dout.view(), 1.0, Write::Add, dvalue);
            packed_query.refill(query);
            let dkey = dkey.reborrow().block(0..end, 0..heads.dim);
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
                packed_key.view().first_rows(end),
                scale,
                Write::Replace,
                dquery,
            );
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
