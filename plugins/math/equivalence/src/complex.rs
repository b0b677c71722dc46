//! Complex numbers as pairs of balls. A number on the real line has an imaginary part that is
//! exactly zero, and operations that stay on the line keep it so.

use crate::real::{self, Precision, Real, Trouble, Valued};

#[derive(Clone, Debug)]
pub struct Complex {
    pub re: Real,
    pub im: Real,
}

impl From<Real> for Complex {
    fn from(re: Real) -> Self {
        Self {
            re,
            im: Real::zero(),
        }
    }
}

impl Complex {
    pub fn i() -> Self {
        Self {
            re: Real::zero(),
            im: Real::one(),
        }
    }

    pub fn is_real(&self) -> bool {
        self.im.is_exact_zero()
    }

    /// Whether zero is surely outside.
    pub fn is_nonzero(&self) -> bool {
        self.re.is_nonzero() || self.im.is_nonzero()
    }

    pub fn is_exact_zero(&self) -> bool {
        self.re.is_exact_zero() && self.im.is_exact_zero()
    }

    /// A bound on both parts, as a logarithm to base two.
    pub fn magnitude(&self) -> f64 {
        self.re.magnitude().max(self.im.magnitude())
    }

    pub fn error(&self) -> f64 {
        self.re.error().max(self.im.error())
    }

    /// The real part, where there is no other.
    pub fn real(&self) -> Valued<&Real> {
        if self.is_real() {
            Ok(&self.re)
        } else {
            Err(Trouble::Undefined)
        }
    }
}

impl Precision {
    pub fn add_complex(&self, a: &Complex, b: &Complex) -> Valued<Complex> {
        Ok(Complex {
            re: self.add(&a.re, &b.re)?,
            im: self.add(&a.im, &b.im)?,
        })
    }

    pub fn subtract_complex(&self, a: &Complex, b: &Complex) -> Valued<Complex> {
        Ok(Complex {
            re: self.subtract(&a.re, &b.re)?,
            im: self.subtract(&a.im, &b.im)?,
        })
    }

    pub fn multiply_complex(&self, a: &Complex, b: &Complex) -> Valued<Complex> {
        if a.is_real() && b.is_real() {
            return Ok(self.multiply(&a.re, &b.re)?.into());
        }
        let re = self.multiply(&a.re, &b.re)?;
        let im = self.multiply(&a.re, &b.im)?;
        Ok(Complex {
            re: self.subtract(&re, &self.multiply(&a.im, &b.im)?)?,
            im: self.add(&im, &self.multiply(&a.im, &b.re)?)?,
        })
    }

    /// The square of the distance from zero.
    fn norm(&self, of: &Complex) -> Valued<Real> {
        let re = self.multiply(&of.re, &of.re)?;
        self.add(&re, &self.multiply(&of.im, &of.im)?)
    }

    pub fn absolute(&self, of: &Complex) -> Valued<Real> {
        if of.is_real() && of.re.is_nonzero() {
            return Ok(if of.re.is_negative() {
                of.re.clone().negated()
            } else {
                of.re.clone()
            });
        }
        self.sqrt(&self.norm(of)?)
    }

    pub fn divide_complex(&self, a: &Complex, b: &Complex) -> Valued<Complex> {
        if b.is_real() {
            return Ok(Complex {
                re: self.divide(&a.re, &b.re)?,
                im: self.divide(&a.im, &b.re)?,
            });
        }
        let conjugate = Complex {
            re: b.re.clone(),
            im: b.im.clone().negated(),
        };
        let above = self.multiply_complex(a, &conjugate)?;
        let below = self.norm(b)?;
        Ok(Complex {
            re: self.divide(&above.re, &below)?,
            im: self.divide(&above.im, &below)?,
        })
    }

    /// `e^a (cos b + i sin b)`.
    pub fn exp_complex(&self, of: &Complex) -> Valued<Complex> {
        let scale = self.exp(&of.re)?;
        if of.is_real() {
            return Ok(scale.into());
        }
        let (sin, cos) = self.circular(&of.im)?;
        Ok(Complex {
            re: self.multiply(&scale, &cos)?,
            im: self.multiply(&scale, &sin)?,
        })
    }

    /// The angle in (-pi, pi].
    fn angle(&self, of: &Complex) -> Valued<Real> {
        let quarter = || self.multiply(&self.pi()?, &self.half()?);
        if of.re.is_positive() {
            return self.arctan(&self.divide(&of.im, &of.re)?);
        }
        if of.im.is_positive() {
            return self.subtract(&quarter()?, &self.arctan(&self.divide(&of.re, &of.im)?)?);
        }
        if of.im.is_negative() {
            let turned = self.add(&quarter()?, &self.arctan(&self.divide(&of.re, &of.im)?)?)?;
            return Ok(turned.negated());
        }
        if of.re.is_negative() && of.is_real() {
            return self.pi();
        }
        Err(if of.is_exact_zero() {
            Trouble::Undefined
        } else {
            Trouble::Imprecise
        })
    }

    pub fn half(&self) -> Valued<Real> {
        self.rational(&crate::expr::fraction(1, 2))
    }

    /// The principal logarithm.
    pub fn ln_complex(&self, of: &Complex) -> Valued<Complex> {
        if of.is_real() && !of.re.is_negative() {
            return Ok(self.ln(&of.re)?.into());
        }
        real::leave();
        let twice = self.ln(&self.norm(of)?)?;
        Ok(Complex {
            re: self.multiply(&twice, &self.half()?)?,
            im: self.angle(of)?,
        })
    }

    /// The principal square root.
    pub fn sqrt_complex(&self, of: &Complex) -> Valued<Complex> {
        if of.is_real() {
            if of.re.is_negative() {
                real::leave();
                return Ok(Complex {
                    re: Real::zero(),
                    im: self.sqrt(&of.re.clone().negated())?,
                });
            }
            return Ok(self.sqrt(&of.re)?.into());
        }
        // With r the distance: re = sqrt((r + a) / 2), im = b / (2 re); mirrored for a < 0.
        let distance = self.sqrt(&self.norm(of)?)?;
        let half = self.half()?;
        let two = self.add(&Real::one(), &Real::one())?;
        if of.re.is_negative() {
            let inside = self.multiply(&self.subtract(&distance, &of.re)?, &half)?;
            let im = self.sqrt(&inside)?;
            if !of.im.is_nonzero() {
                return Err(Trouble::Imprecise);
            }
            let im = if of.im.is_negative() {
                im.negated()
            } else {
                im
            };
            let re = self.divide(&of.im, &self.multiply(&im, &two)?)?;
            return Ok(Complex { re, im });
        }
        let inside = self.multiply(&self.add(&distance, &of.re)?, &half)?;
        let re = self.sqrt(&inside)?;
        let im = self.divide(&of.im, &self.multiply(&re, &two)?)?;
        Ok(Complex { re, im })
    }

    /// Hyperbolic sine and cosine of a real number.
    pub fn hyperbolic(&self, of: &Real) -> Valued<(Real, Real)> {
        let up = self.exp(of)?;
        let down = self.divide(&Real::one(), &up)?;
        let half = self.half()?;
        Ok((
            self.multiply(&self.subtract(&up, &down)?, &half)?,
            self.multiply(&self.add(&up, &down)?, &half)?,
        ))
    }

    /// Sine and cosine, off the real line too.
    pub fn circular_complex(&self, of: &Complex) -> Valued<(Complex, Complex)> {
        let (sin, cos) = self.circular(&of.re)?;
        if of.is_real() {
            return Ok((sin.into(), cos.into()));
        }
        let (sinh, cosh) = self.hyperbolic(&of.im)?;
        Ok((
            Complex {
                re: self.multiply(&sin, &cosh)?,
                im: self.multiply(&cos, &sinh)?,
            },
            Complex {
                re: self.multiply(&cos, &cosh)?,
                im: self.multiply(&sin, &sinh)?.negated(),
            },
        ))
    }

    pub fn power_complex(&self, base: &Complex, exponent: u64) -> Valued<Complex> {
        if base.is_real() {
            return Ok(self.power(&base.re, exponent)?.into());
        }
        let mut power = Complex::from(Real::one());
        let mut square = base.clone();
        let mut left = exponent;
        loop {
            if left % 2 == 1 {
                power = self.multiply_complex(&power, &square)?;
            }
            left /= 2;
            if left == 0 {
                return Ok(power);
            }
            square = self.multiply_complex(&square, &square)?;
        }
    }
}
