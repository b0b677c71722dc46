//! Lines that say what the answer is: `Answer: 5`, `The final answer is $5$.`, `#### 5`.
//!
//! The word "answer" announces one if "is", "are", ":" or "=" follows at once, or after "to",
//! "of" or "for" and a few words ("the answer to the first question is"). `####` at the
//! beginning of a line is how GSM8K marks its answers.

use std::borrow::Cow;

use super::{MOST_ANSWERS, Search, statement::statement, unmarked::is_doubted};

pub fn search(text: &str, finished: bool) -> Search<'_> {
    let mut starts = announced(text);
    starts.drain(..starts.len().saturating_sub(MOST_ANSWERS));
    starts.retain(|announced| !is_doubted(&text[announced.sentence(text)..announced.at]));
    let answers: Vec<Cow<'_, str>> = starts
        .iter()
        .filter_map(|announced| line_from(text, announced.start, finished))
        .map(without_adverbs)
        .filter_map(statement)
        .collect();
    match starts.is_empty() {
        false if answers.is_empty() => Search::Begun,
        _ => Search::of(answers),
    }
}

struct Announced {
    /// Where the announcement begins.
    at: usize,
    /// Where the answer does.
    start: usize,
}

impl Announced {
    /// Some bytes before, in which a sentence that is no paragraph begins.
    fn sentence(&self, text: &str) -> usize {
        const LONGEST: usize = 300;
        text.ceil_char_boundary(self.at.saturating_sub(LONGEST))
    }
}

/// The line without the words that say no more than that it follows: "probably", "therefore".
fn without_adverbs(line: &str) -> &str {
    const ADVERBS: [&str; 16] = [
        "therefore",
        "thus",
        "hence",
        "then",
        "so",
        "just",
        "simply",
        "indeed",
        "clearly",
        "obviously",
        "exactly",
        "probably",
        "likely",
        "now",
        "also",
        "equal to",
    ];
    let mut line = line.trim_start_matches([' ', ',']);
    while let Some(rest) = ADVERBS.iter().find_map(|adverb| line.strip_prefix(adverb))
        && rest.starts_with([' ', ',', ':'])
    {
        line = rest.trim_start_matches([' ', ',', ':']);
    }
    line
}

/// Where the announced answers begin.
fn announced(text: &str) -> Vec<Announced> {
    const WORD: &[u8] = b"answer";
    let bytes = text.as_bytes();
    let mut starts = Vec::new();
    for at in memchr::memchr3_iter(b'a', b'A', b'#', bytes) {
        let rest = &bytes[at..];
        if rest[0] == b'#' {
            let begins_line = at == 0 || bytes[at - 1] == b'\n';
            if begins_line && rest.starts_with(b"####") && rest.get(4) != Some(&b'#') {
                starts.push(Announced { at, start: at + 4 });
            }
        } else if rest.len() > WORD.len() && rest[..WORD.len()].eq_ignore_ascii_case(WORD) {
            let inside_word = at > 0 && bytes[at - 1].is_ascii_alphanumeric();
            let after = at + WORD.len();
            if let Some(length) = announcement(&text[after..])
                && !inside_word
            {
                let start = after + length;
                starts.push(Announced { at, start });
            }
        }
    }
    starts
}

/// The length of what makes "answer" an announcement, if anything does.
fn announcement(after: &str) -> Option<usize> {
    // Words between "answer to" and "is", and bytes of all of them: one long word after each of
    // many announcements must not be read again for each.
    const MOST_WORDS: usize = 8;
    const MOST_BYTES: usize = 200;
    let after = &after[..after.floor_char_boundary(MOST_BYTES)];
    let mut rest = blank_skipped(after.strip_prefix('s').unwrap_or(after));
    if let Some(length) = verb(rest) {
        return Some(after.len() - rest.len() + length);
    }
    for index in 0..=MOST_WORDS {
        let word = rest.split([' ', '\n', '\t']).next()?;
        if index == 0 && !matches!(word, "to" | "of" | "for") {
            return None;
        }
        // `the answer to (a): 5` ends in the sign itself.
        if index > 0 && word.len() > 1 && word.ends_with(':') {
            return Some(after.len() - rest.len() + word.len());
        }
        rest = blank_skipped(&rest[word.len()..]);
        if let Some(length) = verb(rest) {
            return Some(after.len() - rest.len() + length);
        }
    }
    None
}

/// The length of "is", "are", ":" or "=" at the beginning, and of what may follow it.
fn verb(text: &str) -> Option<usize> {
    let word = ["is", "are", ":", "=", "："]
        .into_iter()
        .find(|word| text.starts_with(word))?;
    let rest = &text[word.len()..];
    // "island", "isn't".
    let goes_on = |c: char| c.is_alphanumeric() || matches!(c, '\'' | '’');
    if word.chars().all(char::is_alphabetic) && rest.starts_with(goes_on) {
        return None;
    }
    let rest = blank_skipped(rest);
    let rest = rest.strip_prefix(':').map_or(rest, blank_skipped);
    Some(text.len() - rest.len())
}

/// The text after spaces and the signs of emphasis; it stays in its line.
fn blank_skipped(text: &str) -> &str {
    text.trim_start_matches([' ', '\t', '*', '_'])
}

/// The line that begins at `start`, or where that is blank, the next one that is not.
fn line_from(text: &str, start: usize, finished: bool) -> Option<&str> {
    let rest = text[start..].trim_start();
    match rest.find('\n') {
        // A formula on lines of its own ends where its mark does.
        _ if rest.starts_with("\\[") || rest.starts_with("$$") => {
            let close = if rest.starts_with("$$") { "$$" } else { "\\]" };
            let end = rest[2..].find(close)? + 2 + close.len();
            Some(&rest[..end])
        }
        Some(end) => Some(&rest[..end]),
        None => finished.then_some(rest),
    }
    .filter(|line| !line.is_empty())
}
