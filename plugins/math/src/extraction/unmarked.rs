//! Answers that nothing marks: the end of a text, and a text that is nothing else.

use std::{borrow::Cow, ops::Range};

use super::{Search, delimiters::without_delimiters, unwrapped};

/// What follows the last blank line that has text after it.
pub fn last_paragraph(text: &str) -> &str {
    let text = text.trim_end();
    let mut start = text.len();
    for line in text.split_inclusive('\n').rev() {
        if line.trim().is_empty() {
            break;
        }
        start -= line.len();
    }
    text[start..].trim_start()
}

/// The words in a text, in lower case.
fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !(c.is_alphabetic() || matches!(c, '\'' | '’')))
        .map(str::to_lowercase)
}

/// Where the sentence begins that goes on at the end of the text.
fn sentence_start(before: &str) -> usize {
    [". ", "! ", "? ", "\n"]
        .into_iter()
        .filter_map(|end| before.rfind(end).map(|at| at + end.len()))
        .max()
        .unwrap_or(0)
}

fn negates(word: &str) -> bool {
    matches!(
        word,
        "not" | "cannot" | "never" | "neither" | "nor" | "whether"
    ) || word.ends_with("n't")
        || word.ends_with("n’t")
}

const CONDITIONS: [&str; 7] = [
    "if",
    "unless",
    "suppose",
    "supposing",
    "assume",
    "assuming",
    "whether",
];

/// Whether a condition is open at the end of the text: "If $x=5$" has one, "If we add them, it is
/// $5$" has closed it.
fn is_conditional(before: &str) -> bool {
    let clause = [", ", "; ", ": ", " then "]
        .into_iter()
        .filter_map(|end| before.rfind(end).map(|at| at + end.len()))
        .max()
        .unwrap_or(0);
    words(&before[clause..]).any(|word| CONDITIONS.contains(&word.as_str()))
}

/// Whether the sentence that leads up to "the answer is" takes it back: "I do not think that",
/// "If".
pub fn is_doubted(before: &str) -> bool {
    let sentence = &before[sentence_start(before)..];
    // "It is not prime so the answer is 4."
    let clause = [
        ",",
        ";",
        ":",
        " so ",
        " thus ",
        " hence ",
        " therefore ",
        " but ",
    ]
    .into_iter()
    .filter_map(|end| sentence.rfind(end).map(|at| at + end.len()))
    .max()
    .map_or(sentence, |at| &sentence[at..]);
    is_conditional(sentence) || words(clause).any(|word| negates(&word))
}

/// Whether the sentence around this piece of the paragraph says that it holds, as far as a few
/// words can tell: "it is not $5$", "is it $5$?" and "suppose $x = 5$" do not.
pub fn is_claimed(paragraph: &str, piece: Range<usize>) -> bool {
    const DOUBTS: [&str; 3] = ["suppose", "assume", "let"];
    let before = &paragraph[..piece.start];
    let sentence = &before[sentence_start(before)..];
    let in_doubt = is_conditional(sentence)
        || words(sentence).any(|word| DOUBTS.contains(&word.as_str()) || negates(&word));
    let asked = paragraph[piece.end..]
        .find(['.', '!', '?', '\n'])
        .is_some_and(|end| paragraph[piece.end + end..].starts_with('?'));
    !in_doubt && !asked
}

/// The whole completion, if it is one line and no longer than an answer is.
pub fn whole(text: &str) -> Search<'_> {
    // Longer ones are sentences, and sentences are not answers.
    const LONGEST: usize = 200;
    let text = text.trim();
    if text.len() > LONGEST || text.contains('\n') || text.ends_with('?') {
        return Search::Absent;
    }
    // "Assume x = 5." states no result, and "5 if x = 3" leaves it open.
    let opening = words(text)
        .next()
        .is_some_and(|first| CONDITIONS.contains(&first.as_str()));
    if opening || is_conditional(text) {
        return Search::Absent;
    }
    let answer = without_delimiters(unwrapped(text));
    Search::of(Vec::from_iter((!answer.is_empty()).then_some(answer)))
}

/// The last number: digits with separators, a decimal point, a fraction bar and a sign.
pub fn last_number(text: &str) -> Search<'_> {
    let bytes = text.as_bytes();
    let Some(last) = bytes.iter().rposition(u8::is_ascii_digit) else {
        return Search::Absent;
    };
    let belongs = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'.' | b',' | b'/');
    let mut start = bytes[..last]
        .iter()
        .rposition(|byte| !belongs(byte))
        .map_or(0, |before| before + 1);
    while matches!(bytes[start], b',' | b'/') {
        start += 1;
    }
    if start > 0 && bytes[start - 1] == b'-' {
        start -= 1;
    }
    Search::Answers(vec![Cow::Borrowed(&text[start..=last])])
}
