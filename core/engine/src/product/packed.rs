//! The right-hand matrix of a product, rearranged so that the kernel reads it from first to last.

use rayon::prelude::*;

use super::DEPTH_BLOCK;
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
        Self::side_by_side(&[matrix])
    }

    /// Packs matrices of one height as one: their columns follow each other.
    pub fn side_by_side(matrices: &[Matrix<'_>]) -> Self {
        let mut packed = Self::default();
        let (panel_len, panels) = packed.resize(matrices);
        if panels.len() < SERIAL_BELOW {
            panels
                .chunks_mut(panel_len)
                .enumerate()
                .for_each(|(index, panel)| fill(matrices, index, panel));
        } else {
            panels
                .par_chunks_mut(panel_len)
                .enumerate()
                .for_each(|(index, panel)| fill(matrices, index, panel));
        }
        packed
    }

    /// Packs another matrix into this one's memory, on the calling thread.
    pub fn refill(&mut self, matrix: Matrix<'_>) {
        let (panel_len, panels) = self.resize(&[matrix]);
        panels
            .chunks_mut(panel_len)
            .enumerate()
            .for_each(|(index, panel)| fill(&[matrix], index, panel));
    }

    pub fn bytes(&self) -> usize {
        size_of_val::<[f32]>(&self.data)
    }

    pub fn view(&self) -> PackedView<'_> {
        let start = first_line(&self.data);
        PackedView {
            data: &self.data[start..],
            panel_stride: PANEL * self.rows,
            rows: self.rows,
            columns: self.columns,
            depth_block: DEPTH_BLOCK,
        }
    }

    /// Makes room; returns the length of a panel, and all panels. `fill` writes the whole of a panel, also the zeros
    /// of the last one.
    fn resize(&mut self, matrices: &[Matrix<'_>]) -> (usize, &mut [f32]) {
        self.rows = matrices.first().map_or(0, Matrix::rows);
        assert!(
            matrices.iter().all(|matrix| matrix.rows() == self.rows),
            "matrices side by side differ in height"
        );
        self.columns = matrices.iter().map(Matrix::columns).sum();
        let length = self.columns.div_ceil(PANEL) * PANEL * self.rows;
        // One line more, so that the panels can start on a line wherever the allocator put them: a vector that straddles
        // two lines costs two loads.
        self.data.resize(length + LINE);
        let start = first_line(&self.data);
        (
            (PANEL * self.rows).max(1),
            &mut self.data[start..][..length],
        )
    }
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
    depth_block: usize,
}

impl<'a> PackedView<'a> {
    /// For products whose sums go over shorter blocks than [`DEPTH_BLOCK`]. They round less, and take a little longer.
    pub fn in_depth_blocks_of(self, depth_block: usize) -> Self {
        assert!(
            (1..=DEPTH_BLOCK).contains(&depth_block),
            "depth in blocks of {depth_block}"
        );
        Self {
            depth_block,
            ..self
        }
    }

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

    pub(super) fn depth_block(&self) -> usize {
        self.depth_block
    }

    pub(super) fn panel_count(&self) -> usize {
        self.columns.div_ceil(PANEL)
    }

    /// Panel `index`: its rows of [`PANEL`] values.
    pub(super) fn panel(&self, index: usize) -> &'a [f32] {
        &self.data[index * self.panel_stride..][..self.rows * PANEL]
    }
}

fn fill(matrices: &[Matrix<'_>], index: usize, panel: &mut [f32]) {
    let (rows, _) = panel.as_chunks_mut::<PANEL>();
    // Columns of the panel that are full, and where the matrix begins among the columns of all.
    let (mut at, mut begin) = (0, 0);
    for matrix in matrices {
        let end = begin + matrix.columns();
        let columns = (index * PANEL + at).max(begin)..((index + 1) * PANEL).min(end);
        if !columns.is_empty() {
            let part = matrix.block(0..matrix.rows(), columns.start - begin..columns.end - begin);
            match part.column_stride() {
                1 => fill_rows(part, at, rows),
                _ => fill_transposed(part, at, rows),
            }
            at += columns.len();
        }
        begin = end;
    }
    if at < PANEL {
        rows.iter_mut().for_each(|row| row[at..].fill(0.0));
    }
}

/// Fills the columns of a panel from column `at`.
fn fill_rows(part: Matrix<'_>, at: usize, rows: &mut [[f32; PANEL]]) {
    let width = part.columns();
    for (index, row) in rows.iter_mut().enumerate() {
        let from = part.row(index);
        match from.first_chunk::<PANEL>() {
            // A length known to the compiler: a few vector moves instead of a call.
            Some(from) => *row = *from,
            None => row[at..at + width].copy_from_slice(from),
        }
    }
}

/// The same for a transposed matrix. It is read along its rows in memory, the columns of the panel: a cache line of each in
/// turn. Those are too many for the processor to guess what comes next, so it is told.
fn fill_transposed(part: Matrix<'_>, at: usize, rows: &mut [[f32; PANEL]]) {
    const AHEAD: usize = 2 * LINE;
    let columns = at..(at + part.columns()).min(PANEL);
    let part = part.transposed();
    let (blocks, rest) = rows.as_chunks_mut::<LINE>();
    let whole = blocks.len() * LINE;
    for (block, rows) in blocks.iter_mut().enumerate() {
        for column in columns.clone() {
            let values = &part.row(column - at)[block * LINE..][..LINE];
            prefetch::far(values.as_ptr().wrapping_add(AHEAD));
            for step in 0..LINE {
                rows[step][column] = values[step];
            }
        }
    }
    for column in columns {
        for (row, value) in rest.iter_mut().zip(&part.row(column - at)[whole..]) {
            row[column] = *value;
        }
    }
}
