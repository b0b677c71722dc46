//! The matrix product of f32 matrices on the CPU.
//!
//! Our own, because of one property that general libraries do not give: **each element of the result depends on its
//! row, its column and the depth alone**. It is the sum over blocks of the depth of fused multiply-adds in the order of
//! the depth, whatever the instruction set, the number of threads, or the number of other rows. So a token's numbers are
//! the same in a batch of one and of a thousand.
//!
//! The right-hand matrix is packed into panels ([`PackedMatrix`]); weights can be packed once and used for many
//! products. The left-hand matrix is read where it is, in any layout. Both suit the shapes of training: many rows
//! (tokens) on the left, a weight on the right. The gradient of a weight has its own form, [`multiply_transposed`],
//! with the tokens as the depth.

mod kernel;
mod left;
mod matrix;
mod packed;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::ops::Range;

use rayon::prelude::*;

pub use matrix::{Matrix, MatrixMut};
pub use packed::{PackedMatrix, PackedView};

/// Rows of a tile, which the kernel holds in registers.
const TILE_ROWS: usize = 6;

/// Rows that one task computes. With its inputs it fits into the second-level cache.
const ROW_BLOCK: usize = 96;

/// Depth after which partial sums go to memory, unless a caller wants shorter sums.
const DEPTH_BLOCK: usize = 256;

/// Panels that stay in the second-level cache while the rows of a block pass by.
const PANEL_GROUP: usize = 8;

/// Multiply-adds below which a product is not worth a second thread.
const SERIAL_BELOW: usize = 1 << 17;

/// What happens to the destination's old contents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Write {
    Replace,
    Add,
}

/// `destination = scale * left * right`, or added to it, on all threads of the pool.
pub fn multiply(
    left: Matrix<'_>,
    right: PackedView<'_>,
    scale: f32,
    write: Write,
    destination: MatrixMut<'_>,
) {
    let (rows, columns) = (left.rows(), right.columns());
    let threads = rayon::current_num_threads();
    if rows * columns * left.columns() < SERIAL_BELOW || threads == 1 {
        return multiply_serial(left, right, scale, write, destination);
    }
    // With few rows the columns are shared out as well. Several tasks for each thread even out what the threads are kept
    // from by others, and leave little to wait for at the end.
    let row_bounds = row_blocks(rows, ROW_BLOCK);
    let column_groups = (8 * threads).div_ceil(row_bounds.len() - 1);
    let column_groups = column_groups.min(right.panel_count());
    let column_bounds = bounds(
        columns,
        right.panel_count().div_ceil(column_groups) * packed::PANEL,
    );
    let groups = column_bounds.len() - 1;
    destination
        .grid(&row_bounds, &column_bounds)
        .into_par_iter()
        .enumerate()
        .for_each(|(task, block)| {
            let rows = between(&row_bounds, task / groups);
            let first_panel = column_bounds[task % groups] / packed::PANEL;
            kernel::block(
                left.block(rows, 0..left.columns()),
                right,
                first_panel,
                scale,
                write,
                block,
            );
        });
}

/// The same on the calling thread, for callers that are tasks themselves.
pub fn multiply_serial(
    left: Matrix<'_>,
    right: PackedView<'_>,
    scale: f32,
    write: Write,
    mut destination: MatrixMut<'_>,
) {
    assert_eq!(
        destination.columns(),
        right.columns(),
        "the destination of a product has another width"
    );
    for start in (0..left.rows()).step_by(ROW_BLOCK) {
        let rows = start..(start + ROW_BLOCK).min(left.rows());
        let block = destination
            .reborrow()
            .block(rows.clone(), 0..right.columns());
        kernel::block(
            left.block(rows, 0..left.columns()),
            right,
            0,
            scale,
            write,
            block,
        );
    }
}

/// `destination = scale * left^T * right`, or added to it, for two matrices with many rows (tokens): the gradient of
/// a weight. Neither matrix is packed as a whole, for what is written to memory and read again costs as much as it saves.
pub fn multiply_transposed(
    left: Matrix<'_>,
    right: Matrix<'_>,
    scale: f32,
    write: Write,
    destination: MatrixMut<'_>,
) {
    assert_eq!(left.rows(), right.rows(), "the depths of a product differ");
    let depth = left.rows();
    let (row_bounds, column_bounds) = parts(left.columns(), right.columns());
    let token_bounds = match depth {
        // Without any token there are still zeros to write.
        0 => vec![0, 0],
        _ => bounds(depth, even_step(depth, DEPTH_BLOCK)),
    };
    let groups = column_bounds.len() - 1;
    destination
        .grid(&row_bounds, &column_bounds)
        .into_par_iter()
        .enumerate()
        .for_each(|(task, mut destination)| {
            let rows = between(&row_bounds, task / groups);
            let columns = between(&column_bounds, task % groups);
            RIGHT.with_borrow_mut(|packed| {
                for index in 0..token_bounds.len() - 1 {
                    let tokens = between(&token_bounds, index);
                    packed.refill(right.block(tokens.clone(), columns.clone()));
                    multiply_serial(
                        left.block(tokens, rows.clone()).transposed(),
                        packed.view(),
                        scale,
                        if index == 0 { write } else { Write::Add },
                        destination.reborrow(),
                    );
                }
            });
        });
}

/// Cuts the destination of [`multiply_transposed`] into a few parts for each thread. Every group of rows packs the
/// right-hand matrix anew, every group of columns copies the left-hand one: the cut is where that is least.
fn parts(rows: usize, columns: usize) -> (Vec<usize>, Vec<usize>) {
    let wanted = 2 * rayon::current_num_threads();
    let panels = columns.div_ceil(packed::PANEL).max(1);
    let (row_groups, column_groups) = (panels.div_ceil(PANEL_GROUP)..=panels)
        .map(|column_groups| (wanted.div_ceil(column_groups), column_groups))
        .min_by_key(|(row_groups, column_groups)| row_groups * columns + column_groups * rows)
        .expect("the range has an end");
    let height = rows.div_ceil(row_groups).next_multiple_of(TILE_ROWS);
    let width = panels.div_ceil(column_groups) * packed::PANEL;
    (bounds(rows, height), bounds(columns, width))
}

thread_local! {
    static RIGHT: RefCell<PackedMatrix> = RefCell::default();
}

/// Blocks of at most `largest` rows, of equal size, in whole tiles.
fn row_blocks(rows: usize, largest: usize) -> Vec<usize> {
    bounds(rows, even_step(rows, largest).next_multiple_of(TILE_ROWS))
}

/// The size of parts of at most `largest` that are as equal as can be.
fn even_step(size: usize, largest: usize) -> usize {
    size.div_ceil(size.div_ceil(largest).max(1))
}

/// 0, step, 2 step, ... and the size itself.
fn bounds(size: usize, step: usize) -> Vec<usize> {
    (0..size).step_by(step.max(1)).chain([size]).collect()
}

fn between(bounds: &[usize], index: usize) -> Range<usize> {
    bounds[index]..bounds[index + 1]
}
