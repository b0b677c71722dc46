//! From hidden states to log-probabilities and entropies, without the matrix of all tokens by the whole vocabulary.
//!
//! With logits z = x W^T / temperature of one token and p = softmax(z): logp = z[target] - ln sum e^z,
//! entropy H = ln sum e^z - sum p z. Logits live for a chunk of tokens at a time; the backward makes them again:
//! dz = dlogp (onehot(target) - p) - dH p (ln p + H), dx = dz W / temperature, dW = dz^T x / temperature.

mod composed;

use candle_core::Tensor;
use rayon::prelude::*;

use super::lanes::{exp, max, vectorised};
use super::slices::{on_cpu, read, write};
use crate::buffers;
use crate::error::Result;
use crate::product::{Matrix, MatrixMut, PackedMatrix, Write, multiply, multiply_transposed};

/// Logits that exist at one time: 64 MiB of f32. A chunk has whole tokens, and at least one.
pub(crate) const CHUNK_VALUES: usize = 1 << 24;

/// The same on a device, where each chunk costs a pass over the weight's gradient: 256 MiB of f32.
pub(crate) const DEVICE_CHUNK_VALUES: usize = 1 << 26;

/// Tokens whose logits are made at one time.
fn chunk_tokens(x: &Tensor, vocabulary: usize) -> usize {
    let values = match x.device().is_cpu() {
        true => CHUNK_VALUES,
        false => DEVICE_CHUNK_VALUES,
    };
    (values / vocabulary).max(1)
}

/// Per token: the target's log-probability, the entropy, and ln sum e^z.
#[derive(Clone, Debug)]
pub struct Predicted {
    pub logp: Vec<f32>,
    pub entropy: Vec<f32>,
    pub log_normaliser: Vec<f32>,
}

/// `x`: (tokens, features), `weight`: (vocabulary, features), `targets`: one for each token.
pub fn forward(
    x: &Tensor,
    weight: &Tensor,
    targets: &[u32],
    temperature: f32,
) -> Result<Predicted> {
    let (vocabulary, features) = weight.dims2()?;
    let chunk = chunk_tokens(x, vocabulary);
    if !on_cpu(&[x, weight]) {
        return composed::forward(x, weight, targets, temperature, chunk);
    }
    let tokens = targets.len();
    let mut predicted = Predicted {
        logp: vec![0.0; tokens],
        entropy: vec![0.0; tokens],
        log_normaliser: vec![0.0; tokens],
    };
    let packed = PackedMatrix::new(Matrix::new(&read(weight), vocabulary, features).transposed());
    let x = read(x);
    let mut logits = buffers::take(chunk.min(tokens) * vocabulary);
    for start in (0..tokens).step_by(chunk) {
        let end = (start + chunk).min(tokens);
        let logits = &mut logits[..(end - start) * vocabulary];
        make_logits(
            &x[start * features..end * features],
            &packed,
            temperature,
            logits,
        );
        logits
            .par_chunks(vocabulary)
            .zip(&targets[start..end])
            .zip(&mut predicted.logp[start..end])
            .zip(&mut predicted.entropy[start..end])
            .zip(&mut predicted.log_normaliser[start..end])
            .with_min_len((1 << 12) / vocabulary + 1)
            .for_each(|((((z, &target), logp), entropy), log_normaliser)| {
                let (log_sum, mean) = vectorised(
                    #[inline(always)]
                    || normalise(z),
                );
                *logp = z[target as usize] - log_sum;
                *entropy = log_sum - mean;
                *log_normaliser = log_sum;
            });
    }
    Ok(predicted)
}

/// The derivative of sum(dlogp logp) + sum(dentropy entropy): returns dx, and adds to `dweight` if it is wanted.
pub fn backward(
    x: &Tensor,
    weight: &Tensor,
    targets: &[u32],
    temperature: f32,
    predicted: &Predicted,
    dlogp: &[f32],
    dentropy: Option<&[f32]>,
    mut dweight: Option<&mut Tensor>,
) -> Result<Tensor> {
    let (vocabulary, features) = weight.dims2()?;
    let chunk = chunk_tokens(x, vocabulary);
    if !on_cpu(&[x, weight]) {
        return composed::backward(
            x,
            weight,
            targets,
            temperature,
            predicted,
            dlogp,
            dentropy,
            dweight,
            chunk,
        );
    }
    let tokens = targets.len();
    let weight = read(weight);
    let weight = Matrix::new(&weight, vocabulary, features);
    let packed_transposed = PackedMatrix::new(weight.transposed());
    let packed = PackedMatrix::new(weight);
    let x = read(x);
    let mut dx = buffers::take(tokens * features);
    let mut logits = buffers::take(chunk.min(tokens) * vocabulary);
    for start in (0..tokens).step_by(chunk) {
        let end = (start + chunk).min(tokens);
        let logits = &mut logits[..(end - start) * vocabulary];
        let x = &x[start * features..end * features];
        make_logits(x, &packed_transposed, temperature, logits);
        logits
            .par_chunks_mut(vocabulary)
            .enumerate()
            .with_min_len((1 << 12) / vocabulary + 1)
            .for_each(|(row, z)| {
                let token = start + row;
                let log_sum = predicted.log_normaliser[token];
                let dlogp = dlogp[token] / temperature;
                let dentropy = dentropy.map_or(0.0, |dentropy| dentropy[token] / temperature);
                vectorised(
                    #[inline(always)]
                    || derivatives(z, log_sum, predicted.entropy[token], dlogp, dentropy),
                );
                z[targets[token] as usize] += dlogp;
            });
        let dz = Matrix::new(logits, end - start, vocabulary);
        let dx = MatrixMut::new(
            &mut dx[start * features..end * features],
            end - start,
            features,
        );
        multiply(dz, packed.view(), 1.0, Write::Replace, dx);
        let x = Matrix::new(x, end - start, features);
        if let Some(dweight) = &mut dweight {
            write(dweight, |dweight| {
                multiply_transposed(
                    dz,
                    x,
                    1.0,
                    Write::Add,
                    MatrixMut::new(dweight, vocabulary, features),
                );
            })?;
        }
    }
    dx.into_tensor(tokens, features)
}

fn make_logits(x: &[f32], weight: &PackedMatrix, temperature: f32, logits: &mut [f32]) {
    let view = weight.view();
    let tokens = logits.len() / view.columns();
    let x = Matrix::new(x, tokens, view.rows());
    let logits = MatrixMut::new(logits, tokens, view.columns());
    multiply(x, view, 1.0 / temperature, Write::Replace, logits);
}

/// ln sum e^z and sum p z.
#[inline(always)]
fn normalise(z: &[f32]) -> (f32, f32) {
    const LANES: usize = 16;
    let largest = max(z);
    let mut sums = [0.0; LANES];
    let mut weighted = [0.0; LANES];
    let (blocks, rest) = z.as_chunks::<LANES>();
    for block in blocks {
        for lane in 0..LANES {
            let shifted = block[lane] - largest;
            let e = exp(shifted);
            sums[lane] += e;
            weighted[lane] += e * shifted;
        }
    }
    for (lane, &z) in rest.iter().enumerate() {
        let shifted = z - largest;
        let e = exp(shifted);
        sums[lane] += e;
        weighted[lane] += e * shifted;
    }
    let sum = super::lanes::sum(&sums);
    let weighted = super::lanes::sum(&weighted);
    (largest + sum.ln(), largest + weighted / sum)
}

/// Turns z into -dlogp p - dentropy p (ln p + H); the caller adds dlogp at the target.
#[inline(always)]
fn derivatives(z: &mut [f32], log_sum: f32, entropy: f32, dlogp: f32, dentropy: f32) {
    for z in z.iter_mut() {
        let log_p = *z - log_sum;
        *z = -exp(log_p) * (dlogp + dentropy * (log_p + entropy));
    }
}
