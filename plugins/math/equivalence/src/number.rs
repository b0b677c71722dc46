//! Numbers as people write them: with separators, decimals that repeat, exponents and bases.

use dashu_int::{IBig, UBig};
use dashu_ratio::RBig;

use crate::token::Literal;

/// Largest exponent of `1e99`; beyond it the number would be longer than any answer.
const MOST_EXPONENT: i64 = 4000;

/// What decides whether a comma belongs to the number.
#[derive(Clone, Copy)]
pub struct Surroundings {
    /// Inside a bracket whose elements are separated by commas without spaces.
    pub tight_commas_separate: bool,
    /// `3,14` is a decimal.
    pub decimal_comma: bool,
}

pub struct Read {
    pub value: RBig,
    pub literal: Literal,
    /// Bytes that it took.
    pub length: usize,
}

/// Reads the number at the start of `text`, which begins with a digit or with a point and a
/// digit.
pub fn read(text: &str, surroundings: Surroundings) -> Result<Read, String> {
    if let Some((value, length)) = based(text) {
        return Ok(Read {
            value,
            literal: Literal::Based,
            length,
        });
    }
    let (mut digits, mut at) = whole(text, surroundings);
    let mut literal = Literal::Whole;
    let mut decimals = 0;
    let point = text[at..].starts_with('.')
        || (surroundings.decimal_comma
            && !surroundings.tight_commas_separate
            && text[at..].starts_with(',')
            && digit_at(text, at + 1));
    // In `5..` and `1...` the points are no decimal points.
    if point && !text[at + 1..].starts_with('.') {
        let before = digits.len();
        let end = digits_end(text, at + 1);
        digits.push_str(&text[at + 1..end]);
        decimals = digits.len() - before;
        if decimals > 0 || !at_word(text, end) {
            at = end;
        }
        if decimals > 0 {
            literal = Literal::Decimal;
            at += grouped_decimals(text, at, &mut digits, &mut decimals);
        }
        let below_one = digits[..before].bytes().all(|digit| digit == b'0');
        if let Some((period, length)) = continued(&digits[before..], &text[at..], below_one) {
            let repeating = digits[digits.len() - period..].to_owned();
            let value = with_repeating(&digits, decimals, &repeating);
            return Ok(Read {
                value,
                literal: Literal::Decimal,
                length: at + length,
            });
        }
        if let Some((repeating, length)) = repeating(&text[at..]) {
            let value = with_repeating(&digits, decimals, repeating);
            return Ok(Read {
                value,
                literal: Literal::Decimal,
                length: at + length,
            });
        }
    }
    let mut value = parts(&digits, decimals);
    if let Some((exponent, length)) = exponent(&text[at..]) {
        if exponent.abs() > MOST_EXPONENT {
            return Err(format!("the exponent {exponent} is beyond {MOST_EXPONENT}"));
        }
        let power = RBig::from(IBig::from(
            UBig::from(10_u8).pow(exponent.unsigned_abs() as usize),
        ));
        value = if exponent < 0 {
            value / power
        } else {
            value * power
        };
        literal = Literal::Decimal;
        at += length;
    }
    Ok(Read {
        value,
        literal,
        length: at,
    })
}

/// Digits before the point without their separators, and where they end. Separators count
/// only as a whole: groups of exactly three digits behind one to three.
fn whole(text: &str, surroundings: Surroundings) -> (String, usize) {
    let first = digits_end(text, 0);
    let mut digits = text[..first].to_owned();
    let mut at = first;
    if (1..=3).contains(&first) && !text.starts_with('0') {
        let mut grouped = digits.clone();
        while let Some(length) = separator(&text[at..], surroundings) {
            let group = at + length;
            if digits_end(text, group) != group + 3 {
                // `12,345,6` is a list.
                if text[at..].starts_with(',') && digit_at(text, at + 1) {
                    return (digits, first);
                }
                break;
            }
            grouped.push_str(&text[group..group + 3]);
            at = group + 3;
        }
        // `2 100/3` is a number and a fraction.
        if at > first && !(text.as_bytes()[first] == b' ' && text[at..].starts_with('/')) {
            digits = grouped;
        } else {
            at = first;
        }
    }
    (digits, at)
}

/// The bytes of a separator of thousands with a digit behind it.
fn separator(text: &str, surroundings: Surroundings) -> Option<usize> {
    const UNMISTAKABLE: [&str; 8] = [
        "{,}", ",\\!", "\\,", "{\\,}", "\\ ", "\u{2009}", "\u{202f}", "\u{a0}",
    ];
    let found = UNMISTAKABLE
        .iter()
        .find(|separator| text.starts_with(**separator))
        .map(|separator| separator.len())
        .or_else(|| {
            // No element of a list is written `000`, so such a group ends a number anywhere.
            let separates = surroundings.tight_commas_separate && !text.starts_with(",0");
            let comma = text.starts_with(',') && !separates && !surroundings.decimal_comma;
            (comma || text.starts_with(' ')).then_some(1)
        })?;
    digit_at(text, found).then_some(found)
}

/// `0.123\,456`: groups behind the point. The bytes that they took.
fn grouped_decimals(text: &str, at: usize, digits: &mut String, decimals: &mut usize) -> usize {
    let mut end = at;
    while let Some(rest) = text[end..].strip_prefix("\\,") {
        let length = digits_end(rest, 0);
        if !decimals.is_multiple_of(3) || length == 0 || length > 3 {
            break;
        }
        digits.push_str(&rest[..length]);
        *decimals += length;
        end += 2 + length;
    }
    end - at
}

/// `\overline{36}`, `\bar{3}`, `\dot{3}` or `(36)` behind a decimal point.
fn repeating(text: &str) -> Option<(&str, usize)> {
    let (open, close) = ["\\overline{", "\\bar{", "\\dot{", "("]
        .iter()
        .find(|open| text.starts_with(**open))
        .map(|open| (open.len(), if *open == "(" { ')' } else { '}' }))
        .or_else(|| {
            let command = ["\\overline ", "\\bar ", "\\overline", "\\bar"];
            let open = command.iter().find(|open| text.starts_with(**open))?;
            Some((open.len(), ' '))
        })?;
    if close == ' ' {
        let digit = digit_at(text, open).then_some(open)?;
        return Some((&text[digit..=digit], digit + 1));
    }
    let end = digits_end(text, open);
    let closed = end > open && text[end..].starts_with(close);
    closed.then(|| (&text[open..end], end + 1))
}

/// How many of the last decimals repeat in `0.1666...`, and the bytes of the dots.
///
/// The digits of the number e begin 2.718281828, so two turns show a period only where it begins
/// at the point; three show it anywhere. Zeros and nines are no period: `2.000...` and `1.999...` may be
/// numbers near 2 that were cut short. `0.999...` is the one that is written to mean 1.
fn continued(decimals: &str, behind: &str, below_one: bool) -> Option<(usize, usize)> {
    const DOTS: [&str; 6] = ["...", "\\ldots", "\\dots", "\\cdots", "…", "⋯"];
    let dots = DOTS.iter().find(|dots| behind.starts_with(**dots))?.len();
    let end = &behind[dots..];
    if end.starts_with(|next: char| next.is_ascii_alphanumeric() || next == '.') {
        return None;
    }
    let decimals = decimals.as_bytes();
    let turns = |period: usize| {
        let mut turns = decimals.rchunks_exact(period);
        let last = turns.next().unwrap_or_default();
        1 + turns.take_while(|turn| *turn == last).count()
    };
    let period = (1..=decimals.len() / 2).find(|&period| {
        let turns = turns(period);
        turns >= 3 || (turns == 2 && period > 1 && decimals.len() == 2 * period)
    })?;
    let turn = &decimals[decimals.len() - period..];
    let all_nines = below_one && turn == b"9" && decimals.iter().all(|digit| *digit == b'9');
    (all_nines || (turn != b"0" && turn != b"9")).then_some((period, dots))
}

fn with_repeating(digits: &str, decimals: usize, repeating: &str) -> RBig {
    let nines = UBig::from(10_u8).pow(repeating.len()) - UBig::ONE;
    let tail = RBig::from_parts(integer(repeating), nines);
    let shift = RBig::from(IBig::from(UBig::from(10_u8).pow(decimals)));
    parts(digits, decimals) + tail / shift
}

fn parts(digits: &str, decimals: usize) -> RBig {
    if decimals == 0 {
        return RBig::from(integer(digits));
    }
    RBig::from_parts(integer(digits), UBig::from(10_u8).pow(decimals))
}

fn integer(digits: &str) -> IBig {
    // Up to eighteen digits fit a machine word.
    match digits.parse::<u64>() {
        Ok(small) if digits.len() < 19 => IBig::from(small),
        _ => IBig::from_str_radix(digits, 10).unwrap_or(IBig::ZERO),
    }
}

/// `e-3`, with the bytes that it took.
fn exponent(text: &str) -> Option<(i64, usize)> {
    if !text.starts_with(['e', 'E']) {
        return None;
    }
    let sign = usize::from(text[1..].starts_with(['+', '-']));
    let end = digits_end(text, 1 + sign);
    if end == 1 + sign || at_word(text, end) {
        return None;
    }
    let magnitude: i64 = text[1 + sign..end].parse().unwrap_or(i64::MAX / 2);
    let negative = text[1..].starts_with('-');
    Some((if negative { -magnitude } else { magnitude }, end))
}

/// `101_2`, `1A_{16}`: the value, and the bytes that it took.
pub fn based(text: &str) -> Option<(RBig, usize)> {
    let end = text.find(|character: char| !character.is_ascii_alphanumeric())?;
    let (value, length) = in_base(&text[..end], &text[end..])?;
    Some((value, end + length))
}

/// Digits and the base behind them, with the bytes that the base took.
pub fn in_base(digits: &str, behind: &str) -> Option<(RBig, usize)> {
    let behind = behind.strip_prefix('_')?;
    let looks = digits.len() > 1 || digits.starts_with(|first: char| first.is_ascii_digit());
    let lower = digits.contains(|c: char| c.is_ascii_lowercase());
    // `x1_2` is the name of a variable.
    if !looks || lower || digits.len() > 400 {
        return None;
    }
    let only = digits.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let (base, length) = base(behind).filter(|_| only)?;
    let value = IBig::from_str_radix(digits, base).ok()?;
    Some((RBig::from(value), 1 + length))
}

fn base(text: &str) -> Option<(u32, usize)> {
    const WORDS: [&str; 11] = [
        "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    ];
    let (inside, wrapping) = match text.strip_prefix('{') {
        Some(rest) if rest.starts_with("\\text{") => (rest.split_once("}}")?.0, 3),
        Some(rest) => (rest.split_once('}')?.0, 2),
        None => (&text[..digits_end(text, 0)], 0),
    };
    let length = inside.len() + wrapping;
    let inside = inside.trim();
    let word = inside
        .strip_prefix("\\text{")
        .map_or(inside, |word| word.trim());
    let base = WORDS
        .iter()
        .position(|name| *name == word)
        .map(|place| place as u32 + 2)
        .or_else(|| inside.parse().ok())?;
    (2..=36).contains(&base).then_some((base, length))
}

fn digit_at(text: &str, at: usize) -> bool {
    text.as_bytes().get(at).is_some_and(u8::is_ascii_digit)
}

fn digits_end(text: &str, at: usize) -> usize {
    let digits = text.as_bytes()[at..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit());
    at + digits.count()
}

fn at_word(text: &str, at: usize) -> bool {
    text.as_bytes().get(at).is_some_and(u8::is_ascii_alphabetic)
}
