//! Brackets, and the braces of LaTeX with what is read as one argument.

use super::{
    Grammar, Parsed,
    names::{greek_or_single, letter},
};
use crate::{
    expr::{Expr, Function},
    lexer::unreadable,
    token::{Bracket, Kind},
};

impl Grammar<'_> {
    /// A sum whose brackets give it a fresh start.
    pub(super) fn inside(&mut self) -> Parsed<Expr> {
        let outer = std::mem::take(&mut self.in_argument);
        let sum = self.sum();
        self.in_argument = outer;
        sum
    }

    pub(super) fn bracketed(&mut self, bracket: Bracket) -> Parsed<Expr> {
        if bracket == Bracket::Group {
            return self.group();
        }
        self.place += 1;
        let bars = std::mem::take(&mut self.bars);
        let inside = self.inside()?;
        self.bars = bars;
        self.expect(&Kind::Close(bracket), "the closing bracket")?;
        let function = match bracket {
            Bracket::Floor => Function::Floor,
            Bracket::Ceiling => Function::Ceiling,
            Bracket::Abs => Function::Abs,
            _ => return Ok(inside),
        };
        let built = self.builder.call(function, vec![inside]);
        self.built(built)
    }

    /// `{..}`.
    pub(super) fn group(&mut self) -> Parsed<Expr> {
        self.place += 1;
        let bars = std::mem::take(&mut self.bars);
        let outer = std::mem::take(&mut self.in_argument);
        let expr = self.sum_over()?;
        self.in_argument = outer;
        self.bars = bars;
        self.expect(&Kind::Close(Bracket::Group), "}")?;
        Ok(expr)
    }

    /// A sum, or two with `\over` or `\choose` between them.
    pub(super) fn sum_over(&mut self) -> Parsed<Expr> {
        let above = self.sum()?;
        let split = self.peek();
        if !matches!(split, Some(Kind::Over | Kind::Choose)) {
            return Ok(above);
        }
        self.place += 1;
        let below = self.sum()?;
        if split == Some(&Kind::Over) {
            return self.quotient(above, below);
        }
        let built = self.builder.call(Function::Binomial, vec![above, below]);
        self.built(built)
    }

    /// An argument of `\frac` or `\sqrt`: a group, or one token. The lexer has cut `\frac13`
    /// into digits.
    pub(super) fn argument(&mut self) -> Parsed<Expr> {
        self.deeper()?;
        let argument = match self.peek() {
            Some(Kind::Open(Bracket::Group)) => self.group()?,
            Some(Kind::Number(value, _)) => {
                self.place += 1;
                Expr::Number(value.clone())
            }
            Some(Kind::Letters(name)) => {
                if !greek_or_single(name) {
                    return Err(unreadable(self.at(), "expected one letter, or braces"));
                }
                self.place += 1;
                letter(name)
            }
            _ => self.atom()?,
        };
        self.depth -= 1;
        Ok(argument)
    }

    /// `(a, b, ..)`.
    pub(super) fn arguments(&mut self) -> Parsed<Vec<Expr>> {
        let Some(Kind::Open(bracket)) = self.peek() else {
            return Err(unreadable(self.at(), "expected an opening bracket"));
        };
        self.place += 1;
        let mut arguments = vec![self.inside()?];
        while self.accept(&Kind::Comma) {
            arguments.push(self.inside()?);
        }
        self.expect(&Kind::Close(*bracket), "the closing bracket")?;
        Ok(arguments)
    }
}
