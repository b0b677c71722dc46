//! Where a completion's answer begins: behind its last thought.
//!
//! A thought is free text, with fences that are never closed and programs that are none. In the
//! answer, a tag between fences that are closed is the program's own text.

use super::fences::{Fence, line_at};

const OPEN: &str = "<think>";
const CLOSE: &str = "</think>";

/// What stands behind the thoughts; `None` if a thought does not end.
pub fn without_thoughts(completion: &str) -> Option<&str> {
    let (mut answer, mut at) = (0, 0);
    while let Some(line) = line_at(completion, at) {
        // A line may be long and full of tags: only the last ones decide.
        let closed = line.rfind(CLOSE).map_or(0, |place| place + CLOSE.len());
        let opened = line[closed..].find(OPEN);
        if closed > 0 || opened.is_some() {
            at += closed;
            if let Some(place) = opened {
                at += place + OPEN.len();
                at += completion[at..].find(CLOSE)? + CLOSE.len();
            }
            answer = at;
            continue;
        }
        at += line.len();
        let Some(fence) = Fence::opened_by(line) else {
            continue;
        };
        let thought = match fence.content(completion, at) {
            Some(content) => {
                let inside = &completion[content.clone()];
                let thought = last_thought(inside);
                if thought.is_none() {
                    at = content.end + line_at(completion, content.end).map_or(0, str::len);
                }
                thought
            }
            // The block was cut off, or is part of a thought.
            None => match completion[at..].rfind(CLOSE) {
                None if completion[at..].contains(OPEN) => return None,
                None => break,
                found => found,
            },
        };
        if let Some(place) = thought {
            at += place + CLOSE.len();
            answer = at;
        }
    }
    Some(&completion[answer..])
}

/// Where the last thought ends in what looks like a block: a block does not begin with its label
/// inside another, so the fence before it belongs to the thought.
fn last_thought(inside: &str) -> Option<usize> {
    let (mut at, mut last_block) = (0, 0);
    while let Some(line) = line_at(inside, at) {
        if Fence::opened_by(line).is_some_and(|fence| !fence.label.is_empty()) {
            last_block = at;
        }
        at += line.len();
    }
    inside[..last_block].rfind(CLOSE)
}
