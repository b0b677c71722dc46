//! Functions with a name, with and without parentheses around their argument.

use super::{Grammar, Parsed};
use crate::{
    expr::{Constant, Expr, Function, integer},
    lexer::unreadable,
    token::{Bracket, Kind},
};

impl Grammar<'_> {
    pub(super) fn function(&mut self, function: Function) -> Parsed<Expr> {
        self.deeper()?;
        let expr = match function {
            Function::Sqrt if self.peek() == Some(&Kind::Open(Bracket::Square)) => {
                self.place += 1;
                let degree = self.inside()?;
                self.expect(&Kind::Close(Bracket::Square), "]")?;
                let of = self.argument()?;
                let built = self.builder.root(of, degree);
                self.built(built)?
            }
            Function::Sqrt | Function::Cbrt => {
                let of = self.argument()?;
                let built = self.builder.call(function, vec![of]);
                self.built(built)?
            }
            _ => self.named_function(function)?,
        };
        self.depth -= 1;
        Ok(expr)
    }

    /// `\sin^2 x`, `\sin^{-1} x`, `\log_2 8`, `\max(1, 2)`.
    pub(super) fn named_function(&mut self, mut function: Function) -> Parsed<Expr> {
        let mut base = None;
        let mut exponent = None;
        loop {
            match self.peek() {
                Some(Kind::Underscore) if base.is_none() && function == Function::Log => {
                    self.place += 1;
                    base = Some(self.argument()?);
                }
                Some(Kind::Caret) if exponent.is_none() => {
                    self.place += 1;
                    exponent = Some(self.argument_of_power()?);
                }
                _ => break,
            }
        }
        if exponent == Some(integer(-1))
            && let Some(inverse) = inverse(function)
        {
            function = inverse;
            exponent = None;
        }
        let mut arguments = match self.peek() {
            Some(Kind::Open(Bracket::Paren | Bracket::Square | Bracket::Brace)) => {
                self.arguments()?
            }
            Some(Kind::Open(Bracket::Group)) => self.grouped_arguments()?,
            _ => vec![self.bare_argument()?],
        };
        if let Some(base) = base {
            arguments.insert(0, base);
        } else if function == Function::Log && arguments.len() == 2 {
            // `log(8, 2)`, as Python writes it.
            arguments.swap(0, 1);
        }
        check_arity(function, arguments.len()).map_err(|why| unreadable(self.at(), why))?;
        let built = self.builder.call(function, arguments);
        let call = self.built(built)?;
        match exponent {
            None => Ok(call),
            Some(exponent) => {
                let built = self.builder.power(call, exponent);
                self.built(built)
            }
        }
    }

    /// `\operatorname{cis} x` is `cos x + i sin x`.
    pub(super) fn cis(&mut self) -> Parsed<Expr> {
        self.deeper()?;
        self.place += 1;
        let of = match self.peek() {
            Some(Kind::Open(Bracket::Paren)) => {
                self.place += 1;
                let inside = self.inside()?;
                self.expect(&Kind::Close(Bracket::Paren), ")")?;
                inside
            }
            _ => self.bare_argument()?,
        };
        self.depth -= 1;
        let built = self.builder.call(Function::Cos, vec![of.clone()]);
        let cosine = self.built(built)?;
        let built = self.builder.call(Function::Sin, vec![of]);
        let sine = self.built(built)?;
        let built = self
            .builder
            .product(vec![Expr::Constant(Constant::I), sine]);
        let imaginary = self.built(built)?;
        let built = self.builder.sum(vec![cosine, imaginary]);
        self.built(built)
    }

    /// The exponent of a function's name, one token or a group.
    pub(super) fn argument_of_power(&mut self) -> Parsed<Expr> {
        match self.peek() {
            Some(Kind::Minus) => {
                self.place += 1;
                let of = self.argument()?;
                let built = self.builder.negative(of);
                self.built(built)
            }
            _ => self.argument(),
        }
    }

    /// `\sin{x}`, and `\max{(1, 2)}` as well.
    pub(super) fn grouped_arguments(&mut self) -> Parsed<Vec<Expr>> {
        self.place += 1;
        let mut arguments = vec![self.inside()?];
        while self.accept(&Kind::Comma) {
            arguments.push(self.inside()?);
        }
        self.expect(&Kind::Close(Bracket::Group), "}")?;
        Ok(arguments)
    }

    pub(super) fn bare_argument(&mut self) -> Parsed<Expr> {
        let outer = std::mem::replace(&mut self.in_argument, true);
        let start = self.place;
        let mut above = vec![self.signed()?];
        while self.factor_follows() {
            above.push(self.power()?);
        }
        let mut below = Vec::new();
        // `\cos 2\pi/7` is the cosine of two sevenths of pi.
        let angle = self.tokens[start..self.place]
            .iter()
            .any(|token| token.kind == Kind::Constant(Constant::Pi));
        if angle
            && self.peek() == Some(&Kind::Slash)
            && let Some(Kind::Number(value, _)) = self.peek_at(1)
        {
            self.place += 2;
            below.push(Expr::Number(value.clone()));
        }
        self.in_argument = outer;
        self.built_product(above, below)
    }
}

pub(super) fn check_arity(function: Function, count: usize) -> Result<(), String> {
    let fits = match function {
        Function::Log => (1..=2).contains(&count),
        Function::Gcd | Function::Lcm | Function::Max | Function::Min => count >= 1,
        Function::Binomial | Function::Permutations => count == 2,
        _ => count == 1,
    };
    if fits {
        return Ok(());
    }
    Err(format!("{function:?} does not take {count} arguments"))
}

pub(super) fn inverse(function: Function) -> Option<Function> {
    use Function::*;
    Some(match function {
        Sin => Arcsin,
        Cos => Arccos,
        Tan => Arctan,
        Cot => Arccot,
        Sec => Arcsec,
        Csc => Arccsc,
        Sinh => Arsinh,
        Cosh => Arcosh,
        Tanh => Artanh,
        _ => return None,
    })
}
