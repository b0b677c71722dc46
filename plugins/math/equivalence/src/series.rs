//! Exponential, logarithm, sine and arc tangent, on fixed-point integers.
//!
//! The functions of `dashu-float` are rounded correctly, for which they try again until they
//! are sure; at 200 bits that takes 50 to 500 microseconds. Balls need only a bound, and a
//! comparison asks for a few dozen functions, so these are series with a fixed number of
//! guard bits: 2 to 10 microseconds. Their absolute error is below `2^-bits` (times the
//! result, for the exponential); `tests` holds them against dashu's.
//!
//! A number is an integer in units of `2^-w`. Each step rounds by less than two units, no sum
//! here has more than some hundred terms, and what amplifies errors (squaring, doubling) does
//! so by at most 2^16: [`GUARD`] bits cover it.

use std::cell::RefCell;

use dashu_base::{BitTest, SquareRoot};
use dashu_float::{ConstCache, Repr, round::mode::HalfEven};
use dashu_int::{IBig, UBig};

const GUARD: usize = 48;
/// How often arguments are halved, or rooted, before a series.
const HALVINGS: usize = 8;
const ROOTS: usize = 3;

#[derive(Default)]
struct Constants {
    cache: Option<ConstCache>,
    /// Units and value.
    pi: (usize, IBig),
    ln2: (usize, IBig),
}

thread_local! {
    static CONSTANTS: RefCell<Constants> = RefCell::new(Constants::default());
}

/// `number` in units of `2^-w`, rounded down.
fn fixed(number: &Repr<2>, w: usize) -> IBig {
    let shift = number.exponent() + w as isize;
    if shift >= 0 {
        number.significand() << shift as usize
    } else {
        number.significand() >> shift.unsigned_abs()
    }
}

fn float(number: IBig, exponent: isize) -> Repr<2> {
    Repr::new(number, exponent)
}

pub fn pi(w: usize) -> IBig {
    CONSTANTS.with_borrow_mut(|constants| {
        if constants.pi.0 < w {
            let cache = constants.cache.get_or_insert_with(ConstCache::new);
            let wanted = w.max(320);
            let pi = cache.pi::<2, HalfEven>(wanted + 8).value();
            constants.pi = (wanted, fixed(pi.repr(), wanted));
        }
        &constants.pi.1 >> (constants.pi.0 - w)
    })
}

fn ln2(w: usize) -> IBig {
    CONSTANTS.with_borrow_mut(|constants| {
        if constants.ln2.0 < w {
            let cache = constants.cache.get_or_insert_with(ConstCache::new);
            let wanted = w.max(320);
            let ln2 = cache.ln2::<2, HalfEven>(wanted + 8);
            constants.ln2 = (wanted, fixed(ln2.repr(), wanted));
        }
        &constants.ln2.1 >> (constants.ln2.0 - w)
    })
}

/// The integer nearest to `a / b`.
fn nearest(a: &IBig, b: &IBig) -> IBig {
    let doubled = (a << 1_usize) + b;
    let divisor = b << 1_usize;
    let quotient = &doubled / &divisor;
    // Division truncates toward zero; below zero that is one too many.
    if doubled < IBig::ZERO && &quotient * &divisor != doubled {
        quotient - IBig::ONE
    } else {
        quotient
    }
}

fn whole_bits(number: &Repr<2>) -> usize {
    let top = number.significand().bit_len() as isize + number.exponent();
    top.max(0) as usize
}

/// `e^x`, with a relative error below `2^-bits`.
pub fn exp(x: &Repr<2>, bits: usize) -> Repr<2> {
    let w = bits + GUARD + whole_bits(x);
    let one = IBig::ONE << w;
    let x = fixed(x, w);
    let ln2 = ln2(w);
    let twos = nearest(&x, &ln2);
    // e^x = 2^twos (e^(r / 2^HALVINGS))^(2^HALVINGS), with |r| below 0.35.
    let r = (x - &twos * ln2) >> HALVINGS;
    let mut sum = &one + &r;
    let mut term = r.clone();
    let mut n = 2_u32;
    while !is_tiny(&term) {
        term = ((&term * &r) >> w) / IBig::from(n);
        sum += &term;
        n += 1;
    }
    for _ in 0..HALVINGS {
        sum = (&sum * &sum) >> w;
    }
    let twos = isize::try_from(&twos).expect("the argument has fewer than 41 whole bits");
    float(sum, twos - w as isize)
}

/// `ln x` for positive `x`, with an absolute error below `2^-bits`.
pub fn ln(x: &Repr<2>, bits: usize) -> Repr<2> {
    let length = x.significand().bit_len();
    let twos = x.exponent() + length as isize;
    let w = bits + GUARD + twos.unsigned_abs().bit_len();
    let one = IBig::ONE << w;
    // x = m 2^twos with m in [1/2, 1).
    let mut m = fixed(&Repr::new(x.significand().clone(), -(length as isize)), w);
    for _ in 0..ROOTS {
        m = root(&(m << w));
    }
    // ln m = 2 artanh((m - 1) / (m + 1)).
    let z = ((&m - &one) << w) / (&m + &one);
    let square = (&z * &z) >> w;
    let mut power = z.clone();
    let mut sum = z;
    let mut n = 3_u32;
    while !is_tiny(&power) {
        power = (&power * &square) >> w;
        sum += &power / IBig::from(n);
        n += 2;
    }
    let logarithm = (sum << (ROOTS + 1)) + IBig::from(twos) * ln2(w);
    float(logarithm, -(w as isize))
}

/// Sine and cosine, with absolute errors below `2^-bits`.
pub fn sin_cos(x: &Repr<2>, bits: usize) -> (Repr<2>, Repr<2>) {
    let w = bits + GUARD + whole_bits(x);
    let one = IBig::ONE << w;
    let x = fixed(x, w);
    let quarter = pi(w) >> 1_usize;
    let turns = nearest(&x, &quarter);
    let r = x - &turns * quarter;
    let square = (&r * &r) >> w;
    let mut term = r.clone();
    let mut sin = r;
    let mut n = 2_u32;
    while !is_tiny(&term) {
        term = -(((&term * &square) >> w) / IBig::from(n * (n + 1)));
        sin += &term;
        n += 2;
    }
    // Within an eighth of a turn the cosine is above 0.7.
    let cos = root(&((&one << w) - &sin * &sin));
    let turns = ((turns % IBig::from(4)) + IBig::from(4)) % IBig::from(4);
    let (sin, cos) = match u8::try_from(&turns) {
        Ok(0) => (sin, cos),
        Ok(1) => (cos, -sin),
        Ok(2) => (-sin, -cos),
        _ => (-cos, sin),
    };
    (float(sin, -(w as isize)), float(cos, -(w as isize)))
}

/// The arc tangent, with an absolute error below `2^-bits`.
pub fn arctan(x: &Repr<2>, bits: usize) -> Repr<2> {
    let w = bits + GUARD;
    let one = IBig::ONE << w;
    let double = IBig::ONE << (2 * w);
    let negative = *x.significand() < IBig::ZERO;
    let large = x.significand().bit_len() as isize + x.exponent() > 0;
    // For |x| >= 1: a right angle less the arc tangent of the inverse.
    let mut z = if large {
        // 1/x = 2^(w - exponent) / significand in units of 2^-w.
        let shift = w as isize - x.exponent();
        if shift >= 0 {
            (IBig::ONE << shift as usize) / x.significand()
        } else {
            IBig::ZERO
        }
    } else {
        fixed(x, w)
    };
    for _ in 0..ROOTS {
        // tan(a/2) = t / (1 + sqrt(1 + t^2)).
        let below = &one + root(&(&double + &z * &z));
        z = (z << w) / below;
    }
    let square = (&z * &z) >> w;
    let mut power = z.clone();
    let mut sum = z;
    let mut n = 3_u32;
    while !is_tiny(&power) {
        power = -((&power * &square) >> w);
        sum += &power / IBig::from(n);
        n += 2;
    }
    sum <<= ROOTS;
    if large {
        let quarter = pi(w) >> 1_usize;
        sum = if negative { -quarter } else { quarter } - sum;
    }
    float(sum, -(w as isize))
}

/// Whether nothing is left of a term but its rounding, which for a negative one is -1.
fn is_tiny(term: &IBig) -> bool {
    term.bit_len() <= 1
}

fn root(of: &IBig) -> IBig {
    let of = UBig::try_from(of.clone()).unwrap_or(UBig::ZERO);
    IBig::from(of.sqrt())
}

#[cfg(test)]
mod tests {
    use dashu_float::{Context, FBig};

    use super::*;

    /// Whether `found` is within `2^error` of `expected`.
    fn close(found: Repr<2>, expected: &FBig<HalfEven, 2>, error: isize) -> bool {
        let context = Context::<HalfEven>::new(4000);
        let difference = context
            .sub(&found, expected.repr())
            .expect("both are finite")
            .value()
            .into_repr();
        let top = difference.significand().bit_len() as isize + difference.exponent();
        difference.significand().is_zero() || top <= error
    }

    #[test]
    fn series_are_as_exact_as_they_say() {
        for bits in [64_usize, 128, 200, 600, 1600] {
            let exact = Context::<HalfEven>::new(bits + 200);
            for (numerator, exponent) in [
                (1, 0),
                (3, -1),
                (-7, -3),
                (123_456_789, -20),
                (-99, -6),
                (5, 3),
                (-1, -100),
                (0x7fff_ffff, -31),
                (0x8000_0001_i64, -31),
                (1_000_003, -4),
                (-355, -7),
            ] {
                let x = Repr::<2>::new(IBig::from(numerator), exponent);
                let target = -(bits as isize);
                let (sin, cos) = sin_cos(&x, bits);
                let expected = exact.sin(&x, None).expect("finite").value();
                assert!(
                    close(sin, &expected, target),
                    "sin at {numerator} 2^{exponent}"
                );
                let expected = exact.cos(&x, None).expect("finite").value();
                assert!(
                    close(cos, &expected, target),
                    "cos at {numerator} 2^{exponent}"
                );
                let expected = exact.atan(&x, None).expect("finite").value();
                let found = arctan(&x, bits);
                assert!(
                    close(found, &expected, target),
                    "atan {numerator} 2^{exponent}"
                );
                if numerator > 0 {
                    let expected = exact.ln(&x, None).expect("positive").value();
                    assert!(
                        close(ln(&x, bits), &expected, target),
                        "ln {numerator} 2^{exponent}"
                    );
                }
                let expected = exact.exp(&x, None).expect("finite").value();
                let top =
                    expected.repr().significand().bit_len() as isize + expected.repr().exponent();
                let found = exp(&x, bits);
                assert!(
                    close(found, &expected, target + top),
                    "exp {numerator} 2^{exponent}"
                );
            }
        }
    }
}
