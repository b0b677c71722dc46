//! What a backslash begins: a command, an escaped character, an environment.

use super::{Lexer, unreadable};
use crate::{
    Unreadable,
    expr::Function,
    limits, number,
    token::{self, Bracket, Kind, Literal, Meaning},
};

impl Lexer<'_> {
    pub(super) fn backslash(&mut self, at: usize, end: usize) -> Result<usize, Unreadable> {
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
            "cr" => {
                self.push(Kind::Row, at, next)?;
                return Ok(next);
            }
            // `\color{red}{5}`, `\hspace*{1cm}`: what is in the braces is not read.
            "color" | "textcolor" | "hspace" | "vspace" => {
                let next = next + usize::from(self.text[next..end].starts_with('*'));
                self.spaced |= name.ends_with("space");
                return Ok(self.group(next, end).map_or(next, |(_, close)| close));
            }
            "root" => return self.root(at, next, end),
            // It begins the answer and is no part of it.
            "Rightarrow" | "Longrightarrow" | "implies" | "therefore" if self.tokens.is_empty() => {
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
                    // `\mathrm{FF}_{16}` is a number, where the base is one.
                    let digits = &self.text[inside..close - 1];
                    let read = number::in_base(digits, &self.text[close..end]);
                    if let Some((value, length)) = read {
                        self.push(Kind::Number(value, Literal::Based), at, close + length)?;
                        return Ok(close + length);
                    }
                    self.words(inside, close - 1)?;
                    return Ok(close);
                }
                if name == "rm" {
                    // `{\rm cm}^2`: to the end of the group.
                    let close = next + group_end(&self.text[next..end]);
                    self.words(next, close)?;
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

    /// `\root 3 \of {4}` is `\sqrt[3]{4}`.
    fn root(&mut self, at: usize, next: usize, end: usize) -> Result<usize, Unreadable> {
        let Some(length) = self.text[next..end].find("\\of") else {
            return Err(unreadable(at, "expected \\of behind \\root"));
        };
        let of = next + length;
        self.push(Kind::Function(Function::Sqrt), at, next)?;
        self.open(Bracket::Square, at, end)?;
        self.push(Kind::Open(Bracket::Square), next, next)?;
        self.run(next, of)?;
        self.brackets.pop();
        self.push(Kind::Close(Bracket::Square), of, of)?;
        Ok(of + "\\of".len())
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
        let outer = (self.words, self.in_text);
        (self.words, self.in_text) = (true, true);
        if self.brackets.len() == limits::DEPTH {
            return Err(unreadable(at, "groups are too deep"));
        }
        self.brackets.push(false);
        self.run(at, end)?;
        self.brackets.pop();
        (self.words, self.in_text) = outer;
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

/// Where the group is closed that the text is inside of.
fn group_end(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut escaped = false;
    for (place, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'{' => depth += 1,
            b'}' if depth == 0 => return place,
            b'}' => depth -= 1,
            _ => {}
        }
    }
    text.len()
}
