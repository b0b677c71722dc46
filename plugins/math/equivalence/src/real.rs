//! Real numbers as balls: a midpoint and a bound on how far the truth is from it.
//!
//! Two balls that do not meet hold different numbers, whatever was rounded on the way. So a
//! comparison by value never takes equal numbers for different ones, however much a formula
//! cancels; and it shows when a precision was not enough.
//!
//! The midpoints' sums, products, quotients and roots are dashu's, which rounds correctly;
//! functions are those of `functions`. What is done here is the bound, kept as the logarithm
//! to base two of an absolute error.

use dashu_base::{Approximation, BitTest, Sign};
use dashu_float::{Context, FBig, FpError, Repr, round::mode::HalfEven};
use dashu_int::IBig;
use dashu_ratio::RBig;

use crate::limits;

mod functions;
mod ledger;

pub use ledger::{begin, extent, leave, left, look, spend};

/// The truth is at most `2^error` away from `middle`.
#[derive(Clone, Debug)]
pub struct Real {
    middle: Repr<2>,
    /// Negative infinity: exact.
    error: f64,
}

/// Why there is no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The formula has none there.
    Undefined,
    /// The precision does not show it.
    Imprecise,
    /// It is too large, or too near to zero, for any precision.
    OutOfRange,
    TooMuchWork,
}

pub type Valued<T> = Result<T, Trouble>;

/// Beyond these powers of two a number is too large, or too small, to be told from others.
const LARGEST_EXPONENT: f64 = 1e12;

/// Arithmetic at one precision, counting its work.
pub struct Precision {
    pub bits: usize,
    context: Context<HalfEven>,
}

impl Real {
    pub fn zero() -> Self {
        Self::exact(Repr::zero())
    }

    pub fn one() -> Self {
        Self::exact(Repr::one())
    }

    fn exact(middle: Repr<2>) -> Self {
        Self {
            middle,
            error: f64::NEG_INFINITY,
        }
    }

    pub fn is_exact_zero(&self) -> bool {
        self.middle.significand().is_zero() && self.error == f64::NEG_INFINITY
    }

    /// The logarithm of a power of two above the midpoint.
    fn top(&self) -> f64 {
        if self.middle.significand().is_zero() {
            return f64::NEG_INFINITY;
        }
        self.middle.significand().bit_len() as f64 + self.middle.exponent() as f64
    }

    /// A bound on the magnitude of everything in the ball, as a logarithm.
    pub fn magnitude(&self) -> f64 {
        sum_of_powers(self.top(), self.error)
    }

    pub fn error(&self) -> f64 {
        self.error
    }

    /// Whether zero is surely outside, with room to divide.
    pub fn is_nonzero(&self) -> bool {
        self.error <= self.top() - 3.0 && self.top() > f64::NEG_INFINITY
    }

    pub fn is_positive(&self) -> bool {
        self.is_nonzero() && self.middle.sign() == Sign::Positive
    }

    pub fn is_negative(&self) -> bool {
        self.is_nonzero() && self.middle.sign() == Sign::Negative
    }

    pub fn negated(mut self) -> Self {
        self.middle = -self.middle;
        self
    }

    /// The whole number that this surely is.
    pub fn as_integer(&self) -> Option<IBig> {
        let small = self.top() < 4096.0 && self.middle.exponent() >= 0;
        if self.error > f64::NEG_INFINITY || !small {
            return None;
        }
        Some(self.middle.significand() << self.middle.exponent() as usize)
    }
}

/// `log2(2^a + 2^b)`, rounded up.
fn sum_of_powers(a: f64, b: f64) -> f64 {
    let (low, high) = if a < b { (a, b) } else { (b, a) };
    if low == f64::NEG_INFINITY {
        return high;
    }
    high + (low - high).exp2().ln_1p() * std::f64::consts::LOG2_E + 1e-3
}

impl Precision {
    pub fn new(bits: usize) -> Self {
        Self {
            bits,
            context: Context::new(bits),
        }
    }

    /// Counts one operation, in units of some ten nanoseconds.
    fn pay(&self, operations: u64) -> Valued<()> {
        let words = self.bits as u64 / 64 + 1;
        spend(operations * (4 + words * words / 8))
    }

    /// What one operation gave, with `inherited` error.
    fn rounded(
        &self,
        result: Result<Approximation<FBig<HalfEven, 2>, dashu_float::round::Rounding>, FpError>,
        inherited: f64,
    ) -> Valued<Real> {
        let (value, exact) = match result {
            Ok(Approximation::Exact(value)) => (value, true),
            Ok(Approximation::Inexact(value, _)) => (value, false),
            Err(FpError::OutOfDomain | FpError::Indeterminate) => return Err(Trouble::Undefined),
            Err(_) => return Err(Trouble::Imprecise),
        };
        let middle = value.into_repr();
        if middle.is_infinite() {
            return Err(Trouble::Undefined);
        }
        let mut real = Real {
            middle,
            error: inherited,
        };
        let top = real.top();
        if !exact {
            let rounding = top - self.bits as f64;
            real.error = sum_of_powers(real.error, rounding);
        }
        if top.is_finite() {
            if top.abs() > LARGEST_EXPONENT {
                return Err(Trouble::OutOfRange);
            }
            // What cancels to the last bit is no small number, but one that is not known.
            if real.error < top {
                ledger::reach(top);
            }
        }
        Ok(real)
    }

    pub fn integer(&self, value: IBig) -> Valued<Real> {
        self.pay(1)?;
        self.rounded(Ok(self.context.convert_int(value)), f64::NEG_INFINITY)
    }

    pub fn rational(&self, value: &RBig) -> Valued<Real> {
        let above = self.integer(value.numerator().clone())?;
        if value.is_int() {
            return Ok(above);
        }
        let below = self.integer(IBig::from(value.denominator().clone()))?;
        self.divide(&above, &below)
    }

    pub fn add(&self, a: &Real, b: &Real) -> Valued<Real> {
        self.pay(1)?;
        if a.is_exact_zero() {
            return Ok(b.clone());
        }
        if b.is_exact_zero() {
            return Ok(a.clone());
        }
        let error = sum_of_powers(a.error, b.error);
        self.rounded(self.context.add(&a.middle, &b.middle), error)
    }

    pub fn subtract(&self, a: &Real, b: &Real) -> Valued<Real> {
        self.add(a, &b.clone().negated())
    }

    pub fn multiply(&self, a: &Real, b: &Real) -> Valued<Real> {
        self.pay(1)?;
        if a.is_exact_zero() || b.is_exact_zero() {
            return Ok(Real::zero());
        }
        let crossed = sum_of_powers(plus(a.top(), b.error), plus(b.top(), a.error));
        let error = sum_of_powers(crossed, plus(a.error, b.error));
        self.rounded(self.context.mul(&a.middle, &b.middle), error)
    }

    pub fn divide(&self, a: &Real, b: &Real) -> Valued<Real> {
        self.pay(2)?;
        if b.is_exact_zero() {
            return Err(Trouble::Undefined);
        }
        if !b.is_nonzero() {
            return Err(Trouble::Imprecise);
        }
        if a.is_exact_zero() {
            return Ok(Real::zero());
        }
        let quotient = self.rounded(self.context.div(&a.middle, &b.middle), f64::NEG_INFINITY)?;
        // |a/b - A/B| <= (|da| + |a/b| |db|) / |B|, and |B| is at least a quarter of the top.
        let spread = sum_of_powers(a.error, plus(quotient.magnitude(), b.error));
        let error = sum_of_powers(quotient.error, spread - (b.top() - 2.0));
        Ok(Real { error, ..quotient })
    }

    /// The square root of a number that is not surely negative.
    pub fn sqrt(&self, of: &Real) -> Valued<Real> {
        self.pay(6)?;
        if of.is_exact_zero() {
            return Ok(Real::zero());
        }
        if !of.is_nonzero() {
            // Zero is inside: so is the root, as far out as the root of the bound.
            return Ok(Real {
                middle: Repr::zero(),
                error: of.magnitude() / 2.0 + 1e-3,
            });
        }
        let error = of.error - (of.top() - 2.0) / 2.0;
        self.rounded(self.context.sqrt(&of.middle), error)
    }

    /// The largest whole number that is not above; known unless one is inside the ball.
    pub fn floor(&self, of: &Real) -> Valued<Real> {
        self.pay(4)?;
        let exponent = of.middle.exponent();
        if exponent >= 0 && of.error == f64::NEG_INFINITY {
            return Ok(of.clone());
        }
        if of.top() > self.bits as f64 || exponent < -(limits::BITS as isize) * 2 {
            return Err(Trouble::Imprecise);
        }
        let value = FBig::<HalfEven, 2>::from_repr(of.middle.clone(), self.context);
        let floor = value.floor();
        let low = self.rounded(Ok(Approximation::Exact(floor)), f64::NEG_INFINITY)?;
        if of.error == f64::NEG_INFINITY {
            return Ok(low);
        }
        // Strictly between two whole numbers, with all of the ball.
        let above = self.subtract(of, &low)?;
        let below = self.subtract(&self.add(&low, &Real::one())?, of)?;
        if above.is_positive() && below.is_positive() {
            return Ok(low);
        }
        // So near to a whole number as only that number itself is, by the measure that also
        // calls two values equal: the floor of 2 sin(pi/6).
        let near = |gap: &Real| gap.magnitude() < 60.0 - self.bits as f64 + of.top().max(0.0);
        if near(&above) {
            return Ok(low);
        }
        if near(&below) {
            return self.add(&low, &Real::one());
        }
        Err(Trouble::Imprecise)
    }

    pub fn power(&self, base: &Real, mut exponent: u64) -> Valued<Real> {
        let mut power = Real::one();
        let mut square = base.clone();
        loop {
            if exponent % 2 == 1 {
                power = self.multiply(&power, &square)?;
            }
            exponent /= 2;
            if exponent == 0 {
                return Ok(power);
            }
            square = self.multiply(&square, &square)?;
        }
    }
}

/// The sum of two logarithms of which one may be that of zero.
fn plus(a: f64, b: f64) -> f64 {
    if a == f64::NEG_INFINITY || b == f64::NEG_INFINITY {
        f64::NEG_INFINITY
    } else {
        a + b
    }
}
