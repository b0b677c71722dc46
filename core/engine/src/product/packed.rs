//! The right-hand matrix of a product, rearranged so that the kernel reads it from first to last.

use rayon::prelude::*;

use super::matrix::Matrix;
use crate::buffers;

/// Columns of one panel: four vectors of AVX-512, eight of AVX2.
pub(super) const PANEL: usize = 64;

/// Below this many values packing is not worth a second thread.
const SERIAL_BELOW: usize = 1 << 14;

/// Values of a cache line. A panel starts on one: a vector that straddles two lines costs two loads.
const LINE: usize = 16;

/// A matrix of `rows` (the depth of the product) by `columns`, in panels of [`PANEL`] columns. A panel holds its rows
/// one after another; the last panel is filled up with zeros.
#[derive(Debug, Default)]
pub struct PackedMatrix {
    /// The panels, after up to one line that is skipped.
    data: Vec<f32>,
    rows: usize,
    columns: usize,
}

impl PackedMatrix {
    /// Packs on all threads of the pool.
    pub fn new(matrix: Matrix<'_>) -> Self {
        let mut packed = Self {
            data: buffers::take(padded_len(matrix)),
            rows: 0,
            columns: 0,
        };
        let (panel_len, panels) = packed.resize(matrix);
        if panels.len() < SERIAL_BELOW {
            panels
                .chunks_mut(panel_len)
                .enumerate()
                .for_each(|(index, panel)| fill(matrix, index, panel));
        } else {
            panels
                .par_chunks_mut(panel_len)
                .enumerate()
                .for_each(|(index, panel)| fill(matrix, index, panel));
        }
        packed
    }

    /// Packs another matrix into this one's memory, on the calling thread.
    pub fn refill(&mut self, matrix: Matrix<'_>) {
        let (panel_len, panels) = self.resize(matrix);
        panels
            .chunks_mut(panel_len)
            .enumerate()
            .for_each(|(index, panel)| fill(matrix, index, panel));
    }

    pub fn view(&self) -> PackedView<'_> {
        let start = first_line(&self.data);
        PackedView {
            data: &self.data[start..],
            panel_stride: PANEL * self.rows,
            rows: self.rows,
            columns: self.columns,
        }
    }

    /// Makes room; returns the length of a panel, and all panels. `fill` writes the whole of a panel, also the zeros
    /// of the last one.
    fn resize(&mut self, matrix: Matrix<'_>) -> (usize, &mut [f32]) {
        self.rows = matrix.rows();
        self.columns = matrix.columns();
        let length = padded_len(matrix);
        self.data.resize(length, 0.0);
        let start = first_line(&self.data);
        (
            (PANEL * self.rows).max(1),
            &mut self.data[start..][..length - LINE],
        )
    }
}

impl Drop for PackedMatrix {
    fn drop(&mut self) {
        buffers::give(std::mem::take(&mut self.data));
    }
}

/// The panels and one line more, so that they can start on a line wherever the allocator put them.
fn padded_len(matrix: Matrix<'_>) -> usize {
    matrix.columns().div_ceil(PANEL) * PANEL * matrix.rows() + LINE
}

fn first_line(data: &[f32]) -> usize {
    // An empty matrix has no data at all.
    data.as_ptr()
        .align_offset(LINE * size_of::<f32>())
        .min(data.len())
}

/// The first rows and columns of a packed matrix.
#[derive(Clone, Copy, Debug)]
pub struct PackedView<'a> {
    data: &'a [f32],
    panel_stride: usize,
    rows: usize,
    columns: usize,
}

impl<'a> PackedView<'a> {
    pub fn first_rows(self, rows: usize) -> Self {
        assert!(rows <= self.rows, "{rows} rows of {}", self.rows);
        Self { rows, ..self }
    }

    pub fn first_columns(self, columns: usize) -> Self {
        assert!(
            columns <= self.columns,
            "{columns} columns of {}",
            self.columns
        );
        Self { columns, ..self }
    }

    /// The depth of a product with this matrix.
    pub fn rows(&self) -> usize {
        self.rows
    }

    pub fn columns(&self) -> usize {
        self.columns
    }

    pub(super) fn panel_count(&self) -> usize {
        self.columns.div_ceil(PANEL)
    }

    /// Panel `index`: its rows of [`PANEL`] values.
    pub(super) fn panel(&self, index: usize) -> &'a [f32] {
        &self.data[index * self.panel_stride..][..self.rows * PANEL]
    }
}

fn fill(matrix: Matrix<'_>, index: usize, panel: &mut [f32]) {
    let first = index * PANEL;
    let width = (matrix.columns() - first).min(PANEL);
    let data = matrix.data();
    if matrix.column_stride() == 1 {
        for (row, values) in panel.as_chunks_mut::<PANEL>().0.iter_mut().enumerate() {
            let from = &data[row * matrix.row_stride() + first..];
            match from.first_chunk::<PANEL>() {
                // A length known to the compiler: a few vector moves instead of a call.
                Some(from) if width == PANEL => *values = *from,
                _ => {
                    values[..width].copy_from_slice(&from[..width]);
                    values[width..].fill(0.0);
                }
            }
        }
        return;
    }
    // A transposed matrix is read along its rows in memory, in blocks that stay in the cache.
    const BLOCK: usize = 16;
    for (block, values) in panel.chunks_mut(BLOCK * PANEL).enumerate() {
        let row_start = block * BLOCK;
        let row_count = values.len() / PANEL;
        for column in 0..width {
            let start = (first + column) * matrix.column_stride() + row_start * matrix.row_stride();
            for row in 0..row_count {
                values[row * PANEL + column] = data[start + row * matrix.row_stride()];
            }
        }
        for values in values.chunks_exact_mut(PANEL) {
            values[width..].fill(0.0);
        }
    }
}
