//! Products of awkward shapes against sums in double precision: part of a tile, of a vector, of a panel, of a block of the
//! depth, and several of each.

use super::*;

const ROWS: [usize; 6] = [1, 5, 7, 13, 97, 200];
const COLUMNS: [usize; 6] = [1, 17, 64, 65, 130, 600];
const DEPTHS: [usize; 6] = [0, 1, 15, 127, 257, 600];

/// Numbers between -0.5 and 0.5 without a pattern.
fn numbers(count: usize, seed: u32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as f32 / u32::MAX as f32 - 0.5
    };
    (0..count).map(|_| next()).collect()
}

/// Checks `destination` against `scale * sum of left(row, k) * right(k, column)`, onto `before` where it was added.
fn check(
    destination: &[f32],
    before: Option<&[f32]>,
    [rows, columns, depth]: [usize; 3],
    left: impl Fn(usize, usize) -> f32,
    right: impl Fn(usize, usize) -> f32,
) {
    for row in 0..rows {
        for column in 0..columns {
            let products =
                (0..depth).map(|k| f64::from(left(row, k)) * f64::from(right(k, column)));
            let onto = before.map_or(0.0, |before| f64::from(before[row * columns + column]));
            let expected = onto + 0.5 * products.sum::<f64>();
            let found = f64::from(destination[row * columns + column]);
            assert!(
                (found - expected).abs() < 1e-5 * (1.0 + (depth as f64).sqrt()),
                "{rows} x {columns}, depth {depth}: element ({row}, {column}) is {found}, expected {expected}"
            );
        }
    }
}

fn each_shape(mut work: impl FnMut([usize; 3], Write)) {
    for (index, &rows) in ROWS.iter().enumerate() {
        for (turn, &columns) in COLUMNS.iter().enumerate() {
            // Every pair of two sizes, not every three.
            let depth = DEPTHS[(index + turn) % DEPTHS.len()];
            work([rows, columns, depth], Write::Replace);
            work([rows, columns, depth], Write::Add);
        }
    }
}

#[test]
fn a_product_is_the_sum_of_products() {
    each_shape(|shape @ [rows, columns, depth], write| {
        let (left, right) = (numbers(rows * depth, 1), numbers(columns * depth, 2));
        let before = numbers(rows * columns, 3);
        let onto = (write == Write::Add).then_some(&*before);
        for transposed in [false, true] {
            // Stored as (columns, depth), the right-hand matrix is turned while it is packed.
            let packed = match transposed {
                false => PackedMatrix::new(Matrix::new(&right, depth, columns)),
                true => PackedMatrix::new(Matrix::new(&right, columns, depth).transposed()),
            };
            let mut destination = before.clone();
            multiply(
                Matrix::new(&left, rows, depth),
                packed.view(),
                0.5,
                write,
                MatrixMut::new(&mut destination, rows, columns),
            );
            let right = |k: usize, column: usize| match transposed {
                false => right[k * columns + column],
                true => right[column * depth + k],
            };
            check(
                &destination,
                onto,
                shape,
                |row, k| left[row * depth + k],
                right,
            );
        }
    });
}

#[test]
fn the_gradient_of_a_weight_is_the_sum_over_tokens() {
    each_shape(|shape @ [rows, columns, tokens], write| {
        let (left, right) = (numbers(rows * tokens, 1), numbers(columns * tokens, 2));
        let before = numbers(rows * columns, 3);
        let onto = (write == Write::Add).then_some(&*before);
        let mut destination = before.clone();
        multiply_transposed(
            Matrix::new(&left, tokens, rows),
            Matrix::new(&right, tokens, columns),
            0.5,
            write,
            MatrixMut::new(&mut destination, rows, columns),
        );
        let left = |row: usize, token: usize| left[token * rows + row];
        check(&destination, onto, shape, left, |token, column| {
            right[token * columns + column]
        });
    });
}

#[test]
fn matrices_side_by_side_give_the_bits_that_each_gives_alone() {
    const WIDTHS: [usize; 5] = [70, 1, 64, 0, 150];
    let (rows, depth) = (9, 70);
    let left = numbers(rows * depth, 1);
    let together: usize = WIDTHS.iter().sum();
    for transposed in [false, true] {
        let weights: Vec<_> = (2..)
            .zip(WIDTHS)
            .map(|(seed, width)| numbers(width * depth, seed))
            .collect();
        let matrices: Vec<_> = weights
            .iter()
            .zip(WIDTHS)
            .map(|(values, width)| match transposed {
                false => Matrix::new(values, depth, width),
                true => Matrix::new(values, width, depth).transposed(),
            })
            .collect();
        let product = |matrices: &[Matrix<'_>], columns: usize| {
            let mut destination = vec![f32::NAN; rows * columns];
            multiply(
                Matrix::new(&left, rows, depth),
                PackedMatrix::side_by_side(matrices).view(),
                1.0,
                Write::Replace,
                MatrixMut::new(&mut destination, rows, columns),
            );
            destination
        };
        let whole = product(&matrices, together);
        let mut first = 0;
        for (matrix, width) in matrices.iter().zip(WIDTHS) {
            let alone = product(std::slice::from_ref(matrix), width);
            for row in 0..rows {
                assert_eq!(
                    whole[row * together + first..][..width],
                    alone[row * width..][..width],
                    "row {row} of {width} columns from {first}"
                );
            }
            first += width;
        }
    }
}
