//! A fingerprint of a formula: its value in a finite field, at fixed random points.
//!
//! Take a prime `p` and map every variable to a random residue. That map respects sums,
//! products and quotients, so two rational functions with different fingerprints are
//! different, and two with equal ones are the same function but for a chance of
//! degree / 2^61 (Schwartz, 1980; Zippel, 1979). It costs nanoseconds, never grows, and needs
//! no normal form, which for `(x+1)^40 (y-1)^40` would have 1,681 terms.
//!
//! The map goes further than rational numbers. The primes here are 1 modulo 8 and modulo
//! each odd prime up to 37, so minus one and all primes up to 37 have square roots in the
//! field: `i` and the radicals that answers have are mapped as exactly as 7 is. Pi and e are
//! mapped like variables, which no polynomial with rational coefficients tells from them.
//!
//! Every other function is a label on the fingerprint of its argument. Equal fingerprints
//! still mean equal formulas, as equal arguments give equal values; different ones then prove
//! nothing, and [`Print::exact`] says so.

use std::sync::OnceLock;

use dashu_base::BitTest;
use dashu_int::{IBig, UBig};
use dashu_ratio::RBig;

use crate::expr::{Constant, Expr, Function};

/// Two primes, so that no formula is written to vanish in one of them.
const PRIMES: [u64; 2] = [2_551_338_819_605_295_721, 3_298_221_271_397_652_601];
/// Exponents of more bits are labels: x^p is x in the field, and nowhere else.
const EXPONENT_BITS: usize = 40;
/// Square roots of larger numbers are labels; trial division stays short.
const LARGEST_RADICAND: u64 = 1 << 40;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Print {
    value: u64,
    /// Whether a different print proves a different formula.
    pub exact: bool,
}

impl Print {
    pub fn same(self, other: Self) -> bool {
        self.value == other.value
    }
}

/// The fingerprint in field 0 or 1; `None` where the formula divides by zero there, which it
/// does nearly always because it does so everywhere.
pub fn print(expr: &Expr, field: usize) -> Option<Print> {
    Field {
        p: PRIMES[field],
        roots: roots(field),
    }
    .print(expr)
}

/// Square roots of -1 and of the primes up to 37.
type Roots = [(u64, u64); 13];

fn roots(field: usize) -> &'static Roots {
    static ROOTS: [OnceLock<Roots>; 2] = [OnceLock::new(), OnceLock::new()];
    ROOTS[field].get_or_init(|| {
        let field = Field {
            p: PRIMES[field],
            roots: &[(0, 0); 13],
        };
        let of = [field.p - 1, 2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37];
        of.map(|number| {
            let root = field.root(number);
            (
                number,
                root.expect("the primes were chosen so that these have roots"),
            )
        })
    })
}

struct Field<'r> {
    p: u64,
    roots: &'r Roots,
}

impl Field<'_> {
    fn print(&self, expr: &Expr) -> Option<Print> {
        Some(match expr {
            Expr::Number(number) => exact(self.number(number)?),
            Expr::Variable(name) => exact(self.label(1, name.bytes().map(u64::from))),
            Expr::Constant(Constant::Pi) => exact(self.label(2, [1])),
            Expr::Constant(Constant::E) => exact(self.label(2, [2])),
            Expr::Constant(Constant::I) => exact(self.roots[0].1),
            Expr::Constant(Constant::Infinity) => return None,
            Expr::Sum(terms) => {
                let mut sum = exact(0);
                for term in terms {
                    let term = self.print(term)?;
                    sum.value = self.add(sum.value, term.value);
                    sum.exact &= term.exact;
                }
                sum
            }
            Expr::Product(factors) => {
                let mut product = exact(1);
                for factor in factors {
                    let factor = self.print(factor)?;
                    product.value = self.multiply(product.value, factor.value);
                    product.exact &= factor.exact;
                }
                product
            }
            Expr::Quotient(parts) => {
                let above = self.print(&parts[0])?;
                let below = self.print(&parts[1])?;
                Print {
                    value: self.multiply(above.value, self.inverse(below.value)?),
                    exact: above.exact && below.exact,
                }
            }
            Expr::Power(parts) => self.power(&parts[0], &parts[1])?,
            Expr::Call(Function::Conjugate, arguments) if real(&arguments[0]) => {
                self.print(&arguments[0])?
            }
            Expr::Call(function, arguments) => {
                let mut words = vec![*function as u64];
                for argument in arguments {
                    words.push(self.print(argument)?.value);
                }
                Print {
                    value: self.label(3, words),
                    exact: false,
                }
            }
        })
    }

    fn power(&self, base: &Expr, exponent: &Expr) -> Option<Print> {
        let Expr::Number(exponent) = exponent else {
            let words = [self.print(base)?.value, self.print(exponent)?.value];
            return Some(Print {
                value: self.label(4, words),
                exact: false,
            });
        };
        let print = self.print(base)?;
        if exponent.is_int() {
            return Some(Print {
                value: self.raise_to(print.value, exponent.numerator())?,
                exact: print.exact && exponent.numerator().bit_len() <= EXPONENT_BITS,
            });
        }
        // The root to the power of the denominator, times a whole power.
        let whole = exponent.floor();
        let rest = exponent - RBig::from(whole.clone());
        let half = rest.denominator() == &UBig::from(2_u8);
        let root = match base {
            Expr::Number(number) if half => self.root_of_number(number),
            _ => None,
        };
        let root = root.map(exact).unwrap_or_else(|| Print {
            value: self.label(5, [print.value, self.number(&rest).unwrap_or_default()]),
            exact: false,
        });
        Some(Print {
            value: self.multiply(self.raise_to(print.value, &whole)?, root.value),
            exact: print.exact && root.exact && whole.bit_len() <= EXPONENT_BITS,
        })
    }

    /// The square root of a rational number whose prime factors have roots here.
    fn root_of_number(&self, number: &RBig) -> Option<u64> {
        let inside = number.numerator() * IBig::from(number.denominator().clone());
        let mut rest = u64::try_from(&inside)
            .or_else(|_| u64::try_from(&-&inside))
            .ok()
            .filter(|magnitude| (1..LARGEST_RADICAND).contains(magnitude))?;
        let mut root = if inside < IBig::ZERO {
            self.roots[0].1
        } else {
            1
        };
        for &(prime, of_prime) in &self.roots[1..] {
            let mut power = 0;
            while rest % prime == 0 {
                rest /= prime;
                power += 1;
            }
            root = self.multiply(root, self.raise(prime, power / 2));
            if power % 2 == 1 {
                root = self.multiply(root, of_prime);
            }
        }
        let whole = rest.isqrt();
        if whole * whole != rest {
            return None;
        }
        root = self.multiply(root, whole);
        let below = self.residue(&IBig::from(number.denominator().clone()));
        Some(self.multiply(root, self.inverse(below)?))
    }

    fn number(&self, number: &RBig) -> Option<u64> {
        let above = self.residue(number.numerator());
        if number.is_int() {
            return Some(above);
        }
        let below = self.residue(&IBig::from(number.denominator().clone()));
        Some(self.multiply(above, self.inverse(below)?))
    }

    fn residue(&self, number: &IBig) -> u64 {
        if let Ok(small) = i64::try_from(number) {
            return i128::from(small).rem_euclid(i128::from(self.p)) as u64;
        }
        let modulus = IBig::from(self.p);
        let rest = ((number % &modulus) + &modulus) % &modulus;
        u64::try_from(&rest).expect("a remainder is smaller than the modulus")
    }

    fn add(&self, a: u64, b: u64) -> u64 {
        ((u128::from(a) + u128::from(b)) % u128::from(self.p)) as u64
    }

    fn multiply(&self, a: u64, b: u64) -> u64 {
        (u128::from(a) * u128::from(b) % u128::from(self.p)) as u64
    }

    fn raise(&self, mut base: u64, mut exponent: u64) -> u64 {
        let mut power = 1;
        while exponent > 0 {
            if exponent % 2 == 1 {
                power = self.multiply(power, base);
            }
            base = self.multiply(base, base);
            exponent /= 2;
        }
        power
    }

    fn raise_to(&self, base: u64, exponent: &IBig) -> Option<u64> {
        if base == 0 {
            return match exponent.signum() {
                sign if sign == IBig::ONE => Some(0),
                sign if sign == IBig::ZERO => Some(1),
                _ => None,
            };
        }
        let order = IBig::from(self.p - 1);
        let rest = ((exponent % &order) + &order) % &order;
        let exponent = u64::try_from(&rest).expect("a remainder is smaller than the modulus");
        Some(self.raise(base, exponent))
    }

    fn inverse(&self, of: u64) -> Option<u64> {
        (of != 0).then(|| self.raise(of, self.p - 2))
    }

    /// Tonelli and Shanks' square root; `None` for a number that is no square here.
    fn root(&self, of: u64) -> Option<u64> {
        let twos = (self.p - 1).trailing_zeros();
        let odd = (self.p - 1) >> twos;
        let squares = |number: u64| self.raise(number, (self.p - 1) / 2) == 1;
        if !squares(of) {
            return None;
        }
        let no_square = (2..).find(|&number| !squares(number))?;
        let mut order = twos;
        let mut step = self.raise(no_square, odd);
        let mut error = self.raise(of, odd);
        let mut root = self.raise(of, odd.div_ceil(2));
        while error != 1 {
            let mut smaller = 0;
            let mut squared = error;
            while squared != 1 {
                squared = self.multiply(squared, squared);
                smaller += 1;
            }
            let factor = self.raise(step, 1 << (order - smaller - 1));
            order = smaller;
            step = self.multiply(factor, factor);
            error = self.multiply(error, step);
            root = self.multiply(root, factor);
        }
        Some(root)
    }

    /// A residue that stands for a kind of thing and what it is made of.
    fn label(&self, kind: u64, words: impl IntoIterator<Item = u64>) -> u64 {
        let mut state = mixed(kind ^ self.p);
        for word in words {
            state = mixed(state ^ mixed(word.wrapping_add(0x9e37_79b9_7f4a_7c15)));
        }
        state % self.p
    }
}

fn exact(value: u64) -> Print {
    Print { value, exact: true }
}

/// Whether a formula is a number on the real line by its looks.
fn real(expr: &Expr) -> bool {
    matches!(
        expr,
        Expr::Number(_) | Expr::Constant(Constant::Pi | Constant::E)
    )
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood, 2014).
pub fn mixed(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}
