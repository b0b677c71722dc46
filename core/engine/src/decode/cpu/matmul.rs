//! y = x W^T for few rows, on weights packed once.
//!
//! Decoding multiplies a handful of rows with every weight again and again. A general matrix product packs its operands
//! anew each time and wakes all threads for a few microseconds of work. Here the weights are laid out once in panels of
//! 32 output columns, interleaved along k, and a small kernel keeps a tile of rows x 32 sums in registers.
//!
//! Every sum goes over blocks of k in order, each from first to last with fused multiply-adds, whatever the tile: an
//! output element has the same bits for any number of rows, any split over threads and any vector width.

use std::ops::Range;

use candle_core::{CpuStorage, Storage, Tensor};
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use crate::error::{EngineError, Result};
use crate::prefetch;

/// Sixteen numbers on a cache line: the unit of packed data. One vector of AVX-512, two of AVX2.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(super) struct Line(pub [f32; 16]);

impl Line {
    pub const ZERO: Self = Self([0.0; 16]);
}

/// Depth after which a partial sum is added to the total. A sum of a thousand products in one chain has three times the
/// rounding error, which thirty layers make visible.
const DEPTH: usize = 128;

/// Columns of a panel.
pub(super) const PANEL: usize = 32;

/// One or more weight matrices with the same input, side by side: output columns are those of the first, the second, ..
pub(super) struct PackedMatrix {
    /// `(panel, k)`: 32 weights that multiply input k.
    panels: Vec<[Line; 2]>,
    k: usize,
}

impl PackedMatrix {
    /// `weights`: each `(out, k)`, contiguous, f32, on the CPU.
    pub fn pack(weights: &[&Tensor]) -> Result<Self> {
        let k = weights[0].dim(1)?;
        let guards: Vec<_> = weights
            .iter()
            .map(|weight| weight.storage_and_layout())
            .collect();
        let mut rows: Vec<&[f32]> = Vec::new();
        for (storage, layout) in &guards {
            rows.extend(contiguous(storage, layout)?.chunks_exact(k));
        }
        let mut panels = vec![[Line::ZERO; 2]; rows.len().div_ceil(PANEL) * k];
        panels
            .par_chunks_exact_mut(k)
            .zip(rows.par_chunks(PANEL))
            .for_each(|(panel, rows)| {
                for (column, row) in rows.iter().enumerate() {
                    for (lines, &weight) in panel.iter_mut().zip(*row) {
                        lines[column / 16].0[column % 16] = weight;
                    }
                }
            });
        Ok(Self { panels, k })
    }

    /// Length of an input row.
    pub fn inputs(&self) -> usize {
        self.k
    }

    /// Length of an output row: the columns, filled up to whole panels.
    pub fn stride(&self) -> usize {
        self.panels.len() / self.k * PANEL
    }

    pub fn bytes(&self) -> usize {
        std::mem::size_of_val(self.panels.as_slice())
    }

    /// `out = x W^T`, or `out += x W^T`, on this thread. `x` has rows of `x_stride`, `out` rows of at least
    /// [`stride`](Self::stride), and both hold `rows` of them.
    pub fn apply(
        &self,
        x: &[f32],
        x_stride: usize,
        rows: usize,
        out: &mut [f32],
        out_stride: usize,
        add: bool,
    ) {
        let panels = &self.panels;
        Arch::new().dispatch(Multiply {
            panels,
            k: self.k,
            x,
            x_stride,
            rows,
            out,
            out_stride,
            add,
        });
    }

    /// The same bits as [`apply`](Self::apply), the panels divided among the threads. `panel_major` is scratch.
    pub fn apply_on_all_threads(
        &self,
        x: &[f32],
        x_stride: usize,
        rows: usize,
        out: &mut [f32],
        out_stride: usize,
        add: bool,
        panel_major: &mut Vec<f32>,
    ) {
        let count = self.panels.len() / self.k;
        let tasks = rayon::current_num_threads();
        if tasks == 1 {
            return self.apply(x, x_stride, rows, out, out_stride, add);
        }
        // A thread owns whole panels, so it writes them one after the other, and rows are gathered afterwards.
        let per_task = count.div_ceil(tasks);
        grow(panel_major, count * rows * PANEL);
        let panel_major = &mut panel_major[..count * rows * PANEL];
        panel_major
            .par_chunks_mut(per_task * rows * PANEL)
            .zip(self.panels.par_chunks(per_task * self.k))
            .for_each(|(out, panels)| {
                for (out, panels) in out
                    .chunks_exact_mut(rows * PANEL)
                    .zip(panels.chunks_exact(self.k))
                {
                    let (k, out_stride) = (self.k, PANEL);
                    Arch::new().dispatch(Multiply {
                        panels,
                        k,
                        x,
                        x_stride,
                        rows,
                        out,
                        out_stride,
                        add: false,
                    });
                }
            });
        let panel_major = &*panel_major;
        let gather = |(row, out): (usize, &mut [f32])| {
            for (out, panel) in out[..count * PANEL]
                .chunks_exact_mut(PANEL)
                .zip(panel_major.chunks_exact(rows * PANEL))
            {
                let sums = &panel[row * PANEL..(row + 1) * PANEL];
                match add {
                    true => out.iter_mut().zip(sums).for_each(|(out, sum)| *out += sum),
                    false => out.copy_from_slice(sums),
                }
            }
        };
        let rows_per_task = rows.div_ceil(tasks);
        out[..(rows - 1) * out_stride + count * PANEL]
            .par_chunks_mut(rows_per_task * out_stride)
            .enumerate()
            .for_each(|(task, chunk)| {
                let rows = chunk.chunks_mut(out_stride).enumerate();
                rows.for_each(|(row, out)| gather((task * rows_per_task + row, out)));
            });
    }
}

/// Makes a scratch buffer long enough; what it held is of no interest.
pub(super) fn grow(buffer: &mut Vec<f32>, length: usize) {
    if buffer.len() < length {
        buffer.resize(length, 0.0);
    }
}

/// The numbers of a contiguous f32 tensor on the CPU.
pub(super) fn contiguous<'a>(
    storage: &'a Storage,
    layout: &candle_core::Layout,
) -> Result<&'a [f32]> {
    let Storage::Cpu(CpuStorage::F32(numbers)) = storage else {
        return Err(EngineError::Argument(
            "expected f32 weights on the CPU".to_owned(),
        ));
    };
    let (start, end) = layout
        .contiguous_offsets()
        .ok_or_else(|| EngineError::Argument("expected contiguous weights".to_owned()))?;
    Ok(&numbers[start..end])
}

struct Multiply<'a> {
    panels: &'a [[Line; 2]],
    k: usize,
    x: &'a [f32],
    x_stride: usize,
    rows: usize,
    out: &'a mut [f32],
    out_stride: usize,
    add: bool,
}

impl WithSimd for Multiply<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        // Vectors in a line. The compiler keeps the arm that fits S alone.
        match S::F32_LANES {
            // 8 x 32 sums fill sixteen of the 32 registers.
            16 => self.all_panels::<S, 1, 2, 8>(simd),
            8 => self.all_panels::<S, 2, 1, 6>(simd),
            4 => self.all_panels::<S, 4, 1, 4>(simd),
            _ => self.all_panels::<S, 16, 1, 1>(simd),
        }
    }
}

impl Multiply<'_> {
    /// `V` vectors to a line, `L` lines to a tile, at most `R` rows to a tile: `V * L * R` sums fit the registers.
    #[inline(always)]
    fn all_panels<S: Simd, const V: usize, const L: usize, const R: usize>(&mut self, simd: S) {
        for panel in 0..self.panels.len() / self.k {
            // Tiles of equal height: 9 rows are 5 and 4, not 8 and 1.
            let tiles = self.rows.div_ceil(R);
            let mut row = 0;
            for tile in 0..tiles {
                let height = (self.rows - row).div_ceil(tiles - tile);
                for line in (0..2).step_by(L) {
                    // Large weights come from memory. The first passes over a panel ask for the lines of the next one,
                    // so that the way from memory and the arithmetic go on at the same time.
                    let ask = match (tiles, tile) {
                        _ if line > 0 => 0..0,
                        (1, _) => 0..2,
                        (_, 0) => 0..1,
                        (_, 1) => 1..2,
                        _ => 0..0,
                    };
                    // The guards are constant: heights that cannot occur are not compiled.
                    match height {
                        2 if R >= 2 => self.tile::<S, V, L, 2>(simd, panel, line, row, ask),
                        3 if R >= 3 => self.tile::<S, V, L, 3>(simd, panel, line, row, ask),
                        4 if R >= 4 => self.tile::<S, V, L, 4>(simd, panel, line, row, ask),
                        5 if R >= 5 => self.tile::<S, V, L, 5>(simd, panel, line, row, ask),
                        6 if R >= 6 => self.tile::<S, V, L, 6>(simd, panel, line, row, ask),
                        7 if R >= 7 => self.tile::<S, V, L, 7>(simd, panel, line, row, ask),
                        8 if R >= 8 => self.tile::<S, V, L, 8>(simd, panel, line, row, ask),
                        _ => self.tile::<S, V, L, 1>(simd, panel, line, row, ask),
                    }
                }
                row += height;
            }
        }
    }

    #[inline(always)]
    fn tile<S: Simd, const V: usize, const L: usize, const R: usize>(
        &mut self,
        simd: S,
        panel: usize,
        line: usize,
        row: usize,
        ask: Range<usize>,
    ) {
        let k = self.k;
        let x: [&[f32]; R] = std::array::from_fn(|r| &self.x[(row + r) * self.x_stride..][..k]);
        let weights = &self.panels[panel * k..][..k];
        let next = self.panels.as_ptr().wrapping_add((panel + 1) * k);
        let mut totals = [[[simd.splat_f32s(0.0); V]; L]; R];
        for start in (0..k).step_by(DEPTH) {
            let mut sums = [[[simd.splat_f32s(0.0); V]; L]; R];
            for i in start..(start + DEPTH).min(k) {
                for line in ask.clone() {
                    prefetch::far(next.wrapping_add(i).cast::<Line>().wrapping_add(line));
                }
                for l in 0..L {
                    let (w, _) = S::as_simd_f32s(&weights[i][line + l].0);
                    for r in 0..R {
                        let x = simd.splat_f32s(x[r][i]);
                        for v in 0..V {
                            sums[r][l][v] = simd.mul_add_f32s(x, w[v], sums[r][l][v]);
                        }
                    }
                }
            }
            for r in 0..R {
                for l in 0..L {
                    for v in 0..V {
                        totals[r][l][v] = simd.add_f32s(totals[r][l][v], sums[r][l][v]);
                    }
                }
            }
        }
        for r in 0..R {
            let at = (row + r) * self.out_stride + panel * PANEL + line * 16;
            let (out, _) = S::as_mut_simd_f32s(&mut self.out[at..at + L * 16]);
            for l in 0..L {
                for v in 0..V {
                    let sum = totals[r][l][v];
                    let out = &mut out[l * V + v];
                    *out = if self.add {
                        simd.add_f32s(*out, sum)
                    } else {
                        sum
                    };
                }
            }
        }
    }
}
