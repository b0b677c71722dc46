//! Functions of balls: the series of [`crate::series`] at the midpoint, and a bound on how far
//! the function moves within the ball.

use dashu_base::{BitTest, Sign};
use dashu_float::Repr;

use super::{LARGEST_EXPONENT, Precision, Real, Trouble, Valued, sum_of_powers};
use crate::series;

/// Angles of more bits than this are not reduced.
const LARGEST_ANGLE: f64 = 600.0;

impl Precision {
    pub fn pi(&self) -> Valued<Real> {
        self.pay(2)?;
        let pi = Repr::new(series::pi(self.bits), -(self.bits as isize));
        Ok(self.within(pi, -(self.bits as f64) + 1.0))
    }

    pub fn exp(&self, of: &Real) -> Valued<Real> {
        self.pay_series()?;
        if of.is_exact_zero() {
            return Ok(Real::one());
        }
        if of.top() > 40.0 {
            return Err(Trouble::OutOfRange);
        }
        if of.error > -2.0 {
            return Err(Trouble::Imprecise);
        }
        let value = series::exp(&of.middle, self.bits);
        let top = value.significand().bit_len() as f64 + value.exponent() as f64;
        if top.abs() > LARGEST_EXPONENT {
            return Err(Trouble::OutOfRange);
        }
        // Twice the error of the argument bounds what it adds, as that is below 1/4.
        let relative = sum_of_powers(-(self.bits as f64), of.error + 1.0);
        Ok(self.within(value, top + relative))
    }

    pub fn ln(&self, of: &Real) -> Valued<Real> {
        self.pay_series()?;
        if of.is_exact_zero() || of.is_negative() {
            return Err(Trouble::Undefined);
        }
        if !of.is_positive() {
            return Err(Trouble::Imprecise);
        }
        if of.error == f64::NEG_INFINITY && of.middle.is_one() {
            return Ok(Real::zero());
        }
        let error = of.error - (of.top() - 2.0);
        let value = series::ln(&of.middle, self.bits);
        Ok(self.within(value, self.series_error(error)))
    }

    /// Sine and cosine.
    pub fn circular(&self, of: &Real) -> Valued<(Real, Real)> {
        self.pay_series()?;
        if of.is_exact_zero() {
            return Ok((Real::zero(), Real::one()));
        }
        if of.top() > LARGEST_ANGLE {
            return Err(Trouble::Imprecise);
        }
        let (sin, cos) = series::sin_cos(&of.middle, self.bits);
        let error = self.series_error(of.error);
        Ok((self.within(sin, error), self.within(cos, error)))
    }

    pub fn arctan(&self, of: &Real) -> Valued<Real> {
        self.pay_series()?;
        if of.is_exact_zero() {
            return Ok(Real::zero());
        }
        let value = series::arctan(&of.middle, self.bits);
        Ok(self.within(value, self.series_error(of.error)))
    }

    pub fn arcsin(&self, of: &Real) -> Valued<Real> {
        self.pay_series()?;
        if of.is_exact_zero() {
            return Ok(Real::zero());
        }
        // The room between the number and the nearer end of [-1, 1].
        let magnitude = if of.middle.sign() == Sign::Negative {
            of.clone().negated()
        } else {
            of.clone()
        };
        let room = self.subtract(&Real::one(), &magnitude)?;
        if room.is_negative() {
            return Err(Trouble::Undefined);
        }
        if !room.is_positive() {
            // At the end itself: the arc sine moves by at most pi/sqrt(2) times the root.
            let pi = self.pi()?;
            let quarter = Real {
                middle: Repr::new(pi.middle.significand().clone(), pi.middle.exponent() - 1),
                error: sum_of_powers(pi.error, room.magnitude() / 2.0 + 2.0),
            };
            return Ok(if of.middle.sign() == Sign::Negative {
                quarter.negated()
            } else {
                quarter
            });
        }
        // arcsin m = arctan(m / sqrt(1 - m^2)), and the slope is at most the inverse root of
        // the room.
        let middle = Real::exact(of.middle.clone());
        let square = self.multiply(&middle, &middle)?;
        let below = self.sqrt(&self.subtract(&Real::one(), &square)?)?;
        let value = self.arctan(&self.divide(&middle, &below)?)?;
        let error = sum_of_powers(value.error, of.error - (room.top() - 2.0) / 2.0);
        Ok(Real { error, ..value })
    }

    /// Counts a function that is summed term by term: the more digits, the more terms.
    fn pay_series(&self) -> Valued<()> {
        self.pay(60 + self.bits as u64 / 8)
    }

    /// A result that is off by at most `2^error`, cut to the precision.
    fn within(&self, middle: Repr<2>, error: f64) -> Real {
        let middle = self.context.add(&middle, &Repr::zero());
        self.rounded(middle, error)
            .expect("the arguments of series are bounded, so their results are finite")
    }

    /// The error of a series of absolute precision, and the inherited one.
    fn series_error(&self, inherited: f64) -> f64 {
        sum_of_powers(-(self.bits as f64), inherited)
    }
}
