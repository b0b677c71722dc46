//! When what a program printed is what was expected.
//!
//! | checker | what must be the same |
//! |---|---|
//! | `exact` | every line, but for white space at the end of lines and empty lines at the end; `\r\n` is `\n` |
//! | `tokens` | the words, however they are spaced and broken into lines |
//! | `unordered` | the lines that are not empty, as for `exact`, in any order, each as often |
//! | `{ relative, absolute }` | the words; where a number with a point or an exponent was expected, one that is close enough |
//!
//! Whole numbers are compared as text even under a tolerance: with a relative tolerance of
//! one in a million, 1000000007 would otherwise be "equal" to 1000000008.

use farthing_sdk::prelude::config;

use crate::value::Tolerance;

/// How answers are compared.
#[config]
#[derive(Clone, Copy, Debug, PartialEq)]
#[serde(
    untagged,
    expecting = "expected \"exact\", \"tokens\", \"unordered\", or { relative = .., absolute = .. }, one or \
                 both, relative from 0 to below 1, absolute at least 0"
)]
pub enum Checker {
    Named(Named),
    Close(Tolerance),
}

/// Checkers without settings.
#[config]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Named {
    Exact,
    Tokens,
    Unordered,
}

impl Default for Checker {
    fn default() -> Self {
        Self::Named(Named::Exact)
    }
}

impl Checker {
    /// The tolerance for floats that a function returns.
    pub fn tolerance(self) -> Option<Tolerance> {
        match self {
            Self::Close(tolerance) => Some(tolerance),
            Self::Named(_) => None,
        }
    }

    /// Whether `printed` is accepted.
    pub fn accepts(self, expected: &[u8], printed: &[u8]) -> bool {
        match self {
            Self::Named(Named::Exact) => lines(expected) == lines(printed),
            Self::Named(Named::Tokens) => words(expected).eq(words(printed)),
            Self::Named(Named::Unordered) => {
                // An empty line at the end would not count, and the end is anywhere.
                let sorted = |text| {
                    let mut lines = lines(text);
                    lines.retain(|line| !line.is_empty());
                    lines.sort_unstable();
                    lines
                };
                sorted(expected) == sorted(printed)
            }
            Self::Close(tolerance) => {
                let mut printed = words(printed);
                words(expected).all(|expected| {
                    printed
                        .next()
                        .is_some_and(|printed| close(expected, printed, tolerance))
                }) && printed.next().is_none()
            }
        }
    }
}

/// Without white space at the ends of lines, and without the empty lines at the end.
fn lines(text: &[u8]) -> Vec<&[u8]> {
    let mut lines: Vec<&[u8]> = text
        .split(|&byte| byte == b'\n')
        .map(<[u8]>::trim_ascii_end)
        .collect();
    while lines.last().is_some_and(|line| line.is_empty()) {
        lines.pop();
    }
    lines
}

fn words(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty())
}

fn close(expected: &[u8], printed: &[u8], tolerance: Tolerance) -> bool {
    if expected == printed {
        return true;
    }
    let is_inexact = |word: &[u8]| word.iter().any(|byte| matches!(byte, b'.' | b'e' | b'E'));
    match (number(expected), number(printed)) {
        (Some(expected_number), Some(printed)) if is_inexact(expected) => {
            // Numbers that no float holds are all infinite here, and compared as text above.
            let are_finite = expected_number.is_finite() && printed.is_finite();
            are_finite && tolerance.accepts(expected_number, printed)
        }
        _ => false,
    }
}

/// A number in decimal notation. Rust would also read "inf", "infinity" and "nan", which are
/// words.
fn number(word: &[u8]) -> Option<f64> {
    let plain = |byte: &u8| byte.is_ascii_digit() || b"+-.eE".contains(byte);
    let text = std::str::from_utf8(word).ok()?;
    word.iter().all(plain).then(|| text.parse().ok())?
}

#[cfg(test)]
#[path = "checker_tests.rs"]
mod tests;
