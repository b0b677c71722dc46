//! The sentences about a value: its type, its range, its choices.

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind as Kind;
use serde_json::Value;

use super::phrase::{describe_value, shortened, with_article};
use super::scene::Scene;
use crate::manifest::describe::{choices, form, full_form};
use crate::manifest::diagnostic::{Diagnostic, Problem};
use crate::manifest::schema::WRITTEN_AS_INTEGER;
use crate::manifest::suggestion::nearest;
use crate::manifest::tree::{join, segments, type_name};

impl Scene<'_> {
    /// The diagnostic of every violation that is not about keys or alternatives.
    pub fn wrong_value(&self, kind: &Kind, violation: &ValidationError<'_>) -> Diagnostic {
        let (name, value) = (&self.name, self.value);
        let length = || value.as_array().map_or(0, Vec::len);
        let (message, label) = match kind {
            Kind::Type { .. } | Kind::Pattern { .. } | Kind::Format { .. } => {
                return self.wrong_type();
            }
            Kind::Enum { .. } | Kind::Constant { .. } => {
                return self.not_among(&choices(self.schema));
            }
            Kind::Custom { keyword, .. } if keyword == WRITTEN_AS_INTEGER => {
                return self.decimal_point();
            }
            Kind::Minimum { .. } | Kind::ExclusiveMinimum { .. } => (
                format!("must be {}, not {value}", form(self.schema)),
                "too small",
            ),
            Kind::Maximum { .. } | Kind::ExclusiveMaximum { .. } => (
                format!("must be {}, not {value}", full_form(self.schema)),
                "too large",
            ),
            Kind::MultipleOf { .. } => (
                format!("must be {}, not {value}", form(self.schema)),
                "not a multiple",
            ),
            Kind::MinLength { limit: 1 } => ("must not be empty".to_owned(), "empty"),
            Kind::MinItems { limit: 1 } => ("must have at least one element".to_owned(), "empty"),
            Kind::MinLength { limit } => (
                format!("must have at least {limit} characters"),
                "too short",
            ),
            Kind::MaxLength { limit } => {
                (format!("must have at most {limit} characters"), "too long")
            }
            Kind::MinItems { limit } => (
                format!("must have at least {limit} elements, found {}", length()),
                "too few",
            ),
            Kind::MaxItems { limit } => (
                format!("must have at most {limit} elements, found {}", length()),
                "too many",
            ),
            Kind::AdditionalItems { limit } => (
                format!("must have at most {limit} elements, found {}", length()),
                "too many",
            ),
            Kind::UniqueItems => ("must not have an element twice".to_owned(), "not unique"),
            // Rare keywords speak for themselves; a value of kilobytes must not fill the screen.
            _ => (
                format!(
                    "is not valid: {}",
                    shortened(&violation.masked().to_string())
                ),
                "invalid",
            ),
        };
        let message = format!("`{name}` {message}");
        Diagnostic::new(Problem::InvalidValue, message, self.place.clone(), label)
    }

    /// A value that is not of the form, with the remedy for the usual slips.
    pub fn wrong_type(&self) -> Diagnostic {
        let message = format!(
            "`{}` must be {}, not {}",
            self.name,
            form(self.schema),
            describe_value(self.value)
        );
        let takes_strings = self.schema.get("type").is_none_or(|name| name == "string");
        let (problem, label) = if takes_strings && self.value.is_string() {
            (Problem::InvalidValue, "not of this form".to_owned())
        } else {
            (
                Problem::WrongType,
                format!("this is {}", with_article(type_name(self.value))),
            )
        };
        let diagnostic = Diagnostic::new(problem, message, self.place.clone(), label);
        match self.misplaced_key().or_else(|| self.misplaced_quotes()) {
            Some(remedy) => diagnostic.help(remedy),
            None => diagnostic,
        }
    }

    /// JSON Schema takes `10.0` for an integer; the types behind it do not.
    fn decimal_point(&self) -> Diagnostic {
        let message = format!(
            "`{}` must be an integer, not {}",
            self.name,
            describe_value(self.value)
        );
        let written = self.value.as_f64().unwrap_or_default();
        Diagnostic::new(
            Problem::WrongType,
            message,
            self.place.clone(),
            "has a decimal point",
        )
        .help(format!("write `{written:.0}`"))
    }

    /// In a table of names of one's own choice, a name near to a key that exists was probably meant for that key.
    fn misplaced_key(&self) -> Option<String> {
        let (parent, key) = self.pointer.rsplit_once('/')?;
        let table = self.root.pointer(&self.parent_schema_pointer(parent))?;
        let keys = table.get("properties")?.as_object()?;
        if keys.contains_key(key) {
            return None;
        }
        let near = nearest(key, keys.keys().map(String::as_str))?;
        Some(format!("did you mean `{near}`?"))
    }

    fn misplaced_quotes(&self) -> Option<String> {
        let wanted = self.schema.get("type").and_then(Value::as_str)?;
        match (wanted, self.value) {
            ("string", Value::Number(_) | Value::Bool(_)) => {
                let quoted = Value::String(self.value.to_string());
                let schema = Value::Object(self.schema.clone());
                let right =
                    jsonschema::validator_for(&schema).is_ok_and(|schema| schema.is_valid(&quoted));
                let remedy = match self.place.is_override() {
                    true => format!(
                        "write quotes that the shell leaves alone: --set '{}={quoted}'",
                        self.name
                    ),
                    false => format!("write it in quotes: {quoted}"),
                };
                right.then_some(remedy)
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
    pub fn none_of(&self, context: &[Vec<ValidationError<'static>>]) -> Diagnostic {
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
}
fn parses_as(wanted: &str, text: &str) -> bool {
    match wanted {
        "integer" => text.parse::<i64>().is_ok(),
        "number" => text.parse::<f64>().is_ok_and(f64::is_finite),
        _ => text == "true" || text == "false",
    }
}
