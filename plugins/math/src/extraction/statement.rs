//! What a short statement says: the content of an answer tag, the rest of an answer line.
//!
//! It may be a sentence ("$5$ apples, because ..."). The reason that it gives is cut off; the
//! words beside the formula stay, because they may be its unit, or may take it back.

use std::borrow::Cow;

use super::{
    boxes::last_box,
    delimiters::{unwrapped, without_delimiters},
};

/// The statement without marks and reasons; `None` if nothing is left.
pub fn statement(text: &str) -> Option<Cow<'_, str>> {
    if let Some(content) = last_box(text) {
        return Some(content);
    }
    let text = unwrapped(without_bold(text.trim()));
    let claim = unwrapped(&text[..claim_length(text)]);
    let claim = match without_delimiters(claim) {
        Cow::Borrowed(claim) => Cow::Borrowed(claim),
        Cow::Owned(claim) => Cow::Owned(unwrapped(&claim).to_owned()),
    };
    (!claim.is_empty()).then_some(claim)
}

/// `**5** apples` and the `5**` that is left of `**Answer: 5**`.
fn without_bold(text: &str) -> &str {
    let marks = memchr::memmem::find_iter(text.as_bytes(), b"**").count();
    match marks {
        1 => text
            .split_once("**")
            .filter(|(_, after)| after.trim_matches(['.', ' ']).is_empty())
            .map_or(text, |(before, _)| before),
        2 => text
            .strip_prefix("**")
            .and_then(|rest| rest.split_once("**"))
            .filter(|(_, after)| after.trim_matches(['.', ' ']).is_empty())
            .map_or(text, |(inside, _)| inside),
        _ => text,
    }
}

/// Where the claim ends: at the end of the sentence, or before the reason for it.
fn claim_length(text: &str) -> usize {
    const REASONS: [&str; 8] = [
        "because", "since", "where", "as", "when", "so", "which", "for",
    ];
    let mut dollars = 0;
    let mut braces = 0_usize;
    let mut start = 0;
    for word in text.split_inclusive([' ', '\n']) {
        let bare = word.trim();
        // Inside a formula or `\text{..}` a word is a part of the answer.
        let outside = |dollars: usize, braces: usize| dollars.is_multiple_of(2) && braces == 0;
        if outside(dollars, braces) && start > 0 && REASONS.contains(&bare) {
            return text[..start].trim_end_matches([' ', ',', ';']).len();
        }
        dollars += bare.matches('$').count() - bare.matches("\\$").count();
        braces += bare.matches('{').count();
        braces = braces.saturating_sub(bare.matches('}').count());
        if outside(dollars, braces) && ends_sentence(bare) {
            return start + word.trim_end().len();
        }
        start += word.len();
    }
    text.len()
}

/// Whether a full stop after this word ends the sentence: not in "5 sq. in." or "3 p.m.".
fn ends_sentence(word: &str) -> bool {
    const ABBREVIATIONS: [&str; 14] = [
        "sq.", "cu.", "in.", "ft.", "yd.", "mi.", "lb.", "oz.", "hr.", "min.", "sec.", "approx.",
        "no.", "ca.",
    ];
    let Some(word_alone) = word.strip_suffix('.') else {
        return false;
    };
    let has_inner_points = word_alone.ends_with(char::is_alphabetic) && word_alone.contains('.');
    !word_alone.ends_with('.') && !has_inner_points && !ABBREVIATIONS.contains(&word)
}
