//! The inner loops of the product: a tile of the destination held in vector registers.
//!
//! A tile has up to 6 rows and 4 vectors (2 where there are 16 registers): each step of the depth loads one row of the
//! panel and broadcasts one value for each row of the tile, 24 independent multiply-adds for 10 loads.

// Counted loops over constants are unrolled into registers; iterators over the same arrays are not.
#![allow(clippy::needless_range_loop)]

use std::cell::RefCell;

use pulp::{Arch, Simd, WithSimd};

use super::matrix::{Matrix, MatrixMut};
use super::packed::{PANEL, PackedView};
use super::{DEPTH_BLOCK, ROW_BLOCK, Write};

pub(super) const TILE_ROWS: usize = 6;

/// Panels that stay in the second-level cache while the rows of a block pass by.
const PANEL_GROUP: usize = 8;

/// Computes the part of a product whose columns start with panel `first_panel`.
pub(super) fn block(
    left: Matrix<'_>,
    right: PackedView<'_>,
    first_panel: usize,
    scale: f32,
    write: Write,
    mut destination: MatrixMut<'_>,
) {
    assert_eq!(
        left.columns(),
        right.rows(),
        "the depths of a product differ"
    );
    assert_eq!(
        left.rows(),
        destination.rows(),
        "the destination of a product has another height"
    );
    let columns = destination.columns();
    assert!(
        first_panel * PANEL + columns <= right.columns(),
        "the destination of a product is too wide"
    );
    assert!(
        left.rows() <= ROW_BLOCK,
        "a block of a product has too many rows"
    );
    if left.columns() == 0 {
        // An empty sum: the loops below would never write.
        if write == Write::Replace {
            (0..left.rows()).for_each(|row| destination.row_mut(row).fill(0.0));
        }
        return;
    }
    let arch = Arch::new();
    match left.column_stride() {
        1 => arch.dispatch(Block {
            left,
            right,
            first_panel,
            scale,
            write,
            destination,
            left_copy: &mut [],
        }),
        _ => LEFT.with_borrow_mut(|left_copy| {
            arch.dispatch(Block {
                left,
                right,
                first_panel,
                scale,
                write,
                destination,
                left_copy,
            });
        }),
    }
}

struct Block<'a> {
    left: Matrix<'a>,
    right: PackedView<'a>,
    first_panel: usize,
    scale: f32,
    write: Write,
    destination: MatrixMut<'a>,
    /// Room for a block of a transposed left-hand matrix; empty for one that is read where it is.
    left_copy: &'a mut [f32],
}

impl WithSimd for Block<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let lanes = size_of::<S::f32s>() / size_of::<f32>();
        let tile_columns = lanes * if S::REGISTER_COUNT >= 32 { 4 } else { 2 };
        let (rows, columns, depth) = (
            self.left.rows(),
            self.destination.columns(),
            self.left.columns(),
        );
        let destination = self.destination.pointer();
        let destination_stride = self.destination.row_stride();
        for group_start in (0..columns).step_by(PANEL_GROUP * PANEL) {
            let group_end = (group_start + PANEL_GROUP * PANEL).min(columns);
            for depth_start in (0..depth).step_by(DEPTH_BLOCK) {
                let depth_count = DEPTH_BLOCK.min(depth - depth_start);
                let add = self.write == Write::Add || depth_start > 0;
                if !self.left_copy.is_empty() {
                    copy_left(self.left, depth_start, depth_count, self.left_copy);
                }
                for row in (0..rows).step_by(TILE_ROWS) {
                    let (left, left_row_stride, left_depth_stride) = match self.left_copy.is_empty()
                    {
                        true => {
                            let start = row * self.left.row_stride() + depth_start;
                            (
                                self.left.data()[start..].as_ptr(),
                                self.left.row_stride(),
                                1,
                            )
                        }
                        false => (self.left_copy[row..].as_ptr(), 1, LEFT_STRIDE),
                    };
                    for panel_start in (group_start..group_end).step_by(PANEL) {
                        let panel = self.right.panel(self.first_panel + panel_start / PANEL);
                        let width = PANEL.min(columns - panel_start);
                        for first in (0..width).step_by(tile_columns) {
                            let tile = Tile {
                                depth: depth_count,
                                left,
                                left_row_stride,
                                left_depth_stride,
                                right: panel[depth_start * PANEL + first..].as_ptr(),
                                to: destination
                                    .wrapping_add(row * destination_stride + panel_start + first),
                                to_row_stride: destination_stride,
                                columns: tile_columns.min(width - first),
                                scale: self.scale,
                                add,
                            };
                            // SAFETY: rows, depth and columns lie within the shapes of the three
                            // matrices, whose constructors checked them against their data; a panel
                            // has whole vectors; and `self.destination` is the only access to its
                            // elements.
                            unsafe {
                                tile.compute(
                                    simd,
                                    TILE_ROWS.min(rows - row),
                                    tile.columns.div_ceil(lanes),
                                );
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Distance between the steps of a copied left-hand block: its largest number of rows and one cache line, so that steps
/// do not all fall into the same few sets of the cache.
const LEFT_STRIDE: usize = ROW_BLOCK + 16;

thread_local! {
    /// A block of a transposed left-hand matrix, its rows side by side for every step of the depth. Read where it is,
    /// each step would touch another page.
    static LEFT: RefCell<Box<[f32]>> = RefCell::new(vec![0.0; LEFT_STRIDE * DEPTH_BLOCK].into_boxed_slice());
}

fn copy_left(left: Matrix<'_>, depth_start: usize, depth_count: usize, copy: &mut [f32]) {
    let rows = left.rows();
    for (step, copy) in copy
        .chunks_exact_mut(LEFT_STRIDE)
        .take(depth_count)
        .enumerate()
    {
        copy[..rows]
            .copy_from_slice(&left.data()[(depth_start + step) * left.column_stride()..][..rows]);
    }
}

/// One tile, at most [`TILE_ROWS`] rows by four vectors.
struct Tile {
    depth: usize,
    left: *const f32,
    left_row_stride: usize,
    left_depth_stride: usize,
    right: *const f32,
    to: *mut f32,
    to_row_stride: usize,
    columns: usize,
    scale: f32,
    add: bool,
}

impl Tile {
    /// # Safety
    /// All pointers are valid for `rows` rows, `self.depth` steps and `vectors` vectors (`self.columns` values for the
    /// destination).
    #[inline(always)]
    unsafe fn compute<S: Simd>(&self, simd: S, rows: usize, vectors: usize) {
        // SAFETY: the caller's promise, handed on.
        unsafe {
            match vectors {
                1 => self.with_vectors::<S, 1>(simd, rows),
                2 => self.with_vectors::<S, 2>(simd, rows),
                3 => self.with_vectors::<S, 3>(simd, rows),
                _ => self.with_vectors::<S, 4>(simd, rows),
            }
        }
    }

    #[inline(always)]
    unsafe fn with_vectors<S: Simd, const VECTORS: usize>(&self, simd: S, rows: usize) {
        // SAFETY: the caller's promise, handed on.
        unsafe {
            match rows {
                1 => self.with_shape::<S, 1, VECTORS>(simd),
                2 => self.with_shape::<S, 2, VECTORS>(simd),
                3 => self.with_shape::<S, 3, VECTORS>(simd),
                4 => self.with_shape::<S, 4, VECTORS>(simd),
                5 => self.with_shape::<S, 5, VECTORS>(simd),
                _ => self.with_shape::<S, 6, VECTORS>(simd),
            }
        }
    }

    #[inline(always)]
    unsafe fn with_shape<S: Simd, const ROWS: usize, const VECTORS: usize>(&self, simd: S) {
        let lanes = size_of::<S::f32s>() / size_of::<f32>();
        let mut sums = [[simd.splat_f32s(0.0); VECTORS]; ROWS];
        // Two base pointers: the other rows are within reach of one scaled index from them.
        let stride = self.left_row_stride;
        let mut upper = self.left;
        let mut lower = self.left.wrapping_add(3 * stride);
        let mut right = self.right;
        for _ in 0..self.depth {
            let mut loaded = [simd.splat_f32s(0.0); VECTORS];
            for vector in 0..VECTORS {
                // SAFETY: a panel has whole vectors for every step of the depth.
                loaded[vector] =
                    unsafe { right.add(vector * lanes).cast::<S::f32s>().read_unaligned() };
            }
            for row in 0..ROWS {
                let value = match row < 3 {
                    true => upper.wrapping_add(row * stride),
                    false => lower.wrapping_add((row - 3) * stride),
                };
                // SAFETY: `row` and the step lie inside the left-hand matrix.
                let broadcast = simd.splat_f32s(unsafe { *value });
                for vector in 0..VECTORS {
                    sums[row][vector] =
                        simd.mul_add_e_f32s(broadcast, loaded[vector], sums[row][vector]);
                }
            }
            // After the last step these may point beyond the data, which wrapping arithmetic allows.
            right = right.wrapping_add(PANEL);
            upper = upper.wrapping_add(self.left_depth_stride);
            lower = lower.wrapping_add(self.left_depth_stride);
        }
        let scale = simd.splat_f32s(self.scale);
        if self.columns == VECTORS * lanes {
            for row in 0..ROWS {
                for vector in 0..VECTORS {
                    let to = self
                        .to
                        .wrapping_add(row * self.to_row_stride + vector * lanes)
                        .cast::<S::f32s>();
                    let value = simd.mul_f32s(sums[row][vector], scale);
                    // SAFETY: rows of the destination are `columns` long, and this task alone uses these elements.
                    unsafe {
                        let value = if self.add {
                            simd.add_f32s(to.read_unaligned(), value)
                        } else {
                            value
                        };
                        to.write_unaligned(value);
                    }
                }
            }
        } else {
            let mut values = [[0.0; PANEL]; TILE_ROWS];
            for row in 0..ROWS {
                for vector in 0..VECTORS {
                    let to = values[row][vector * lanes..(vector + 1) * lanes]
                        .as_mut_ptr()
                        .cast::<S::f32s>();
                    // SAFETY: a tile is at most a panel wide.
                    unsafe { to.write_unaligned(simd.mul_f32s(sums[row][vector], scale)) };
                }
            }
            // SAFETY: as for this function.
            unsafe { self.write_partly(&values[..ROWS]) }
        }
    }

    /// Writes a tile whose last vector reaches beyond the destination's columns.
    ///
    /// # Safety
    /// As for [`compute`](Self::compute), for as many rows as `values` has.
    #[inline(never)]
    unsafe fn write_partly(&self, values: &[[f32; PANEL]]) {
        for (row, values) in values.iter().enumerate() {
            // SAFETY: rows of the destination are `columns` long, and this task alone uses these elements.
            let to = unsafe {
                std::slice::from_raw_parts_mut(self.to.add(row * self.to_row_stride), self.columns)
            };
            for (to, value) in to.iter_mut().zip(values) {
                *to = if self.add { *to + value } else { *value };
            }
        }
    }
}
