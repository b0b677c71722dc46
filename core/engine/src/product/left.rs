//! A block of a transposed left-hand matrix, rearranged for the kernel. Read where it is, each step of the depth would
//! touch another page for each tile, and rows a power of two apart would drive each other out of the cache.

use std::cell::RefCell;
use std::ops::Range;

use super::matrix::Matrix;
use super::{DEPTH_BLOCK, ROW_BLOCK, TILE_ROWS};
use crate::prefetch;

/// Values that are copied at a time: a tile's, and some of the next, which the step after writes over.
const WIDE: usize = 8;

/// Distance between tiles: all steps of the depth, and room for what the last copy writes too much.
const TILE_STRIDE: usize = TILE_ROWS * DEPTH_BLOCK + WIDE;

/// Steps of the depth that are asked for ahead.
const AHEAD: usize = 8;

/// Tile by tile: for each step of the depth the [`TILE_ROWS`] values of the tile.
pub(super) struct LeftCopy(Box<[f32]>);

thread_local! {
    static COPY: RefCell<LeftCopy> = RefCell::new(LeftCopy(
        vec![0.0; ROW_BLOCK / TILE_ROWS * TILE_STRIDE].into_boxed_slice(),
    ));
}

/// Lends the thread's own.
pub(super) fn with_copy(work: impl FnOnce(&mut LeftCopy)) {
    COPY.with_borrow_mut(work);
}

impl LeftCopy {
    /// The rows of `left` at the steps `depth`, at most [`ROW_BLOCK`] and [`DEPTH_BLOCK`].
    #[inline(always)]
    pub fn fill(&mut self, left: Matrix<'_>, depth: Range<usize>) {
        let (rows, stride) = (left.rows(), left.column_stride());
        for (step, index) in depth.enumerate() {
            let from = &left.data()[index * stride..][..rows];
            for line in (0..rows).step_by(prefetch::LINE) {
                prefetch::near(from.as_ptr().wrapping_add(AHEAD * stride + line));
            }
            let at = step * TILE_ROWS;
            let mut tiles = self.0.chunks_exact_mut(TILE_STRIDE);
            let mut copied = 0;
            for (values, tile) in from.windows(WIDE).step_by(TILE_ROWS).zip(&mut tiles) {
                tile[at..at + WIDE].copy_from_slice(values);
                copied += TILE_ROWS;
            }
            for (values, tile) in from[copied..].chunks(TILE_ROWS).zip(tiles) {
                tile[at..at + values.len()].copy_from_slice(values);
            }
        }
    }

    pub fn tile(&self, index: usize) -> &[f32] {
        &self.0[index * TILE_STRIDE..][..TILE_STRIDE]
    }
}
