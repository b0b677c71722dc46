//! Values written as Python or JSON, read without running anything.
//!
//! ```text
//! sum     := product (("+" | "-") product)*
//! product := factor ("*" factor)*
//! factor  := ("-" | "+") factor | atom ["**" factor]
//! atom    := number | text+ | True | False | None | "[" .. "]" | "(" .. ")" | "{" .. "}"
//!          | ("set" | "frozenset" | "list" | "tuple" | "dict") "(" [value] ")" | "float" "(" text ")"
//! ```
//! Tests say `10**9 + 7` and `[0] * 5`, so that much is computed, to a bound. Names of other
//! values and calls of other functions are refused.

use farthing_sdk::prelude::{Result, bail};
use num_bigint::BigInt;
use num_traits::{Num, ToPrimitive};

use super::tokens::{Placed, Token};
use crate::value::{DEPTH_LIMIT, Value};

/// Integers of more bits, and sequences of more elements, are not computed.
const LARGEST_BITS: u64 = 1 << 14;
const LONGEST: usize = 100_000;

/// What brackets mean, and which words there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    Python,
    Json,
}

/// Reads tokens one after the other.
#[derive(Clone)]
pub struct Parser<'t, 'a> {
    tokens: &'t [Placed<'a>],
    dialect: Dialect,
}

impl<'t, 'a> Parser<'t, 'a> {
    pub fn new(tokens: &'t [Placed<'a>], dialect: Dialect) -> Self {
        Self { tokens, dialect }
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

    fn sum(&mut self, depth: usize) -> Result<Value> {
        let mut value = self.product(depth)?;
        loop {
            let sign = match self.peek() {
                Token::Sign(sign @ ("+" | "-")) => *sign,
                _ => return Ok(value),
            };
            self.next();
            value = combined(sign, value, self.product(depth)?)?;
        }
    }

    fn product(&mut self, depth: usize) -> Result<Value> {
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
            Token::Sign("[") => {
                let items = self.items("]", depth)?.0;
                match self.dialect {
                    Dialect::Python => Value::List(items),
                    Dialect::Json => Value::Array(items),
                }
            }
            Token::Sign("(") if self.dialect == Dialect::Python => match self.items(")", depth)? {
                (mut items, false) if items.len() == 1 => items.swap_remove(0),
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
            (_, true) => Ok(Value::Dict(last_of_each(entries))),
            (true, false) if self.dialect == Dialect::Python => Ok(Value::Set(distinct(members))),
            _ => bail!(
                "line {}: braces hold entries or members, not both",
                self.line()
            ),
        }
    }

    fn named(&mut self, name: &str, line: usize, depth: usize) -> Result<Value> {
        let value = match (self.dialect, name) {
            (Dialect::Python, "None") | (Dialect::Json, "null") => Value::None,
            (Dialect::Python, "True") | (Dialect::Json, "true") => Value::Bool(true),
            (Dialect::Python, "False") | (Dialect::Json, "false") => Value::Bool(false),
            (Dialect::Json, "NaN") => Value::Float(f64::NAN),
            (Dialect::Json, "Infinity") => Value::Float(f64::INFINITY),
            (Dialect::Python, _) if self.takes("(") => {
                let (mut items, _) = self.items(")", depth)?;
                let inner = match items.len() {
                    0 | 1 => items.pop(),
                    _ => bail!("line {line}: {name}(..) with several values is not read in tests"),
                };
                return converted(name, inner, line);
            }
            _ => bail!("line {line}: expected a value, found the name {name:?}"),
        };
        Ok(value)
    }
}

/// What `set([1, 2])` and its like are.
pub fn converted(name: &str, inner: Option<Value>, line: usize) -> Result<Value> {
    let bad = || farthing_sdk::Error::new(format!("line {line}: {name}(..) is not read in tests"));
    if let ("float", Some(inner)) = (name, &inner) {
        return match inner {
            Value::Text(text) => text.trim().parse().map(Value::Float).map_err(|_| bad()),
            Value::Int(number) => number.to_f64().map(Value::Float).ok_or_else(bad),
            Value::Float(_) => Ok(inner.clone()),
            _ => Err(bad()),
        };
    }
    if name == "dict" {
        return match inner {
            None => Ok(Value::Dict(Vec::new())),
            Some(Value::Dict(entries)) => Ok(Value::Dict(entries)),
            _ => Err(bad()),
        };
    }
    let items = match inner {
        None => Vec::new(),
        Some(inner) => members(inner).ok_or_else(bad)?,
    };
    match name {
        "set" | "frozenset" => Ok(Value::Set(distinct(items))),
        "list" => Ok(Value::List(items)),
        "sorted" => Ok(Value::List(sorted(items))),
        "tuple" => Ok(Value::Tuple(items)),
        _ => Err(bad()),
    }
}

/// What iterating over the value gives.
pub fn members(value: Value) -> Option<Vec<Value>> {
    match value {
        Value::List(items) | Value::Tuple(items) | Value::Array(items) | Value::Set(items) => {
            Some(items)
        }
        Value::Dict(entries) => Some(entries.into_iter().map(|(key, _)| key).collect()),
        Value::Text(text) => Some(text.chars().map(|c| Value::Text(c.into())).collect()),
        _ => None,
    }
}

pub fn sorted(mut items: Vec<Value>) -> Vec<Value> {
    items.sort_by(crate::value::order);
    items
}

/// Each value once, as Python's sets hold them.
pub fn distinct(mut items: Vec<Value>) -> Vec<Value> {
    items.sort_by(crate::value::order);
    items.dedup_by(|a, b| crate::value::order(a, b).is_eq());
    items
}

/// A key that is written twice has the value that was written last.
fn last_of_each(entries: Vec<(Value, Value)>) -> Vec<(Value, Value)> {
    let mut kept: Vec<(Value, Value)> = entries.into_iter().rev().collect();
    // The sort is stable, so the first of equal keys is the one that was written last.
    kept.sort_by(|a, b| crate::value::order(&a.0, &b.0));
    kept.dedup_by(|a, b| crate::value::order(&a.0, &b.0).is_eq());
    kept
}

fn negated(value: Value) -> Result<Value> {
    match value {
        Value::Int(number) => Ok(Value::Int(-number)),
        Value::Float(number) => Ok(Value::Float(-number)),
        other => bail!("a minus stands before {other:?}"),
    }
}

fn combined(sign: &str, left: Value, right: Value) -> Result<Value> {
    use Value::{Float, Int, List, Text};
    Ok(match (sign, left, right) {
        ("+", Int(a), Int(b)) => Int(a + b),
        ("-", Int(a), Int(b)) => Int(a - b),
        ("*", Int(a), Int(b)) if a.bits() + b.bits() <= LARGEST_BITS => Int(a * b),
        ("**", Int(a), Int(b)) => match b.to_u32() {
            Some(power) if a.bits().saturating_mul(u64::from(power)) <= LARGEST_BITS => {
                Int(a.pow(power))
            }
            _ => bail!("a power is too large to be computed in a test"),
        },
        ("+", Float(a), Float(b)) => Float(a + b),
        ("-", Float(a), Float(b)) => Float(a - b),
        ("*", Float(a), Float(b)) => Float(a * b),
        ("+", Text(a), Text(b)) => Text(a + &b),
        ("+", List(a), List(b)) => List(a.into_iter().chain(b).collect()),
        ("*", List(a), Int(count)) | ("*", Int(count), List(a)) => {
            let count = times(&count, a.iter().map(size).sum())?;
            List(std::iter::repeat_n(a, count).flatten().collect())
        }
        ("*", Text(a), Int(count)) | ("*", Int(count), Text(a)) => {
            Text(a.repeat(times(&count, a.len())?))
        }
        _ => bail!("a {sign:?} between these values is not computed in tests"),
    })
}

/// How many values there are in a value.
fn size(value: &Value) -> usize {
    match value {
        Value::List(items) | Value::Tuple(items) | Value::Array(items) | Value::Set(items) => {
            1 + items.iter().map(size).sum::<usize>()
        }
        Value::Dict(entries) => {
            1 + entries
                .iter()
                .map(|(k, v)| size(k) + size(v))
                .sum::<usize>()
        }
        Value::Text(text) => 1 + text.len(),
        _ => 1,
    }
}

fn times(count: &BigInt, length: usize) -> Result<usize> {
    match count.to_usize() {
        Some(count) if count.saturating_mul(length) <= LONGEST => Ok(count),
        _ if count.sign() == num_bigint::Sign::Minus => Ok(0),
        _ => bail!("a repeated value of a test has more than {LONGEST} elements"),
    }
}

fn number(text: &str, line: usize) -> Result<Value> {
    let plain = text.replace('_', "");
    let radix = |digits: &str, radix| BigInt::from_str_radix(digits, radix).ok();
    let lower = plain.to_ascii_lowercase();
    let whole = if let Some(digits) = lower.strip_prefix("0x") {
        radix(digits, 16)
    } else if let Some(digits) = lower.strip_prefix("0o") {
        radix(digits, 8)
    } else if let Some(digits) = lower.strip_prefix("0b") {
        radix(digits, 2)
    } else {
        radix(&lower, 10)
    };
    if let Some(whole) = whole {
        return Ok(Value::Int(whole));
    }
    let decimal = lower
        .bytes()
        .all(|byte| byte.is_ascii_digit() || b".e+-".contains(&byte));
    match lower.parse() {
        Ok(float) if decimal => Ok(Value::Float(float)),
        _ => bail!("line {line}: {text:?} is no number that tests can have"),
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
