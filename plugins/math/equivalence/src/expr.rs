//! Formulas, as a tree that folds exact numbers while it grows.
//!
//! A node is made by the [`Builder`], which works out what it can: a formula of rational numbers
//! alone is a [`Expr::Number`] by the time it has been read, so most pairs are decided by one
//! comparison of fractions.

use dashu_base::BitTest;
use dashu_int::{IBig, UBig};
use dashu_ratio::RBig;

mod builder;

pub use builder::{Builder, Built, Fault};

/// A formula.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    Number(RBig),
    Variable(Box<str>),
    Constant(Constant),
    Sum(Vec<Expr>),
    Product(Vec<Expr>),
    Quotient(Box<[Expr; 2]>),
    /// Base and exponent. A root is a power with a unit fraction.
    Power(Box<[Expr; 2]>),
    Call(Function, Vec<Expr>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Constant {
    Pi,
    E,
    I,
    /// Has no value; it stands at the ends of intervals and alone.
    Infinity,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Function {
    Sin,
    Cos,
    Tan,
    Cot,
    Sec,
    Csc,
    Arcsin,
    Arccos,
    Arctan,
    Arccot,
    Arcsec,
    Arccsc,
    Sinh,
    Cosh,
    Tanh,
    Coth,
    Sech,
    Csch,
    Arsinh,
    Arcosh,
    Artanh,
    Ln,
    /// One argument: base 10. Two: base, then argument.
    Log,
    Exp,
    Sqrt,
    Cbrt,
    Abs,
    Sign,
    Floor,
    Ceiling,
    Factorial,
    DoubleFactorial,
    /// `n` choose `k`.
    Binomial,
    /// Ordered choices of `k` out of `n`.
    Permutations,
    Gcd,
    Lcm,
    Max,
    Min,
    Conjugate,
    /// The real and the imaginary part.
    Re,
    Im,
}

pub fn integer(value: i64) -> Expr {
    Expr::Number(RBig::from(IBig::from(value)))
}

pub fn fraction(numerator: i64, denominator: u64) -> RBig {
    RBig::from_parts(IBig::from(numerator), UBig::from(denominator))
}

/// The larger of a number's two bit lengths.
pub fn bits(number: &RBig) -> usize {
    number
        .numerator()
        .bit_len()
        .max(number.denominator().bit_len())
}

impl Expr {
    /// Calls `visit` for every node, parents first.
    pub fn each<'e>(&'e self, visit: &mut impl FnMut(&'e Expr)) {
        visit(self);
        match self {
            Self::Number(_) | Self::Variable(_) | Self::Constant(_) => {}
            Self::Sum(parts) | Self::Product(parts) | Self::Call(_, parts) => {
                parts.iter().for_each(|part| part.each(visit));
            }
            Self::Quotient(parts) | Self::Power(parts) => {
                parts.iter().for_each(|part| part.each(visit));
            }
        }
    }

    /// The names of its variables, each once, sorted.
    pub fn variables(&self) -> Vec<&str> {
        let mut names = Vec::new();
        self.each(&mut |node| {
            if let Self::Variable(name) = node {
                names.push(name.as_ref());
            }
        });
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The same formula with one variable renamed.
    pub fn with_variable(&self, from: &str, to: &str) -> Self {
        self.renamed(&|name| if name == from { to.into() } else { name.into() })
    }

    /// The same formula of other variables.
    pub fn renamed(&self, name: &dyn Fn(&str) -> Box<str>) -> Self {
        self.substituted(&|old| Self::Variable(name(old)))
    }

    /// The formula with something in the place of each variable.
    pub fn substituted(&self, name: &dyn Fn(&str) -> Self) -> Self {
        let all = |parts: &[Self]| -> Vec<Self> {
            parts.iter().map(|part| part.substituted(name)).collect()
        };
        let both =
            |parts: &[Self; 2]| Box::new([parts[0].substituted(name), parts[1].substituted(name)]);
        match self {
            Self::Number(_) | Self::Constant(_) => self.clone(),
            Self::Variable(old) => name(old),
            Self::Sum(parts) => Self::Sum(all(parts)),
            Self::Product(parts) => Self::Product(all(parts)),
            Self::Call(function, parts) => Self::Call(*function, all(parts)),
            Self::Quotient(parts) => Self::Quotient(both(parts)),
            Self::Power(parts) => Self::Power(both(parts)),
        }
    }

    /// Whether a node anywhere satisfies the question.
    pub fn any(&self, mut question: impl FnMut(&Expr) -> bool) -> bool {
        let mut found = false;
        self.each(&mut |node| found |= question(node));
        found
    }

    /// Plus or minus infinity; the sign.
    pub fn infinite(&self) -> Option<i8> {
        match self {
            Self::Constant(Constant::Infinity) => Some(1),
            Self::Product(factors) => match factors.as_slice() {
                [Self::Number(sign), Self::Constant(Constant::Infinity)] if !sign.is_zero() => {
                    Some(if *sign < RBig::ZERO { -1 } else { 1 })
                }
                _ => None,
            },
            _ => None,
        }
    }
}
