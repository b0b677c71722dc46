//! The inner loops of the product: a tile of the destination held in vector registers.
//!
//! A tile has up to 6 rows and 4 vectors (2 where there are 16 registers): each step of the depth loads one row of the
//! panel and broadcasts one value for each row of the tile, 24 independent multiply-adds for 10 loads. A processor that
//! starts 4 instructions and 2 multiply-adds a cycle has room for 48 in that time: addresses must cost nothing, so each
//! row has its own pointer and one counter serves them all.

// Counted loops over constants are unrolled into registers; iterators over the same arrays are not.
#![allow(clippy::needless_range_loop)]

use pulp::{Arch, Simd, WithSimd};

use super::left::{self, LeftCopy};
use super::matrix::{Matrix, MatrixMut};
use super::packed::{PANEL, PackedView};
use super::{PANEL_GROUP, ROW_BLOCK, TILE_ROWS, Write};
use crate::prefetch;

/// Steps of the depth that a panel, which lies in the second-level cache, is asked for ahead.
const AHEAD: usize = 8;

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
    let run = |left_copy: Option<&mut LeftCopy>| {
        Arch::new().dispatch(Block {
            left,
            right,
            first_panel,
            scale,
            write,
            destination,
            left_copy,
        });
    };
    match left.column_stride() {
        1 => run(None),
        _ => left::with_copy(|copy| run(Some(copy))),
    }
}

struct Block<'a> {
    left: Matrix<'a>,
    right: PackedView<'a>,
    first_panel: usize,
    scale: f32,
    write: Write,
    destination: MatrixMut<'a>,
    /// Where a transposed left-hand matrix is copied to; none for one that is read where it is.
    left_copy: Option<&'a mut LeftCopy>,
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
        let depth_block = self.right.depth_block();
        for group_start in (0..columns).step_by(PANEL_GROUP * PANEL) {
            let group_end = (group_start + PANEL_GROUP * PANEL).min(columns);
            for depth_start in (0..depth).step_by(depth_block) {
                let depth_count = depth_block.min(depth - depth_start);
                let add = self.write == Write::Add || depth_start > 0;
                if let Some(copy) = &mut self.left_copy {
                    copy.fill(self.left, depth_start..depth_start + depth_count);
                }
                for row in (0..rows).step_by(TILE_ROWS) {
                    let left = match &self.left_copy {
                        Some(copy) => copy.tile(row / TILE_ROWS).as_ptr(),
                        None => {
                            self.left.data()[row * self.left.row_stride() + depth_start..].as_ptr()
                        }
                    };
                    for panel_start in (group_start..group_end).step_by(PANEL) {
                        let panel = self.right.panel(self.first_panel + panel_start / PANEL);
                        let width = PANEL.min(columns - panel_start);
                        for first in (0..width).step_by(tile_columns) {
                            let tile = Tile {
                                depth: depth_count,
                                left,
                                left_row_stride: self.left.row_stride(),
                                right: panel[depth_start * PANEL + first..].as_ptr(),
                                to: destination
                                    .wrapping_add(row * destination_stride + panel_start + first),
                                to_row_stride: destination_stride,
                                columns: tile_columns.min(width - first),
                                scale: self.scale,
                                add,
                            };
                            let rows = TILE_ROWS.min(rows - row);
                            // SAFETY: rows, depth and columns lie within the shapes of the three
                            // matrices, whose constructors checked them against their data; a panel
                            // has whole vectors; and `self.destination` is the only access to its
                            // elements.
                            unsafe {
                                match self.left_copy {
                                    Some(_) => tile.compute::<S, true>(simd, rows),
                                    None => tile.compute::<S, false>(simd, rows),
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// One tile, at most [`TILE_ROWS`] rows by four vectors. Its left-hand rows are where they were, or `COPIED`: then each
/// step of the depth has [`TILE_ROWS`] values, and the row stride does not matter.
struct Tile {
    depth: usize,
    left: *const f32,
    left_row_stride: usize,
    right: *const f32,
    to: *mut f32,
    to_row_stride: usize,
    columns: usize,
    scale: f32,
    add: bool,
}

impl Tile {
    /// # Safety
    /// All pointers are valid for `rows` rows, `self.depth` steps and as many vectors as `self.columns` takes
    /// (`self.columns` values for the destination).
    #[inline(always)]
    unsafe fn compute<S: Simd, const COPIED: bool>(&self, simd: S, rows: usize) {
        let lanes = size_of::<S::f32s>() / size_of::<f32>();
        // SAFETY: the caller's promise, handed on.
        unsafe {
            match self.columns.div_ceil(lanes) {
                1 => self.with_vectors::<S, COPIED, 1>(simd, rows),
                2 => self.with_vectors::<S, COPIED, 2>(simd, rows),
                3 => self.with_vectors::<S, COPIED, 3>(simd, rows),
                _ => self.with_vectors::<S, COPIED, 4>(simd, rows),
            }
        }
    }

    #[inline(always)]
    unsafe fn with_vectors<S: Simd, const COPIED: bool, const VECTORS: usize>(
        &self,
        simd: S,
        rows: usize,
    ) {
        // SAFETY: the caller's promise, handed on.
        unsafe {
            match rows {
                1 => self.with_shape::<S, COPIED, 1, VECTORS>(simd),
                2 => self.with_shape::<S, COPIED, 2, VECTORS>(simd),
                3 => self.with_shape::<S, COPIED, 3, VECTORS>(simd),
                4 => self.with_shape::<S, COPIED, 4, VECTORS>(simd),
                5 => self.with_shape::<S, COPIED, 5, VECTORS>(simd),
                _ => self.with_shape::<S, COPIED, 6, VECTORS>(simd),
            }
        }
    }

    #[inline(always)]
    unsafe fn with_shape<S: Simd, const COPIED: bool, const ROWS: usize, const VECTORS: usize>(
        &self,
        simd: S,
    ) {
        let lanes = size_of::<S::f32s>() / size_of::<f32>();
        let (row_stride, depth_stride) = match COPIED {
            true => (1, TILE_ROWS),
            false => (self.left_row_stride, 1),
        };
        let mut left = [self.left; ROWS];
        for row in 0..ROWS {
            left[row] = self.left.wrapping_add(row * row_stride);
        }
        if self.add {
            for row in 0..ROWS {
                for vector in 0..VECTORS {
                    let at = row * self.to_row_stride + vector * lanes;
                    prefetch::near(self.to.wrapping_add(at));
                }
            }
        }
        let mut sums = [[simd.splat_f32s(0.0); VECTORS]; ROWS];
        let mut right = self.right;
        for step in 0..self.depth {
            let mut loaded = [simd.splat_f32s(0.0); VECTORS];
            for vector in 0..VECTORS {
                // SAFETY: a panel has whole vectors for every step of the depth.
                loaded[vector] =
                    unsafe { right.add(vector * lanes).cast::<S::f32s>().read_unaligned() };
                prefetch::near(right.wrapping_add(AHEAD * PANEL + vector * lanes));
            }
            for row in 0..ROWS {
                let value = left[row].wrapping_add(step * depth_stride);
                // SAFETY: `row` and the step lie inside the left-hand matrix or its copy.
                let broadcast = simd.splat_f32s(unsafe { *value });
                for vector in 0..VECTORS {
                    sums[row][vector] =
                        simd.mul_add_e_f32s(broadcast, loaded[vector], sums[row][vector]);
                }
            }
            // After the last step it may point beyond the data, which wrapping arithmetic allows.
            right = right.wrapping_add(PANEL);
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
