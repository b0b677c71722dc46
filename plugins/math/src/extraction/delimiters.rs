//! The marks around mathematics in running text: `$..$`, `$$..$$`, `\(..\)`, `\[..\]`.
//!
//! A dollar sign is also money. As in Markdown, one opens mathematics only if no white space
//! follows it, and closes it only if none comes before it and no digit after, so that
//! "between $5 and $6" has none.

use std::borrow::Cow;

use super::{
    MOST_ANSWERS, Search, boxes,
    joined::{Span, joined},
    unmarked::is_claimed,
};

/// The formulas of the last paragraph, those that a conjunction joins as one, if it claims the
/// last of them.
pub fn search(text: &str) -> Search<'_> {
    let spans = formulas(text);
    if !spans
        .last()
        .is_some_and(|last| is_claimed(text, last.outer.clone()))
    {
        return Search::Absent;
    }
    let from = spans.len().saturating_sub(MOST_ANSWERS);
    let mut answers = joined(text, &spans[from..]);
    answers.retain(|answer| !answer.is_empty());
    Search::of(answers)
}

/// The formulas of a text in its order, none inside another.
pub fn formulas(text: &str) -> Vec<Span> {
    let bytes = text.as_bytes();
    let mut spans = Vec::new();
    let mut at = 0;
    // A closing mark that is nowhere ahead is not looked for again.
    let mut missing: Vec<&str> = Vec::new();
    while let Some(offset) = memchr::memchr2(b'$', b'\\', &bytes[at..]) {
        let start = at + offset;
        let rest = &text[start..];
        let (open, close) = match rest.as_bytes() {
            [b'$', b'$', ..] => ("$$", "$$"),
            [b'$', ..] => ("$", "$"),
            [b'\\', b'(', ..] => ("\\(", "\\)"),
            [b'\\', b'[', ..] => ("\\[", "\\]"),
            // An escaped dollar sign is money, an escaped backslash escapes nothing more.
            [b'\\', b'$' | b'\\', ..] => {
                at = start + 2;
                continue;
            }
            _ => {
                at = start + 1;
                continue;
            }
        };
        let content = start + open.len();
        let end = match missing.contains(&close) {
            true => None,
            false => closing(text, content, close),
        };
        match end {
            Some(end) => {
                at = end + close.len();
                spans.push(Span::new(start..at, content..end));
            }
            None => {
                // A single dollar may be refused for what stands beside it; others may pair.
                if close != "$" {
                    missing.push(close);
                }
                at = content;
            }
        }
    }
    spans
}

/// Where the formula that begins at `content` ends.
fn closing(text: &str, content: usize, close: &str) -> Option<usize> {
    if close != "$" {
        return memchr::memmem::find(&text.as_bytes()[content..], close.as_bytes())
            .map(|length| content + length);
    }
    if text[content..].chars().next()?.is_whitespace() {
        return None;
    }
    let bytes = text.as_bytes();
    // The nearest dollar sign that is not escaped decides: looking further would pair signs of
    // money across the text, and take quadratic time.
    let mut at = content;
    loop {
        let end = at + memchr::memchr(b'$', &bytes[at..])?;
        if bytes[end - 1] == b'\\' {
            at = end + 1;
            continue;
        }
        let spaced = text[..end].ends_with(char::is_whitespace);
        let digit_follows = bytes.get(end + 1).is_some_and(u8::is_ascii_digit);
        return (end > content && !spaced && !digit_follows).then_some(end);
    }
}

/// The text with the marks of its formulas taken away.
pub fn without_delimiters(text: &str) -> Cow<'_, str> {
    let spans = formulas(text);
    if spans.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut bare = String::with_capacity(text.len());
    let mut at = 0;
    for span in spans {
        bare += &text[at..span.outer.start];
        bare += &text[span.inner];
        at = span.outer.end;
    }
    bare += &text[at..];
    Cow::Owned(bare)
}

/// The text without what merely surrounds it: white space, marks of a formula, of bold, and of
/// boxes around the whole, and the full stop of a sentence.
pub fn unwrapped(text: &str) -> &str {
    // Nobody wraps an answer more often, and each time round looks at the whole of it.
    const LAYERS: usize = 8;
    let mut text = text.trim();
    for _ in 0..LAYERS {
        let before = text.len();
        for (open, close) in [
            ("\\[", "\\]"),
            ("\\(", "\\)"),
            ("$$", "$$"),
            ("$", "$"),
            ("**", "**"),
        ] {
            let inner = text
                .strip_prefix(open)
                .and_then(|inner| inner.strip_suffix(close))
                // `$1$ or $2$` begins and ends with a mark, and not with a pair.
                .filter(|inner| !inner.contains(close) && !inner.ends_with('\\'));
            text = inner.unwrap_or(text).trim();
        }
        text = boxes::content_of_whole(text).unwrap_or(text).trim();
        text = without_full_stop(text).trim();
        if text.len() == before {
            break;
        }
    }
    text
}

/// The text without the full stop of its sentence; "p.m." and an ellipsis have none.
fn without_full_stop(text: &str) -> &str {
    let Some(sentence) = text.strip_suffix('.') else {
        return text;
    };
    let word = sentence
        .rsplit(char::is_whitespace)
        .next()
        .unwrap_or(sentence);
    match word.chars().next_back() {
        None | Some('.') => text,
        Some(last) if last.is_alphabetic() && word.contains('.') => text,
        Some(_) => sentence,
    }
}
