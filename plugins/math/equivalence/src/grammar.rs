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
use dashu_ratio::RBig;

use crate::{
    Unreadable,
    expr::{Builder, Built, Constant, Expr, Fault, Function, fraction, integer},
    field,
    lexer::unreadable,
    limits,
    token::{Bracket, Kind, Literal, Token},
    units,
};

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

    /// A number, with a fraction behind it that makes it a mixed one.
    fn mixed(&mut self, whole: RBig, literal: Literal) -> Parsed<Expr> {
        if literal != Literal::Whole || self.after_caret() {
            return Ok(Expr::Number(whole));
        }
        let part = match (self.peek(), self.peek_at(1), self.peek_at(2)) {
            (Some(Kind::Number(part, Literal::Vulgar)), ..) => {
                self.place += 1;
                Some(part.clone())
            }
            (
                Some(Kind::Number(above, Literal::Whole)),
                Some(Kind::Slash),
                Some(Kind::Number(below, Literal::Whole)),
            ) if above < below => {
                self.place += 3;
                Some(above / below)
            }
            (Some(Kind::Frac), ..) => self.proper_fraction()?,
            _ => None,
        };
        Ok(Expr::Number(match part {
            Some(part) => whole + part,
            None => whole,
        }))
    }

    fn after_caret(&self) -> bool {
        self.place >= 2 && self.tokens[self.place - 2].kind == Kind::Caret
    }

    /// A fraction of two plain numbers below one; anything else is a factor.
    fn proper_fraction(&mut self) -> Parsed<Option<RBig>> {
        let start = self.place;
        self.place += 1;
        let mut parts = [RBig::ZERO, RBig::ZERO];
        for part in &mut parts {
            let group = self.accept(&Kind::Open(Bracket::Group));
            let Some(Kind::Number(value, Literal::Whole)) = self.peek() else {
                self.place = start;
                return Ok(None);
            };
            *part = value.clone();
            self.place += 1;
            if group && !self.accept(&Kind::Close(Bracket::Group)) {
                self.place = start;
                return Ok(None);
            }
        }
        let [above, below] = parts;
        if above >= below || self.peek() == Some(&Kind::Caret) {
            self.place = start;
            return Ok(None);
        }
        Ok(Some(above / below))
    }

    fn letters(&mut self, letters: &str) -> Parsed<Expr> {
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
    fn choice(&mut self, name: &str) -> Parsed<Expr> {
        self.place += 1;
        let mut arguments = self.arguments()?;
        let built = match arguments.len() {
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

    /// A letter with its subscript and primes: `x_1`, `a_{n+1}`, `f'`, `x1`.
    fn variable(&mut self, name: &str) -> Parsed<Expr> {
        let mut full = name.to_owned();
        loop {
            match self.peek() {
                Some(Kind::Underscore) => {
                    self.place += 1;
                    full.push('_');
                    self.subscript(&mut full)?;
                }
                Some(Kind::Prime) => {
                    self.place += 1;
                    full.push('\'');
                }
                Some(Kind::Number(value, Literal::Whole))
                    if full == name && !self.tokens[self.place].spaced && name.len() == 1 =>
                {
                    self.place += 1;
                    full.push('_');
                    full.push_str(&value.to_string());
                }
                _ => break,
            }
        }
        Ok(letter(&full))
    }

    /// What is written below the line, spelled out.
    fn subscript(&mut self, name: &mut String) -> Parsed<()> {
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
                Kind::Plus => name.push('+'),
                Kind::Minus => name.push('-'),
                Kind::Comma => name.push(','),
                _ => return Err(unreadable(self.at(), "the subscript is too involved")),
            }
            if depth == 0 {
                return Ok(());
            }
        }
    }

    fn function(&mut self, function: Function) -> Parsed<Expr> {
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
    fn named_function(&mut self, mut function: Function) -> Parsed<Expr> {
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

    /// The exponent of a function's name, one token or a group.
    fn argument_of_power(&mut self) -> Parsed<Expr> {
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
    fn grouped_arguments(&mut self) -> Parsed<Vec<Expr>> {
        self.place += 1;
        let mut arguments = vec![self.inside()?];
        while self.accept(&Kind::Comma) {
            arguments.push(self.inside()?);
        }
        self.expect(&Kind::Close(Bracket::Group), "}")?;
        Ok(arguments)
    }

    fn bare_argument(&mut self) -> Parsed<Expr> {
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

fn check_arity(function: Function, count: usize) -> Result<(), String> {
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

fn inverse(function: Function) -> Option<Function> {
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

/// A letter, which may be one of the constants.
fn letter(name: &str) -> Expr {
    match name {
        "e" => Expr::Constant(Constant::E),
        "i" => Expr::Constant(Constant::I),
        "pi" => Expr::Constant(Constant::Pi),
        _ => Expr::Variable(name.into()),
    }
}

fn greek_or_single(letters: &str) -> bool {
    letters.chars().count() == 1 || crate::token::greek(letters).is_some()
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
