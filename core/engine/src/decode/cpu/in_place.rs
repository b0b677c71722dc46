//! y = x W^T on weights where they are.
//!
//! Weights that do not fit the caches come from memory for every token, however they lie, and a copy in another order
//! would cost as much memory as the model. So each output is a dot product along a row of the checkpoint's matrix: four
//! rows of weights against up to six rows of x at a time, with sixteen running sums for each.
//!
//! The sums of one output have the same order for any number of rows and threads.

use std::ops::Range;

use candle_core::Tensor;
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::matmul::grow;
use crate::error::Result;
use crate::ops::slices::read;
use crate::product::MatrixMut;

/// Output columns of one task: with their weights they stay in the second-level cache while the rows pass by.
const COLUMNS: usize = 64;

/// One matrix of those that lie side by side, with its adapter.
pub(super) struct Part {
    /// `(out, k)`
    pub weight: Tensor,
    /// `a: (rank, k)`, and `b: (out, rank)` multiplied by the adapter's scale.
    pub lora: Option<(Tensor, Tensor)>,
}

/// One or more weight matrices with the same input, side by side: output columns are those of the first, the second, ..
pub(super) struct InPlaceMatrix {
    parts: Vec<Part>,
    columns: usize,
    k: usize,
}

impl InPlaceMatrix {
    /// The parts are contiguous f32 on the CPU.
    pub fn new(parts: Vec<Part>) -> Result<Self> {
        let k = parts[0].weight.dim(1)?;
        let columns = parts
            .iter()
            .map(|part| Ok(part.weight.dim(0)?))
            .sum::<Result<usize>>()?;
        Ok(Self { parts, columns, k })
    }

    /// Length of an input row.
    pub fn inputs(&self) -> usize {
        self.k
    }

    /// Length of an output row.
    pub fn stride(&self) -> usize {
        self.columns
    }

    pub fn bytes(&self) -> usize {
        self.columns * self.k * size_of::<f32>()
    }

    /// `out = x W^T`, or `out += x W^T`, the columns divided among the threads if `share`. `x` has rows of `x_stride`,
    /// `out` of `out_stride`, and both hold `rows` of them.
    pub fn apply(
        &self,
        x: &[f32],
        x_stride: usize,
        rows: usize,
        out: &mut [f32],
        out_stride: usize,
        add: bool,
        share: bool,
        low: &mut Vec<f32>,
    ) {
        let mut first = 0;
        for Part { weight, lora } in &self.parts {
            let columns = first..first + weight.elem_count() / self.k;
            first = columns.end;
            let mut multiply = |weight: &Tensor, x: Rows<'_>, columns: &Range<usize>, add: bool| {
                let out = MatrixMut::new(out, rows, out_stride).block(0..rows, columns.clone());
                product(&read(weight), x, out, add, share);
            };
            let x = Rows {
                values: x,
                stride: x_stride,
                width: self.k,
            };
            multiply(weight, x, &columns, add);
            let Some((a, b)) = lora else {
                continue;
            };
            let rank = a.elem_count() / self.k;
            grow(low, rows * rank);
            let lowered = MatrixMut::new(low, rows, rank);
            product(&read(a), x, lowered, false, share);
            let lowered = Rows {
                values: low,
                stride: rank,
                width: rank,
            };
            multiply(b, lowered, &columns, true);
        }
    }
}

/// The rows that are multiplied.
#[derive(Clone, Copy)]
struct Rows<'a> {
    values: &'a [f32],
    stride: usize,
    width: usize,
}

/// `weight`: `(out.columns(), x.width)`.
fn product(weight: &[f32], x: Rows<'_>, out: MatrixMut<'_>, add: bool, share: bool) {
    let (rows, columns) = (out.rows(), out.columns());
    let bounds: Vec<usize> = (0..columns).step_by(COLUMNS).chain([columns]).collect();
    let tasks: Vec<Multiply<'_>> = out
        .grid(&[0, rows], &bounds)
        .into_iter()
        .zip(weight.chunks(COLUMNS * x.width))
        .map(|(out, weight)| Multiply {
            weight,
            x,
            out,
            add,
        })
        .collect();
    let run = |task: Multiply<'_>| Arch::new().dispatch(task);
    match share {
        // Neighbouring columns stay together: a thread reads a stretch of memory from first to last.
        true => tasks.into_par_iter().with_min_len(4).for_each(run),
        false => tasks.into_iter().for_each(run),
    }
}

struct Multiply<'a> {
    weight: &'a [f32],
    x: Rows<'a>,
    out: MatrixMut<'a>,
    add: bool,
}

impl WithSimd for Multiply<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        // Vectors to sixteen sums. The compiler keeps the arm that fits S alone.
        match S::F32_LANES {
            // 6 x 4 tiles of one vector fill 24 of the 32 registers.
            16 => self.all::<S, 1, 6>(simd),
            8 => self.all::<S, 2, 1>(simd),
            4 => self.all::<S, 4, 1>(simd),
            _ => self.all::<S, 16, 1>(simd),
        }
    }
}

impl Multiply<'_> {
    /// `V` vectors hold sixteen sums; tiles have at most `R` rows.
    #[inline(always)]
    fn all<S: Simd, const V: usize, const R: usize>(&mut self, simd: S) {
        let (rows, columns) = (self.out.rows(), self.out.columns());
        let tiles = rows.div_ceil(R);
        let mut row = 0;
        for tile in 0..tiles {
            // Tiles of equal height: 8 rows are 4 and 4, not 6 and 2.
            let height = (rows - row).div_ceil(tiles - tile);
            let mut column = 0;
            while column < columns {
                let width = (columns - column).min(4);
                match (height, width) {
                    (2, 4) if R >= 2 => self.tile::<S, V, 2, 4>(simd, row, column),
                    (3, 4) if R >= 3 => self.tile::<S, V, 3, 4>(simd, row, column),
                    (4, 4) if R >= 4 => self.tile::<S, V, 4, 4>(simd, row, column),
                    (5, 4) if R >= 5 => self.tile::<S, V, 5, 4>(simd, row, column),
                    (6, 4) if R >= 6 => self.tile::<S, V, 6, 4>(simd, row, column),
                    (1, 4) => self.tile::<S, V, 1, 4>(simd, row, column),
                    _ => {
                        for row in row..row + height {
                            for column in column..column + width {
                                self.tile::<S, V, 1, 1>(simd, row, column);
                            }
                        }
                    }
                }
                column += width;
            }
            row += height;
        }
    }

    #[inline(always)]
    fn tile<S: Simd, const V: usize, const R: usize, const C: usize>(
        &mut self,
        simd: S,
        row: usize,
        column: usize,
    ) {
        let k = self.x.width;
        let x: [&[f32]; R] =
            std::array::from_fn(|r| &self.x.values[(row + r) * self.x.stride..][..k]);
        let w: [&[f32]; C] = std::array::from_fn(|c| &self.weight[(column + c) * k..][..k]);
        let steps = k / 16;
        let xs: [&[S::f32s]; R] = x.map(|x| &S::as_simd_f32s(x).0[..steps * V]);
        let ws: [&[S::f32s]; C] = w.map(|w| &S::as_simd_f32s(w).0[..steps * V]);
        let mut sums = [[[simd.splat_f32s(0.0); V]; C]; R];
        for step in 0..steps {
            for v in 0..V {
                let weights: [S::f32s; C] = std::array::from_fn(|c| ws[c][step * V + v]);
                for r in 0..R {
                    let x = xs[r][step * V + v];
                    for c in 0..C {
                        sums[r][c][v] = simd.mul_add_f32s(x, weights[c], sums[r][c][v]);
                    }
                }
            }
        }
        for r in 0..R {
            let out = &mut self.out.row_mut(row + r)[column..column + C];
            for c in 0..C {
                let mut sum = 0.0;
                for v in 0..V {
                    sum += simd.reduce_sum_f32s(sums[r][c][v]);
                }
                for at in steps * 16..k {
                    sum = x[r][at].mul_add(w[c][at], sum);
                }
                match self.add {
                    true => out[c] += sum,
                    false => out[c] = sum,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.

    use candle_core::Device;

    use super::super::matmul::PackedMatrix;
    use super::*;

    fn numbers(count: usize, salt: usize) -> Vec<f32> {
        (0..count)
            .map(|at| ((at * 7919 + salt * 31) % 2003) as f32 / 1000.0 - 1.0)
            .collect()
    }

    fn matrix(rows: usize, columns: usize, salt: usize) -> Tensor {
        Tensor::from_vec(numbers(rows * columns, salt), (rows, columns), &Device::Cpu).unwrap()
    }

    fn part(weight: &Tensor) -> Part {
        Part {
            weight: weight.clone(),
            lora: None,
        }
    }

    #[test]
    fn it_gives_what_packed_weights_give() {
        for k in [5, 16, 52, 130] {
            let weights = [matrix(70, k, 1), matrix(9, k, 2)];
            let ours = InPlaceMatrix::new(weights.iter().map(part).collect()).unwrap();
            let packed = PackedMatrix::pack(&weights.each_ref()).unwrap();
            for rows in 1..15 {
                let x = numbers(rows * (k + 3), 3);
                for (add, share) in [(false, false), (true, true)] {
                    let mut out = numbers(rows * 80, 4);
                    let stride = packed.stride();
                    let mut expected = vec![0.0; rows * stride];
                    for row in 0..rows {
                        expected[row * stride..][..79].copy_from_slice(&out[row * 80..][..79]);
                    }
                    packed.apply(&x, k + 3, rows, &mut expected, stride, add);
                    ours.apply(&x, k + 3, rows, &mut out, 80, add, share, &mut Vec::new());
                    for row in 0..rows {
                        for column in 0..79 {
                            let (found, expected) =
                                (out[row * 80 + column], expected[row * stride + column]);
                            assert!(
                                (found - expected).abs() < 1e-4,
                                "k {k}, {rows} rows, ({row}, {column}): {found} {expected}"
                            );
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn a_row_has_the_same_bits_among_any_others() {
        let k = 150;
        let ours = InPlaceMatrix::new(vec![part(&matrix(130, k, 5))]).unwrap();
        let x = numbers(40 * k, 6);
        let mut together = vec![0.0; 40 * 130];
        ours.apply(&x, k, 40, &mut together, 130, false, true, &mut Vec::new());
        for row in 0..40 {
            let mut alone = vec![0.0; 130];
            ours.apply(
                &x[row * k..],
                k,
                1,
                &mut alone,
                130,
                false,
                false,
                &mut Vec::new(),
            );
            assert!(alone == together[row * 130..][..130]);
        }
    }

    #[test]
    fn an_adapter_adds_its_product() {
        let (k, rank) = (40, 3);
        let (weight, a, b) = (matrix(20, k, 1), matrix(rank, k, 2), matrix(20, rank, 3));
        let sum = (&weight + b.matmul(&a).unwrap()).unwrap();
        let with = InPlaceMatrix::new(vec![Part {
            weight,
            lora: Some((a, b)),
        }])
        .unwrap();
        let merged = InPlaceMatrix::new(vec![part(&sum)]).unwrap();
        let x = numbers(5 * k, 4);
        let run = |matrix: &InPlaceMatrix| {
            let mut out = vec![0.0; 5 * 20];
            matrix.apply(&x, k, 5, &mut out, 20, false, true, &mut Vec::new());
            out
        };
        for (found, expected) in run(&with).iter().zip(run(&merged)) {
            assert!((found - expected).abs() < 1e-4, "{found} {expected}");
        }
    }
}
