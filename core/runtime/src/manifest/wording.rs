//! The words for a violated schema: what is wrong, with which value, where, and what would be right.

use std::sync::LazyLock;

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind as Kind;
use serde_json::{Map, Value};

use super::describe::{choices, first_sentence, form, full_form};
use super::diagnostic::{Diagnostic, Diagnostics, Problem};
use super::schema::WRITTEN_AS_INTEGER;
use super::source::Place;
use super::suggestion::{name_list, nearest};
use super::tree::{Node, dotted, join, segments, type_name};

/// The value that is checked and where it comes from.
pub(super) struct Subject<'a> {
    /// The whole manifest as written.
    pub tree: &'a Node,
    /// Where in the manifest the checked value stands.
    pub pointer: &'a str,
    /// The component whose configuration it is.
    pub component: Option<&'a str>,
    /// What to blame for a value that was not written at all.
    pub absent_at: Place,
}

/// Adds the diagnostics of one violation: one for each unknown key, otherwise one.
pub(super) fn report(
    violation: &ValidationError<'_>,
    schema: &Value,
    subject: &Subject<'_>,
    diagnostics: &mut Diagnostics,
) {
    let scene = Scene::new(violation, schema, subject);
    match violation.kind() {
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            for key in unexpected {
                diagnostics.add(scene.unknown_key(key));
            }
        }
        Kind::AnyOf { context } | Kind::OneOfNotValid { context } => {
            // A form in words says more than the branches' complaints.
            if scene.schema.contains_key("x-expected") {
                diagnostics.add(scene.wrong_form());
            } else if let Some(branch) = meant_branch(context, violation) {
                branch
                    .iter()
                    .for_each(|violation| report(violation, schema, subject, diagnostics));
            } else {
                diagnostics.add(scene.none_of(context));
            }
        }
        kind => diagnostics.add(scene.simple(kind, violation)),
    }
}

/// Stands in for a schema of `false`, which describes nothing.
static NO_SCHEMA: LazyLock<Map<String, Value>> = LazyLock::new(Map::new);

/// One violation with everything that its sentence needs.
struct Scene<'a> {
    subject: &'a Subject<'a>,
    /// The schema of the whole subject.
    root: &'a Value,
    /// The pointer of the offending value in the manifest.
    pointer: String,
    /// Its name for people, such as `stage.1.steps`.
    name: String,
    /// The schema of the offending value.
    schema: &'a Map<String, Value>,
    value: &'a Value,
    place: Place,
}

impl<'a> Scene<'a> {
    fn new(violation: &'a ValidationError<'_>, root: &'a Value, subject: &'a Subject<'a>) -> Self {
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

    fn unknown_key(&self, key: &str) -> Diagnostic {
        let mut known: Vec<&str> = Vec::new();
        collect_keys(self.schema, &mut known);
        let table = self.table();
        let help = match nearest(key, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if known.is_empty() => "it takes no keys: take this one out".to_owned(),
            None => format!("the keys of {table} are {}", name_list(known)),
        };
        let place = self.subject.tree.key_place_of(&join(&self.pointer, key));
        Diagnostic::new(
            Problem::UnknownKey,
            format!("unknown key {} in {table}", code(key)),
            place,
            "unknown key",
        )
        .help(help)
    }

    fn missing_key(&self, key: &str) -> Diagnostic {
        let table = self.table();
        let message = format!("missing key {} in {table}", code(key));
        let schema = self
            .schema
            .get("properties")
            .and_then(|keys| keys.get(key))
            .and_then(Value::as_object);
        let help = match schema {
            Some(schema) => {
                let meaning = first_sentence(schema);
                format!(
                    "`{key}` is {}{}{meaning}",
                    form(schema),
                    if meaning.is_empty() { "" } else { ": " }
                )
            }
            None => format!("add `{key}`"),
        };
        Diagnostic::new(
            Problem::MissingKey,
            message,
            self.place.clone(),
            format!("`{key}` is missing here"),
        )
        .help(help)
    }

    fn wrong_form(&self) -> Diagnostic {
        let expected = form(self.schema);
        let message = format!(
            "`{}` must be {expected}, not {}",
            self.name,
            describe_value(self.value)
        );
        let problem = if self.value.is_string() {
            Problem::InvalidValue
        } else {
            Problem::WrongType
        };
        Diagnostic::new(
            problem,
            message,
            self.place.clone(),
            format!("expected {expected}"),
        )
    }

    fn simple(&self, kind: &Kind, violation: &ValidationError<'_>) -> Diagnostic {
        let invalid = |message: String, label: &str| {
            Diagnostic::new(Problem::InvalidValue, message, self.place.clone(), label)
        };
        let name = &self.name;
        let found = describe_value(self.value);
        match kind {
            Kind::Required { property } => self.missing_key(property.as_str().unwrap_or_default()),
            Kind::Type { .. } => self.wrong_type(),
            Kind::Custom { keyword, .. } if keyword == WRITTEN_AS_INTEGER => {
                let written = self.value.as_f64().unwrap_or_default();
                Diagnostic::new(
                    Problem::WrongType,
                    format!("`{name}` must be an integer, not {found}"),
                    self.place.clone(),
                    "has a decimal point",
                )
                .help(format!("write `{written:.0}`"))
            }
            Kind::Enum { .. } | Kind::Constant { .. } => self.not_an_option(),
            Kind::Pattern { .. } | Kind::Format { .. } => self.wrong_form(),
            Kind::Minimum { .. } | Kind::ExclusiveMinimum { .. } => invalid(
                format!("`{name}` must be {}, not {}", form(self.schema), self.value),
                "too small",
            ),
            Kind::Maximum { .. } | Kind::ExclusiveMaximum { .. } => invalid(
                format!(
                    "`{name}` must be {}, not {}",
                    full_form(self.schema),
                    self.value
                ),
                "too large",
            ),
            Kind::MultipleOf { .. } => invalid(
                format!("`{name}` must be {}, not {}", form(self.schema), self.value),
                "not a multiple",
            ),
            Kind::MinLength { limit: 1 } => invalid(format!("`{name}` must not be empty"), "empty"),
            Kind::MinItems { limit: 1 } => {
                invalid(format!("`{name}` must have at least one element"), "empty")
            }
            Kind::MinLength { limit } => invalid(
                format!("`{name}` must have at least {limit} characters, found {found}"),
                "too short",
            ),
            Kind::MaxLength { limit } => invalid(
                format!("`{name}` must have at most {limit} characters"),
                "too long",
            ),
            Kind::MinItems { limit } => invalid(
                format!(
                    "`{name}` must have at least {limit} elements, found {}",
                    self.length()
                ),
                "too few",
            ),
            Kind::MaxItems { limit } => invalid(
                format!(
                    "`{name}` must have at most {limit} elements, found {}",
                    self.length()
                ),
                "too many",
            ),
            Kind::AdditionalItems { limit } => invalid(
                format!(
                    "`{name}` must have at most {limit} elements, found {}",
                    self.length()
                ),
                "too many",
            ),
            Kind::UniqueItems => invalid(format!("`{name}` has an element twice"), "not unique"),
            // Rare keywords speak for themselves; a value of kilobytes must not fill the screen.
            _ => invalid(
                format!(
                    "`{name}`: {}",
                    shortened(&violation.masked_with("the value").to_string())
                ),
                "invalid",
            ),
        }
    }

    fn wrong_type(&self) -> Diagnostic {
        let found = describe_value(self.value);
        let expected = form(self.schema);
        let message = format!("`{}` must be {expected}, not {found}", self.name);
        let label = format!("this is {}", with_article(type_name(self.value)));
        let diagnostic = Diagnostic::new(Problem::WrongType, message, self.place.clone(), label);
        match self.type_remedy() {
            Some(remedy) => diagnostic.help(remedy),
            None => diagnostic,
        }
    }

    fn type_remedy(&self) -> Option<String> {
        // A name of a table of one's own choice, near to a key that exists, was probably meant for that key.
        let (parent, key) = self.pointer.rsplit_once('/')?;
        let siblings = self.root.pointer(&self.parent_schema_pointer(parent))?;
        if let Some(keys) = siblings.get("properties").and_then(Value::as_object)
            && !keys.contains_key(key)
            && let Some(near) = nearest(key, keys.keys().map(String::as_str))
        {
            return Some(format!("did you mean `{near}`?"));
        }
        let wanted = self.schema.get("type").and_then(Value::as_str)?;
        match (wanted, self.value) {
            ("string", Value::Number(_) | Value::Bool(_)) if self.place.is_override() => {
                Some(format!(
                    "write quotes that the shell leaves alone: --set '{}=\"{}\"'",
                    self.name, self.value
                ))
            }
            ("string", Value::Number(_) | Value::Bool(_)) => {
                Some(format!("write it in quotes: \"{}\"", self.value))
            }
            ("integer" | "number" | "boolean", Value::String(text)) if parses_as(wanted, text) => {
                Some(format!("write it without quotes: {text}"))
            }
            ("array", _) => Some("write it in brackets: [..]".to_owned()),
            _ => None,
        }
    }

    /// Where in the schema the table is described that holds the offending value, if it is reached by plain keys.
    fn parent_schema_pointer(&self, parent: &str) -> String {
        let inside = parent
            .strip_prefix(self.subject.pointer)
            .unwrap_or_default();
        segments(inside).fold(String::new(), |path, segment| {
            if segment.bytes().all(|byte| byte.is_ascii_digit()) {
                format!("{path}/items")
            } else {
                join(&format!("{path}/properties"), &segment)
            }
        })
    }

    fn not_an_option(&self) -> Diagnostic {
        self.not_among(&choices(self.schema))
    }

    fn not_among(&self, options: &[Value]) -> Diagnostic {
        let listed = options
            .iter()
            .map(Value::to_string)
            .collect::<Vec<_>>()
            .join(", ");
        let one_of = if options.len() == 1 { "" } else { "one of " };
        let message = format!(
            "`{}` must be {one_of}{listed}, not {}",
            self.name,
            describe_value(self.value)
        );
        let problem = match options
            .iter()
            .any(|option| type_name(option) == type_name(self.value))
        {
            true => Problem::InvalidValue,
            false => Problem::WrongType,
        };
        let diagnostic = Diagnostic::new(
            problem,
            message,
            self.place.clone(),
            "not one of the choices",
        );
        let near = self
            .value
            .as_str()
            .and_then(|text| nearest(text, options.iter().filter_map(Value::as_str)));
        match near {
            Some(near) => diagnostic.help(format!("did you mean \"{near}\"?")),
            None => diagnostic,
        }
    }

    /// No branch fits and none was evidently meant: name the choices if they are plain values, else the forms.
    fn none_of(&self, context: &[Vec<ValidationError<'static>>]) -> Diagnostic {
        let choices: Vec<Value> = context
            .iter()
            .flatten()
            .flat_map(|violation| match violation.kind() {
                Kind::Constant { expected_value } => vec![(**expected_value).clone()],
                Kind::Enum { options } => options.as_array().cloned().unwrap_or_default(),
                _ => Vec::new(),
            })
            .collect();
        if context
            .iter()
            .flatten()
            .all(|violation| matches!(violation.kind(), Kind::Constant { .. } | Kind::Enum { .. }))
        {
            return self.not_among(&choices);
        }
        let branches = ["anyOf", "oneOf"]
            .iter()
            .find_map(|keyword| self.schema.get(*keyword))
            .and_then(Value::as_array);
        let forms: Vec<String> = branches
            .into_iter()
            .flatten()
            .filter_map(|branch| branch.as_object())
            .map(form)
            .collect();
        let message = format!(
            "`{}` must be {}, not {}",
            self.name,
            forms.join(" or "),
            describe_value(self.value)
        );
        Diagnostic::new(
            Problem::InvalidValue,
            message,
            self.place.clone(),
            "fits none of the forms",
        )
    }

    fn length(&self) -> usize {
        self.value.as_array().map_or(0, Vec::len)
    }
}

/// The branch of an `anyOf` that the author evidently meant: the only one whose violations all lie deeper than the
/// value itself (a tagged form whose tag fits), or that takes a value of this type at all.
fn meant_branch<'a>(
    context: &'a [Vec<ValidationError<'static>>],
    violation: &ValidationError<'_>,
) -> Option<&'a [ValidationError<'static>]> {
    let here = violation.instance_path().as_str();
    let wrong_here = |inner: &ValidationError<'_>| {
        let path = inner.instance_path().as_str();
        let rejects_type = path == here
            && matches!(
                inner.kind(),
                Kind::Type { .. } | Kind::Constant { .. } | Kind::Enum { .. }
            );
        let is_child = path
            .strip_prefix(here)
            .is_some_and(|rest| rest.matches('/').count() == 1);
        let rejects_tag = is_child && matches!(inner.kind(), Kind::Constant { .. });
        rejects_type || rejects_tag
    };
    let mut candidates = context
        .iter()
        .filter(|branch| !branch.iter().any(wrong_here));
    match (candidates.next(), candidates.next()) {
        (Some(only), None) => Some(only),
        _ => None,
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

fn parses_as(wanted: &str, text: &str) -> bool {
    match wanted {
        "integer" => text.parse::<i64>().is_ok(),
        "number" => text.parse::<f64>().is_ok_and(f64::is_finite),
        _ => text == "true" || text == "false",
    }
}

/// A value for a sentence, with its type: `the string "ten"`.
fn describe_value(value: &Value) -> String {
    match value {
        Value::Array(values) => format!("a list of {}", values.len()),
        Value::Object(_) => "a table".to_owned(),
        Value::String(text) => format!("the string {}", shortened(&format!("{text:?}"))),
        other => format!("the {} {other}", type_name(other)),
    }
}

fn with_article(noun: &str) -> String {
    if noun.starts_with(['a', 'e', 'i', 'o', 'u']) {
        format!("an {noun}")
    } else {
        format!("a {noun}")
    }
}

/// A name as the author wrote it, in quotes if it has odd characters.
fn code(key: &str) -> String {
    format!("`{}`", shortened(&dotted(&join("", key))))
}

fn shortened(text: &str) -> String {
    const LONGEST: usize = 80;
    match text.char_indices().nth(LONGEST) {
        Some((cut, _)) => format!("{}..", &text[..cut]),
        None => text.to_owned(),
    }
}
