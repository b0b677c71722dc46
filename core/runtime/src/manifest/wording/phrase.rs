//! Values and names inside sentences.

use serde_json::Value;

use crate::manifest::tree::{dotted, join, type_name};

/// A value for a sentence, with its type: `the string "ten"`.
pub(super) fn describe_value(value: &Value) -> String {
    match value {
        Value::Array(values) => format!("a list of {}", values.len()),
        Value::Object(_) => "a table".to_owned(),
        Value::String(text) => format!("the string {}", shortened(&format!("{text:?}"))),
        other => format!("the {} {other}", type_name(other)),
    }
}

/// A noun with `a` or `an`.
pub(in crate::manifest) fn with_article(noun: &str) -> String {
    if noun.starts_with(['a', 'e', 'i', 'o', 'u']) {
        format!("an {noun}")
    } else {
        format!("a {noun}")
    }
}

/// A name as the author wrote it, in quotes if it has odd characters.
pub(super) fn code(key: &str) -> String {
    format!("`{}`", shortened(&dotted(&join("", key))))
}

/// A text cut to what fits in a sentence.
pub(in crate::manifest) fn shortened(text: &str) -> String {
    const LONGEST: usize = 80;
    match text.char_indices().nth(LONGEST) {
        Some((cut, _)) => format!("{}..", &text[..cut]),
        None => text.to_owned(),
    }
}
