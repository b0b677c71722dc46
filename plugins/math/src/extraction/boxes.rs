//! `\boxed{..}`: where models are told to put their answers.
//!
//! One pass over the text with a stack of open braces. Starting a scan at every `\boxed`
//! instead, as the usual helper does, takes a minute for a completion that repeats `\boxed{`.

use std::borrow::Cow;

use super::{
    MOST_ANSWERS, Search,
    joined::{Span, joined_boxes},
};

const COMMANDS: [&str; 3] = ["\\boxed", "\\fbox", "\\framebox"];

pub fn search(text: &str) -> Search<'_> {
    let boxes = scan(text);
    let filled = |closed: &&Span| !super::unwrapped(&text[closed.inner.clone()]).is_empty();
    let mut last: Vec<Span> = boxes
        .closed
        .iter()
        .rev()
        .filter(filled)
        .take(MOST_ANSWERS)
        .cloned()
        .collect();
    last.reverse();
    match joined_boxes(text, &last) {
        answers if !answers.is_empty() => Search::Answers(answers),
        _ if boxes.opened => Search::Begun,
        _ => Search::Absent,
    }
}

/// The content of the last box that is closed and not empty; boxes that "or" or a comma joins
/// are one.
pub fn last_box(text: &str) -> Option<Cow<'_, str>> {
    match search(text) {
        Search::Answers(mut answers) => answers.pop(),
        Search::Absent | Search::Begun => None,
    }
}

/// What is in the box, if the text is one box and nothing else.
pub fn content_of_whole(text: &str) -> Option<&str> {
    let inner = COMMANDS
        .into_iter()
        .find_map(|name| text.strip_prefix(name))?
        .trim_start()
        .strip_prefix('{')?
        .strip_suffix('}')?;
    let mut depth = 0_usize;
    let mut escaped = false;
    for byte in inner.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'{' => depth += 1,
            // This closes the box before the end of the text.
            b'}' => depth = depth.checked_sub(1)?,
            _ => {}
        }
    }
    (depth == 0 && !escaped).then_some(inner)
}

struct Boxes {
    /// The outermost of those inside each other, in the order of the text.
    closed: Vec<Span>,
    /// Whether there was any, closed or not.
    opened: bool,
}

/// A brace that waits for its partner.
enum Open {
    Plain,
    /// Where the command of this box begins.
    Box(usize),
}

fn scan(text: &str) -> Boxes {
    let bytes = text.as_bytes();
    let mut boxes = Boxes {
        closed: Vec::new(),
        opened: false,
    };
    let mut open: Vec<(Open, usize)> = Vec::new();
    let mut at = 0;
    while let Some(offset) = memchr::memchr3(b'\\', b'{', b'}', &bytes[at..]) {
        let here = at + offset;
        at = here + 1;
        match bytes[here] {
            b'{' => open.push((Open::Plain, at)),
            b'}' => {
                if let Some((Open::Box(start), content)) = open.pop() {
                    boxes.close(Span::new(start..at, content..here));
                }
            }
            _ => match command(&text[here..]) {
                // `\\boxed` is how JSON that was escaped twice has it.
                None if command(&text[at..]).is_some() => {}
                None => at += usize::from(matches!(bytes.get(at), Some(b'\\' | b'{' | b'}'))),
                Some(length) => {
                    boxes.opened = true;
                    at = here + length;
                    if bytes.get(at) == Some(&b'{') {
                        at += 1;
                        open.push((Open::Box(here), at));
                    } else {
                        let end = at + bare_length(&text[at..]);
                        boxes.close(Span::new(here..end, at..end));
                        at = end;
                    }
                }
            },
        }
    }
    boxes
}

impl Boxes {
    fn close(&mut self, closed: Span) {
        // Those inside are part of this one.
        while self
            .closed
            .last()
            .is_some_and(|inner| inner.outer.start > closed.outer.start)
        {
            self.closed.pop();
        }
        self.closed.push(closed);
    }
}

/// The length of the command at the beginning of `text`, with the white space after it.
fn command(text: &str) -> Option<usize> {
    let name = COMMANDS.into_iter().find(|name| text.starts_with(name))?;
    let rest = &text[name.len()..];
    let blank = rest.len() - rest.trim_start().len();
    match rest.chars().next() {
        // `\boxedsomething` is another command.
        Some(letter) if letter.is_ascii_alphabetic() => None,
        _ => Some(name.len() + blank),
    }
}

/// `\boxed 42` has no braces; its content ends where the formula or the word does.
fn bare_length(text: &str) -> usize {
    let word = text
        .find(|c: char| c.is_whitespace() || matches!(c, '$' | '}' | '{' | '\\'))
        .unwrap_or(text.len());
    text[..word].trim_end_matches(['.', ',', ';']).len()
}
