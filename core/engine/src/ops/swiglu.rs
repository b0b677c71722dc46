//! a = silu(g) * u, the gated activation of the feed-forward block (Shazeer 2020), with silu(g) = g sigmoid(g).

use candle_core::Tensor;
use rayon::prelude::*;

use super::lanes::{sigmoid, vectorised};
use super::precision::{rounded_as, widened};
use super::slices::{on_cpu, read, write};
use crate::buffers;
use crate::error::Result;

/// Values of one task.
const BLOCK: usize = 1 << 14;

pub fn forward(gate: &Tensor, up: &Tensor) -> Result<Tensor> {
    if !on_cpu(&[gate, up]) {
        return rounded_as((widened(gate)?.silu()? * widened(up)?)?, gate);
    }
    let mut activation = buffers::take(gate.elem_count());
    let (gate_slice, up) = (read(gate), read(up));
    activation
        .par_chunks_mut(BLOCK)
        .zip(gate_slice.par_chunks(BLOCK))
        .zip(up.par_chunks(BLOCK))
        .for_each(|((activation, gate), up)| values(gate, up, activation));
    let (tokens, features) = gate.dims2()?;
    activation.into_tensor(tokens, features)
}

/// The same for slices, on the calling thread.
pub fn values(gate: &[f32], up: &[f32], activation: &mut [f32]) {
    vectorised(
        #[inline(always)]
        || {
            for ((a, &g), &u) in activation.iter_mut().zip(gate).zip(up) {
                *a = g * sigmoid(g) * u;
            }
        },
    );
}

/// Makes dg from `gate`, du from `up` and the activation from `dactivation`, on the CPU each in the memory of the one
/// it comes from. The activation is made again here because keeping it would cost a third of the block's memory.
///
/// du = da silu(g), dg = da u (s + silu(g) (1 - s)) with s = sigmoid(g).
pub fn backward(gate: Tensor, up: Tensor, dactivation: Tensor) -> Result<Backward> {
    if !on_cpu(&[&gate, &up, &dactivation]) {
        let (g, u, da) = (widened(&gate)?, widened(&up)?, widened(&dactivation)?);
        let s = (g.neg()?.exp()? + 1.0)?.recip()?;
        let silu = (&g * &s)?;
        let slope = (&s + (&silu * (1.0 - &s)?)?)?;
        return Ok(Backward {
            dgate: rounded_as(((&da * &u)? * slope)?, &gate)?,
            dup: rounded_as((&da * &silu)?, &up)?,
            activation: rounded_as((silu * u)?, &gate)?,
        });
    }
    write(&gate, |gate| {
        write(&up, |up| {
            write(&dactivation, |activation| {
                activation
                    .par_chunks_mut(BLOCK)
                    .zip(gate.par_chunks_mut(BLOCK))
                    .zip(up.par_chunks_mut(BLOCK))
                    .for_each(|((activation, gate), up)| backward_values(gate, up, activation));
            })
        })
    })???;
    Ok(Backward {
        dgate: gate,
        dup: up,
        activation: dactivation,
    })
}

#[derive(Debug)]
pub struct Backward {
    pub dgate: Tensor,
    pub dup: Tensor,
    pub activation: Tensor,
}

fn backward_values(gate: &mut [f32], up: &mut [f32], activation: &mut [f32]) {
    vectorised(
        #[inline(always)]
        || {
            for ((a, g), u) in activation.iter_mut().zip(gate).zip(up) {
                let s = sigmoid(*g);
                let silu = *g * s;
                let da = *a;
                *a = silu * *u;
                *g = da * *u * silu.mul_add(1.0 - s, s);
                *u = da * silu;
            }
        },
    );
}
