//! Values written as Python, read without running anything.
//!
//! ```text
//! sum     := product (("+" | "-") product)*
//! product := factor ("*" factor)*
//! factor  := ("-" | "+") factor | atom ["**" factor]
//! atom    := number | text+ | bytes | "None" | "True" | "False"
//!          | "[" [items] "]" | "(" [items] ")" | "{" [items | entries] "}" | call
//! items   := sum ("," sum)* [","]
//! entries := sum ":" sum ("," sum ":" sum)* [","]
//! call    := ("set" | "frozenset" | "list" | "tuple" | "sorted" | "dict") "(" [sum] ")"
//!          | "float" "(" sum ")"
//! ```
//! Tests say `10**9 + 7` and `[0] * 5`, so that much is computed, to a bound. Names of other
//! values and calls of other functions are refused, and so is what raises an exception in Python.

use farthing_sdk::prelude::{Result, bail};

use super::{
    computed::{combined, converted, negated, number},
    tokens::{Placed, Token},
};
use crate::value::{DEPTH_LIMIT, Value, dict, set};

/// Reads tokens one after the other.
#[derive(Clone)]
pub struct Parser<'t, 'a> {
    tokens: &'t [Placed<'a>],
}

impl<'t, 'a> Parser<'t, 'a> {
    pub fn new(tokens: &'t [Placed<'a>]) -> Self {
        Self { tokens }
    }

    pub fn peek(&self) -> &'t Token<'a> {
        self.tokens
            .first()
            .map_or(&Token::End, |placed| &placed.token)
    }

    /// The line of the next token.
    pub fn line(&self) -> usize {
        self.tokens.first().map_or(0, |placed| placed.line)
    }

    pub fn is_done(&self) -> bool {
        self.tokens.is_empty()
    }

    /// The tokens that are left.
    pub fn rest(&self) -> &'t [Placed<'a>] {
        self.tokens
    }

    pub fn next(&mut self) -> &'t Token<'a> {
        let next = self.peek();
        self.tokens = self.tokens.get(1..).unwrap_or_default();
        next
    }

    /// Takes the sign if it comes next.
    pub fn takes(&mut self, sign: &str) -> bool {
        let comes = matches!(self.peek(), Token::Sign(next) if *next == sign);
        if comes {
            self.next();
        }
        comes
    }

    /// Takes the name if it comes next.
    pub fn takes_name(&mut self, name: &str) -> bool {
        let comes = matches!(self.peek(), Token::Name(next) if *next == name);
        if comes {
            self.next();
        }
        comes
    }

    pub fn expect(&mut self, sign: &str) -> Result<()> {
        if !self.takes(sign) {
            bail!(
                "line {}: expected {sign:?}, found {}",
                self.line(),
                shown(self.peek())
            );
        }
        Ok(())
    }

    /// A value.
    pub fn value(&mut self) -> Result<Value> {
        self.sum(0)
    }

    /// A value that may be a term of a sum.
    pub fn product(&mut self) -> Result<Value> {
        self.products(0)
    }

    fn sum(&mut self, depth: usize) -> Result<Value> {
        let mut value = self.products(depth)?;
        loop {
            let sign = match self.peek() {
                Token::Sign(sign @ ("+" | "-")) => *sign,
                _ => return Ok(value),
            };
            self.next();
            value = combined(sign, value, self.products(depth)?)?;
        }
    }

    fn products(&mut self, depth: usize) -> Result<Value> {
        let mut value = self.factor(depth)?;
        while self.takes("*") {
            value = combined("*", value, self.factor(depth)?)?;
        }
        Ok(value)
    }

    fn factor(&mut self, depth: usize) -> Result<Value> {
        if depth > DEPTH_LIMIT {
            bail!(
                "line {}: a value is nested more than {DEPTH_LIMIT} deep",
                self.line()
            );
        }
        if self.takes("-") {
            return negated(self.factor(depth + 1)?);
        }
        if self.takes("+") {
            return self.factor(depth + 1);
        }
        let base = self.atom(depth)?;
        match self.takes("**") {
            true => combined("**", base, self.factor(depth + 1)?),
            false => Ok(base),
        }
    }

    fn atom(&mut self, depth: usize) -> Result<Value> {
        let line = self.line();
        Ok(match self.next() {
            Token::Number(text) => number(text, line)?,
            Token::Text(text) => {
                let mut text = text.clone();
                while let Token::Text(more) = self.peek() {
                    text.push_str(more);
                    self.next();
                }
                Value::Text(text)
            }
            Token::Bytes(bytes) => Value::Bytes(bytes.clone()),
            Token::Sign("[") => Value::List(self.items("]", depth)?.0),
            Token::Sign("(") => match self.items(")", depth)? {
                (mut items, false) if items.len() == 1 => items.swap_remove(0),
                (items, true) if items.is_empty() => bail!("line {line}: a comma without a value"),
                (items, _) => Value::Tuple(items),
            },
            Token::Sign("{") => self.braces(depth)?,
            Token::Name(name) => self.named(name, line, depth)?,
            other => bail!("line {line}: expected a value, found {}", shown(other)),
        })
    }

    /// Values up to the closing bracket, and whether there was a comma.
    fn items(&mut self, close: &str, depth: usize) -> Result<(Vec<Value>, bool)> {
        let (mut items, mut comma) = (Vec::new(), false);
        while !self.takes(close) {
            items.push(self.sum(depth + 1)?);
            if self.takes(",") {
                comma = true;
            } else {
                self.expect(close)?;
                break;
            }
        }
        Ok((items, comma))
    }

    fn braces(&mut self, depth: usize) -> Result<Value> {
        let (mut entries, mut members) = (Vec::new(), Vec::new());
        while !self.takes("}") {
            let first = self.sum(depth + 1)?;
            if self.takes(":") {
                entries.push((first, self.sum(depth + 1)?));
            } else {
                members.push(first);
            }
            if !self.takes(",") {
                self.expect("}")?;
                break;
            }
        }
        match (entries.is_empty(), members.is_empty()) {
            (_, true) => dict(entries),
            (true, false) => python_set(members),
            _ => bail!(
                "line {}: braces hold entries or members, not both",
                self.line()
            ),
        }
    }

    fn named(&mut self, name: &str, line: usize, depth: usize) -> Result<Value> {
        Ok(match name {
            "None" => Value::None,
            "True" => Value::Bool(true),
            "False" => Value::Bool(false),
            _ if self.takes("(") => {
                let (mut items, _) = self.items(")", depth)?;
                let inner = match items.len() {
                    0 | 1 => items.pop(),
                    _ => bail!("line {line}: {name}(..) with several values is not read in tests"),
                };
                return converted(name, inner, line);
            }
            _ => bail!("line {line}: expected a value, found the name {name:?}"),
        })
    }
}

/// Whether a set in a set is one that Python can hash is not seen here any more.
pub fn python_set(members: Vec<Value>) -> Result<Value> {
    if members.iter().any(holds_a_set) {
        bail!("a set in a set is not read in tests");
    }
    set(members)
}

fn holds_a_set(value: &Value) -> bool {
    match value {
        Value::Set(_) => true,
        Value::Tuple(items) => items.iter().any(holds_a_set),
        _ => false,
    }
}

/// A token for a message.
pub fn shown(token: &Token<'_>) -> String {
    match token {
        Token::Name(text) | Token::Number(text) | Token::Sign(text) => format!("{text:?}"),
        Token::Text(_) => "a string".into(),
        Token::Bytes(_) => "a bytes literal".into(),
        Token::End => "the end of the line".into(),
    }
}
