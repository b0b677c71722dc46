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
    let mut answers: Vec<Cow<'a, str>> = Vec::new();
    for (index, span) in spans.iter().enumerate() {
        let content = super::unwrapped(&text[span.inner.clone()]);
        let link = index
            .checked_sub(1)
            .and_then(|previous| text.get(spans[previous].outer.end..span.outer.start))
            .and_then(conjunction);
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

/// What the text between two answers says about them, if it makes them one.
fn conjunction(between: &str) -> Option<&'static str> {
    // Longer than any conjunction with its formatting.
    const LONGEST: usize = 40;
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
        | "andor" | "and/or" => Some(" or "),
        "and" | ",and" | ";and" | "," | ";" => Some(", "),
        _ => None,
    }
}
