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
    expr::{Builder, Built, Constant, Expr, Fault, Function, fraction},
    lexer::unreadable,
    limits,
    token::{Bracket, Kind, Token},
    units,
};

mod functions;
mod mixed;
mod names;

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
        match kind {
            Kind::Number(..) => {
                let before = self
                    .place
                    .checked_sub(1)
                    .map(|place| &self.tokens[place].kind);
                !matches!(before, Some(Kind::Number(..)))
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
            Kind::Text(text) => matches!(&**text, "e" | "i" | "x" | "y" | "z" | "n"),
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

    /// Whether another bar follows the one here; otherwise it is "such that".
    fn bar_closes(&self) -> bool {
        self.tokens[self.place + 1..]
            .iter()
            .any(|token| token.kind == Kind::Bar)
    }

    fn power(&mut self) -> Parsed<Expr> {
        let base = self.postfix()?;
        if !self.accept(&Kind::Caret) {
            return Ok(base);
        }
        self.raised_to(base)
    }

    /// What stands behind `^`.
    fn raised_to(&mut self, base: Expr) -> Parsed<Expr> {
        // `90^\circ` and `90^{\circ}`, `f^\prime`.
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

    fn atom(&mut self) -> Parsed<Expr> {
        let Some(kind) = self.peek() else {
            return Err(unreadable(self.at(), "expected a formula, found its end"));
        };
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
            Kind::Text(text) if text.chars().count() == 1 => {
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

    /// A sum whose brackets give it a fresh start.
    fn inside(&mut self) -> Parsed<Expr> {
        let outer = std::mem::take(&mut self.in_argument);
        let sum = self.sum();
        self.in_argument = outer;
        sum
    }

    fn bracketed(&mut self, bracket: Bracket) -> Parsed<Expr> {
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
    fn group(&mut self) -> Parsed<Expr> {
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
    fn sum_over(&mut self) -> Parsed<Expr> {
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
    fn argument(&mut self) -> Parsed<Expr> {
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
    fn arguments(&mut self) -> Parsed<Vec<Expr>> {
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

/// Whether a run of letters is variables; a longer one, or a word that people use, is not.
pub fn is_variables(letters: &str) -> bool {
    const WORDS: [&str; 40] = [
        "yes", "no", "and", "or", "odd", "any", "all", "not", "the", "one", "two", "six", "ten",
        "red", "DNE", "dne", "by", "to", "at", "is", "of", "on", "am", "pm", "AM", "PM", "if",
        "per", "for", "day", "sum", "Yes", "No", "YES", "NO", "SSS", "SAS", "ASA", "AAS", "mod",
    ];
    greek_or_single(letters) || (letters.chars().count() <= 3 && !WORDS.contains(&letters))
}
