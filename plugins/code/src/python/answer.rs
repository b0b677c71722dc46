//! Reads what the runner wrote: the answers of some calls.
//!
//! ```text
//! answers := answer{one for each call} "."
//! answer  := "r" value | "w" | "x"                    a result, one that is no data, an exception
//! value   := "n" | "t" | "f"                          None, True, False
//!          | "i" ["-"] hexadecimal ";"                whole number
//!          | "d" text ";"                             float, as `repr` writes it
//!          | ("s" | "b") bytes ":" those bytes        text, bytes
//!          | ("l" | "u" | "e") count ":" values       list, tuple, set
//!          | "m" count ":" (key value)s               dictionary
//! ```
//! The program can write here too, so this is a parser of hostile input. It reads the text
//! once, recurses to a fixed depth, and reserves no memory that it has not seen the bytes for.
//! What deviates in the least is no answer: one too few or too many, a byte behind the end.

use num_bigint::BigInt;

use crate::value::{DEPTH_LIMIT, Value};

/// What came of one call.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    Returned(Value),
    /// It returned something that is no plain data: an object, a function, a list of itself.
    NoData,
    Raised,
}

/// The answers of exactly `calls` calls; `None` when the bytes are anything else.
pub fn read(bytes: &[u8], calls: usize) -> Option<Vec<Answer>> {
    let mut reader = Reader { rest: bytes };
    let answers = (0..calls).map(|_| reader.answer()).collect();
    match reader.byte() {
        Some(b'.') if reader.rest.is_empty() => answers,
        _ => None,
    }
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn answer(&mut self) -> Option<Answer> {
        match self.byte()? {
            b'r' => Some(Answer::Returned(self.value(0)?)),
            b'w' => Some(Answer::NoData),
            b'x' => Some(Answer::Raised),
            _ => None,
        }
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        if depth > DEPTH_LIMIT {
            return None;
        }
        Some(match self.byte()? {
            b'n' => Value::None,
            b't' => Value::Bool(true),
            b'f' => Value::Bool(false),
            b'i' => Value::Int(BigInt::parse_bytes(self.until(b';')?, 16)?),
            b'd' => Value::Float(std::str::from_utf8(self.until(b';')?).ok()?.parse().ok()?),
            b's' => Value::Text(String::from_utf8(self.counted()?.to_vec()).ok()?),
            b'b' => Value::Bytes(self.counted()?.to_vec()),
            b'l' => Value::List(self.values(depth)?),
            b'u' => Value::Tuple(self.values(depth)?),
            b'e' => Value::Set(self.values(depth)?),
            b'm' => {
                let entries = 0..self.count()?;
                let entry = |_| Some((self.value(depth + 1)?, self.value(depth + 1)?));
                Value::Dict(entries.map(entry).collect::<Option<_>>()?)
            }
            _ => return None,
        })
    }

    fn values(&mut self, depth: usize) -> Option<Vec<Value>> {
        let count = self.count()?;
        (0..count).map(|_| self.value(depth + 1)).collect()
    }

    fn counted(&mut self) -> Option<&'a [u8]> {
        let count = self.count()?;
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    fn count(&mut self) -> Option<usize> {
        std::str::from_utf8(self.until(b':')?).ok()?.parse().ok()
    }

    fn until(&mut self, end: u8) -> Option<&'a [u8]> {
        let at = self.rest.iter().position(|&byte| byte == end)?;
        let taken = &self.rest[..at];
        self.rest = &self.rest[at + 1..];
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        let (&first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(first)
    }
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
