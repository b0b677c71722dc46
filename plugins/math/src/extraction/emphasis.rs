//! `**5**`: answers in bold type.

use std::borrow::Cow;

use super::{
    MOST_ANSWERS, Search,
    delimiters::unwrapped,
    joined::{Span, joined},
    statement::statement,
    unmarked::is_claimed,
};

/// The bold pieces of the last paragraph, those that a conjunction joins as one, if it claims
/// the last of them.
pub fn search(paragraph: &str) -> Search<'_> {
    let marks: Vec<usize> = memchr::memmem::find_iter(paragraph.as_bytes(), b"**").collect();
    let spans: Vec<Span> = marks
        .chunks_exact(2)
        .map(|pair| Span::new(pair[0]..pair[1] + 2, pair[0] + 2..pair[1]))
        .filter(|span| !unwrapped(&paragraph[span.inner.clone()]).is_empty())
        .collect();
    if !spans
        .last()
        .is_some_and(|last| is_claimed(paragraph, last.outer.clone()))
    {
        return Search::Absent;
    }
    let from = spans.len().saturating_sub(MOST_ANSWERS);
    let answers = joined(paragraph, &spans[from..]);
    Search::of(answers.into_iter().filter_map(stated).collect())
}

fn stated(answer: Cow<'_, str>) -> Option<Cow<'_, str>> {
    match answer {
        Cow::Borrowed(answer) => statement(answer),
        Cow::Owned(answer) => statement(&answer).map(|claim| Cow::Owned(claim.into_owned())),
    }
}
