//! Arithmetic over slices that compilers turn into vector instructions.
//!
//! Call these inside [`vectorised`], which picks the machine's instruction set at run time. Sums run in sixteen lanes
//! that are added in a fixed order at the end, so a result does not depend on the instruction set.

use pulp::Arch;

const LANES: usize = 16;

/// Runs `f` compiled for the widest vectors of this machine. `f` and what it calls must be `#[inline(always)]`: what is
/// not inlined is compiled on its own, for the oldest machine, where each fused multiply-add is a call.
#[inline(always)]
pub fn vectorised<R>(f: impl FnOnce() -> R) -> R {
    Arch::new().dispatch(f)
}

#[inline(always)]
pub fn sum(a: &[f32]) -> f32 {
    fold(a, a, |sum, a, _| sum + a)
}

#[inline(always)]
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    fold(a, b, |sum, a, b| a.mul_add(b, sum))
}

#[inline(always)]
fn fold(a: &[f32], b: &[f32], add: impl Fn(f32, f32, f32) -> f32) -> f32 {
    let (a_blocks, a_rest) = a.as_chunks::<LANES>();
    let (b_blocks, b_rest) = b.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for (a, b) in a_blocks.iter().zip(b_blocks) {
        for lane in 0..LANES {
            sums[lane] = add(sums[lane], a[lane], b[lane]);
        }
    }
    for (lane, (&a, &b)) in a_rest.iter().zip(b_rest).enumerate() {
        sums[lane] = add(sums[lane], a, b);
    }
    reduce(sums, |a, b| a + b)
}

/// The largest value; a NaN anywhere may or may not be returned, but reaches what is computed from the values.
#[inline(always)]
pub fn max(a: &[f32]) -> f32 {
    let (blocks, rest) = a.as_chunks::<LANES>();
    let larger = |a: f32, b: f32| if a > b { a } else { b };
    let mut largest = [f32::NEG_INFINITY; LANES];
    for block in blocks {
        for lane in 0..LANES {
            largest[lane] = larger(block[lane], largest[lane]);
        }
    }
    for (lane, &value) in rest.iter().enumerate() {
        largest[lane] = larger(value, largest[lane]);
    }
    reduce(largest, larger)
}

#[inline(always)]
fn reduce(mut lanes: [f32; LANES], combine: impl Fn(f32, f32) -> f32) -> f32 {
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            lanes[lane] = combine(lanes[lane], lanes[lane + width]);
        }
        width /= 2;
    }
    lanes[0]
}

/// e^x to within two units in the last place, without a branch. Below -87.3 it stays at the smallest normal number,
/// above 88 at 1.6e38; a NaN stays a NaN.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    const LOG2_E: f32 = std::f32::consts::LOG2_E;
    // ln 2 in two parts, the first with so few bits that its product with an exponent is exact (Cody and Waite).
    const LN_2_HIGH: f32 = 0.693_359_375;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    // Adding this leaves the nearest integer in the low bits.
    const ROUND: f32 = 12_582_912.0;
    let x = if x < -87.3 { -87.3 } else { x };
    let x = if x > 88.0 { 88.0 } else { x };
    let rounded = x.mul_add(LOG2_E, ROUND);
    let n = rounded - ROUND;
    let r = n.mul_add(-LN_2_LOW, n.mul_add(-LN_2_HIGH, x));
    // The polynomial of Cephes' expf.
    let p = 1.987_569_1e-4_f32;
    let p = p.mul_add(r, 1.398_199_9e-3);
    let p = p.mul_add(r, 8.333_452e-3);
    let p = p.mul_add(r, 4.166_579_6e-2);
    let p = p.mul_add(r, 1.666_666_5e-1);
    let p = p.mul_add(r, 5.000_000_1e-1);
    let e = p.mul_add(r * r, r) + 1.0;
    let exponent = rounded
        .to_bits()
        .wrapping_sub(ROUND.to_bits())
        .wrapping_add(127)
        << 23;
    e * f32::from_bits(exponent)
}

/// 1 / (1 + e^-x).
#[inline(always)]
pub fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_is_accurate_over_the_whole_range() {
        for step in -87_000..88_000 {
            let x = step as f32 * 1e-3;
            let expected = f64::from(x).exp();
            let relative = (f64::from(exp(x)) - expected).abs() / expected;
            assert!(
                relative < 2e-7,
                "exp({x}) = {}, expected {expected}",
                exp(x)
            );
        }
        assert!(exp(f32::NAN).is_nan());
        assert!(exp(f32::NEG_INFINITY) < 2e-38);
    }

    #[test]
    fn reductions_agree_with_double_precision() {
        let values: Vec<f32> = (0..1000)
            .map(|i| ((i * 7919) % 997) as f32 / 100.0 - 5.0)
            .collect();
        for length in [0, 1, 15, 16, 17, 1000] {
            let values = &values[..length];
            let exact: f64 = values.iter().map(|&v| f64::from(v)).sum();
            let squares: f64 = values.iter().map(|&v| f64::from(v) * f64::from(v)).sum();
            assert!((f64::from(sum(values)) - exact).abs() < 1e-2);
            assert!((f64::from(dot(values, values)) - squares).abs() < 1e-2);
            assert_eq!(
                max(values),
                values.iter().copied().fold(f32::NEG_INFINITY, f32::max)
            );
        }
    }
}
