//! Which part of a completion is the program.
//!
//! The rules, in the order in which they are tried; what they do not accept is no program,
//! and an attempt without a program is worth 0:
//!
//! 1. Thoughts are not looked at: all that stands before the last `</think>`, and everything
//!    if a `<think>` is opened and never closed.
//! 2. `answer`: what the last closed pair of `<answer>` tags holds. A fenced block inside is
//!    unwrapped by the next rule.
//! 3. `fence`: the last fenced block that is labelled as the program's language; if none is,
//!    the last one without a label. A block that is never closed is not a block: it was cut
//!    off, and the part of a program that happens to run is not what the model meant.
//! 4. `raw`: the whole text.
//!
//! `auto` tries `answer`, `fence` and `raw`, but never `raw` on a text with a fence in it.

use farthing_sdk::prelude::config;

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
    let program = match place {
        Place::Raw => Some(text.to_owned()),
        Place::Answer => answer(text).map(|inner| unwrapped(inner, labels)),
        Place::Fence => fenced(text, labels).ok().flatten(),
        Place::Auto => match answer(text) {
            Some(inner) => Some(unwrapped(inner, labels)),
            None => fenced(text, labels).unwrap_or_else(|NoFence| Some(text.to_owned())),
        },
    };
    program.filter(|program| !program.trim().is_empty())
}

fn without_thoughts(completion: &str) -> Option<&str> {
    let text = match completion.rfind("</think>") {
        Some(at) => &completion[at + "</think>".len()..],
        None => completion,
    };
    (!text.trim_start().starts_with("<think>")).then_some(text)
}

fn answer(text: &str) -> Option<&str> {
    let close = text.rfind("</answer>")?;
    let open = text[..close].rfind("<answer>")? + "<answer>".len();
    Some(&text[open..close])
}

fn unwrapped(inner: &str, labels: &[String]) -> String {
    match fenced(inner, labels) {
        Ok(Some(program)) => program,
        Ok(None) | Err(NoFence) => inner.trim_matches('\n').to_owned(),
    }
}

/// The text has no line that opens a block.
struct NoFence;

/// The last closed block; `Ok(None)` if blocks are opened but none can be used.
fn fenced(text: &str, labels: &[String]) -> Result<Option<String>, NoFence> {
    let mut lines = text.lines();
    let mut any = false;
    let (mut labelled, mut unlabelled) = (None, None);
    while let Some(line) = lines.next() {
        let Some(fence) = Fence::opened_by(line) else {
            continue;
        };
        any = true;
        let mut block = String::new();
        for line in lines.by_ref() {
            if fence.is_closed_by(line) {
                let is_ours = labels
                    .iter()
                    .any(|label| label.eq_ignore_ascii_case(fence.label));
                if is_ours {
                    labelled = Some(std::mem::take(&mut block));
                } else if fence.label.is_empty() {
                    unlabelled = Some(std::mem::take(&mut block));
                }
                break;
            }
            block.push_str(fence.unindented(line));
            block.push('\n');
        }
    }
    match any {
        true => Ok(labelled.or(unlabelled)),
        false => Err(NoFence),
    }
}

/// A line of three or more backticks or tildes, as CommonMark has it.
struct Fence<'a> {
    mark: char,
    length: usize,
    indent: usize,
    label: &'a str,
}

impl<'a> Fence<'a> {
    fn opened_by(line: &'a str) -> Option<Self> {
        let trimmed = line.trim_start_matches(' ');
        let mark = trimmed.chars().next().filter(|c| matches!(c, '`' | '~'))?;
        let rest = trimmed.trim_start_matches(mark);
        let length = trimmed.len() - rest.len();
        // ```` ```print(1)``` ```` in one line is inline code.
        if length < 3 || (mark == '`' && rest.contains('`')) {
            return None;
        }
        Some(Self {
            mark,
            length,
            indent: line.len() - trimmed.len(),
            label: rest.split_whitespace().next().unwrap_or_default(),
        })
    }

    fn is_closed_by(&self, line: &str) -> bool {
        let trimmed = line.trim();
        trimmed.len() >= self.length && trimmed.chars().all(|c| c == self.mark)
    }

    /// A block in a list is indented, and its lines with it.
    fn unindented<'l>(&self, line: &'l str) -> &'l str {
        let spaces = line.len() - line.trim_start_matches(' ').len();
        &line[spaces.min(self.indent)..]
    }
}

#[cfg(test)]
#[path = "program_tests.rs"]
mod tests;
