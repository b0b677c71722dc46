//! The right-hand matrix of a product, rearranged so that the kernel reads it from first to last.

use rayon::prelude::*;

use super::matrix::Matrix;
use crate::buffers::Buffer;
use crate::prefetch::{self, LINE};

/// Columns of one panel: four vectors of AVX-512, eight of AVX2.
pub(super) const PANEL: usize = 64;

/// Below this many values packing is not worth a second thread.
const SERIAL_BELOW: usize = 1 << 14;

/// A matrix of `rows` (the depth of the product) by `columns`, in panels of [`PANEL`] columns. A panel holds its rows
/// one after another; the last panel is filled up with zeros.
#[derive(Debug, Default)]
pub struct PackedMatrix {
    /// The panels, after up to one line that is skipped.
    data: Buffer,
    rows: usize,
    columns: usize,
}

impl PackedMatrix {
    /// Packs on all threads of the pool.
    pub fn new(matrix: Matrix<'_>) -> Self {
        let mut packed = Self::default();
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
        self.data.resize(length);
        let start = first_line(&self.data);
        (
            (PANEL * self.rows).max(1),
            &mut self.data[start..][..length - LINE],
        )
    }
}

/// The panels and one line more, so that they can start on a line wherever the allocator put them: a vector that straddles
/// two lines costs two loads.
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
    let part = matrix.block(0..matrix.rows(), first..first + width);
    let (rows, _) = panel.as_chunks_mut::<PANEL>();
    match part.column_stride() {
        1 => fill_rows(part, rows),
        _ => fill_transposed(part, rows),
    }
    for row in rows {
        row[width..].fill(0.0);
    }
}

fn fill_rows(part: Matrix<'_>, rows: &mut [[f32; PANEL]]) {
    let width = part.columns();
    for (index, row) in rows.iter_mut().enumerate() {
        let from = part.row(index);
        match from.first_chunk::<PANEL>() {
            // A length known to the compiler: a few vector moves instead of a call.
            Some(from) => *row = *from,
            None => row[..width].copy_from_slice(from),
        }
    }
}

/// A transposed matrix is read along its rows in memory, the columns of the panel: a cache line of each in turn. Those
/// are too many for the processor to guess what comes next, so it is told.
fn fill_transposed(part: Matrix<'_>, rows: &mut [[f32; PANEL]]) {
    const AHEAD: usize = 2 * LINE;
    let width = part.columns().min(PANEL);
    let part = part.transposed();
    let (blocks, rest) = rows.as_chunks_mut::<LINE>();
    let whole = blocks.len() * LINE;
    for (block, rows) in blocks.iter_mut().enumerate() {
        for column in 0..width {
            let values = &part.row(column)[block * LINE..][..LINE];
            prefetch::far(values.as_ptr().wrapping_add(AHEAD));
            for step in 0..LINE {
                rows[step][column] = values[step];
            }
        }
    }
    for column in 0..width {
        for (row, value) in rest.iter_mut().zip(&part.row(column)[whole..]) {
            row[column] = *value;
        }
    }
}
