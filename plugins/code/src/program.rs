//! Which part of a completion is the program.
//!
//! The rules, in the order in which they are tried; what they do not accept is no program,
//! and an attempt without a program is worth 0:
//!
//! 1. Thoughts are not looked at: all that stands before the last `</think>`, and everything
//!    if a `<think>` is opened and never closed. A tag in a closed fenced block is no tag.
//! 2. `answer`: what the last closed pair of `<answer>` tags holds. If a block is opened inside,
//!    the next rule looks there.
//! 3. `fence`: the last fenced block that is labelled as the program's language; if none is,
//!    the last one without a label. A block that is never closed is not a block: it was cut
//!    off, and the part of a program that happens to run is not what the model meant.
//! 4. `raw`: the whole text.
//!
//! `auto` tries `answer`, `fence` and `raw`, but never `raw` on a text with a fence in it.

mod assembled;
mod fences;
mod thoughts;

pub use assembled::assembled;
use farthing_sdk::prelude::config;

use self::{fences::Fences, thoughts::without_thoughts};

/// Where the program stands.
#[config]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// Tags, else the last fenced block, else, in a text without any fence, all of it.
    #[default]
    Auto,
    /// The last closed pair of `<answer>` tags.
    Answer,
    /// The last closed fenced block.
    Fence,
    /// The whole completion.
    Raw,
}

/// The program in a completion.
pub fn extract(completion: &str, place: Place, labels: &[String]) -> Option<String> {
    let text = without_thoughts(completion)?;
    let fences = Fences::of(text);
    let program = match place {
        Place::Raw => Some(text.to_owned()),
        Place::Answer => answer(text, &fences).and_then(|inner| unwrapped(inner, labels)),
        Place::Fence => fences.program(labels),
        Place::Auto => match answer(text, &fences) {
            Some(inner) => unwrapped(inner, labels),
            None if fences.any() => fences.program(labels),
            None => Some(text.to_owned()),
        },
    };
    let program = program?;
    // Some editors begin a file with a mark of its encoding.
    let program = program.trim_start_matches('\u{feff}');
    (!program.trim().is_empty()).then(|| program.to_owned())
}

/// What the last closed pair of tags holds. Tags in a fenced block are the program's own text.
fn answer<'t>(text: &'t str, fences: &Fences<'_>) -> Option<&'t str> {
    let last = |tag: &str, end: usize| {
        let mut places = text[..end].rmatch_indices(tag).map(|(at, _)| at);
        places.find(|&at| !fences.hold(at))
    };
    let close = last("</answer>", text.len())?;
    let open = last("<answer>", close)? + "<answer>".len();
    Some(&text[open..close])
}

fn unwrapped(inner: &str, labels: &[String]) -> Option<String> {
    let fences = Fences::of(inner);
    match fences.any() {
        true => fences.program(labels),
        false => Some(inner.trim_matches('\n').to_owned()),
    }
}

#[cfg(test)]
#[path = "program_tests.rs"]
mod tests;
