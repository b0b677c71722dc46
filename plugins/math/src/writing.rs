//! How an answer is written, as opposed to what it means.
//!
//! `3+4` means 7 and answers "what is 3+4?" with the question. Equality of meaning cannot see
//! that, so the reward asks two things more of an answer that is equal to the gold: that it is
//! not a formula copied from the problem, and, where the manifest wants answers worked out,
//! that it has no more operations left than the gold has.
//!
//! Texts are compared as tokens, so that spaces, sizes of brackets and the many ways to write
//! a fraction or a product make no difference. No meaning is read here.

use std::fmt::{self, Write as _};

/// One sign of a formula or one word.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Number(String),
    /// Letters that stand together, and commands without their backslash.
    Word(String),
    Sign(char),
}

/// A text as its tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Writing(Vec<Token>);

/// Signs that leave something to be worked out.
const OPERATIONS: [char; 6] = ['+', '-', '*', '/', '^', '!'];
const RELATIONS: [char; 8] = ['=', '<', '>', '≤', '≥', '≠', '≈', '∈'];
/// Commands and words that do the same.
const FUNCTIONS: [&str; 22] = [
    "sqrt", "frac", "binom", "sin", "cos", "tan", "cot", "sec", "csc", "arcsin", "arccos",
    "arctan", "sinh", "cosh", "tanh", "log", "ln", "exp", "lfloor", "lceil", "gcd", "sum",
];

impl Writing {
    pub fn of(text: &str) -> Self {
        let mut reader = Reader {
            rest: text,
            tokens: Vec::new(),
        };
        while reader.token() {}
        Self(reader.tokens)
    }

    /// Whether this is a formula of the problem, copied: it has something left to work out,
    /// and the problem has it as a whole formula, not as a part of one. A relation that is
    /// solved for a name, such as `x > 3`, states a result wherever it stands.
    pub fn echoes(&self, problem: &Self) -> bool {
        let unsolved = match self.relations() {
            0 => self.operations(true) > 0,
            _ => !self.is_solved(),
        };
        unsolved && problem.has_formula(self)
    }

    /// How many operations are left to work out in the value: what follows the last `=`. A
    /// fraction of two numbers is a number.
    pub fn operations_left(&self) -> usize {
        let value = self.0.iter().rposition(|token| *token == Token::Sign('='));
        let value = value.map_or(&self.0[..], |equals| &self.0[equals + 1..]);
        Self(value.to_vec()).operations(false)
    }

    fn operations(&self, fractions: bool) -> usize {
        let is_number = |at: usize| matches!(self.0.get(at), Some(Token::Number(_)));
        let ends_operand = |at: usize| match &self.0[at] {
            Token::Sign(sign) => matches!(sign, ')' | ']' | '!' | '%'),
            Token::Word(word) => !FUNCTIONS.contains(&word.as_str()),
            Token::Number(_) => true,
        };
        let counts = |(at, token): &(usize, &Token)| {
            let follows_operand = at.checked_sub(1).is_some_and(ends_operand);
            match token {
                // A sign of a number is none.
                Token::Sign('-' | '+') => follows_operand,
                Token::Sign('/') => {
                    fractions || !(at.checked_sub(1).is_some_and(is_number) && is_number(at + 1))
                }
                // `2(3)` is a product, `f(3)` and `(1, 2)` are none.
                Token::Sign('(') => at.checked_sub(1).is_some_and(is_number),
                Token::Sign(sign) => OPERATIONS.contains(sign),
                Token::Word(word) => FUNCTIONS.contains(&word.as_str()),
                Token::Number(_) => false,
            }
        };
        self.0.iter().enumerate().filter(counts).count()
    }

    fn relations(&self) -> usize {
        self.0.iter().filter(|token| is_relation(token)).count()
    }

    /// Whether one side of a relation is a single name, such as `x`, `x_1` or `f(x)`.
    fn is_solved(&self) -> bool {
        let is_name = |side: &[Token]| {
            matches!(
                side,
                [Token::Word(_)]
                    | [Token::Word(_), Token::Sign('_'), _]
                    | [
                        Token::Word(_),
                        Token::Sign('('),
                        Token::Word(_),
                        Token::Sign(')')
                    ]
            )
        };
        self.0.split(is_relation).any(is_name)
    }

    /// Whether `formula` occurs here with nothing beside it that would make it a part of a
    /// larger one.
    fn has_formula(&self, formula: &Self) -> bool {
        let length = formula.0.len();
        if length == 0 {
            return false;
        }
        self.0.windows(length).enumerate().any(|(start, window)| {
            window == formula.0
                && !start
                    .checked_sub(1)
                    .is_some_and(|before| goes_on(&self.0[before]))
                && !self.0.get(start + length).is_some_and(goes_on)
        })
    }
}

fn is_relation(token: &Token) -> bool {
    matches!(token, Token::Sign(sign) if RELATIONS.contains(sign))
}

/// Whether a formula goes on with this token beside it; prose and punctuation end one.
fn goes_on(token: &Token) -> bool {
    match token {
        Token::Number(_) => true,
        Token::Word(word) => word.len() == 1 || FUNCTIONS.contains(&word.as_str()),
        Token::Sign(sign) => OPERATIONS.contains(sign) || matches!(sign, '(' | ')' | '_' | '|'),
    }
}

impl fmt::Display for Writing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut letters_before = false;
        for token in &self.0 {
            let letters = !matches!(token, Token::Sign(_));
            if letters && letters_before {
                f.write_char(' ')?;
            }
            match token {
                Token::Number(text) | Token::Word(text) => f.write_str(text)?,
                Token::Sign(sign) => f.write_char(*sign)?,
            }
            letters_before = letters;
        }
        Ok(())
    }
}

struct Reader<'a> {
    rest: &'a str,
    tokens: Vec<Token>,
}

impl Reader<'_> {
    /// Reads one token or something to pass over; false at the end.
    fn token(&mut self) -> bool {
        let Some(first) = self.rest.chars().next() else {
            return false;
        };
        if first == '\\' {
            self.command();
        } else if first.is_ascii_digit() {
            let number = self.number();
            self.tokens.push(Token::Number(number));
        } else if first.is_alphabetic() {
            let word = self.taken(|c| c.is_alphabetic());
            self.tokens.push(Token::Word(word));
        } else if let Some(power) = self.rest.strip_prefix("**") {
            self.rest = power;
            self.tokens.push(Token::Sign('^'));
        } else {
            self.rest = &self.rest[first.len_utf8()..];
            let sign = match first {
                '×' | '·' | '⋅' => '*',
                '÷' => '/',
                '−' => '-',
                '$' | '{' | '}' | '~' => return true,
                blank if blank.is_whitespace() => return true,
                other => other,
            };
            self.tokens.push(Token::Sign(sign));
        }
        true
    }

    fn command(&mut self) {
        self.rest = &self.rest[1..];
        let name = self.taken(|c| c.is_ascii_alphabetic());
        let sign = match name.as_str() {
            "" => {
                // `\,`, `\(`, `\$`: space and marks.
                let escaped = self.rest.chars().next().map_or(0, char::len_utf8);
                self.rest = &self.rest[escaped..];
                return;
            }
            "left" | "right" | "displaystyle" | "text" | "textbf" | "mathrm" | "mathbf"
            | "mathit" | "operatorname" | "quad" | "qquad" | "big" | "Big" | "boxed" => return,
            "frac" | "dfrac" | "tfrac" | "cfrac" => return self.fraction(),
            "cdot" | "times" | "ast" => '*',
            "div" => '/',
            "le" | "leq" | "leqslant" => '≤',
            "ge" | "geq" | "geqslant" => '≥',
            "lt" => '<',
            "gt" => '>',
            "ne" | "neq" => '≠',
            "approx" => '≈',
            "in" => '∈',
            _ => return self.tokens.push(Token::Word(name)),
        };
        self.tokens.push(Token::Sign(sign));
    }

    /// A fraction of two numbers reads as `1/2`, however it is written.
    fn fraction(&mut self) {
        let before = self.rest;
        match (self.argument(), self.argument()) {
            (Some(above), Some(below)) => {
                self.tokens
                    .extend([Token::Number(above), Token::Sign('/'), Token::Number(below)])
            }
            _ => {
                self.rest = before;
                self.tokens.push(Token::Word("frac".to_owned()));
            }
        }
    }

    /// `{12}`, or the one digit that TeX takes without braces.
    fn argument(&mut self) -> Option<String> {
        self.rest = self.rest.trim_start();
        if let Some(braced) = self.rest.strip_prefix('{') {
            let (inside, after) = braced.split_once('}')?;
            let inside = inside.trim();
            self.rest = after;
            return (!inside.is_empty() && inside.bytes().all(|b| b.is_ascii_digit()))
                .then(|| inside.to_owned());
        }
        let digit = self.rest.chars().next().filter(char::is_ascii_digit)?;
        self.rest = &self.rest[1..];
        Some(digit.to_string())
    }

    fn number(&mut self) -> String {
        let mut number = self.taken(|c| c.is_ascii_digit());
        let decimals = self.rest.strip_prefix('.');
        if decimals.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit())) {
            self.rest = &self.rest[1..];
            number.push('.');
            number += &self.taken(|c| c.is_ascii_digit());
        }
        number
    }

    fn taken(&mut self, belongs: impl Fn(char) -> bool) -> String {
        let end = self.rest.find(|c| !belongs(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken.to_owned()
    }
}
