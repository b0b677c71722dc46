//! What stands behind an atom, raised or on the line: exponents, factorials, percent signs and
//! degrees.

use super::{Grammar, Parsed};
use crate::{
    expr::{Constant, Expr, Function, fraction},
    token::{Bracket, Kind},
};

impl Grammar<'_> {
    pub(super) fn power(&mut self) -> Parsed<Expr> {
        let base = self.postfix()?;
        if !self.accept(&Kind::Caret) {
            return Ok(base);
        }
        self.raised_to(base)
    }

    /// What stands behind `^`.
    pub(super) fn raised_to(&mut self, base: Expr) -> Parsed<Expr> {
        // `90^\circ` and `90^{\circ}`.
        let group = self.peek() == Some(&Kind::Open(Bracket::Group));
        let mark = self.peek_at(usize::from(group));
        if mark == Some(&Kind::Degree) {
            self.place += 1 + usize::from(group);
            if group {
                self.expect(&Kind::Close(Bracket::Group), "}")?;
            }
            return self.degrees(base);
        }
        let exponent = self.exponent()?;
        let built = self.builder.power(base, exponent);
        let mut raised = self.built(built)?;
        while self.accept(&Kind::Bang) {
            raised = self.factorial(raised)?;
        }
        Ok(raised)
    }

    /// Whether `^\circ` or `^{\circ}` follows.
    pub(super) fn degree_follows(&self) -> bool {
        let group = self.peek_at(1) == Some(&Kind::Open(Bracket::Group));
        self.peek() == Some(&Kind::Caret)
            && self.peek_at(1 + usize::from(group)) == Some(&Kind::Degree)
    }

    fn exponent(&mut self) -> Parsed<Expr> {
        self.deeper()?;
        let outer = std::mem::take(&mut self.in_argument);
        let exponent = match self.peek() {
            Some(Kind::Open(Bracket::Group)) => self.group()?,
            Some(Kind::Plus | Kind::Minus) => self.signed()?,
            // Of `2^10` all of the number is raised, of `x^ab` one letter: see the lexer.
            _ => self.power()?,
        };
        self.in_argument = outer;
        self.depth -= 1;
        Ok(exponent)
    }

    fn postfix(&mut self) -> Parsed<Expr> {
        let depth = self.depth;
        let mut of = self.atom()?;
        loop {
            match self.peek() {
                Some(Kind::Bang) => {
                    self.place += 1;
                    of = self.factorial(of)?;
                }
                Some(Kind::Percent) => {
                    self.place += 1;
                    let hundredth = Expr::Number(fraction(1, 100));
                    let built = self.builder.product(vec![of, hundredth]);
                    of = self.built(built)?;
                }
                Some(Kind::Degree) => {
                    self.place += 1;
                    of = self.degrees(of)?;
                }
                _ => break,
            }
        }
        self.depth = depth;
        Ok(of)
    }

    fn degrees(&mut self, of: Expr) -> Parsed<Expr> {
        let degree = Expr::Product(vec![
            Expr::Number(fraction(1, 180)),
            Expr::Constant(Constant::Pi),
        ]);
        let built = self.builder.product(vec![of, degree]);
        self.built(built)
    }

    fn factorial(&mut self, of: Expr) -> Parsed<Expr> {
        self.deeper()?;
        let function = if self.accept(&Kind::Bang) {
            Function::DoubleFactorial
        } else {
            Function::Factorial
        };
        let built = self.builder.call(function, vec![of]);
        self.built(built)
    }
}
