//! `<answer>..</answer>`: the last pair that is closed and not empty.

use std::borrow::Cow;

use super::{Search, phrases, statement::statement};

pub fn search<'a>(text: &'a str, name: &str) -> Search<'a> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let (open, close) = (open.as_bytes(), close.as_bytes());
    let bytes = text.as_bytes();
    let mut answers = Vec::new();
    let mut begun = false;
    let mut end = None;
    for at in memchr::memrchr_iter(b'<', bytes) {
        if starts_with(&bytes[at..], close) {
            end = Some(at);
            begun = true;
        } else if starts_with(&bytes[at..], open) {
            begun = true;
            if let Some(end) = end.take()
                && let Some(answer) = content(&text[at + open.len()..end])
            {
                answers.push(answer);
                if answers.len() == super::MOST_ANSWERS {
                    break;
                }
            }
        }
    }
    answers.reverse();
    match Search::of(answers) {
        Search::Absent if begun => Search::Begun,
        search => search,
    }
}

/// Names of tags have no case.
fn starts_with(bytes: &[u8], tag: &[u8]) -> bool {
    bytes
        .get(..tag.len())
        .is_some_and(|found| found.eq_ignore_ascii_case(tag))
}

/// What a tag says, perhaps in a sentence that announces it: "The answer is 5".
fn content(inside: &str) -> Option<Cow<'_, str>> {
    match phrases::search(inside, true) {
        Search::Answers(mut answers) => answers.pop(),
        Search::Absent | Search::Begun => statement(inside),
    }
}
