//! One violation with everything that its sentence needs, and the sentences about a table's keys.

use std::sync::LazyLock;

use jsonschema::ValidationError;
use serde_json::{Map, Value};

use super::Subject;
use super::phrase::code;
use crate::manifest::describe::{first_sentence, form};
use crate::manifest::diagnostic::{Diagnostic, Problem};
use crate::manifest::source::Place;
use crate::manifest::suggestion::{name_list, nearest};
use crate::manifest::tree::{dotted, join};

/// Stands in for a schema of `false`, which describes nothing.
static NO_SCHEMA: LazyLock<Map<String, Value>> = LazyLock::new(Map::new);

/// One violation with everything that its sentence needs.
pub(super) struct Scene<'a> {
    pub subject: &'a Subject<'a>,
    /// The schema of the whole subject.
    pub root: &'a Value,
    /// The pointer of the offending value in the manifest.
    pub pointer: String,
    /// Its name for people, such as `stage.1.steps`.
    pub name: String,
    /// The schema of the offending value.
    pub schema: &'a Map<String, Value>,
    pub value: &'a Value,
    pub place: Place,
}

impl<'a> Scene<'a> {
    pub fn new(
        violation: &'a ValidationError<'_>,
        root: &'a Value,
        subject: &'a Subject<'a>,
    ) -> Self {
        let pointer = format!("{}{}", subject.pointer, violation.instance_path().as_str());
        let keyword = violation.schema_path().as_str();
        let parent = keyword.rsplit_once('/').map_or("", |(parent, _)| parent);
        let schema = root
            .pointer(parent)
            .and_then(Value::as_object)
            .unwrap_or(&NO_SCHEMA);
        let written = subject.tree.at(&pointer);
        Self {
            subject,
            root,
            name: dotted(&pointer),
            schema,
            value: violation.instance(),
            place: written.map_or_else(|| subject.absent_at.clone(), |node| node.place.clone()),
            pointer,
        }
    }

    /// The offending value as a table that has keys.
    fn table(&self) -> String {
        match self.subject.component {
            Some(component) if self.pointer == self.subject.pointer => {
                format!("the config of `{component}`")
            }
            _ if self.name.is_empty() => "the manifest".to_owned(),
            _ => format!("`{}`", self.name),
        }
    }

    /// True if the schema itself says in words what it takes.
    pub fn has_form_in_words(&self) -> bool {
        self.schema.contains_key("x-expected")
    }

    /// True if both are about the keys of one table as one schema describes it.
    pub fn is_same_table(&self, other: &Scene<'_>) -> bool {
        self.pointer == other.pointer && std::ptr::eq(self.schema, other.schema)
    }

    /// The key that the author of an unknown one probably meant.
    pub fn meant_key(&self, key: &str) -> Option<&'a str> {
        nearest(key, self.keys())
    }

    /// A key that the table does not have.
    pub fn unknown_key(&self, key: &str) -> Diagnostic {
        let table = self.table();
        let help = match self.meant_key(key) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None if self.keys().is_empty() => "it takes no keys: take this one out".to_owned(),
            None => format!("the keys of {table} are {}", name_list(self.keys())),
        };
        let message = format!("unknown key {} in {table}", code(key));
        let place = self.subject.tree.key_place_of(&join(&self.pointer, key));
        Diagnostic::new(Problem::UnknownKey, message, place, "unknown key").help(help)
    }

    /// Stands for the unknown keys beyond those that are worth a diagnostic each.
    pub fn more_unknown_keys(&self, count: usize) -> Diagnostic {
        let message = format!("and {count} more unknown keys in {}", self.table());
        Diagnostic::new(
            Problem::UnknownKey,
            message,
            self.place.clone(),
            "this table",
        )
    }

    fn keys(&self) -> Vec<&'a str> {
        let mut keys = Vec::new();
        collect_keys(self.schema, &mut keys);
        keys
    }

    /// One or more keys that one table must have.
    pub fn missing_keys(&self, keys: &[&str]) -> Diagnostic {
        let names = name_list(keys.iter().copied());
        let noun = if keys.len() == 1 { "key" } else { "keys" };
        let message = format!("missing {noun} {names} in {}", self.table());
        let verb = if keys.len() == 1 { "is" } else { "are" };
        let label = format!("{names} {verb} missing here");
        let help: Vec<String> = keys.iter().map(|key| self.introduction(key)).collect();
        Diagnostic::new(Problem::MissingKey, message, self.place.clone(), label)
            .help(help.join("\n"))
    }

    /// What a key takes and means.
    fn introduction(&self, key: &str) -> String {
        let properties = self.schema.get("properties");
        let schema = properties
            .and_then(|keys| keys.get(key))
            .and_then(Value::as_object);
        match schema.map(|schema| (form(schema), first_sentence(schema))) {
            Some((form, meaning)) if meaning.is_empty() => format!("{} is {form}", code(key)),
            Some((form, meaning)) => format!("{} is {form}: {meaning}", code(key)),
            None => format!("add {}", code(key)),
        }
    }
}

/// The keys of a table's schema, also those that its alternatives bring.
fn collect_keys<'a>(schema: &'a Map<String, Value>, keys: &mut Vec<&'a str>) {
    if let Some(Value::Object(properties)) = schema.get("properties") {
        keys.extend(properties.keys().map(String::as_str));
    }
    for keyword in ["allOf", "anyOf", "oneOf"] {
        for branch in schema
            .get(keyword)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            if let Value::Object(branch) = branch {
                collect_keys(branch, keys);
            }
        }
    }
}
