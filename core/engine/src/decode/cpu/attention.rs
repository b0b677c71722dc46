//! Attention of one new token to the positions before it, from the paged cache.
//!
//! The query heads that share a key-value head go through the cache together. Scores of sixteen positions are one line
//! of sums along the head dimension; values are added up position by position. Both orders are fixed.

use pulp::{Arch, Simd, WithSimd};

use super::cache::{CacheShape, HeadPage, Line, Sequence};
use super::grow;
use crate::decode::vector::softmax;

/// Query heads that one kernel call takes.
const HEADS: usize = 4;

/// `out = softmax(q K^T) V` for the token at `position` in `layer`.
///
/// `query`: `(heads, head_dim)`, already turned and divided by sqrt(head_dim); `out`: the same shape; `scores` is scratch.
pub(super) fn attend(
    shape: &CacheShape,
    sequence: &Sequence,
    layer: usize,
    position: usize,
    query: &[f32],
    out: &mut [f32],
    scores: &mut Vec<f32>,
) {
    let length = position + 1;
    let heads = query.len() / shape.head_dim;
    let group = heads / shape.key_value_heads;
    // Each row of scores is written in whole pages' panels; the last may reach beyond the length.
    let stride = (length + 2 * super::cache::PAGE).next_multiple_of(16);
    grow(scores, HEADS * stride);
    for (head, (queries, outs)) in query
        .chunks_exact(group * shape.head_dim)
        .zip(out.chunks_exact_mut(group * shape.head_dim))
        .enumerate()
    {
        let pages = sequence.head_pages(shape, layer, head, length);
        for (query, out) in queries
            .chunks(HEADS * shape.head_dim)
            .zip(outs.chunks_mut(HEADS * shape.head_dim))
        {
            let pages = pages.clone();
            Arch::new().dispatch(Attend {
                pages,
                head_dim: shape.head_dim,
                value_lines: shape.value_lines(),
                length,
                query,
                out,
                scores,
                stride,
            });
        }
    }
}

struct Attend<'a, P> {
    pages: P,
    head_dim: usize,
    value_lines: usize,
    length: usize,
    query: &'a [f32],
    out: &'a mut [f32],
    scores: &'a mut [f32],
    stride: usize,
}

impl<'p, P: Iterator<Item = HeadPage<'p>> + Clone> WithSimd for Attend<'_, P> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        // Vectors in a line. The compiler keeps the arm that fits S alone.
        match S::F32_LANES {
            16 => self.heads::<S, 1>(simd),
            8 => self.heads::<S, 2>(simd),
            4 => self.heads::<S, 4>(simd),
            _ => self.heads::<S, 16>(simd),
        }
    }
}

impl<'p, P: Iterator<Item = HeadPage<'p>> + Clone> Attend<'_, P> {
    #[inline(always)]
    fn heads<S: Simd, const V: usize>(self, simd: S) {
        match self.query.len() / self.head_dim {
            1 => self.run::<S, V, 1>(simd),
            2 => self.run::<S, V, 2>(simd),
            3 => self.run::<S, V, 3>(simd),
            _ => self.run::<S, V, HEADS>(simd),
        }
    }

    #[inline(always)]
    fn run<S: Simd, const V: usize, const H: usize>(self, simd: S) {
        let Self {
            pages,
            head_dim,
            value_lines,
            length,
            query,
            out,
            scores,
            stride,
        } = self;
        let query: [&[f32]; H] = std::array::from_fn(|h| &query[h * head_dim..][..head_dim]);
        let mut at = 0;
        for page in pages.clone() {
            let panels = page.count.div_ceil(16);
            // Four panels give enough independent sums to hide the latency of a multiply-add.
            let mut panel = 0;
            while panel < panels {
                let keys = &page.keys[panel * head_dim..];
                let scores = &mut scores[at + panel * 16..];
                panel += match panels - panel {
                    1 => score::<S, V, H, 1>(simd, query, keys, scores, stride),
                    2 => score::<S, V, H, 2>(simd, query, keys, scores, stride),
                    3 => score::<S, V, H, 3>(simd, query, keys, scores, stride),
                    _ => score::<S, V, H, 4>(simd, query, keys, scores, stride),
                };
            }
            // What lies beyond the count is overwritten by the next page or never read.
            at += page.count;
        }
        for h in 0..H {
            softmax(&mut scores[h * stride..][..length]);
        }
        let mut line = 0;
        while line < value_lines {
            let first = line * 16;
            line += match value_lines - line {
                1 => gather::<S, V, H, 1>(
                    simd,
                    pages.clone(),
                    value_lines,
                    line,
                    scores,
                    stride,
                    out,
                    head_dim,
                    first,
                ),
                _ => gather::<S, V, H, 2>(
                    simd,
                    pages.clone(),
                    value_lines,
                    line,
                    scores,
                    stride,
                    out,
                    head_dim,
                    first,
                ),
            };
        }
    }
}

/// Scores of `H` heads against `P` panels of sixteen positions; returns `P`.
#[inline(always)]
fn score<S: Simd, const V: usize, const H: usize, const P: usize>(
    simd: S,
    query: [&[f32]; H],
    keys: &[Line],
    scores: &mut [f32],
    stride: usize,
) -> usize {
    let head_dim = query[0].len();
    let keys: [&[Line]; P] = std::array::from_fn(|p| &keys[p * head_dim..][..head_dim]);
    let mut sums = [[[simd.splat_f32s(0.0); V]; P]; H];
    for d in 0..head_dim {
        for p in 0..P {
            let (k, _) = S::as_simd_f32s(&keys[p][d].0);
            for h in 0..H {
                let q = simd.splat_f32s(query[h][d]);
                for v in 0..V {
                    sums[h][p][v] = simd.mul_add_f32s(q, k[v], sums[h][p][v]);
                }
            }
        }
    }
    for h in 0..H {
        let (out, _) = S::as_mut_simd_f32s(&mut scores[h * stride..][..P * 16]);
        for p in 0..P {
            for v in 0..V {
                out[p * V + v] = sums[h][p][v];
            }
        }
    }
    P
}

/// Weighted sums of `L` lines of the values for `H` heads; returns `L`.
#[inline(always)]
fn gather<'p, S: Simd, const V: usize, const H: usize, const L: usize>(
    simd: S,
    pages: impl Iterator<Item = HeadPage<'p>>,
    value_lines: usize,
    line: usize,
    scores: &[f32],
    stride: usize,
    out: &mut [f32],
    head_dim: usize,
    first: usize,
) -> usize {
    let mut sums = [[[simd.splat_f32s(0.0); V]; L]; H];
    let mut at = 0;
    for page in pages {
        let weights: [&[f32]; H] =
            std::array::from_fn(|h| &scores[h * stride + at..][..page.count]);
        for (t, lines) in page
            .values
            .chunks_exact(value_lines)
            .take(page.count)
            .enumerate()
        {
            let lines = &lines[line..line + L];
            for l in 0..L {
                let (value, _) = S::as_simd_f32s(&lines[l].0);
                for h in 0..H {
                    let weight = simd.splat_f32s(weights[h][t]);
                    for v in 0..V {
                        sums[h][l][v] = simd.mul_add_f32s(weight, value[v], sums[h][l][v]);
                    }
                }
            }
        }
        at += page.count;
    }
    for h in 0..H {
        for l in 0..L {
            let mut numbers = Line::ZERO;
            let (vectors, _) = S::as_mut_simd_f32s(&mut numbers.0);
            vectors[..V].copy_from_slice(&sums[h][l]);
            let column = first + l * 16;
            let width = (head_dim - column).min(16);
            out[h * head_dim + column..][..width].copy_from_slice(&numbers.0[..width]);
        }
    }
    L
}
