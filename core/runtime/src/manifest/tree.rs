//! The manifest as written: values with the place of each key and value.
//!
//! Deserialising straight into types would stop at the first problem and forget where things stood. So the text
//! becomes this tree, overrides change the tree, the tree becomes JSON for the schema checks, and a JSON pointer
//! leads back from a violation to its place.

use serde_json::{Map, Number, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::diagnostic::{Diagnostic, Problem};
use super::source::Place;

/// One value and where it was written. For a table under a `[header]` that is the header.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub place: Place,
    pub content: Content,
}

#[derive(Clone, Debug)]
pub(super) enum Content {
    Leaf(Value),
    List(Vec<Node>),
    Table(Vec<Entry>),
}

#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub key: String,
    pub key_place: Place,
    pub node: Node,
}

impl Node {
    /// The tree of a parsed document. Values that JSON cannot carry (dates, infinities, integers of more than 64
    /// bits) are reported and become `null`, which no schema takes, so that nothing is concluded from them.
    pub fn from_document(
        table: &DeTable<'_>,
        source: usize,
        problems: &mut Vec<Diagnostic>,
    ) -> Node {
        Converter {
            source,
            offset: 0,
            problems,
        }
        .table(table, Place::new(source, 0..0))
    }

    /// The tree of one value; `offset` is where its text starts in the source.
    pub fn from_value(
        value: &Spanned<DeValue<'_>>,
        source: usize,
        offset: usize,
        problems: &mut Vec<Diagnostic>,
    ) -> Node {
        Converter {
            source,
            offset,
            problems,
        }
        .value(value)
    }

    /// The tree of a value that was not written in TOML; all of it stands at one place.
    pub fn from_json(value: &Value, place: &Place) -> Node {
        let content = match value {
            Value::Array(values) => {
                let nodes = values.iter().map(|value| Node::from_json(value, place));
                Content::List(nodes.collect())
            }
            Value::Object(map) => {
                let entries = map.iter().map(|(key, value)| Entry {
                    key: key.clone(),
                    key_place: place.clone(),
                    node: Node::from_json(value, place),
                });
                Content::Table(entries.collect())
            }
            leaf => Content::Leaf(leaf.clone()),
        };
        Node {
            place: place.clone(),
            content,
        }
    }

    pub fn to_json(&self) -> Value {
        match &self.content {
            Content::Leaf(value) => value.clone(),
            Content::List(nodes) => nodes.iter().map(Node::to_json).collect(),
            Content::Table(entries) => {
                let map: Map<String, Value> = entries
                    .iter()
                    .map(|entry| (entry.key.clone(), entry.node.to_json()))
                    .collect();
                Value::Object(map)
            }
        }
    }

    /// The value at a JSON pointer.
    pub fn at(&self, pointer: &str) -> Option<&Node> {
        segments(pointer).try_fold(self, |node, segment| {
            node.child(&segment).map(|(_, child)| child)
        })
    }

    /// The pointers of a list's elements; none if there is no list.
    pub fn elements(&self, pointer: &str) -> impl Iterator<Item = String> {
        let count = match self.at(pointer).map(|node| &node.content) {
            Some(Content::List(nodes)) => nodes.len(),
            _ => 0,
        };
        (0..count).map(move |index| format!("{pointer}/{index}"))
    }

    /// The place of the value at a JSON pointer; if nothing was written there, of the nearest table or list around
    /// it that was.
    pub fn place_of(&self, pointer: &str) -> Place {
        self.walk(pointer).1.clone()
    }

    /// The place of the key that holds the value at a JSON pointer (the value's own place inside a list).
    pub fn key_place_of(&self, pointer: &str) -> Place {
        self.walk(pointer).0.clone()
    }

    fn walk(&self, pointer: &str) -> (&Place, &Place) {
        let mut key_place = &self.place;
        let mut node = self;
        for segment in segments(pointer) {
            let Some((key, child)) = node.child(&segment) else {
                break;
            };
            key_place = key.unwrap_or(&child.place);
            node = child;
        }
        (key_place, &node.place)
    }

    fn child(&self, segment: &str) -> Option<(Option<&Place>, &Node)> {
        match &self.content {
            Content::Leaf(_) => None,
            Content::List(nodes) => nodes
                .get(segment.parse::<usize>().ok()?)
                .map(|node| (None, node)),
            Content::Table(entries) => entries
                .iter()
                .find(|entry| entry.key == segment)
                .map(|entry| (Some(&entry.key_place), &entry.node)),
        }
    }

    /// The text of a string.
    pub fn as_str(&self) -> Option<&str> {
        match &self.content {
            Content::Leaf(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    /// What the manifest's author would call this value.
    pub fn type_name(&self) -> &'static str {
        match &self.content {
            Content::Leaf(value) => type_name(value),
            Content::List(_) => "list",
            Content::Table(_) => "table",
        }
    }
}

/// The TOML word for a JSON value's type.
pub(super) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "list",
        Value::Object(_) => "table",
    }
}

/// The steps of a JSON pointer, unescaped.
pub(super) fn segments(pointer: &str) -> impl Iterator<Item = String> {
    pointer
        .split('/')
        .skip(1)
        .map(|segment| segment.replace("~1", "/").replace("~0", "~"))
}

/// One more step at the end of a JSON pointer.
pub(super) fn join(pointer: &str, segment: &str) -> String {
    format!(
        "{pointer}/{}",
        segment.replace('~', "~0").replace('/', "~1")
    )
}

/// A JSON pointer as overrides write it: `stage.1.steps`.
pub(super) fn dotted(pointer: &str) -> String {
    let quote = |segment: String| {
        let bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if !segment.is_empty() && segment.chars().all(bare) {
            segment
        } else {
            format!("{segment:?}")
        }
    };
    segments(pointer).map(quote).collect::<Vec<_>>().join(".")
}

struct Converter<'a> {
    source: usize,
    offset: usize,
    problems: &'a mut Vec<Diagnostic>,
}

impl Converter<'_> {
    fn place<T>(&self, spanned: &Spanned<T>) -> Place {
        let span = spanned.span();
        Place::new(
            self.source,
            span.start + self.offset..span.end + self.offset,
        )
    }

    fn table(&mut self, table: &DeTable<'_>, place: Place) -> Node {
        let mut entries: Vec<Entry> = table
            .iter()
            .map(|(key, value)| Entry {
                key: key.get_ref().to_string(),
                key_place: self.place(key),
                node: self.value(value),
            })
            .collect();
        // The parser sorts by name; the author's order is the one to show and to write back.
        entries.sort_by(|a, b| a.key_place.cmp(&b.key_place));
        Node {
            place,
            content: Content::Table(entries),
        }
    }

    fn value(&mut self, value: &Spanned<DeValue<'_>>) -> Node {
        let place = self.place(value);
        let leaf = |value: Value| Content::Leaf(value);
        let content = match value.get_ref() {
            DeValue::String(text) => leaf(Value::String(text.to_string())),
            DeValue::Boolean(value) => leaf(Value::Bool(*value)),
            DeValue::Integer(integer) => {
                match i64::from_str_radix(integer.as_str(), integer.radix()) {
                    Ok(value) => leaf(Value::from(value)),
                    Err(_) => {
                        self.refuse(
                            &place,
                            "an integer must fit in 64 bits with sign",
                            "too large",
                        );
                        leaf(Value::Null)
                    }
                }
            }
            DeValue::Float(float) => match float.as_str().parse().ok().and_then(Number::from_f64) {
                Some(number) => leaf(Value::Number(number)),
                None => {
                    self.refuse(&place, "a number must be finite", "not a finite number");
                    leaf(Value::Null)
                }
            },
            DeValue::Datetime(_) => {
                self.refuse(
                    &place,
                    "no key takes a date or a time",
                    "write a string in quotes",
                );
                leaf(Value::Null)
            }
            DeValue::Array(values) => {
                Content::List(values.iter().map(|value| self.value(value)).collect())
            }
            DeValue::Table(table) => return self.table(table, place),
        };
        Node { place, content }
    }

    fn refuse(&mut self, place: &Place, message: &str, label: &str) {
        self.problems.push(Diagnostic::new(
            Problem::InvalidValue,
            message,
            place.clone(),
            label,
        ));
    }
}
