//! Views of matrices inside slices. Their bounds are checked here, once, so that the kernel need not check.

use std::marker::PhantomData;
use std::ops::Range;

/// A view of a matrix: element `(i, j)` is `data[i * row_stride + j * column_stride]`.
#[derive(Clone, Copy, Debug)]
pub struct Matrix<'a> {
    data: &'a [f32],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a> Matrix<'a> {
    /// A matrix whose rows follow each other.
    pub fn new(data: &'a [f32], rows: usize, columns: usize) -> Self {
        assert!(
            rows * columns <= data.len(),
            "a matrix reaches beyond its data"
        );
        Self {
            data,
            rows,
            columns,
            row_stride: columns,
            column_stride: 1,
        }
    }

    pub fn transposed(self) -> Self {
        Self {
            data: self.data,
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
        }
    }

    /// The part where the given rows and columns cross.
    pub fn block(self, rows: Range<usize>, columns: Range<usize>) -> Self {
        within("rows", &rows, self.rows);
        within("columns", &columns, self.columns);
        let start = rows.start * self.row_stride + columns.start * self.column_stride;
        Self {
            data: &self.data[start.min(self.data.len())..],
            rows: rows.len(),
            columns: columns.len(),
            ..self
        }
    }

    pub fn rows(&self) -> usize {
        self.rows
    }

    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Row `index` of a matrix that is not transposed.
    pub fn row(&self, index: usize) -> &'a [f32] {
        assert!(
            self.column_stride == 1 && index < self.rows,
            "row {index} of {} is not a slice",
            self.rows
        );
        &self.data[index * self.row_stride..][..self.columns]
    }

    pub(super) fn row_stride(&self) -> usize {
        self.row_stride
    }

    pub(super) fn column_stride(&self) -> usize {
        self.column_stride
    }

    pub(super) fn data(&self) -> &'a [f32] {
        self.data
    }
}

fn within(what: &str, part: &Range<usize>, size: usize) {
    assert!(
        part.start <= part.end && part.end <= size,
        "{what} {part:?} of {size}"
    );
}

/// A matrix that is written. It can be cut into blocks that threads fill independently.
#[derive(Debug)]
pub struct MatrixMut<'a> {
    pointer: *mut f32,
    rows: usize,
    columns: usize,
    row_stride: usize,
    slice: PhantomData<&'a mut [f32]>,
}

// SAFETY: a `MatrixMut` is the only access to its elements, as a `&mut [f32]` is to its own.
unsafe impl Send for MatrixMut<'_> {}

impl<'a> MatrixMut<'a> {
    pub fn new(data: &'a mut [f32], rows: usize, columns: usize) -> Self {
        assert!(
            rows * columns <= data.len(),
            "a matrix reaches beyond its data"
        );
        Self {
            pointer: data.as_mut_ptr(),
            rows,
            columns,
            row_stride: columns,
            slice: PhantomData,
        }
    }

    pub fn rows(&self) -> usize {
        self.rows
    }

    pub fn columns(&self) -> usize {
        self.columns
    }

    pub fn row_mut(&mut self, index: usize) -> &mut [f32] {
        assert!(index < self.rows, "row {index} of {}", self.rows);
        // SAFETY: the row lies inside the matrix, to whose elements `self` is the only access.
        unsafe {
            std::slice::from_raw_parts_mut(self.pointer.add(index * self.row_stride), self.columns)
        }
    }

    /// The same matrix for a shorter time.
    pub fn reborrow(&mut self) -> MatrixMut<'_> {
        MatrixMut {
            slice: PhantomData,
            ..*self
        }
    }

    /// The part where the given rows and columns cross.
    pub fn block(self, rows: Range<usize>, columns: Range<usize>) -> Self {
        within("rows", &rows, self.rows);
        within("columns", &columns, self.columns);
        let pointer = self
            .pointer
            .wrapping_add(rows.start * self.row_stride + columns.start);
        Self {
            pointer,
            rows: rows.len(),
            columns: columns.len(),
            ..self
        }
    }

    /// Cuts the matrix at the given rows and columns into blocks, row by row of blocks. Both lists of bounds start at
    /// 0, do not fall, and end at the matrix's size.
    pub fn grid(self, row_bounds: &[usize], column_bounds: &[usize]) -> Vec<MatrixMut<'a>> {
        for (bounds, size) in [(row_bounds, self.rows), (column_bounds, self.columns)] {
            let whole = bounds.first() == Some(&0) && bounds.last() == Some(&size);
            assert!(
                whole && bounds.is_sorted(),
                "{bounds:?} do not cut {size} into parts"
            );
        }
        let mut blocks = Vec::with_capacity(row_bounds.len() * column_bounds.len());
        for rows in row_bounds.windows(2) {
            for columns in column_bounds.windows(2) {
                // The bounds do not fall, so no element belongs to two blocks, and `self` is consumed.
                blocks.push(MatrixMut {
                    pointer: self
                        .pointer
                        .wrapping_add(rows[0] * self.row_stride + columns[0]),
                    rows: rows[1] - rows[0],
                    columns: columns[1] - columns[0],
                    ..self
                });
            }
        }
        blocks
    }

    pub(super) fn pointer(&mut self) -> *mut f32 {
        self.pointer
    }

    pub(super) fn row_stride(&self) -> usize {
        self.row_stride
    }
}
