//! Letters: variables with what is attached to them, and products of several.

use dashu_ratio::RBig;

use super::{Grammar, Parsed, is_variables};
use crate::{
    expr::{Constant, Expr, Function, integer},
    field,
    lexer::unreadable,
    token::{Bracket, Kind, Literal, Token},
};

impl Grammar<'_> {
    pub(super) fn letters(&mut self, letters: &str) -> Parsed<Expr> {
        if !is_variables(letters) {
            return Err(unreadable(
                self.at(),
                format!("the word {letters:?} is no part of a formula"),
            ));
        }
        let ahead = self.peek_at(1);
        if matches!(letters, "C" | "P") && ahead == Some(&Kind::Open(Bracket::Paren)) {
            return self.choice(letters);
        }
        if let Some(count) = self.combination(letters)? {
            return Ok(count);
        }
        if letters == "cis" {
            return self.cis();
        }
        let applied = ahead == Some(&Kind::Open(Bracket::Paren))
            && !self.tokens[self.place + 1].spaced
            && matches!(letters, "f" | "g" | "h");
        self.place += 1;
        if applied {
            // f(2) is no product of f and 2. Which function it is, nobody says, so its value
            // is a variable of its own.
            // The fingerprint tells its arguments apart, and is short however deep they are.
            let arguments = self.arguments()?;
            let prints: Option<Vec<_>> = arguments.iter().map(|of| field::print(of, 0)).collect();
            let Some(prints) = prints else {
                return Err(unreadable(self.at(), "a function of what has no value"));
            };
            return Ok(Expr::Variable(format!("{letters}{prints:?}").into()));
        }
        if greek_or_single(letters) {
            return self.variable(letters);
        }
        // `xy` is a product; what is attached belongs to its last letter.
        let mut factors: Vec<Expr> = Vec::new();
        let mut characters = letters.chars().peekable();
        while let Some(character) = characters.next() {
            let name = character.to_string();
            factors.push(if characters.peek().is_some() {
                letter(&name)
            } else {
                self.variable(&name)?
            });
        }
        // In `xy^2` the exponent belongs to `y` alone.
        if self.accept(&Kind::Caret) {
            let last = factors.pop().expect("a run of letters is not empty");
            let raised = self.raised_to(last)?;
            factors.push(raised);
        }
        let built = self.builder.product(factors);
        self.built(built)
    }

    /// `C(5, 2)`; with one argument it is a product. Nothing is read twice, which nested
    /// brackets would make a thousand times.
    pub(super) fn choice(&mut self, name: &str) -> Parsed<Expr> {
        self.place += 1;
        let mut arguments = self.arguments()?;
        let built = match arguments.len() {
            // See `variable`.
            1 if arguments[0] == integer(0) => Ok(Expr::Variable(format!("{name}(0)").into())),
            1 => {
                arguments.insert(0, letter(name));
                self.builder.product(arguments)
            }
            2 if name == "C" => self.builder.call(Function::Binomial, arguments),
            2 => self.builder.call(Function::Permutations, arguments),
            _ => return Err(unreadable(self.at(), "expected two arguments")),
        };
        self.built(built)
    }

    /// A letter with its subscript and primes: `x_1`, `a_{n+1}`, `f'`, `x1`.
    pub(super) fn variable(&mut self, name: &str) -> Parsed<Expr> {
        let mut full = name.to_owned();
        loop {
            match self.peek() {
                Some(Kind::Underscore) => {
                    self.place += 1;
                    full.push('_');
                    self.subscript(&mut full)?;
                }
                // `y^{\prime}`, and `y^\prime`.
                Some(Kind::Caret) if self.peek_at(1) == Some(&Kind::Prime) => {
                    self.place += 2;
                    full.push('\'');
                }
                Some(Kind::Caret)
                    if self.peek_at(1) == Some(&Kind::Open(Bracket::Group))
                        && self.peek_at(2) == Some(&Kind::Prime)
                        && self.peek_at(3) == Some(&Kind::Close(Bracket::Group)) =>
                {
                    self.place += 4;
                    full.push('\'');
                }
                Some(Kind::Prime) => {
                    self.place += 1;
                    full.push('\'');
                }
                Some(Kind::Number(value, Literal::Whole))
                    if full == name
                        && !self.tokens[self.place].spaced
                        && name.len() == 1
                        && name != "i"
                        && !self.power_of_ten_follows(name) =>
                {
                    self.place += 1;
                    full.push('_');
                    full.push_str(&value.to_string());
                }
                _ => break,
            }
        }
        // Nobody multiplies by a zero in brackets: `P(0)e^{rt}` begins with a value of P.
        if self.peek() == Some(&Kind::Open(Bracket::Paren))
            && matches!(self.peek_at(1), Some(Kind::Number(value, _)) if value.is_zero())
            && self.peek_at(2) == Some(&Kind::Close(Bracket::Paren))
        {
            self.place += 3;
            full.push_str("(0)");
            return Ok(Expr::Variable(full.into()));
        }
        Ok(letter(&full))
    }

    /// `3x10^8` is no power of a variable with the index ten.
    fn power_of_ten_follows(&self, name: &str) -> bool {
        let number =
            |kind: Option<&Token>| matches!(kind.map(|token| &token.kind), Some(Kind::Number(..)));
        let before = self.place.checked_sub(2);
        name == "x"
            && self.peek_at(1) == Some(&Kind::Caret)
            && matches!(self.peek(), Some(Kind::Number(value, _)) if *value == RBig::from(10))
            && number(before.and_then(|place| self.tokens.get(place)))
    }

    /// What is written below the line, spelled out.
    pub(super) fn subscript(&mut self, name: &mut String) -> Parsed<()> {
        let mut depth = 0_usize;
        loop {
            let Some(kind) = self.peek() else {
                return Err(unreadable(self.at(), "the subscript is missing"));
            };
            self.place += 1;
            match kind {
                Kind::Open(Bracket::Group) => depth += 1,
                Kind::Close(Bracket::Group) if depth > 0 => depth -= 1,
                Kind::Number(value, _) => name.push_str(&value.to_string()),
                Kind::Letters(word) | Kind::Text(word) => name.push_str(word),
                Kind::Function(Function::Max) => name.push_str("max"),
                Kind::Function(Function::Min) => name.push_str("min"),
                Kind::Plus => name.push('+'),
                Kind::Minus => name.push('-'),
                Kind::Comma => name.push(','),
                Kind::Slash => name.push('/'),
                _ => return Err(unreadable(self.at(), "the subscript is too involved")),
            }
            if depth == 0 {
                return Ok(());
            }
        }
    }
}

/// A letter, which may be one of the constants.
pub(super) fn letter(name: &str) -> Expr {
    match name {
        "e" => Expr::Constant(Constant::E),
        "i" => Expr::Constant(Constant::I),
        "pi" => Expr::Constant(Constant::Pi),
        _ => Expr::Variable(name.into()),
    }
}

pub(super) fn greek_or_single(letters: &str) -> bool {
    letters.chars().count() == 1 || crate::token::greek(letters).is_some()
}
