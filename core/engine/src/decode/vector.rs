//! Elementary functions and reductions that vectorise.
//!
//! The loops are plain; inside a `pulp` dispatch the compiler turns them into the machine's widest instructions (a
//! closure would not do: it is compiled on its own, for the oldest machine, where each fused multiply-add is a call).
//! Every reduction runs in sixteen lanes that are joined in one fixed order, so a result depends on the numbers and their
//! count, not on the machine's vector width or on what else is in the batch.

use pulp::{Arch, Simd, WithSimd};

/// y = x / sqrt(mean(x^2) + eps) * gain for each row of `x` and `y`, which have the length of `gain`.
pub(super) fn rms_norm_rows(x: &[f32], y: &mut [f32], gain: &[f32], eps: f32) {
    Arch::new().dispatch(RmsNormRows { x, y, gain, eps });
}

/// Norms each of the heads, which lie side by side, in place.
pub(super) fn rms_norm_heads(heads: &mut [f32], gain: &[f32], eps: f32) {
    Arch::new().dispatch(RmsNormHeads { heads, gain, eps });
}

/// out = silu(gate) * up, where a row of `gate_up` holds both one after the other.
pub(super) fn swiglu_row(gate_up: &[f32], out: &mut [f32]) {
    Arch::new().dispatch(SwigluRow { gate_up, out });
}

/// The first of the largest numbers.
pub(super) fn first_maximum(values: &[f32]) -> usize {
    let max = Arch::new().dispatch(Maximum(values));
    values.iter().position(|&value| value == max).unwrap_or(0)
}

/// e^x to about one unit in the last place; 0 below -87.3, where f32 would be denormal.
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
    const LOG2_E: f32 = std::f32::consts::LOG2_E;
    // ln 2 in two parts, so that x - n ln 2 is exact (Cody and Waite).
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    // Adding and taking away 1.5 * 2^23 rounds to the nearest integer.
    const ROUND: f32 = 12_582_912.0;
    let clamped = x.clamp(-87.3, 88.0);
    let shifted = clamped.mul_add(LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = n.mul_add(-LN2_LOW, n.mul_add(-LN2_HIGH, clamped));
    // Minimax polynomial of e^r on [-ln 2 / 2, ln 2 / 2] (Cephes expf).
    let mut p = 1.987_569_1e-4;
    p = r.mul_add(p, 1.398_199_9e-3);
    p = r.mul_add(p, 8.333_452e-3);
    p = r.mul_add(p, 4.166_579_6e-2);
    p = r.mul_add(p, 1.666_666_6e-1);
    p = r.mul_add(p, 0.5);
    let value = (r * r).mul_add(p, r) + 1.0;
    // The low bits of `shifted` are n; moved into the exponent they make 2^n.
    let power = f32::from_bits((shifted.to_bits() << 23).wrapping_add(127 << 23));
    if x < -87.3 { 0.0 } else { value * power }
}

/// The largest of the numbers; minus infinity for none.
#[inline(always)]
pub(super) fn maximum(values: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; 16];
    let (blocks, rest) = values.as_chunks::<16>();
    for block in blocks {
        for (lane, &value) in lanes.iter_mut().zip(block) {
            *lane = if value > *lane { value } else { *lane };
        }
    }
    for (lane, &value) in lanes.iter_mut().zip(rest) {
        *lane = if value > *lane { value } else { *lane };
    }
    lanes.into_iter().fold(f32::NEG_INFINITY, f32::max)
}

/// Replaces scores by softmax(scores).
#[inline(always)]
pub(super) fn softmax(scores: &mut [f32]) {
    let max = maximum(scores);
    for score in scores.iter_mut() {
        *score = exp(*score - max);
    }
    let inverse = 1.0 / sum(scores);
    for score in scores {
        *score *= inverse;
    }
}

#[inline(always)]
fn inverse_rms(x: &[f32], eps: f32) -> f32 {
    let mut lanes = [0.0f32; 16];
    let (blocks, rest) = x.as_chunks::<16>();
    for block in blocks {
        for (lane, &value) in lanes.iter_mut().zip(block) {
            *lane = value.mul_add(value, *lane);
        }
    }
    for (lane, &value) in lanes.iter_mut().zip(rest) {
        *lane = value.mul_add(value, *lane);
    }
    let mean = join(lanes) / x.len() as f32;
    1.0 / (mean + eps).sqrt()
}

struct RmsNormHeads<'a> {
    heads: &'a mut [f32],
    gain: &'a [f32],
    eps: f32,
}

impl WithSimd for RmsNormHeads<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for head in self.heads.chunks_exact_mut(self.gain.len()) {
            let inverse = inverse_rms(head, self.eps);
            for (x, &gain) in head.iter_mut().zip(self.gain) {
                *x = *x * inverse * gain;
            }
        }
    }
}

struct RmsNormRows<'a> {
    x: &'a [f32],
    y: &'a mut [f32],
    gain: &'a [f32],
    eps: f32,
}

impl WithSimd for RmsNormRows<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let width = self.gain.len();
        for (x, y) in self
            .x
            .chunks_exact(width)
            .zip(self.y.chunks_exact_mut(width))
        {
            let inverse = inverse_rms(x, self.eps);
            for ((y, &x), &gain) in y.iter_mut().zip(x).zip(self.gain) {
                *y = x * inverse * gain;
            }
        }
    }
}

struct SwigluRow<'a> {
    gate_up: &'a [f32],
    out: &'a mut [f32],
}

impl WithSimd for SwigluRow<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let (gate, rest) = self.gate_up.split_at(self.out.len());
        for ((out, &gate), &up) in self.out.iter_mut().zip(gate).zip(rest) {
            *out = gate / (1.0 + exp(-gate)) * up;
        }
    }
}

struct Maximum<'a>(&'a [f32]);

impl WithSimd for Maximum<'_> {
    type Output = f32;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> f32 {
        maximum(self.0)
    }
}

#[inline(always)]
fn sum(values: &[f32]) -> f32 {
    let mut lanes = [0.0f32; 16];
    let (blocks, rest) = values.as_chunks::<16>();
    for block in blocks {
        for (lane, &value) in lanes.iter_mut().zip(block) {
            *lane += value;
        }
    }
    for (lane, &value) in lanes.iter_mut().zip(rest) {
        *lane += value;
    }
    join(lanes)
}

#[inline(always)]
fn join(lanes: [f32; 16]) -> f32 {
    let mut eight = [0.0f32; 8];
    for index in 0..8 {
        eight[index] = lanes[index] + lanes[index + 8];
    }
    ((eight[0] + eight[4]) + (eight[1] + eight[5]))
        + ((eight[2] + eight[6]) + (eight[3] + eight[7]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_is_accurate_to_two_units_in_the_last_place() {
        for step in -870_000..880_000 {
            let x = step as f32 * 1e-4;
            let exact = f64::from(x).exp();
            let error = (f64::from(exp(x)) - exact).abs() / exact;
            assert!(error < 2.4e-7, "exp({x}) is off by {error:e}");
        }
        assert_eq!(exp(f32::NEG_INFINITY), 0.0);
        assert_eq!(exp(0.0), 1.0);
    }
}
