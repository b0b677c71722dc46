//! The value of a formula where its variables have values.

use dashu_int::{IBig, UBig};
use dashu_ratio::RBig;

use crate::{
    complex::Complex,
    expr::{Constant, Expr, Function},
    limits,
    real::{Precision, Real, Trouble, Valued},
};

/// Gives each variable its value.
pub type Point<'p> = dyn Fn(&str) -> RBig + 'p;

pub fn value(expr: &Expr, point: &Point<'_>, at: &Precision) -> Valued<Complex> {
    Ok(match expr {
        Expr::Number(number) => at.rational(number)?.into(),
        Expr::Variable(name) => at.rational(&point(name))?.into(),
        Expr::Constant(Constant::Pi) => at.pi()?.into(),
        Expr::Constant(Constant::E) => at.exp(&Real::one())?.into(),
        Expr::Constant(Constant::I) => Complex::i(),
        Expr::Constant(Constant::Infinity) => return Err(Trouble::Undefined),
        Expr::Sum(terms) => {
            let mut sum = Complex::from(Real::zero());
            for term in terms {
                sum = at.add_complex(&sum, &value(term, point, at)?)?;
            }
            sum
        }
        Expr::Product(factors) => {
            let mut product = Complex::from(Real::one());
            for factor in factors {
                product = at.multiply_complex(&product, &value(factor, point, at)?)?;
            }
            product
        }
        Expr::Quotient(parts) => {
            let above = value(&parts[0], point, at)?;
            at.divide_complex(&above, &value(&parts[1], point, at)?)?
        }
        Expr::Power(parts) => power(&parts[0], &parts[1], point, at)?,
        Expr::Call(function, arguments) => {
            let mut values = Vec::with_capacity(arguments.len());
            for argument in arguments {
                values.push(value(argument, point, at)?);
            }
            call(*function, &values, at)?
        }
    })
}

fn power(base: &Expr, exponent: &Expr, point: &Point<'_>, at: &Precision) -> Valued<Complex> {
    if let (Expr::Constant(Constant::E), false) = (base, matches!(exponent, Expr::Number(_))) {
        return at.exp_complex(&value(exponent, point, at)?);
    }
    let base = value(base, point, at)?;
    let known;
    let exponent = match exponent {
        Expr::Number(exponent) => exponent,
        Expr::Variable(name) => {
            known = point(name);
            &known
        }
        _ => {
            let exponent = value(exponent, point, at)?;
            // A whole exponent, such as that of (-1)^(n+1), keeps the base on the real line.
            if let Some(whole) = exponent.real().ok().and_then(Real::as_integer) {
                return whole_power(&base, &whole, at);
            }
            if base.is_exact_zero() {
                let positive = exponent.is_real() && exponent.re.is_positive();
                return if positive {
                    Ok(base)
                } else {
                    Err(Trouble::Undefined)
                };
            }
            let logarithm = at.ln_complex(&base)?;
            return at.exp_complex(&at.multiply_complex(&exponent, &logarithm)?);
        }
    };
    if exponent.is_int() {
        return whole_power(&base, exponent.numerator(), at);
    }
    rational_power(&base, exponent, at)
}

fn whole_power(base: &Complex, exponent: &IBig, at: &Precision) -> Valued<Complex> {
    let steps = u64::try_from(exponent)
        .or_else(|_| u64::try_from(&-exponent))
        .map_err(|_| Trouble::OutOfRange)?;
    let power = at.power_complex(base, steps)?;
    if *exponent < IBig::ZERO {
        return at.divide_complex(&Real::one().into(), &power);
    }
    Ok(power)
}

/// A root with an odd index is real on the whole real line, as schools have it: the cube root
/// of -8 is -2.
fn rational_power(base: &Complex, exponent: &RBig, at: &Precision) -> Valued<Complex> {
    if base.is_exact_zero() {
        return if *exponent > RBig::ZERO {
            Ok(base.clone())
        } else {
            Err(Trouble::Undefined)
        };
    }
    if exponent.denominator() == &UBig::from(2_u8) {
        let root = at.sqrt_complex(base)?;
        return whole_power(&root, exponent.numerator(), at);
    }
    let odd_root = exponent.denominator() % UBig::from(2_u8) == UBig::ONE;
    if base.is_real() && base.re.is_negative() && odd_root {
        let magnitude = Complex::from(base.re.clone().negated());
        let power = rational_power(&magnitude, exponent, at)?;
        let odd = exponent.numerator() % IBig::from(2) != IBig::ZERO;
        return Ok(if odd {
            power.re.negated().into()
        } else {
            power
        });
    }
    let logarithm = at.ln_complex(base)?;
    let scale = Complex::from(at.rational(exponent)?);
    at.exp_complex(&at.multiply_complex(&scale, &logarithm)?)
}

fn call(function: Function, arguments: &[Complex], at: &Precision) -> Valued<Complex> {
    use Function::*;
    let one = || Complex::from(Real::one());
    let of = &arguments[0];
    Ok(match function {
        Sin => at.circular_complex(of)?.0,
        Cos => at.circular_complex(of)?.1,
        Tan => {
            let (sin, cos) = at.circular_complex(of)?;
            at.divide_complex(&sin, &cos)?
        }
        Cot => {
            let (sin, cos) = at.circular_complex(of)?;
            at.divide_complex(&cos, &sin)?
        }
        Sec => at.divide_complex(&one(), &at.circular_complex(of)?.1)?,
        Csc => at.divide_complex(&one(), &at.circular_complex(of)?.0)?,
        Arcsin => at.arcsin(of.real()?)?.into(),
        Arccos => arccos(of.real()?, at)?.into(),
        Arctan => at.arctan(of.real()?)?.into(),
        // With values in (0, pi), continuous, as most textbooks have it.
        Arccot => at
            .subtract(&quarter_turn(at)?, &at.arctan(of.real()?)?)?
            .into(),
        Arcsec => arccos(&at.divide(&Real::one(), of.real()?)?, at)?.into(),
        Arccsc => at.arcsin(&at.divide(&Real::one(), of.real()?)?)?.into(),
        Sinh => at.hyperbolic(of.real()?)?.0.into(),
        Cosh => at.hyperbolic(of.real()?)?.1.into(),
        Tanh => {
            let (sinh, cosh) = at.hyperbolic(of.real()?)?;
            at.divide(&sinh, &cosh)?.into()
        }
        Coth => {
            let (sinh, cosh) = at.hyperbolic(of.real()?)?;
            at.divide(&cosh, &sinh)?.into()
        }
        Sech => at
            .divide(&Real::one(), &at.hyperbolic(of.real()?)?.1)?
            .into(),
        Csch => at
            .divide(&Real::one(), &at.hyperbolic(of.real()?)?.0)?
            .into(),
        Arsinh => area(of.real()?, 1, at)?,
        Arcosh => {
            let real = of.real()?;
            if at.subtract(real, &Real::one())?.is_negative() {
                return Err(Trouble::Undefined);
            }
            area(real, -1, at)?
        }
        Artanh => {
            let real = of.real()?;
            let above = at.add(&Real::one(), real)?;
            let ratio = at.divide(&above, &at.subtract(&Real::one(), real)?)?;
            at.multiply(&at.ln(&ratio)?, &at.half()?)?.into()
        }
        Ln => at.ln_complex(of)?,
        Log => {
            let (base, of) = match arguments {
                [base, of] => (base.clone(), of),
                _ => (Complex::from(at.integer(IBig::from(10))?), of),
            };
            at.divide_complex(&at.ln_complex(of)?, &at.ln_complex(&base)?)?
        }
        Abs => at.absolute(of)?.into(),
        Sign => sign(of.real()?, at)?.into(),
        Floor => at.floor(of.real()?)?.into(),
        Ceiling => at.floor(&of.real()?.clone().negated())?.negated().into(),
        Re => of.re.clone().into(),
        Im => of.im.clone().into(),
        Conjugate => Complex {
            re: of.re.clone(),
            im: of.im.clone().negated(),
        },
        Factorial => factorial(of.real()?, 1, at)?.into(),
        DoubleFactorial => factorial(of.real()?, 2, at)?.into(),
        Binomial | Permutations => {
            let ordered = falling(of, &arguments[1], at)?;
            match function {
                Binomial => {
                    let orders = Complex::from(factorial(arguments[1].real()?, 1, at)?);
                    at.divide_complex(&ordered, &orders)?
                }
                _ => ordered,
            }
        }
        Max | Min => {
            let mut chosen = of.real()?;
            for other in &arguments[1..] {
                let difference = at.subtract(other.real()?, chosen)?;
                let larger = difference.is_positive();
                if !larger && !difference.is_negative() && !difference.is_exact_zero() {
                    return Err(Trouble::Imprecise);
                }
                if larger == (function == Max) {
                    chosen = other.real()?;
                }
            }
            chosen.clone().into()
        }
        Gcd | Lcm => return Err(Trouble::Undefined),
        // The builder turns these into powers.
        Exp => at.exp_complex(of)?,
        Sqrt => at.sqrt_complex(of)?,
        Cbrt => rational_power(of, &crate::expr::fraction(1, 3), at)?,
    })
}

fn quarter_turn(at: &Precision) -> Valued<Real> {
    at.multiply(&at.pi()?, &at.half()?)
}

fn arccos(of: &Real, at: &Precision) -> Valued<Real> {
    at.subtract(&quarter_turn(at)?, &at.arcsin(of)?)
}

/// `ln(x + sqrt(x^2 + sign))`.
fn area(of: &Real, sign: i64, at: &Precision) -> Valued<Complex> {
    let square = at.multiply(of, of)?;
    let root = at.sqrt(&at.add(&square, &at.integer(IBig::from(sign))?)?)?;
    Ok(at.ln(&at.add(of, &root)?)?.into())
}

fn sign(of: &Real, at: &Precision) -> Valued<Real> {
    let sign = match of {
        _ if of.is_positive() => 1,
        _ if of.is_negative() => -1,
        _ if of.is_exact_zero() => 0,
        _ => return Err(Trouble::Imprecise),
    };
    at.integer(IBig::from(sign))
}

fn natural(of: &Real) -> Valued<u32> {
    let whole = of.as_integer().ok_or(Trouble::Undefined)?;
    if whole < IBig::ZERO {
        return Err(Trouble::Undefined);
    }
    u32::try_from(&whole)
        .ok()
        .filter(|n| *n <= limits::FACTORIAL)
        .ok_or(Trouble::Imprecise)
}

fn factorial(of: &Real, step: usize, at: &Precision) -> Valued<Real> {
    let mut product = Real::one();
    for factor in (1..=natural(of)?).rev().step_by(step) {
        product = at.multiply(&product, &at.integer(IBig::from(factor))?)?;
    }
    Ok(product)
}

/// `n (n - 1) ..`, `k` factors; `n` may be anything.
fn falling(n: &Complex, k: &Complex, at: &Precision) -> Valued<Complex> {
    let mut product = Complex::from(Real::one());
    for step in 0..natural(k.real()?)? {
        let factor = at.subtract_complex(n, &at.integer(IBig::from(step))?.into())?;
        product = at.multiply_complex(&product, &factor)?;
    }
    Ok(product)
}
