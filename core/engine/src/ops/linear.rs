//! y = x W^T + b, with x: (tokens, in), W: (out, in) as checkpoints store it, b: (out), y: (tokens, out).

use candle_core::Tensor;
use rayon::prelude::*;

use super::columns;
use super::lanes::vectorised;
use super::precision::{accumulate, widened};
use super::slices::{on_cpu, read, write};
use crate::buffers;
use crate::error::Result;
use crate::product::{Matrix, MatrixMut, PackedMatrix, Write, multiply, multiply_transposed};

/// A weight packed for products with tokens on the left: `W^T`, (in, out).
pub fn pack(weight: &Tensor) -> Result<PackedMatrix> {
    let (out, into) = weight.dims2()?;
    Ok(PackedMatrix::new(
        Matrix::new(&read(weight), out, into).transposed(),
    ))
}

pub fn forward(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    if !on_cpu(&[x, weight]) {
        let y = x.matmul(&weight.t()?)?;
        return Ok(match bias {
            Some(bias) => y.broadcast_add(bias)?,
            None => y,
        });
    }
    let (tokens, _) = x.dims2()?;
    let packed = pack(weight)?;
    let out = packed.view().columns();
    let mut y = buffers::take(tokens * out);
    forward_packed(&read(x), tokens, &packed, bias.map(read).as_deref(), &mut y);
    y.into_tensor(tokens, out)
}

/// onto + scale * x W^T, in the memory of `onto` on the CPU.
pub fn forward_onto(x: &Tensor, weight: &Tensor, scale: f32, onto: Tensor) -> Result<Tensor> {
    if !on_cpu(&[x, weight, &onto]) {
        return Ok((onto + (x.matmul(&weight.t()?)? * f64::from(scale))?)?);
    }
    let (tokens, into) = x.dims2()?;
    let packed = pack(weight)?;
    let out = packed.view().columns();
    let x = read(x);
    write(&onto, |y| {
        multiply(
            Matrix::new(&x, tokens, into),
            packed.view(),
            scale,
            Write::Add,
            MatrixMut::new(y, tokens, out),
        );
    })?;
    Ok(onto)
}

/// The same for slices and a packed weight.
pub fn forward_packed(
    x: &[f32],
    tokens: usize,
    weight: &PackedMatrix,
    bias: Option<&[f32]>,
    y: &mut [f32],
) {
    let weight = weight.view();
    let out = weight.columns();
    let x = Matrix::new(x, tokens, weight.rows());
    multiply(
        x,
        weight,
        1.0,
        Write::Replace,
        MatrixMut::new(y, tokens, out),
    );
    if let Some(bias) = bias {
        y.par_chunks_mut(out * columns::BLOCK).for_each(|rows| {
            vectorised(
                #[inline(always)]
                || {
                    for row in rows.chunks_exact_mut(out) {
                        for (y, b) in row.iter_mut().zip(bias) {
                            *y += b;
                        }
                    }
                },
            );
        });
    }
}

/// dx = scale * dy W, added to `onto` where given.
pub fn backward_input(
    dy: &Tensor,
    weight: &Tensor,
    scale: f32,
    onto: Option<Tensor>,
) -> Result<Tensor> {
    if !on_cpu(&[dy, weight]) {
        let dx = match scale {
            1.0 => dy.matmul(weight)?,
            _ => (dy.matmul(weight)? * f64::from(scale))?,
        };
        return Ok(match onto {
            Some(onto) => (onto + dx)?,
            None => dx,
        });
    }
    let (tokens, out) = dy.dims2()?;
    let (_, into) = weight.dims2()?;
    let packed = PackedMatrix::new(Matrix::new(&read(weight), out, into));
    let (dx, mode) = match onto {
        Some(onto) => (onto, Write::Add),
        None => (
            buffers::take(tokens * into).into_tensor(tokens, into)?,
            Write::Replace,
        ),
    };
    let dy = read(dy);
    let dy = Matrix::new(&dy, tokens, out);
    write(&dx, |dx| {
        multiply(
            dy,
            packed.view(),
            scale,
            mode,
            MatrixMut::new(dx, tokens, into),
        )
    })?;
    Ok(dx)
}

/// dW += scale * dy^T x and db += sum over tokens of dy.
pub fn backward_parameters(
    x: &Tensor,
    dy: &Tensor,
    scale: f32,
    dweight: &mut Tensor,
    dbias: Option<&mut Tensor>,
) -> Result<()> {
    if !on_cpu(&[x, dy, dweight]) {
        accumulate(dweight, &dy.t()?.matmul(x)?, scale)?;
        if let Some(dbias) = dbias {
            accumulate(dbias, &widened(dy)?.sum(0)?, 1.0)?;
        }
        return Ok(());
    }
    let (tokens, into) = x.dims2()?;
    let (_, out) = dy.dims2()?;
    let (x, dy) = (read(x), read(dy));
    let (left, right) = (Matrix::new(&dy, tokens, out), Matrix::new(&x, tokens, into));
    write(dweight, |dweight| {
        multiply_transposed(
            left,
            right,
            scale,
            Write::Add,
            MatrixMut::new(dweight, out, into),
        );
    })?;
    if let Some(dbias) = dbias {
        write(dbias, |dbias| {
            columns::add_blocks(tokens, dbias, |rows, sum| {
                vectorised(
                    #[inline(always)]
                    || {
                        for row in dy[rows.start * out..rows.end * out].chunks_exact(out) {
                            for (sum, dy) in sum.iter_mut().zip(row) {
                                *sum += dy;
                            }
                        }
                    },
                );
            });
        })?;
    }
    Ok(())
}
