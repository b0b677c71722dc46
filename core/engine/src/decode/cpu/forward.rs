//! The layer stack for a block of new tokens.
//!
//! A block mixes tokens of any sequences: one drawn token of each of many attempts, or many tokens of one prompt. A
//! token first writes its key and value and then attends to its sequence up to itself, so prompts and attempts take
//! the same path and agree bit for bit.

use rayon::prelude::*;

use super::attention::attend;
use super::cache::{CacheShape, Sequence};
use super::matmul::{PackedMatrix, contiguous, grow};
use super::weights::{DecodingLayer, DecodingWeights};
use crate::config::ModelConfig;
use crate::decode::vector::{rms_norm_heads, rms_norm_rows, swiglu_row};
use crate::error::Result;
use crate::model::Model;
use crate::rotary::RotaryTable;

/// Tokens that follow a sequence, and where the logits after the last of them go.
pub(super) struct Item<'a> {
    pub sequence: &'a mut Sequence,
    pub tokens: &'a [u32],
    /// At least `lm_head.stride()` numbers.
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
    panel_major: Vec<f32>,
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

impl Forward<'_> {
    /// Puts the items' tokens into their sequences, which have room for them, and makes their logits.
    pub fn run(
        &self,
        items: &mut [Item<'_>],
        threads: Threads,
        scratch: &mut Scratch,
    ) -> Result<()> {
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
            self.block(items, block, threads, scratch)?;
        }
        Ok(())
    }

    fn block(
        &self,
        items: &mut [Item<'_>],
        rows: &[Row],
        threads: Threads,
        scratch: &mut Scratch,
    ) -> Result<()> {
        let config = self.model.config();
        // Rows of `hidden` have the length of a packed output, so that projections can be added in place.
        let stride = self.weights.layers[0].down_proj.stride();
        grow(&mut scratch.hidden, rows.len() * stride);
        self.embed(rows, stride, &mut scratch.hidden)?;
        for (index, layer) in self.weights.layers.iter().enumerate() {
            self.attention(items, rows, index, layer, stride, threads, scratch);
            self.mlp(rows.len(), layer, stride, threads, scratch);
        }
        self.head(items, rows, config, stride, threads, scratch);
        Ok(())
    }

    fn embed(&self, rows: &[Row], stride: usize, hidden: &mut [f32]) -> Result<()> {
        let width = self.model.config().hidden_size;
        let (storage, layout) = self.model.embed_tokens().storage_and_layout();
        let table = contiguous(&storage, layout)?;
        for (row, hidden) in rows.iter().zip(hidden.chunks_exact_mut(stride)) {
            hidden[..width].copy_from_slice(&table[row.token as usize * width..][..width]);
            hidden[width..].fill(0.0);
        }
        Ok(())
    }

    fn attention(
        &self,
        items: &mut [Item<'_>],
        rows: &[Row],
        index: usize,
        layer: &DecodingLayer,
        stride: usize,
        threads: Threads,
        scratch: &mut Scratch,
    ) {
        let Self { shape, rotary, .. } = self;
        let count = rows.len();
        self.norm(&layer.input_layernorm, count, stride, scratch);
        let width = layer.query_key_value.stride();
        grow(&mut scratch.query_key_value, count * width);
        let Scratch {
            hidden,
            normed,
            query_key_value,
            attended,
            scores,
            panel_major,
            ..
        } = scratch;
        threads.multiply(
            &layer.query_key_value,
            normed,
            stride,
            count,
            query_key_value,
            width,
            false,
            panel_major,
        );

        let eps = self.model.config().rms_norm_eps as f32;
        let queries = layer.o_proj.inputs();
        let keys = shape.key_value_heads * shape.head_dim;
        let scale = 1.0 / (shape.head_dim as f32).sqrt();
        add_bias(&layer.query_key_value_bias, query_key_value, width, count);
        for (row, numbers) in rows.iter().zip(query_key_value.chunks_exact_mut(width)) {
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
                    .zip(query_key_value.chunks_exact(width))
                    .zip(outs)
                {
                    one(row, query, out, scores);
                }
            }
            Threads::All => rows
                .par_iter()
                .zip(query_key_value.par_chunks_exact(width))
                .zip(attended.par_chunks_exact_mut(queries))
                .for_each_init(Vec::new, |scores, ((row, query), out)| {
                    one(row, query, out, scores)
                }),
        }
        threads.multiply(
            &layer.o_proj,
            attended,
            queries,
            count,
            hidden,
            stride,
            true,
            panel_major,
        );
        add_bias(&layer.o_proj_bias, hidden, stride, count);
    }

    fn mlp(
        &self,
        count: usize,
        layer: &DecodingLayer,
        stride: usize,
        threads: Threads,
        scratch: &mut Scratch,
    ) {
        self.norm(&layer.post_attention_layernorm, count, stride, scratch);
        let width = layer.gate_up.stride();
        let inner = layer.down_proj.inputs();
        grow(&mut scratch.gate_up, count * width);
        grow(&mut scratch.activated, count * inner);
        let Scratch {
            hidden,
            normed,
            gate_up,
            activated,
            panel_major,
            ..
        } = scratch;
        threads.multiply(
            &layer.gate_up,
            normed,
            stride,
            count,
            gate_up,
            width,
            false,
            panel_major,
        );
        add_bias(&layer.gate_up_bias, gate_up, width, count);
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
        threads.multiply(
            &layer.down_proj,
            activated,
            inner,
            count,
            hidden,
            stride,
            true,
            panel_major,
        );
        add_bias(&layer.down_proj_bias, hidden, stride, count);
    }

    /// Logits after the last token of each item that ends in this block.
    fn head(
        &self,
        items: &mut [Item<'_>],
        rows: &[Row],
        config: &ModelConfig,
        stride: usize,
        threads: Threads,
        scratch: &mut Scratch,
    ) {
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
        grow(&mut scratch.normed, last.len() * stride);
        grow(&mut scratch.logits, last.len() * lm_head.stride());
        let Scratch {
            hidden,
            normed,
            logits,
            panel_major,
            ..
        } = scratch;
        let eps = config.rms_norm_eps as f32;
        for (&(at, _), normed) in last.iter().zip(normed.chunks_exact_mut(stride)) {
            rms_norm_rows(
                &hidden[at * stride..][..stride],
                normed,
                stride,
                &self.weights.norm,
                eps,
            );
        }
        threads.multiply(
            lm_head,
            normed,
            stride,
            last.len(),
            logits,
            lm_head.stride(),
            false,
            panel_major,
        );
        for (&(_, item), logits) in last.iter().zip(logits.chunks_exact(lm_head.stride())) {
            items[item].logits[..config.vocab_size].copy_from_slice(&logits[..config.vocab_size]);
        }
    }

    fn norm(&self, gain: &[f32], count: usize, stride: usize, scratch: &mut Scratch) {
        let eps = self.model.config().rms_norm_eps as f32;
        grow(&mut scratch.normed, count * stride);
        let length = count * stride;
        rms_norm_rows(
            &scratch.hidden[..length],
            &mut scratch.normed[..length],
            stride,
            gain,
            eps,
        );
    }
}

/// Adds a bias to the first `count` rows; an empty one is none.
fn add_bias(bias: &[f32], rows: &mut [f32], stride: usize, count: usize) {
    if bias.is_empty() {
        return;
    }
    for row in rows.chunks_exact_mut(stride).take(count) {
        row.iter_mut()
            .zip(bias)
            .for_each(|(number, bias)| *number += bias);
    }
}

impl Threads {
    fn multiply(
        self,
        matrix: &PackedMatrix,
        x: &[f32],
        x_stride: usize,
        rows: usize,
        out: &mut [f32],
        out_stride: usize,
        add: bool,
        panel_major: &mut Vec<f32>,
    ) {
        match self {
            Self::This => matrix.apply(x, x_stride, rows, out, out_stride, add),
            Self::All => {
                matrix.apply_on_all_threads(x, x_stride, rows, out, out_stride, add, panel_major)
            }
        }
    }
}
