//! JSON as text: the inputs and outputs of LiveCodeBench.
//!
//! It means what Python's `json.loads` makes of it: whole numbers have any size, the keys of an
//! object keep their order, and `NaN`, `Infinity` and `-Infinity` are numbers. A general reader
//! rounds the first, sorts the second and refuses the third.

use farthing_sdk::prelude::{Error, Result};
use num_bigint::BigInt;

use super::{DEPTH_LIMIT, Value, dict};

/// All of the text as one value. Arrays are [`Value::Array`].
///
/// # Errors
/// When the text is not JSON, or more than one value.
pub fn from_json_text(text: &str) -> Result<Value> {
    let mut reader = Reader { text, at: 0 };
    let value = reader.value(0)?;
    match reader.peek() {
        None => Ok(value),
        Some(_) => Err(reader.not("the end of one JSON value")),
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// The next character that is no space, which is then next.
    fn peek(&mut self) -> Option<char> {
        let rest = self.rest();
        let trimmed = rest.trim_start_matches([' ', '\t', '\n', '\r']);
        self.at += rest.len() - trimmed.len();
        trimmed.chars().next()
    }

    fn takes(&mut self, word: &str) -> bool {
        let comes = self.peek().is_some() && self.rest().starts_with(word);
        self.at += if comes { word.len() } else { 0 };
        comes
    }

    fn not(&self, expected: &str) -> Error {
        const SHOWN: usize = 40;
        let rest: String = self.rest().chars().take(SHOWN).collect();
        let at = self.at;
        Error::new(format!(
            "no JSON: expected {expected} at byte {at}, found {rest:?}"
        ))
    }

    fn value(&mut self, depth: usize) -> Result<Value> {
        const WORDS: [(&str, Value); 6] = [
            ("null", Value::None),
            ("true", Value::Bool(true)),
            ("false", Value::Bool(false)),
            ("NaN", Value::Float(f64::NAN)),
            ("Infinity", Value::Float(f64::INFINITY)),
            ("-Infinity", Value::Float(f64::NEG_INFINITY)),
        ];
        if depth > DEPTH_LIMIT {
            return Err(self.not(&format!("at most {DEPTH_LIMIT} brackets")));
        }
        match self.peek() {
            Some('"') => Ok(Value::Text(self.string()?)),
            Some('[') => Ok(Value::Array(
                self.items('[', ']', |reader| reader.value(depth + 1))?,
            )),
            Some('{') => dict(self.items('{', '}', |reader| {
                if reader.peek() != Some('"') {
                    return Err(reader.not("a key"));
                }
                let key = Value::Text(reader.string()?);
                match reader.takes(":") {
                    true => Ok((key, reader.value(depth + 1)?)),
                    false => Err(reader.not("\":\"")),
                }
            })?),
            _ => match WORDS.iter().find(|(word, _)| self.takes(word)) {
                Some((_, value)) => Ok(value.clone()),
                None => self.number(),
            },
        }
    }

    fn items<T>(
        &mut self,
        open: char,
        close: char,
        mut item: impl FnMut(&mut Self) -> Result<T>,
    ) -> Result<Vec<T>> {
        let close = close.to_string();
        let mut items = Vec::new();
        self.at += open.len_utf8();
        if self.takes(&close) {
            return Ok(items);
        }
        loop {
            items.push(item(self)?);
            if self.takes(&close) {
                return Ok(items);
            }
            if !self.takes(",") {
                return Err(self.not(&format!("\",\" or {close:?}")));
            }
        }
    }

    fn number(&mut self) -> Result<Value> {
        let rest = self.rest();
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let mut length = usize::from(rest.starts_with('-'));
        let whole = digits(&rest[length..]);
        if whole == 0 || (whole > 1 && rest[length..].starts_with('0')) {
            return Err(self.not("a value"));
        }
        length += whole;
        let mut is_whole = true;
        for (marks, signed) in [(&['.'][..], false), (&['e', 'E'][..], true)] {
            let Some(after) = rest[length..].strip_prefix(marks) else {
                continue;
            };
            let sign = usize::from(signed && after.starts_with(['+', '-']));
            match digits(&after[sign..]) {
                0 => return Err(self.not("a number")),
                more => length += 1 + sign + more,
            }
            is_whole = false;
        }
        let written = &rest[..length];
        let value = match is_whole {
            true => written.parse::<BigInt>().ok().map(Value::Int),
            false => written.parse().ok().map(Value::Float),
        };
        let value = value.ok_or_else(|| self.not("a number"))?;
        self.at += length;
        Ok(value)
    }

    fn string(&mut self) -> Result<String> {
        let mut text = String::new();
        self.at += 1;
        loop {
            let Some(next) = self.rest().chars().next() else {
                return Err(self.not("the end of a string"));
            };
            self.at += next.len_utf8();
            match next {
                '"' => return Ok(text),
                '\\' => text.push(self.escaped()?),
                '\0'..' ' => {
                    return Err(self.not("no control character in a string"));
                }
                _ => text.push(next),
            }
        }
    }

    fn escaped(&mut self) -> Result<char> {
        let Some(letter) = self.rest().chars().next() else {
            return Err(self.not("the end of a string"));
        };
        self.at += letter.len_utf8();
        Ok(match letter {
            '"' | '\\' | '/' => letter,
            'b' => '\x08',
            'f' => '\x0c',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let mut code = self.hexadecimal()?;
                // A character beyond 16 bits is two escapes.
                if (0xd800..0xdc00).contains(&code) && self.rest().starts_with("\\u") {
                    self.at += 2;
                    let low = self.hexadecimal()?;
                    code = match low {
                        0xdc00..0xe000 => 0x1_0000 + ((code - 0xd800) << 10) + (low - 0xdc00),
                        _ => code,
                    };
                }
                return char::from_u32(code).ok_or_else(|| self.not("an escape of a character"));
            }
            _ => return Err(self.not("an escape")),
        })
    }

    fn hexadecimal(&mut self) -> Result<u32> {
        let digits = self.rest().get(..4).unwrap_or_default();
        match u32::from_str_radix(digits, 16) {
            Ok(code) if !digits.starts_with('+') => {
                self.at += 4;
                Ok(code)
            }
            _ => Err(self.not("four hexadecimal digits")),
        }
    }
}
