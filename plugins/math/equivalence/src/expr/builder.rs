//! Makes nodes of a formula and folds the exact numbers among them.
//!
//! What a node is worth is worked out where it is made, and counted: a text of a few bytes
//! can ask for a number of a million digits.

use dashu_base::BitTest;
use dashu_int::{IBig, UBig};
use dashu_ratio::RBig;

use super::{Constant, Expr, Function, bits, integer};
use crate::limits;

/// Why a formula has no value, whatever its variables are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    DivisionByZero,
    TooMuchWork,
}

/// Makes nodes and counts what the exact arithmetic costs.
#[derive(Debug, Default)]
pub struct Builder {
    work: u64,
}

pub type Built = Result<Expr, Fault>;

impl Builder {
    /// Counts one operation on numbers of so many bits; a quarter of the square of the words
    /// is about what a greatest common divisor costs.
    fn pay(&mut self, bits: usize) -> Result<(), Fault> {
        let words = bits as u64 / 64 + 1;
        self.work += 4 + words * words / 4;
        if self.work > limits::EXACT_WORK {
            return Err(Fault::TooMuchWork);
        }
        Ok(())
    }

    fn fold(&mut self, a: &RBig, b: &RBig) -> Result<bool, Fault> {
        let bits = bits(a) + bits(b);
        if bits > limits::BITS {
            return Ok(false);
        }
        self.pay(bits)?;
        Ok(true)
    }

    pub fn sum(&mut self, terms: Vec<Expr>) -> Built {
        let mut number = RBig::ZERO;
        let mut rest = Vec::new();
        for term in terms {
            match term {
                Expr::Number(value) if self.fold(&number, &value)? => number += value,
                Expr::Sum(inner) => rest.extend(inner),
                other => rest.push(other),
            }
        }
        if !number.is_zero() || rest.is_empty() {
            rest.push(Expr::Number(number));
        }
        Ok(only(rest, Expr::Sum))
    }

    pub fn product(&mut self, factors: Vec<Expr>) -> Built {
        let mut number = RBig::ONE;
        let mut rest = Vec::new();
        for factor in factors {
            match factor {
                Expr::Number(value) if self.fold(&number, &value)? => number *= value,
                Expr::Product(inner) => {
                    for factor in inner {
                        match factor {
                            Expr::Number(value) if self.fold(&number, &value)? => number *= value,
                            other => rest.push(other),
                        }
                    }
                }
                other => rest.push(other),
            }
        }
        // Zero times anything is left a product: the other factors may have no value.
        if !number.is_one() || rest.is_empty() {
            rest.insert(0, Expr::Number(number));
        }
        Ok(only(rest, Expr::Product))
    }

    pub fn negative(&mut self, of: Expr) -> Built {
        self.product(vec![integer(-1), of])
    }

    pub fn difference(&mut self, a: Expr, b: Expr) -> Built {
        let negative = self.negative(b)?;
        self.sum(vec![a, negative])
    }

    pub fn quotient(&mut self, above: Expr, below: Expr) -> Built {
        match (above, below) {
            (_, Expr::Number(below)) if below.is_zero() => Err(Fault::DivisionByZero),
            (Expr::Number(above), Expr::Number(below)) if self.fold(&above, &below)? => {
                Ok(Expr::Number(above / below))
            }
            (above, Expr::Number(below)) => {
                let inverse = Expr::Number(RBig::ONE / below);
                self.product(vec![inverse, above])
            }
            (above, below) => Ok(Expr::Quotient(Box::new([above, below]))),
        }
    }

    pub fn power(&mut self, base: Expr, exponent: Expr) -> Built {
        if let (Expr::Number(base), Expr::Number(exponent)) = (&base, &exponent)
            && let Some(value) = self.rational_power(base, exponent)?
        {
            return Ok(Expr::Number(value));
        }
        if let Expr::Number(exponent) = &exponent
            && exponent.is_one()
        {
            return Ok(base);
        }
        Ok(Expr::Power(Box::new([base, exponent])))
    }

    /// `base^exponent` where that is rational and not too large.
    fn rational_power(&mut self, base: &RBig, exponent: &RBig) -> Result<Option<RBig>, Fault> {
        let Ok(steps) = i64::try_from(exponent.numerator()) else {
            // One and zero stay what they are; everything else is left a formula.
            let stays = base.is_one() || (base.is_zero() && exponent > &RBig::ZERO);
            return Ok(stays.then(|| base.clone()));
        };
        if base.is_zero() && steps < 0 {
            return Err(Fault::DivisionByZero);
        }
        let Ok(degree) = usize::try_from(exponent.denominator()) else {
            return Ok(None);
        };
        let size = (bits(base) as u64).saturating_mul(steps.unsigned_abs());
        if degree > 64 || size > limits::BITS as u64 {
            return Ok(None);
        }
        self.pay(size as usize)?;
        let Some(root) = self.exact_root(base, degree)? else {
            return Ok(None);
        };
        let power = root.pow(steps.unsigned_abs() as isize);
        Ok(Some(if steps < 0 { RBig::ONE / power } else { power }))
    }

    /// The real root of a perfect power.
    fn exact_root(&mut self, of: &RBig, degree: usize) -> Result<Option<RBig>, Fault> {
        if degree == 1 {
            return Ok(Some(of.clone()));
        }
        if of < &RBig::ZERO && degree.is_multiple_of(2) {
            return Ok(None);
        }
        self.pay(8 * bits(of))?;
        let above = of.numerator().nth_root(degree);
        let below = of.denominator().nth_root(degree);
        let perfect =
            above.pow(degree) == *of.numerator() && below.pow(degree) == *of.denominator();
        Ok(perfect.then(|| RBig::from_parts(above, below)))
    }

    pub fn root(&mut self, of: Expr, degree: Expr) -> Built {
        let exponent = self.quotient(integer(1), degree)?;
        self.power(of, exponent)
    }

    pub fn call(&mut self, function: Function, mut arguments: Vec<Expr>) -> Built {
        use Function::*;
        match (function, arguments.as_slice()) {
            (Sqrt | Cbrt | Exp, [_]) => {
                let of = arguments.swap_remove(0);
                match function {
                    Sqrt => self.root(of, integer(2)),
                    Cbrt => self.root(of, integer(3)),
                    _ => self.power(Expr::Constant(Constant::E), of),
                }
            }
            (Abs, [Expr::Number(value)]) => Ok(Expr::Number(if *value < RBig::ZERO {
                -value.clone()
            } else {
                value.clone()
            })),
            (Floor, [Expr::Number(value)]) => Ok(Expr::Number(RBig::from(value.floor()))),
            (Ceiling, [Expr::Number(value)]) => Ok(Expr::Number(RBig::from(value.ceil()))),
            (Factorial | DoubleFactorial, [Expr::Number(value)]) => {
                let step = if function == Factorial { 1 } else { 2 };
                match u32::try_from(value.numerator()) {
                    Ok(n) if value.is_int() && n <= limits::FACTORIAL => {
                        let product = self.falling(n, n.div_ceil(step), step)?;
                        Ok(product.map_or(Expr::Call(function, arguments), Expr::Number))
                    }
                    _ => Ok(Expr::Call(function, arguments)),
                }
            }
            (Binomial | Permutations, [Expr::Number(n), Expr::Number(k)]) => {
                let (Ok(n), Ok(k)) = (u32::try_from(n.numerator()), u32::try_from(k.numerator()))
                else {
                    return Ok(Expr::Call(function, arguments));
                };
                self.choices(function, n, k, arguments)
            }
            (Gcd | Lcm | Max | Min, _) => self.fold_many(function, arguments),
            _ => Ok(Expr::Call(function, arguments)),
        }
    }

    fn choices(&mut self, function: Function, n: u32, k: u32, arguments: Vec<Expr>) -> Built {
        let whole = arguments
            .iter()
            .all(|argument| matches!(argument, Expr::Number(value) if value.is_int()));
        if !whole || n > limits::FACTORIAL {
            return Ok(Expr::Call(function, arguments));
        }
        if k > n {
            return Ok(integer(0));
        }
        let k = if function == Function::Binomial {
            k.min(n - k)
        } else {
            k
        };
        let ordered = self.falling(n, k, 1)?;
        let orders = match function {
            Function::Binomial => self.falling(k, k, 1)?,
            _ => Some(RBig::ONE),
        };
        Ok(match (ordered, orders) {
            (Some(ordered), Some(orders)) => Expr::Number(ordered / orders),
            _ => Expr::Call(function, arguments),
        })
    }

    /// `n (n - step) (n - 2 step) ..`, so many factors; nothing where it grows too large.
    fn falling(&mut self, n: u32, factors: u32, step: u32) -> Result<Option<RBig>, Fault> {
        let mut product = UBig::ONE;
        for factor in 0..factors {
            product *= n - factor * step;
            self.work += product.bit_len() as u64 / 64;
        }
        self.pay(0)?;
        let small = product.bit_len() <= limits::BITS;
        Ok(small.then(|| RBig::from(IBig::from(product))))
    }

    fn fold_many(&mut self, function: Function, arguments: Vec<Expr>) -> Built {
        use dashu_base::Gcd as _;
        let numbers: Option<Vec<&RBig>> = arguments
            .iter()
            .map(|argument| match argument {
                Expr::Number(number) => Some(number),
                _ => None,
            })
            .collect();
        let Some(numbers) = numbers.filter(|numbers| !numbers.is_empty()) else {
            return Ok(Expr::Call(function, arguments));
        };
        self.pay(numbers.iter().map(|number| bits(number)).sum())?;
        let divides = matches!(function, Function::Gcd | Function::Lcm);
        if divides && !numbers.iter().all(|n| n.is_int() && !n.is_zero()) {
            return Ok(Expr::Call(function, arguments));
        }
        let folded = numbers.iter().skip(1).fold(numbers[0].clone(), |a, b| {
            let gcd = || IBig::from(a.numerator().gcd(b.numerator()));
            match function {
                Function::Max => a.max((*b).clone()),
                Function::Min => a.min((*b).clone()),
                Function::Gcd => RBig::from(gcd()),
                _ => RBig::from(a.numerator() * b.numerator() / gcd()),
            }
        });
        Ok(Expr::Number(folded))
    }
}

fn only(mut nodes: Vec<Expr>, many: fn(Vec<Expr>) -> Expr) -> Expr {
    if nodes.len() == 1 {
        nodes.swap_remove(0)
    } else {
        many(nodes)
    }
}
