//! `<answer>..</answer>`: the last pair that is closed and not empty.

use super::{Search, statement::statement};

pub fn search<'a>(text: &'a str, name: &str) -> Search<'a> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let (open, close) = (open.as_bytes(), close.as_bytes());
    let bytes = text.as_bytes();
    let mut answers = Vec::new();
    let mut begun = false;
    let mut end = None;
    for at in memchr::memrchr_iter(b'<', bytes) {
        if bytes[at..].starts_with(close) {
            end = Some(at);
            begun = true;
        } else if bytes[at..].starts_with(open) {
            begun = true;
            if let Some(end) = end.take()
                && let Some(answer) = statement(&text[at + open.len()..end])
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
