//! Cuts a text into [`Token`]s, in one pass.

use std::borrow::Cow;

use dashu_ratio::RBig;

use crate::{
    Policy, Unreadable,
    expr::fraction,
    limits,
    number::{self, Surroundings},
    token::{self, Bracket, Comparison, Kind, Literal, Token},
};

mod commands;
mod intervals;
mod letters;

/// The tokens of a text.
pub fn tokens(text: &str, policy: &Policy) -> Result<Vec<Token>, Unreadable> {
    let dollars = text.matches('$').count() - text.matches("\\$").count();
    let mut lexer = Lexer {
        text,
        policy,
        tokens: Vec::with_capacity(16),
        spaced: false,
        words: false,
        in_text: false,
        // A lone dollar sign is money; a pair of them encloses a formula.
        dollar_is_money: dollars % 2 == 1,
        brackets: Vec::new(),
    };
    lexer.run(0, text.len())?;
    let mut tokens = lexer.tokens;
    // A line's end behind the answer.
    while tokens.last().is_some_and(|last| last.kind == Kind::Row) {
        tokens.pop();
    }
    intervals::turned(&mut tokens);
    Ok(tokens)
}

/// The text with the digits, letters and signs of full width that it has in their usual one.
/// Commas stay: a wide one separates elements and no thousands.
pub fn narrow(text: &str) -> Cow<'_, str> {
    let narrowed = |wide: char| match wide {
        '０'..='９'
        | 'Ａ'..='Ｚ'
        | 'ａ'..='ｚ'
        | '＋'
        | '－'
        | '／'
        | '％'
        | '．'
        | '＊'
        | '＾' => char::from_u32(wide as u32 - 0xfee0).unwrap_or(wide),
        other => other,
    };
    match text.chars().any(|wide| narrowed(wide) != wide) {
        true => Cow::Owned(text.chars().map(narrowed).collect()),
        false => Cow::Borrowed(text),
    }
}

struct Lexer<'t> {
    text: &'t str,
    policy: &'t Policy,
    tokens: Vec<Token>,
    spaced: bool,
    /// Inside `\text{..}`.
    words: bool,
    /// Somewhere inside `\text{..}`, perhaps in a formula there.
    in_text: bool,
    dollar_is_money: bool,
    /// For each open bracket whether a comma without a space separates elements in it.
    brackets: Vec<bool>,
}

impl Lexer<'_> {
    fn push(&mut self, kind: Kind, at: usize, end: usize) -> Result<(), Unreadable> {
        if self.tokens.len() == limits::TOKENS {
            return Err(unreadable(
                at,
                format!("the answer has more than {} tokens", limits::TOKENS),
            ));
        }
        let spaced = std::mem::take(&mut self.spaced);
        self.tokens.push(Token {
            kind,
            at,
            end,
            spaced,
        });
        Ok(())
    }

    fn run(&mut self, mut at: usize, end: usize) -> Result<(), Unreadable> {
        while at < end {
            at = self.step(at, end)?;
        }
        Ok(())
    }

    /// Reads one token at `at`; where the next begins.
    fn step(&mut self, at: usize, end: usize) -> Result<usize, Unreadable> {
        let rest = &self.text[at..end];
        let Some(first) = rest.chars().next() else {
            return Ok(end);
        };
        let next = at + first.len_utf8();
        match first {
            '\\' => return self.backslash(at, end),
            '0'..='9' => return self.number(at, end),
            '.' => return self.period(at, end),
            '$' => {
                if self.dollar_is_money {
                    self.push(Kind::Currency("usd"), at, next)?;
                } else if self.in_text {
                    // `\mbox{$\frac57$}`.
                    self.words = !self.words;
                }
            }
            // `2{:}3`: TeX's way to set a colon without space.
            '{' if rest.starts_with("{:}") => {
                self.push(Kind::Colon, at, at + 3)?;
                return Ok(at + 3);
            }
            // They begin the answer and are no part of it.
            '⇒' | '⟹' | '∴' if self.tokens.is_empty() => {}
            '~' => self.spaced = true,
            '*' if rest.starts_with("**") => {
                self.push(Kind::Caret, at, at + 2)?;
                return Ok(at + 2);
            }
            // `5!=120` is about a factorial, `x!=5` is not.
            '!' if self.text[..at].ends_with(|last: char| last.is_ascii_digit())
                && rest[1..].starts_with('=') =>
            {
                return self.character(first, at, end);
            }
            '<' | '>' | '!' | '=' if rest[1..].starts_with('=') => {
                let comparison = match first {
                    '<' => Comparison::LessEqual,
                    '>' => Comparison::GreaterEqual,
                    '!' => Comparison::NotEqual,
                    _ => Comparison::Equal,
                };
                self.push(Kind::Compare(comparison), at, at + 2)?;
                return Ok(at + 2);
            }
            '\u{200b}' | '\u{2061}' | '\u{2062}' | '\u{feff}' => {}
            '"' | '“' | '”' | '`' | '‘' => self.spaced = true,
            _ if first.is_whitespace() => self.spaced = true,
            _ if first.is_alphabetic() || first == 'µ' => return self.letters(at, end),
            _ => return self.character(first, at, end),
        }
        Ok(next)
    }

    fn character(&mut self, first: char, at: usize, end: usize) -> Result<usize, Unreadable> {
        let next = at + first.len_utf8();
        if let Some((above, below)) = token::vulgar(first) {
            self.push(
                Kind::Number(fraction(above, below), Literal::Vulgar),
                at,
                next,
            )?;
            return Ok(next);
        }
        if token::superscript(first).is_some() {
            return self.raised(at, end, Kind::Caret, token::superscript);
        }
        if token::subscript(first).is_some() {
            return self.raised(at, end, Kind::Underscore, token::subscript);
        }
        let Some(kind) = token::character(first) else {
            return Err(unreadable(
                at,
                format!("{first:?} has no meaning in an answer"),
            ));
        };
        match &kind {
            Kind::Open(bracket) => self.open(*bracket, at, end)?,
            Kind::Close(_) => {
                let closed = self.brackets.pop();
                if closed.is_none() && kind == Kind::Close(Bracket::Square) {
                    // `]3,5[`, see `intervals`.
                    self.open(Bracket::Square, at, end)?;
                }
            }
            _ => {}
        }
        self.push(kind, at, next)?;
        Ok(next)
    }

    /// Notes how commas separate inside the bracket that opens here. `(1,500)` is a pair, as
    /// nobody puts one number in parentheses; in `(1,500, 2,500)` the spaces show which
    /// commas separate.
    fn open(&mut self, bracket: Bracket, at: usize, end: usize) -> Result<(), Unreadable> {
        if self.brackets.len() == limits::DEPTH {
            return Err(unreadable(
                at,
                format!("brackets are more than {} deep", limits::DEPTH),
            ));
        }
        let tight = matches!(bracket, Bracket::Paren | Bracket::Square | Bracket::Brace)
            && !spaced_comma(&self.text.as_bytes()[at..end]);
        self.brackets.push(tight);
        Ok(())
    }

    fn period(&mut self, at: usize, end: usize) -> Result<usize, Unreadable> {
        let rest = &self.text[at..end];
        if rest.starts_with("...") {
            self.push(Kind::Ellipsis, at, at + 3)?;
            return Ok(at + 3);
        }
        let digit = rest[1..].starts_with(|next: char| next.is_ascii_digit());
        if digit && !self.words {
            return self.number(at, end);
        }
        // `\left.` and `\right.` are brackets that nobody sees.
        let invisible = ["\\left", "\\right"]
            .iter()
            .any(|side| self.text[..at].ends_with(side));
        if !invisible {
            self.push(Kind::Period, at, at + 1)?;
        }
        Ok(at + 1)
    }

    /// Whether a bare argument of `\frac` begins here: `\frac13` is a third.
    fn wants_one_character(&self) -> bool {
        let kind = |back: usize| {
            let place = self.tokens.len().checked_sub(back)?;
            Some(&self.tokens[place].kind)
        };
        let takes_two = |kind: Option<&Kind>| matches!(kind, Some(Kind::Frac | Kind::Binom));
        let short = |kind: Option<&Kind>| {
            matches!(
                kind,
                Some(Kind::Number(..) | Kind::Letters(_) | Kind::Constant(_))
            )
        };
        !self.words && (takes_two(kind(1)) || (short(kind(1)) && takes_two(kind(2))))
    }

    fn number(&mut self, at: usize, end: usize) -> Result<usize, Unreadable> {
        if self.wants_one_character() && self.text.as_bytes()[at].is_ascii_digit() {
            let digit = i64::from(self.text.as_bytes()[at] - b'0');
            self.push(Kind::Number(RBig::from(digit), Literal::Whole), at, at + 1)?;
            return Ok(at + 1);
        }
        if let [
            ..,
            Token {
                kind: Kind::Letters(name),
                ..
            },
            caret,
        ] = self.tokens.as_slice()
            && matches!(&**name, "C" | "P")
            && caret.kind == Kind::Caret
        {
            // The index of `C^3_{10}` is no base.
            let digits = self.text[at..end].bytes().take_while(u8::is_ascii_digit);
            let next = at + digits.count();
            if next - at < 10 && self.text[next..end].starts_with('_') {
                let digits = self.text[at..next].parse().unwrap_or(0_u64);
                self.push(Kind::Number(RBig::from(digits), Literal::Whole), at, next)?;
                return Ok(next);
            }
        }
        // `\log_2 128`: a space ends what is raised or lowered.
        let marked = matches!(
            self.tokens.last().map(|token| &token.kind),
            Some(Kind::Underscore | Kind::Caret)
        );
        let end = match self.text[at..end].find(char::is_whitespace) {
            Some(length) if marked => at + length,
            _ => end,
        };
        let surroundings = Surroundings {
            tight_commas_separate: self.brackets.last().copied().unwrap_or(false),
            decimal_comma: self.policy.decimal_comma,
        };
        let read =
            number::read(&self.text[at..end], surroundings).map_err(|why| unreadable(at, why))?;
        let next = at + read.length;
        self.push(Kind::Number(read.value, read.literal), at, next)?;
        Ok(next)
    }
}

/// Whether a comma with a space behind it stands directly inside the bracket that opens at
/// the first byte.
fn spaced_comma(bytes: &[u8]) -> bool {
    let mut depth = 0_usize;
    for (place, byte) in bytes.iter().enumerate() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return false;
                }
            }
            b',' if depth == 1 => {
                let behind = &bytes[place + 1..];
                if behind.starts_with(b" ") || behind.starts_with(b"\\ ") {
                    return true;
                }
            }
            _ => {}
        }
    }
    false
}

pub fn unreadable(at: usize, why: impl Into<String>) -> Unreadable {
    Unreadable {
        at,
        why: why.into(),
    }
}
