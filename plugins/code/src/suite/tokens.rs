//! The tokens of Python source, as far as tests need them. Lines end with `\n`: Python takes the
//! other ends of lines for it, in strings, too.
//!
//! Statements end at the end of a line unless a bracket is open. Indentation is no token:
//! the tests that can be read are a flat list of statements, and what is not is refused by
//! its first word.

use farthing_sdk::prelude::{Result, bail};

/// One token.
#[derive(Clone, Debug, PartialEq)]
pub enum Token<'a> {
    Name(&'a str),
    /// As it is written: `1_000`, `0x1f`, `2.5e3`, `3j`.
    Number(&'a str),
    Text(String),
    Bytes(Vec<u8>),
    /// An operator or a bracket, the longest that fits.
    Sign(&'a str),
    /// The end of a statement.
    End,
}

/// A token and the line on which it starts, from 1.
#[derive(Clone, Debug)]
pub struct Placed<'a> {
    pub token: Token<'a>,
    pub line: usize,
}

/// Longer signs first.
const SIGNS: [&str; 41] = [
    "**=", "//=", ">>=", "<<=", "...", "==", "!=", "<=", ">=", "->", "**", "//", "<<", ">>", ":=",
    "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "(", ")", "[", "]", "{", "}", ",", ":", ".",
    "=", "<", ">", "+", "-", "*", "/", "%", ";",
];

/// Splits source text.
///
/// # Errors
/// When a string is not closed, or a character is none of Python's, or of a kind that no test
/// needs.
pub fn tokens(source: &str) -> Result<Vec<Placed<'_>>> {
    let mut lexer = Lexer {
        source,
        at: 0,
        line: 1,
        open: 0,
        found: Vec::new(),
    };
    while lexer.at < source.len() {
        lexer.step()?;
    }
    lexer.push(Token::End);
    Ok(lexer.found)
}

struct Lexer<'a> {
    source: &'a str,
    at: usize,
    line: usize,
    /// Brackets that are open.
    open: usize,
    found: Vec<Placed<'a>>,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.source[self.at..]
    }

    fn push(&mut self, token: Token<'a>) {
        let line = self.line;
        self.found.push(Placed { token, line });
    }

    fn step(&mut self) -> Result<()> {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else {
            return Ok(());
        };
        match first {
            '\n' => {
                if self.open == 0 {
                    self.push(Token::End);
                }
                self.line += 1;
                self.at += 1;
            }
            '\\' if rest[1..].starts_with('\n') => {
                self.line += 1;
                self.at += 2;
            }
            '#' => self.at += rest.find('\n').unwrap_or(rest.len()),
            _ if first.is_whitespace() => self.at += first.len_utf8(),
            '0'..='9' => self.number(),
            '.' if rest[1..].starts_with(|c: char| c.is_ascii_digit()) => self.number(),
            '"' | '\'' => self.string("")?,
            _ if first.is_alphabetic() || first == '_' => self.name()?,
            _ => self.sign()?,
        }
        Ok(())
    }

    fn taken(&mut self, length: usize) -> &'a str {
        let taken = &self.rest()[..length];
        self.at += length;
        taken
    }

    fn number(&mut self) {
        let bytes = self.rest().as_bytes();
        let is_hexadecimal = matches!(bytes, [b'0', b'x' | b'X', ..]);
        let mut length = 1;
        while let Some(&byte) = bytes.get(length) {
            let signed_exponent = matches!(byte, b'+' | b'-')
                && matches!(bytes[length - 1], b'e' | b'E')
                && !is_hexadecimal;
            if !byte.is_ascii_alphanumeric() && !matches!(byte, b'.' | b'_') && !signed_exponent {
                break;
            }
            length += 1;
        }
        let number = self.taken(length);
        self.push(Token::Number(number));
    }

    fn name(&mut self) -> Result<()> {
        let rest = self.rest();
        let is_part = |c: char| c.is_alphanumeric() || c == '_';
        let length = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        let is_prefix = length <= 2 && rest[length..].starts_with(['"', '\'']);
        let name = self.taken(length);
        match is_prefix {
            true => self.string(name),
            false => {
                self.push(Token::Name(name));
                Ok(())
            }
        }
    }

    fn sign(&mut self) -> Result<()> {
        let rest = self.rest();
        let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) else {
            let shown: String = rest.chars().take(1).collect();
            bail!("line {}: {shown:?} is not read in tests", self.line);
        };
        match *sign {
            "(" | "[" | "{" => self.open += 1,
            ")" | "]" | "}" => self.open = self.open.saturating_sub(1),
            _ => {}
        }
        let sign = self.taken(sign.len());
        self.push(if sign == ";" && self.open == 0 {
            Token::End
        } else {
            Token::Sign(sign)
        });
        Ok(())
    }

    fn string(&mut self, prefix: &str) -> Result<()> {
        let line = self.line;
        let (mut raw, mut bytes) = (false, false);
        for letter in prefix.chars() {
            match letter {
                'r' | 'R' => raw = true,
                'b' | 'B' => bytes = true,
                'u' | 'U' => {}
                _ => bail!("line {line}: a string with the prefix {prefix:?} is not read in tests"),
            }
        }
        let rest = self.rest();
        let quote = &rest[..1];
        let triple = rest.starts_with(&quote.repeat(3));
        let mark = if triple {
            quote.repeat(3)
        } else {
            quote.into()
        };
        self.at += mark.len();
        let mut text = String::new();
        loop {
            let rest = self.rest();
            if rest.starts_with(&mark) {
                self.at += mark.len();
                break;
            }
            match rest.chars().next() {
                Option::None => bail!("line {line}: a string is not closed"),
                Some('\n') if !triple => bail!("line {line}: a string is not closed"),
                Some('\\') if raw => {
                    // Even in a raw string, a backslash keeps a quote from closing it.
                    let length = 1 + rest[1..].chars().next().map_or(0, char::len_utf8);
                    text.push_str(self.taken(length));
                }
                Some('\\') => self.escape(bytes, &mut text)?,
                Some(c) if bytes && !c.is_ascii() => {
                    bail!("line {line}: a bytes literal has a character beyond ASCII")
                }
                Some(c) => {
                    self.line += usize::from(c == '\n');
                    self.at += c.len_utf8();
                    text.push(c);
                }
            }
        }
        let token = match bytes {
            // The characters of the text stand for bytes.
            true => match text.chars().map(|c| u8::try_from(u32::from(c))).collect() {
                Ok(bytes) => Token::Bytes(bytes),
                Err(_) => bail!("line {line}: a bytes literal has a character beyond one byte"),
            },
            false => Token::Text(text),
        };
        self.found.push(Placed { token, line });
        Ok(())
    }

    fn escape(&mut self, bytes: bool, text: &mut String) -> Result<()> {
        let rest = &self.rest()[1..];
        let Some(letter) = rest.chars().next() else {
            bail!("line {}: a string is not closed", self.line);
        };
        self.at += 1 + letter.len_utf8();
        let digits = match letter {
            '\n' => {
                self.line += 1;
                return Ok(());
            }
            'n' => return push(text, '\n'),
            't' => return push(text, '\t'),
            'r' => return push(text, '\r'),
            'a' => return push(text, '\x07'),
            'b' => return push(text, '\x08'),
            'f' => return push(text, '\x0c'),
            'v' => return push(text, '\x0b'),
            '\\' | '\'' | '"' => return push(text, letter),
            '0'..='7' => {
                let more = self.rest().bytes().take(2);
                let more = more.take_while(|byte| matches!(byte, b'0'..=b'7')).count();
                self.at += more;
                let digits = &self.source[self.at - more - 1..self.at];
                return self.character(u32::from_str_radix(digits, 8).ok(), text);
            }
            'x' => 2,
            'u' if !bytes => 4,
            'U' if !bytes => 8,
            'N' if !bytes => bail!("line {}: \\N{{..}} is not read in tests", self.line),
            // Python keeps what it does not know.
            _ => {
                text.push('\\');
                return push(text, letter);
            }
        };
        let code = self.hexadecimal(digits);
        self.character(code, text)
    }

    fn hexadecimal(&mut self, digits: usize) -> Option<u32> {
        let written = self.rest().get(..digits)?;
        let code = u32::from_str_radix(written, 16).ok()?;
        self.at += digits;
        (!written.starts_with('+')).then_some(code)
    }

    /// Half a character, an escape of 16 bits that needs another, is one in Python and no text.
    fn character(&self, code: Option<u32>, text: &mut String) -> Result<()> {
        match code.and_then(char::from_u32) {
            Some(character) => push(text, character),
            Option::None => bail!("line {}: an escape stands for no character", self.line),
        }
    }
}

fn push(text: &mut String, character: char) -> Result<()> {
    text.push(character);
    Ok(())
}
