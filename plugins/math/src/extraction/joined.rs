//! Answers that stand side by side and are meant as one: "`$2$` or `$3$`".
//!
//! Taken one by one, the last of them would count, and a model that writes every choice it
//! can think of would be paid whenever the right one comes last.

use std::{borrow::Cow, ops::Range};

/// A marked piece of the text: with its marks, and without.
#[derive(Clone, Debug)]
pub struct Span {
    pub outer: Range<usize>,
    pub inner: Range<usize>,
}

impl Span {
    pub fn new(outer: Range<usize>, inner: Range<usize>) -> Self {
        Self { outer, inner }
    }
}

/// The content of each span, those that a conjunction joins as one list.
pub fn joined<'a>(text: &'a str, spans: &[Span]) -> Vec<Cow<'a, str>> {
    joined_by(text, spans, conjunction)
}

/// The content of each box. Boxes stand at the end of the work, so that whatever signs are between two
/// of them join them, lines and labels too: `$x=\boxed{1}$, $y=\boxed{2}$`.
pub fn joined_boxes<'a>(text: &'a str, spans: &[Span]) -> Vec<Cow<'a, str>> {
    joined_by(text, spans, |between| {
        conjunction(between)
            .or_else(|| conjunction(without_label(between)?))
            .or_else(|| signs_alone(between))
    })
}

fn joined_by<'a>(
    text: &'a str,
    spans: &[Span],
    conjunction: impl Fn(&str) -> Option<&'static str>,
) -> Vec<Cow<'a, str>> {
    let mut answers: Vec<Cow<'a, str>> = Vec::new();
    for (index, span) in spans.iter().enumerate() {
        let content = super::unwrapped(&text[span.inner.clone()]);
        let link = index
            .checked_sub(1)
            .and_then(|previous| text.get(spans[previous].outer.end..span.outer.start))
            .and_then(&conjunction);
        match (link, answers.last_mut()) {
            // Saying the same once more is no second answer.
            (Some(link), Some(last)) if last != content => {
                let list = last.to_mut();
                list.push_str(link);
                list.push_str(content);
            }
            (Some(_), Some(_)) => {}
            _ => answers.push(Cow::Borrowed(content)),
        }
    }
    answers
}

/// Longer than any conjunction with its formatting.
const LONGEST: usize = 40;

/// What the text between two answers says about them, if it makes them one.
fn conjunction(between: &str) -> Option<&'static str> {
    if between.len() > LONGEST {
        return None;
    }
    // Side by side in one line.
    if between.trim().is_empty() {
        return (!between.contains('\n')).then_some(", ");
    }
    let bare: String = between
        .replace("\\text", "")
        .replace("\\quad", "")
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ',' | ';' | '/'))
        .flat_map(char::to_lowercase)
        .collect();
    match bare.as_str() {
        "or" | ",or" | ";or" | "/" | "oreven" | "ormaybe" | "orperhaps" | "orpossibly"
        | "orelse" | "oralternatively" | "alternatively" | "lor" | "vee" | "andor" | "and/or" => {
            Some(" or ")
        }
        "and" | ",and" | ";and" | "," | ";" => Some(", "),
        _ => None,
    }
}

/// The text before a label: "$, $" of "$, $y =".
fn without_label(between: &str) -> Option<&str> {
    let marks = |c: char| c.is_whitespace() || matches!(c, '$' | '{' | '(' | '[' | '\\');
    let before = between
        .trim_end_matches(marks)
        .strip_suffix('=')?
        .trim_end();
    let name = before
        .rfind(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '\\' | '{' | '}')))
        .map_or(0, |at| {
            at + before[at..].chars().next().map_or(1, char::len_utf8)
        });
    (name < before.len()).then_some(&before[..name])
}

/// What signs without a word say between two boxes: a line, a bar, a dash. After a full stop
/// the next is a correction, and behind an equals sign the same again.
fn signs_alone(between: &str) -> Option<&'static str> {
    let apart = |c: char| c.is_alphanumeric() || matches!(c, '.' | '!' | '?' | '=' | '≈');
    if between.len() > LONGEST || between.contains(apart) {
        return None;
    }
    let layout = |c: char| c.is_whitespace() || "$\\[](){}*&".contains(c);
    Some(match between.chars().all(layout) {
        true => ", ",
        false => " or ",
    })
}
