//! The layer stack for a block of new tokens.
//!
//! A block mixes tokens of any sequences: one drawn token of each of many attempts, or many tokens of one prompt. A
//! token first writes its key and value and then attends to its sequence up to itself, so prompts and attempts take
//! the same path and agree bit for bit.

use rayon::prelude::*;

use super::attention::attend;
use super::cache::{CacheShape, Sequence};
use super::grow;
use super::weights::{DecodingLayer, DecodingWeights, Linear};
use crate::decode::vector::{rms_norm_heads, rms_norm_rows, swiglu_row};
use crate::model::Model;
use crate::ops::slices::read;
use crate::product::{Matrix, MatrixMut, Write, multiply, multiply_serial};
use crate::rotary::RotaryTable;

/// Tokens that follow a sequence, and where the logits after the last of them go.
pub(super) struct Item<'a> {
    pub sequence: &'a mut Sequence,
    pub tokens: &'a [u32],
    /// As many as the vocabulary has tokens.
    pub logits: &'a mut [f32],
}

/// Who computes one block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Threads {
    /// This thread; others are at blocks of their own.
    This,
    /// All threads share every operation.
    All,
}

pub(super) struct Forward<'a> {
    pub model: &'a Model,
    pub weights: &'a DecodingWeights,
    pub shape: CacheShape,
    pub rotary: &'a RotaryTable,
}

/// Buffers of one block, kept from block to block.
#[derive(Default)]
pub(super) struct Scratch {
    /// Residual stream.
    hidden: Vec<f32>,
    normed: Vec<f32>,
    query_key_value: Vec<f32>,
    attended: Vec<f32>,
    gate_up: Vec<f32>,
    activated: Vec<f32>,
    logits: Vec<f32>,
    scores: Vec<f32>,
}

/// One token of a block.
#[derive(Clone, Copy)]
struct Row {
    item: usize,
    token: u32,
    position: usize,
}

/// Tokens of a block when one thread computes it: its activations stay in the core's cache.
const ROWS_FOR_ONE_THREAD: usize = 64;
/// Tokens of a block when all threads do: weights that do not fit the cache are read once per block.
const ROWS_FOR_ALL_THREADS: usize = 256;

/// Depth after which partial sums are added up. With sums twice as long the logits of thirty layers are off by a quarter more.
const DEPTH_BLOCK: usize = 128;

impl Forward<'_> {
    /// Puts the items' tokens into their sequences, which have room for them, and makes their logits.
    pub fn run(&self, items: &mut [Item<'_>], threads: Threads, scratch: &mut Scratch) {
        let mut rows = Vec::new();
        for (
            item,
            Item {
                sequence, tokens, ..
            },
        ) in items.iter_mut().enumerate()
        {
            let start = sequence.length();
            sequence.extend(tokens.len());
            let positions = tokens.iter().enumerate();
            rows.extend(positions.map(|(at, &token)| Row {
                item,
                token,
                position: start + at,
            }));
        }
        let limit = match threads {
            Threads::This => ROWS_FOR_ONE_THREAD,
            Threads::All => ROWS_FOR_ALL_THREADS,
        };
        for block in rows.chunks(limit) {
            self.block(items, block, threads, scratch);
        }
    }

    fn block(&self, items: &mut [Item<'_>], rows: &[Row], threads: Threads, scratch: &mut Scratch) {
        let width = self.model.config().hidden_size;
        grow(&mut scratch.hidden, rows.len() * width);
        self.embed(rows, &mut scratch.hidden);
        for (index, layer) in self.weights.layers.iter().enumerate() {
            self.attention(items, rows, index, layer, threads, scratch);
            self.mlp(rows.len(), layer, threads, scratch);
        }
        self.head(items, rows, threads, scratch);
    }

    fn embed(&self, rows: &[Row], hidden: &mut [f32]) {
        let width = self.model.config().hidden_size;
        let table = read(self.model.embed_tokens());
        for (row, hidden) in rows.iter().zip(hidden.chunks_exact_mut(width)) {
            hidden.copy_from_slice(&table[row.token as usize * width..][..width]);
        }
    }

    fn attention(
        &self,
        items: &mut [Item<'_>],
        rows: &[Row],
        index: usize,
        layer: &DecodingLayer,
        threads: Threads,
        scratch: &mut Scratch,
    ) {
        let Self { shape, rotary, .. } = self;
        let count = rows.len();
        self.norm(&layer.input_layernorm, count, scratch);
        let (queries, columns) = (layer.o_proj.inputs(), layer.query_key_value.outputs());
        grow(&mut scratch.query_key_value, count * columns);
        let Scratch {
            hidden,
            normed,
            query_key_value,
            attended,
            scores,
            ..
        } = scratch;
        threads.apply(&layer.query_key_value, normed, count, query_key_value);

        let eps = self.model.config().rms_norm_eps as f32;
        let keys = shape.key_value_heads * shape.head_dim;
        let scale = 1.0 / (shape.head_dim as f32).sqrt();
        for (row, numbers) in rows.iter().zip(query_key_value.chunks_exact_mut(columns)) {
            let (query, rest) = numbers.split_at_mut(queries);
            let (key, value) = rest[..2 * keys].split_at_mut(keys);
            for (heads, gain) in [(&mut *query, &layer.q_norm), (&mut *key, &layer.k_norm)] {
                if let Some(gain) = gain {
                    rms_norm_heads(heads, gain, eps);
                }
            }
            rotary.turn(query, row.position);
            rotary.turn(key, row.position);
            query.iter_mut().for_each(|q| *q *= scale);
            let heads = key
                .chunks_exact(shape.head_dim)
                .zip(value.chunks_exact(shape.head_dim));
            for (head, (key, value)) in heads.enumerate() {
                items[row.item]
                    .sequence
                    .write(shape, index, head, row.position, key, value);
            }
        }

        grow(attended, count * queries);
        let items = &*items;
        let one = |row: &Row, query: &[f32], out: &mut [f32], scores: &mut Vec<f32>| {
            attend(
                shape,
                items[row.item].sequence,
                index,
                row.position,
                &query[..queries],
                out,
                scores,
            );
        };
        let attended = &mut attended[..count * queries];
        match threads {
            Threads::This => {
                let outs = attended.chunks_exact_mut(queries);
                for ((row, query), out) in rows
                    .iter()
                    .zip(query_key_value.chunks_exact(columns))
                    .zip(outs)
                {
                    one(row, query, out, scores);
                }
            }
            Threads::All => rows
                .par_iter()
                .zip(query_key_value.par_chunks_exact(columns))
                .zip(attended.par_chunks_exact_mut(queries))
                .for_each_init(Vec::new, |scores, ((row, query), out)| {
                    one(row, query, out, scores)
                }),
        }
        // Not added by the product itself, block after block of its depth: a trained model's stream has values in the
        // thousands, at which every addition rounds.
        threads.apply(&layer.o_proj, attended, count, normed);
        add(hidden, &normed[..count * layer.o_proj.outputs()]);
    }

    fn mlp(&self, count: usize, layer: &DecodingLayer, threads: Threads, scratch: &mut Scratch) {
        self.norm(&layer.post_attention_layernorm, count, scratch);
        let (inner, width) = (layer.down_proj.inputs(), layer.gate_up.outputs());
        grow(&mut scratch.gate_up, count * width);
        grow(&mut scratch.activated, count * inner);
        let Scratch {
            hidden,
            normed,
            gate_up,
            activated,
            ..
        } = scratch;
        threads.apply(&layer.gate_up, normed, count, gate_up);
        let activated = &mut activated[..count * inner];
        match threads {
            Threads::This => {
                let rows = gate_up
                    .chunks_exact(width)
                    .zip(activated.chunks_exact_mut(inner));
                rows.for_each(|(gate_up, out)| swiglu_row(gate_up, out));
            }
            Threads::All => {
                let rows = gate_up
                    .par_chunks_exact(width)
                    .zip(activated.par_chunks_exact_mut(inner));
                rows.for_each(|(gate_up, out)| swiglu_row(gate_up, out));
            }
        }
        threads.apply(&layer.down_proj, activated, count, normed);
        add(hidden, &normed[..count * layer.down_proj.outputs()]);
    }

    /// Logits after the last token of each item that ends in this block.
    fn head(&self, items: &mut [Item<'_>], rows: &[Row], threads: Threads, scratch: &mut Scratch) {
        let is_last =
            |(_, row): &(usize, &Row)| items[row.item].sequence.length() == row.position + 1;
        let last: Vec<(usize, usize)> = rows
            .iter()
            .enumerate()
            .filter(is_last)
            .map(|(at, row)| (at, row.item))
            .collect();
        if last.is_empty() {
            return;
        }
        let lm_head = &self.weights.lm_head;
        let (width, vocabulary) = (lm_head.inputs(), lm_head.outputs());
        grow(&mut scratch.normed, last.len() * width);
        grow(&mut scratch.logits, last.len() * vocabulary);
        let Scratch {
            hidden,
            normed,
            logits,
            ..
        } = scratch;
        let eps = self.model.config().rms_norm_eps as f32;
        for (&(at, _), normed) in last.iter().zip(normed.chunks_exact_mut(width)) {
            rms_norm_rows(
                &hidden[at * width..][..width],
                normed,
                &self.weights.norm,
                eps,
            );
        }
        threads.apply(lm_head, normed, last.len(), logits);
        for (&(_, item), logits) in last.iter().zip(logits.chunks_exact(vocabulary)) {
            items[item].logits.copy_from_slice(logits);
        }
    }

    fn norm(&self, gain: &[f32], count: usize, scratch: &mut Scratch) {
        let eps = self.model.config().rms_norm_eps as f32;
        let length = count * gain.len();
        grow(&mut scratch.normed, length);
        rms_norm_rows(
            &scratch.hidden[..length],
            &mut scratch.normed[..length],
            gain,
            eps,
        );
    }
}

fn add(to: &mut [f32], numbers: &[f32]) {
    for (sum, number) in to.iter_mut().zip(numbers) {
        *sum += number;
    }
}

impl Threads {
    /// y = x W^T + b for the first `rows` rows of `x` and `y`. Either way gives the same bits.
    fn apply(self, linear: &Linear, x: &[f32], rows: usize, y: &mut [f32]) {
        let (inputs, outputs) = (linear.inputs(), linear.outputs());
        let x = Matrix::new(x, rows, inputs);
        let product = MatrixMut::new(y, rows, outputs);
        let weights = linear.weights.view().in_depth_blocks_of(DEPTH_BLOCK);
        match self {
            Self::This => multiply_serial(x, weights, 1.0, Write::Replace, product),
            Self::All => multiply(x, weights, 1.0, Write::Replace, product),
        }
        if !linear.bias.is_empty() {
            for row in y[..rows * outputs].chunks_exact_mut(outputs) {
                add(row, &linear.bias);
            }
        }
    }
}
