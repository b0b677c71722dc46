//! Cuts a text into [`Token`]s, in one pass.

use dashu_ratio::RBig;

use crate::{
    Policy, Unreadable,
    expr::{Constant, Function, fraction},
    limits,
    number::{self, Surroundings},
    token::{self, Bracket, Comparison, Kind, Literal, Meaning, Token},
};

/// The tokens of a text.
pub fn tokens(text: &str, policy: &Policy) -> Result<Vec<Token>, Unreadable> {
    let dollars = text.matches('$').count() - text.matches("\\$").count();
    let mut lexer = Lexer {
        text,
        policy,
        tokens: Vec::with_capacity(16),
        spaced: false,
        words: false,
        // A lone dollar sign is money; a pair of them encloses a formula.
        dollar_is_money: dollars % 2 == 1,
        brackets: Vec::new(),
    };
    lexer.run(0, text.len())?;
    Ok(lexer.tokens)
}

struct Lexer<'t> {
    text: &'t str,
    policy: &'t Policy,
    tokens: Vec<Token>,
    spaced: bool,
    /// Inside `\text{..}`.
    words: bool,
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
                }
            }
            '~' => self.spaced = true,
            '*' if rest.starts_with("**") => {
                self.push(Kind::Caret, at, at + 2)?;
                return Ok(at + 2);
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
                self.brackets.pop();
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

    /// Raised or lowered characters, as a group on the line.
    fn raised(
        &mut self,
        at: usize,
        end: usize,
        kind: Kind,
        on_the_line: fn(char) -> Option<char>,
    ) -> Result<usize, Unreadable> {
        self.push(kind, at, at)?;
        self.push(Kind::Open(Bracket::Group), at, at)?;
        let mut next = at;
        let mut digits = 0_i64;
        let mut counted = 0;
        let flush = |lexer: &mut Self, at, counted: &mut u32, digits: &mut i64| {
            if std::mem::take(counted) > 0 {
                let value = RBig::from(std::mem::take(digits));
                lexer.push(Kind::Number(value, Literal::Whole), at, at)?;
            }
            Ok(())
        };
        for raised in self.text[at..end].chars() {
            let Some(plain) = on_the_line(raised) else {
                break;
            };
            match plain {
                '0'..='9' if counted < 15 => {
                    digits = digits * 10 + i64::from(plain as u32 - '0' as u32);
                    counted += 1;
                }
                '0'..='9' => return Err(unreadable(next, "the raised number is too long")),
                _ => {
                    flush(self, next, &mut counted, &mut digits)?;
                    let kind = token::character(plain)
                        .unwrap_or_else(|| Kind::Letters(plain.to_string().into()));
                    self.push(kind, next, next)?;
                }
            }
            next += raised.len_utf8();
        }
        flush(self, next, &mut counted, &mut digits)?;
        self.push(Kind::Close(Bracket::Group), next, next)?;
        Ok(next)
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

    fn letters(&mut self, at: usize, end: usize) -> Result<usize, Unreadable> {
        let rest = &self.text[at..end];
        if let Some((value, length)) = number::based(rest) {
            self.push(Kind::Number(value, Literal::Based), at, at + length)?;
            return Ok(at + length);
        }
        if let Some(first) = rest.chars().next() {
            if self.wants_one_character() {
                let next = at + first.len_utf8();
                let kind = token::character(first)
                    .unwrap_or_else(|| Kind::Letters(first.to_string().into()));
                self.push(kind, at, next)?;
                return Ok(next);
            }
            let single = token::greek_character(first)
                .filter(|name| *name != "pi")
                .map(|name| Kind::Letters(name.into()))
                .or_else(|| token::character(first));
            if let Some(kind) = single {
                let next = at + first.len_utf8();
                self.push(kind, at, next)?;
                return Ok(next);
            }
            if token::superscript(first).is_some() {
                return self.raised(at, end, Kind::Caret, token::superscript);
            }
            if token::subscript(first).is_some() {
                return self.raised(at, end, Kind::Underscore, token::subscript);
            }
        }
        let length = rest
            .find(|letter: char| {
                !letter.is_alphabetic()
                    || token::superscript(letter).is_some()
                    || token::subscript(letter).is_some()
                    || token::character(letter).is_some()
                    || token::greek_character(letter).is_some()
            })
            .unwrap_or(rest.len())
            .max(rest.chars().next().map_or(1, char::len_utf8));
        let run = &rest[..length];
        let next = at + length;
        let behind = &self.text[next..end];
        if run == "U" && behind.starts_with(|c: char| " ([".contains(c)) && !self.words {
            // `(1, 2) U (3, 4)`, typed without the sign.
            let before = self.tokens.last().map(|token| &token.kind);
            if matches!(before, Some(Kind::Close(_))) {
                self.push(Kind::Union, at, next)?;
                return Ok(next);
            }
        }
        if let Some(kind) = plain_word(run) {
            self.push(kind, at, next)?;
            return Ok(next);
        }
        if self.words {
            self.push(Kind::Text(run.into()), at, next)?;
            return Ok(next);
        }
        // `sinx`, but not `since`.
        for name in [
            "sin", "cos", "tan", "cot", "sec", "csc", "ln", "log", "sqrt",
        ] {
            if let Some(argument) = run.strip_prefix(name)
                && argument.len() == 1
                && let Some(function) = token::function(name)
            {
                self.push(Kind::Function(function), at, next - 1)?;
                self.push(Kind::Letters(argument.into()), next - 1, next)?;
                return Ok(next);
            }
        }
        // `x^mx^n`: one letter is raised, as in LaTeX.
        let raised = self.tokens.last().map(|token| &token.kind) == Some(&Kind::Caret);
        if let (true, Some(first)) = (raised, run.chars().next()) {
            let next = at + first.len_utf8();
            self.push(Kind::Letters(run[..first.len_utf8()].into()), at, next)?;
            return Ok(next);
        }
        self.push(Kind::Letters(run.into()), at, next)?;
        Ok(next)
    }

    fn backslash(&mut self, at: usize, end: usize) -> Result<usize, Unreadable> {
        let rest = &self.text[at + 1..end];
        let Some(first) = rest.chars().next() else {
            return Ok(end);
        };
        if !first.is_ascii_alphabetic() {
            return self.escaped(first, at, end);
        }
        let length = rest
            .find(|letter: char| !letter.is_ascii_alphabetic())
            .unwrap_or(rest.len());
        let name = &rest[..length];
        let next = at + 1 + length;
        match name {
            "begin" | "end" => return self.environment(name == "begin", at, next, end),
            "sqrt" => {
                self.push(Kind::Function(Function::Sqrt), at, next)?;
                return Ok(next);
            }
            "phantom" => return Ok(self.group(next, end).map_or(next, |(_, close)| close)),
            _ => {}
        }
        let Some(meaning) = token::command(name) else {
            // Such an answer equals only itself; see `words::fallback`.
            self.push(Kind::Unknown(name.into()), at, next)?;
            return Ok(next);
        };
        match meaning {
            Meaning::Token(kind) => {
                match &kind {
                    Kind::Open(bracket) => self.open(*bracket, at, end)?,
                    Kind::Close(_) => {
                        self.brackets.pop();
                    }
                    _ => {}
                }
                self.push(kind, at, next)?;
            }
            Meaning::Name(name) => self.push(Kind::Letters(name.into()), at, next)?,
            Meaning::Nothing => {}
            Meaning::Space => self.spaced = true,
            Meaning::Arrow => {
                let group = self.group(next, end);
                let inside = group.map_or("", |(open, close)| self.text[open..close - 1].trim());
                // A lone letter is a vector's name; two are its ends, in their order.
                let ends = inside.len() > 1 && inside.bytes().all(|b| b.is_ascii_uppercase());
                if let (true, Some((_, close))) = (ends, group) {
                    self.push(Kind::Named(format!("vector {inside}").into()), at, close)?;
                    return Ok(close);
                }
            }
            Meaning::Overline => self.push(Kind::Conjugate, at, next)?,
            Meaning::Words | Meaning::Upright => {
                if let Some((inside, close)) = self.group(next, end) {
                    self.words(inside, close - 1)?;
                    return Ok(close);
                }
            }
            Meaning::Blackboard => {
                let (inside, close) = self.group(next, end).unwrap_or_else(|| {
                    let letter = self.text[next..end].find(|c: char| !c.is_whitespace());
                    let letter = next + letter.unwrap_or(0);
                    let width = self.text[letter..end]
                        .chars()
                        .next()
                        .map_or(0, char::len_utf8);
                    (letter, letter + width)
                });
                let letter = self.text[inside..close]
                    .chars()
                    .find(char::is_ascii_uppercase);
                let Some(letter) = letter else {
                    return Err(unreadable(at, "expected a letter behind \\mathbb"));
                };
                self.push(Kind::NumberSet(letter), at, close)?;
                return Ok(close);
            }
        }
        Ok(next)
    }

    /// The inside of the group that opens at or behind `at`, and where it is closed.
    fn group(&self, at: usize, end: usize) -> Option<(usize, usize)> {
        let rest = &self.text[at..end];
        let open = at + rest.len() - rest.trim_start().len();
        if !self.text[open..end].starts_with('{') {
            return None;
        }
        let mut depth = 0_usize;
        for (place, byte) in self.text[open..end].bytes().enumerate() {
            match byte {
                b'{' => depth += 1,
                b'}' => {
                    depth -= 1;
                    if depth == 0 {
                        return Some((open + 1, open + place + 1));
                    }
                }
                _ => {}
            }
        }
        None
    }

    /// Reads `\text{..}`; it is white space on both sides.
    fn words(&mut self, at: usize, end: usize) -> Result<(), Unreadable> {
        let outer = std::mem::replace(&mut self.words, true);
        if self.brackets.len() == limits::DEPTH {
            return Err(unreadable(at, "groups are too deep"));
        }
        self.brackets.push(false);
        self.run(at, end)?;
        self.brackets.pop();
        self.words = outer;
        Ok(())
    }

    fn escaped(&mut self, first: char, at: usize, end: usize) -> Result<usize, Unreadable> {
        let next = at + 1 + first.len_utf8();
        let kind = match first {
            ',' | ';' | ':' | ' ' | '>' | '/' => {
                self.spaced = true;
                return Ok(next);
            }
            '!' | '(' | ')' | '[' | ']' | '"' | '-' => return Ok(next),
            '{' => {
                self.open(Bracket::Brace, at + 1, end)?;
                Kind::Open(Bracket::Brace)
            }
            '}' => {
                self.brackets.pop();
                Kind::Close(Bracket::Brace)
            }
            '%' => Kind::Percent,
            '$' => Kind::Currency("usd"),
            '&' => Kind::Ampersand,
            '_' => Kind::Underscore,
            '|' => Kind::Bar,
            '\\' => {
                // `\\[2pt]` is a row's end with its spacing.
                let spacing = self.text[next..end]
                    .strip_prefix('[')
                    .and_then(|rest| rest.split_once(']'))
                    .filter(|(length, _)| length.ends_with(|c: char| c.is_ascii_lowercase()));
                self.push(Kind::Row, at, next)?;
                return Ok(next + spacing.map_or(0, |(length, _)| length.len() + 2));
            }
            _ if first.is_whitespace() => {
                self.spaced = true;
                return Ok(next);
            }
            _ => return Err(unreadable(at, format!("\\{first} has no meaning here"))),
        };
        self.push(kind, at, next)?;
        Ok(next)
    }

    fn environment(
        &mut self,
        begins: bool,
        at: usize,
        next: usize,
        end: usize,
    ) -> Result<usize, Unreadable> {
        let Some((inside, close)) = self.group(next, end) else {
            return Err(unreadable(at, "expected a name in braces"));
        };
        let name = self.text[inside..close - 1].trim_end_matches('*');
        let mut next = close;
        if begins {
            self.push(Kind::Begin(name.into()), at, close)?;
            // The columns of an array: `{cc|c}`.
            if matches!(name, "array" | "tabular")
                && let Some((_, close)) = self.group(close, end)
            {
                next = close;
            }
        } else {
            self.push(Kind::End, at, close)?;
        }
        Ok(next)
    }
}

/// Words of plain text that are signs.
fn plain_word(run: &str) -> Option<Kind> {
    if let Some(function) = token::function(run) {
        return Some(Kind::Function(function));
    }
    Some(match run {
        "pi" | "Pi" => Kind::Constant(Constant::Pi),
        "infinity" | "inf" | "Infinity" | "oo" | "infty" => Kind::Constant(Constant::Infinity),
        "percent" => Kind::Percent,
        "approx" => Kind::Compare(Comparison::Equal),
        "USD" => Kind::Currency("usd"),
        "EUR" => Kind::Currency("eur"),
        "GBP" => Kind::Currency("gbp"),
        "union" => Kind::Union,
        _ => return token::greek(run).map(|name| Kind::Letters(name.into())),
    })
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
