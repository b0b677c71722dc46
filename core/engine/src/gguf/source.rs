//! The bytes of a header, and the values in them, within bounds.
//!
//! Every count and length is compared with the bytes that are left before anything is reserved for it.

use std::fs::File;
use std::io::{BufReader, Read};

use super::value::Value;

/// The metadata of the largest published vocabularies has about 20 MB.
const LARGEST_HEADER: u64 = 256 << 20;
/// Lists of lists occur in no key that is read; a chain of them must not exhaust the stack.
const DEEPEST_LIST: usize = 4;

type Checked<T> = std::result::Result<T, String>;

/// The file's beginning, with the number of bytes that may still be read.
pub(super) struct Source {
    reader: BufReader<File>,
    pub position: u64,
    /// Where the header must end at the latest.
    end: u64,
    pub length: u64,
}

impl Source {
    /// `length`: that of the whole file.
    pub fn new(file: File, length: u64) -> Self {
        Self {
            reader: BufReader::with_capacity(1 << 16, file),
            position: 0,
            end: length.min(LARGEST_HEADER),
            length,
        }
    }

    fn take(&mut self, buffer: &mut [u8], what: &str) -> Checked<()> {
        let wanted = buffer.len() as u64;
        if wanted > self.end - self.position {
            return Err(self.beyond(what));
        }
        self.reader
            .read_exact(buffer)
            .map_err(|error| format!("{what} cannot be read: {error}"))?;
        self.position += wanted;
        Ok(())
    }

    fn beyond(&self, what: &str) -> String {
        match self.end < self.length {
            true => format!(
                "the header goes on beyond {LARGEST_HEADER} bytes, at {what}; no model's does"
            ),
            false => format!("the file ends at byte {} inside {what}", self.length),
        }
    }

    pub fn array<const N: usize>(&mut self, what: &str) -> Checked<[u8; N]> {
        let mut bytes = [0; N];
        self.take(&mut bytes, what)?;
        Ok(bytes)
    }

    pub fn u32(&mut self, what: &str) -> Checked<u32> {
        Ok(u32::from_le_bytes(self.array(what)?))
    }

    pub fn u64(&mut self, what: &str) -> Checked<u64> {
        Ok(u64::from_le_bytes(self.array(what)?))
    }

    /// A text with its length before it; the inner error is for bytes that are not UTF-8.
    pub fn text(&mut self, what: impl Fn() -> String) -> Checked<Checked<String>> {
        let length = self.u64("a text's length")?;
        if length > self.end - self.position {
            return Err(format!(
                "{} is said to have {length} bytes, but {} are left",
                what(),
                self.end - self.position
            ));
        }
        let mut bytes = vec![0; length as usize];
        self.take(&mut bytes, "a text")?;
        Ok(String::from_utf8(bytes).map_err(|_| format!("{} is not UTF-8", what())))
    }

    pub fn check_count(&self, count: u64, smallest: u64, what: &str) -> Checked<()> {
        let left = self.end - self.position;
        if count > left / smallest {
            return Err(format!(
                "{what}: the count is {count}, but only {left} bytes are left"
            ));
        }
        Ok(())
    }
}

/// A value of the type `kind`; `depth` counts the lists around it.
pub(super) fn read_value(
    source: &mut Source,
    key: &str,
    kind: u32,
    depth: usize,
) -> Checked<Value> {
    Ok(match kind {
        0 => Value::Unsigned(source.array::<1>(key)?[0].into()),
        1 => Value::Signed(i8::from_le_bytes(source.array(key)?).into()),
        2 => Value::Unsigned(u16::from_le_bytes(source.array(key)?).into()),
        3 => Value::Signed(i16::from_le_bytes(source.array(key)?).into()),
        4 => Value::Unsigned(source.u32(key)?.into()),
        5 => Value::Signed(i32::from_le_bytes(source.array(key)?).into()),
        6 => Value::Float(widened(f32::from_le_bytes(source.array(key)?))),
        7 => match source.array(key)? {
            [0] => Value::Bool(false),
            [1] => Value::Bool(true),
            [other] => {
                return Err(format!(
                    "{key}: expected 0 or 1 for a truth value, found {other}"
                ));
            }
        },
        8 => match source.text(|| key.to_owned())? {
            Ok(text) => Value::Text(text),
            Err(_) => Value::Other("a text that is not UTF-8"),
        },
        9 => read_list(source, key, depth)?,
        10 => Value::Unsigned(source.u64(key)?),
        11 => Value::Signed(i64::from_le_bytes(source.array(key)?)),
        12 => Value::Float(f64::from_le_bytes(source.array(key)?)),
        other => return Err(format!("{key}: unknown type of value {other}")),
    })
}

fn read_list(source: &mut Source, key: &str, depth: usize) -> Checked<Value> {
    let kind = source.u32(key)?;
    let count = source.u64(key)?;
    let smallest = match kind {
        0 | 1 | 7 => 1,
        2 | 3 => 2,
        4..=6 => 4,
        8 | 10..=12 => 8,
        9 => 12,
        other => return Err(format!("{key}: unknown type of list entries {other}")),
    };
    source.check_count(count, smallest, key)?;
    if depth >= DEEPEST_LIST {
        return Err(format!(
            "{key}: lists inside lists, deeper than {DEEPEST_LIST}"
        ));
    }
    // The count has been compared with the bytes that are left, so this reserves at most a few times the file.
    let capacity = count as usize;
    match kind {
        8 => {
            let mut texts = Vec::with_capacity(capacity);
            let mut valid = true;
            for index in 0..count {
                match source.text(|| format!("{key}[{index}]"))? {
                    Ok(text) => texts.push(text),
                    Err(_) => valid = false,
                }
            }
            Ok(match valid {
                true => Value::Texts(texts),
                false => Value::Other("a list with texts that are not UTF-8"),
            })
        }
        6 | 12 => {
            let mut numbers = Vec::with_capacity(capacity);
            for _ in 0..count {
                match read_value(source, key, kind, depth)? {
                    Value::Float(number) => numbers.push(number as f32),
                    _ => unreachable!("types 6 and 12 are floating-point numbers"),
                }
            }
            Ok(Value::Floats(numbers))
        }
        9 => {
            for _ in 0..count {
                read_list(source, key, depth + 1)?;
            }
            Ok(Value::Other("a list of lists"))
        }
        _ => {
            let mut numbers = Vec::with_capacity(capacity);
            let mut fits = true;
            for _ in 0..count {
                match read_value(source, key, kind, depth)? {
                    Value::Signed(number) => numbers.push(number),
                    Value::Bool(flag) => numbers.push(flag.into()),
                    Value::Unsigned(number) => match i64::try_from(number) {
                        Ok(number) => numbers.push(number),
                        Err(_) => fits = false,
                    },
                    _ => unreachable!("the other types are whole numbers"),
                }
            }
            Ok(match fits {
                true => Value::Integers(numbers),
                false => Value::Other("a list with integers beyond 63 bits"),
            })
        }
    }
}

/// The shortest decimal that stands for the number in 32 bits: 1e-5 stays 1e-5, and is not 9.99999974e-6.
fn widened(number: f32) -> f64 {
    number.to_string().parse().unwrap_or(f64::from(number))
}
