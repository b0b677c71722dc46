//! Reads one formula from tokens.
//!
//! ```text
//! sum      := [sign] product ((+ | -) product)*
//! product  := signed ((* | / | nothing) signed)*
//! signed   := (+ | -)* power
//! power    := postfix [^ exponent]
//! postfix  := atom (! | % | degree)*
//! ```
//! A product without a sign binds like one with it: `1/2x` is `x/2`, as every calculator has
//! it. A function without parentheses takes the product behind it up to the next sign or
//! function: `\sin 2x \cos x` is `sin(2x) cos(x)`.

use dashu_base::Gcd as _;
use dashu_int::UBig;

use crate::{
    Unreadable,
    expr::{Builder, Built, Expr, Fault, Function},
    lexer::unreadable,
    limits,
    token::{Bracket, Kind, Token},
    units,
};

mod brackets;
mod counts;
mod functions;
mod mixed;
mod names;
mod powers;

use names::{greek_or_single, letter};

pub type Parsed<T> = Result<T, Unreadable>;

/// Reads formulas from a slice of tokens, front to back.
pub struct Grammar<'t> {
    tokens: &'t [Token],
    place: usize,
    depth: usize,
    /// Open `|`.
    bars: usize,
    /// What `\pm` stands for in this reading.
    plus: bool,
    /// Inside the argument of a function without parentheses.
    in_argument: bool,
    /// A fraction of whole numbers was not in lowest terms.
    unreduced: bool,
    builder: Builder,
}

/// What the beginning of some tokens says.
pub struct Leading<'t> {
    pub expr: Expr,
    /// What follows it.
    pub rest: &'t [Token],
    pub unreduced: bool,
}

/// The formula that all of the tokens are.
pub fn formula(tokens: &[Token], plus: bool) -> Parsed<Expr> {
    let leading = leading_formula(tokens, plus)?;
    match leading.rest.first() {
        None => Ok(leading.expr),
        Some(token) => Err(unreadable(token.at, "expected the end of the formula")),
    }
}

/// The longest formula that the tokens begin with, and what follows it.
pub fn leading_formula(tokens: &[Token], plus: bool) -> Parsed<Leading<'_>> {
    let mut grammar = Grammar {
        tokens,
        place: 0,
        depth: 0,
        bars: 0,
        plus,
        in_argument: false,
        unreduced: false,
        builder: Builder::default(),
    };
    let expr = grammar.sum_over()?;
    Ok(Leading {
        expr,
        rest: &tokens[grammar.place..],
        unreduced: grammar.unreduced,
    })
}

impl<'t> Grammar<'t> {
    fn peek(&self) -> Option<&'t Kind> {
        self.tokens.get(self.place).map(|token| &token.kind)
    }

    fn peek_at(&self, ahead: usize) -> Option<&'t Kind> {
        self.tokens.get(self.place + ahead).map(|token| &token.kind)
    }

    fn at(&self) -> usize {
        self.tokens
            .get(self.place)
            .or(self.tokens.last())
            .map_or(0, |token| token.at)
    }

    fn accept(&mut self, kind: &Kind) -> bool {
        let found = self.peek() == Some(kind);
        self.place += usize::from(found);
        found
    }

    fn expect(&mut self, kind: &Kind, name: &str) -> Parsed<()> {
        if self.accept(kind) {
            return Ok(());
        }
        Err(unreadable(self.at(), format!("expected {name}")))
    }

    fn built(&self, built: Built) -> Parsed<Expr> {
        built.map_err(|fault| {
            let why = match fault {
                Fault::DivisionByZero => "a division by zero",
                Fault::TooMuchWork => "the numbers are too large to work out",
            };
            unreadable(self.at(), why)
        })
    }

    fn deeper(&mut self) -> Parsed<()> {
        self.depth += 1;
        if self.depth > limits::DEPTH {
            return Err(unreadable(
                self.at(),
                format!("formulas are more than {} deep", limits::DEPTH),
            ));
        }
        Ok(())
    }

    fn sum(&mut self) -> Parsed<Expr> {
        self.deeper()?;
        let mut terms = vec![self.product()?];
        loop {
            let negative = match self.peek() {
                Some(Kind::Plus) => false,
                Some(Kind::Minus) => true,
                Some(Kind::PlusMinus) => !self.plus,
                Some(Kind::MinusPlus) => self.plus,
                _ => break,
            };
            self.place += 1;
            let term = self.product()?;
            terms.push(if negative {
                let built = self.builder.negative(term);
                self.built(built)?
            } else {
                term
            });
        }
        self.depth -= 1;
        let built = self.builder.sum(terms);
        self.built(built)
    }

    fn product(&mut self) -> Parsed<Expr> {
        let mut above = vec![self.signed()?];
        let mut below = Vec::new();
        loop {
            match self.peek() {
                Some(Kind::Times) => {
                    self.place += 1;
                    above.push(self.signed()?);
                }
                Some(Kind::Slash) => {
                    self.place += 1;
                    below.push(self.signed()?);
                }
                Some(_) if self.factor_follows() => above.push(self.power()?),
                _ => break,
            }
        }
        self.built_product(above, below)
    }

    fn built_product(&mut self, above: Vec<Expr>, below: Vec<Expr>) -> Parsed<Expr> {
        let built = self.builder.product(above);
        let above = self.built(built)?;
        if below.is_empty() {
            return Ok(above);
        }
        let built = self.builder.product(below);
        let below = self.built(built)?;
        self.quotient(above, below)
    }

    fn quotient(&mut self, above: Expr, below: Expr) -> Parsed<Expr> {
        if let (Expr::Number(above), Expr::Number(below)) = (&above, &below)
            && above.is_int()
            && below.is_int()
            && !below.is_zero()
        {
            let common = above.numerator().gcd(below.numerator());
            self.unreduced |= common > UBig::ONE;
        }
        let built = self.builder.quotient(above, below);
        self.built(built)
    }

    fn signed(&mut self) -> Parsed<Expr> {
        let mut negative = false;
        loop {
            match self.peek() {
                Some(Kind::Plus) => {}
                Some(Kind::Minus) => negative = !negative,
                Some(Kind::PlusMinus) => negative ^= !self.plus,
                Some(Kind::MinusPlus) => negative ^= self.plus,
                _ => break,
            }
            self.place += 1;
        }
        let of = self.power()?;
        if !negative {
            return Ok(of);
        }
        let built = self.builder.negative(of);
        self.built(built)
    }

    /// Whether the next token begins a factor, with no sign between.
    fn factor_follows(&self) -> bool {
        let Some(kind) = self.peek() else {
            return false;
        };
        if matches!(kind, Kind::Frac | Kind::Open(_))
            && units::begins_upright(&self.tokens[self.place..])
        {
            return false;
        }
        match kind {
            Kind::Number(..) => {
                let before = self
                    .place
                    .checked_sub(1)
                    .map(|place| &self.tokens[place].kind);
                !matches!(before, Some(Kind::Number(..))) || self.next_power_follows()
            }
            Kind::Letters(letters) => {
                if matches!(
                    &**letters,
                    "and" | "or" | "to" | "per" | "if" | "for" | "when"
                ) {
                    return false;
                }
                let place = self.place.saturating_sub(1);
                let behind_degree = self.tokens[place].kind == Kind::Degree;
                if behind_degree && matches!(&**letters, "C" | "F") {
                    // A temperature.
                    return false;
                }
                let unit = letters.len() > 1 && units::is_unit(letters);
                !unit && is_variables(letters)
            }
            // A single upright letter is a unit, unless it is one that mathematics sets so.
            Kind::Text(text) => match &**text {
                "e" | "i" | "x" | "y" | "z" | "n" | "cis" => true,
                "C" | "P" => self.peek_at(1) == Some(&Kind::Underscore),
                _ => false,
            },
            // `5 min` and `5 sec` end in a unit.
            Kind::Function(Function::Min | Function::Sec) if self.peek_at(1).is_none() => false,
            Kind::Function(function) => {
                !self.in_argument || matches!(function, Function::Sqrt | Function::Cbrt)
            }
            Kind::Named(_) | Kind::Constant(_) | Kind::Frac | Kind::Binom | Kind::Conjugate => true,
            // `\cos x (1 + \sin x)` is a product.
            Kind::Open(Bracket::Paren | Bracket::Square) => !self.in_argument,
            Kind::Open(_) => true,
            Kind::Bar => self.bars == 0 && self.bar_closes(),
            _ => false,
        }
    }

    /// `2^3 3^2`: the number that comes is raised like the one before, from which a space divides it.
    fn next_power_follows(&self) -> bool {
        self.place >= 2
            && self.tokens[self.place - 2].kind == Kind::Caret
            && self.tokens[self.place].spaced
            && self.peek_at(1) == Some(&Kind::Caret)
    }

    /// Whether another bar follows the one here; otherwise it is "such that".
    fn bar_closes(&self) -> bool {
        self.tokens[self.place + 1..]
            .iter()
            .any(|token| token.kind == Kind::Bar)
    }

    fn atom(&mut self) -> Parsed<Expr> {
        let Some(kind) = self.peek() else {
            return Err(unreadable(self.at(), "expected a formula, found its end"));
        };
        if self.prescript_follows() {
            return self.prescript();
        }
        match kind {
            Kind::Number(value, literal) => {
                self.place += 1;
                self.mixed(value.clone(), *literal)
            }
            Kind::Constant(constant) => {
                self.place += 1;
                Ok(Expr::Constant(*constant))
            }
            Kind::Letters(letters) => self.letters(letters),
            Kind::Named(name) => {
                self.place += 1;
                Ok(Expr::Variable(name.clone()))
            }
            Kind::Text(text) if &**text == "cis" => self.cis(),
            Kind::Text(text) if text.chars().count() == 1 => {
                if let Some(count) = self.combination(text)? {
                    return Ok(count);
                }
                self.place += 1;
                Ok(letter(text))
            }
            Kind::Frac => {
                self.place += 1;
                let above = self.argument()?;
                let below = self.argument()?;
                self.quotient(above, below)
            }
            Kind::Binom => {
                self.place += 1;
                let n = self.argument()?;
                let k = self.argument()?;
                let built = self.builder.call(Function::Binomial, vec![n, k]);
                self.built(built)
            }
            Kind::Conjugate => {
                self.place += 1;
                let of = self.argument()?;
                let built = self.builder.call(Function::Conjugate, vec![of]);
                self.built(built)
            }
            Kind::Function(function) => {
                self.place += 1;
                self.function(*function)
            }
            Kind::Bar => {
                self.place += 1;
                self.bars += 1;
                let inside = self.inside()?;
                self.expect(&Kind::Bar, "the bar that closes |..|")?;
                self.bars -= 1;
                let built = self.builder.call(Function::Abs, vec![inside]);
                self.built(built)
            }
            Kind::Open(bracket) => self.bracketed(*bracket),
            _ => Err(unreadable(self.at(), "expected a formula")),
        }
    }
}

/// Whether a run of letters is variables; a longer one, or a word that people use, is not.
pub fn is_variables(letters: &str) -> bool {
    const WORDS: [&str; 40] = [
        "yes", "no", "and", "or", "odd", "any", "all", "not", "the", "one", "two", "six", "ten",
        "red", "DNE", "dne", "by", "to", "at", "is", "of", "on", "am", "pm", "AM", "PM", "if",
        "per", "for", "day", "sum", "Yes", "No", "YES", "NO", "SSS", "SAS", "ASA", "AAS", "mod",
    ];
    greek_or_single(letters) || (letters.chars().count() <= 3 && !WORDS.contains(&letters))
}
