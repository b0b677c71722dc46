//! Checking values against JSON Schemas: the manifest's own, and those of components.
//!
//! One mechanism serves both, so a third party's keys get the same messages as ours. jsonschema finds every
//! violation; `wording` turns each into a diagnostic at the place where the value was written.

use jsonschema::{Keyword, ValidationError, Validator};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::diagnostic::Diagnostics;
use super::wording::{Subject, report_all};

/// A schema ready to check with.
pub(super) struct CompiledSchema {
    /// As prepared; violations point into it.
    schema: Value,
    validator: Validator,
}

impl CompiledSchema {
    /// Fails with the reason if the schema itself is wrong.
    pub fn new(schema: &Value) -> Result<Self, String> {
        let schema = prepare(schema);
        let validator = jsonschema::options()
            .with_keyword(WRITTEN_AS_INTEGER, |_, _, _| Ok(Box::new(WrittenAsInteger)))
            .build(&schema)
            .map_err(|error| format!("{error} (at `{}` of the schema)", error.schema_path()))?;
        Ok(Self { schema, validator })
    }

    /// Reports every violation by `value`, and returns the JSON pointers of the offending values.
    pub fn check(
        &self,
        value: &Value,
        subject: &Subject<'_>,
        diagnostics: &mut Diagnostics,
    ) -> Vec<String> {
        report_all(
            self.validator.iter_errors(value),
            &self.schema,
            subject,
            diagnostics,
        )
    }
}

/// The schema of a type without references, as the checks and the reference page use it.
pub(super) fn schema_of<T: JsonSchema>() -> Value {
    let settings =
        SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    prepare(
        settings
            .into_generator()
            .into_root_schema_for::<T>()
            .as_value(),
    )
}

/// The keyword that this module adds to the schemas it checks with.
pub(super) const WRITTEN_AS_INTEGER: &str = "x-written-as-integer";

/// JSON Schema takes `10.0` for an integer and serde does not; the person who wrote it should hear so here, with the
/// line, and not from a deserialiser without one.
struct WrittenAsInteger;

impl<'i> Keyword<'i> for WrittenAsInteger {
    fn validate(&self, instance: &'i Value) -> Result<(), ValidationError<'i>> {
        if Keyword::is_valid(self, instance) {
            Ok(())
        } else {
            Err(ValidationError::custom("written with a decimal point"))
        }
    }

    fn is_valid(&self, instance: &'i Value) -> bool {
        // A number with a fraction is the business of `type`.
        !instance.is_f64()
            || instance
                .as_f64()
                .is_some_and(|number| number.fract() != 0.0)
    }
}

/// The same schema, nearer to what a TOML author and serde mean: no `null` (TOML has none, so an optional value is
/// one that may be left out), whole numbers without a decimal point, and the limits of Rust's number types.
fn prepare(schema: &Value) -> Value {
    match schema {
        Value::Object(map) => {
            let mut prepared: Map<String, Value> = map
                .iter()
                .map(|(key, value)| (key.clone(), prepare(value)))
                .collect();
            drop_null(&mut prepared);
            if prepared.get("type") == Some(&json!("integer")) {
                prepared.insert(WRITTEN_AS_INTEGER.to_owned(), Value::Bool(true));
            }
            add_limits(&mut prepared);
            Value::Object(prepared)
        }
        Value::Array(values) => Value::Array(values.iter().map(prepare).collect()),
        other => other.clone(),
    }
}

fn drop_null(schema: &mut Map<String, Value>) {
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            schema.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(branches)) = schema.get_mut("anyOf") {
        branches.retain(|branch| branch != &json!({ "type": "null" }));
        if let [Value::Object(only)] = branches.as_slice() {
            let only = only.clone();
            schema.remove("anyOf");
            for (key, value) in only {
                schema.entry(key).or_insert(value);
            }
        }
    }
}

fn add_limits(schema: &mut Map<String, Value>) {
    let Some(format) = schema.get("format").and_then(Value::as_str) else {
        return;
    };
    let (minimum, maximum) = match format {
        "int8" => (json!(i8::MIN), json!(i8::MAX)),
        "int16" => (json!(i16::MIN), json!(i16::MAX)),
        "int32" => (json!(i32::MIN), json!(i32::MAX)),
        "uint8" => (json!(0), json!(u8::MAX)),
        "uint16" => (json!(0), json!(u16::MAX)),
        "uint32" => (json!(0), json!(u32::MAX)),
        "float" => (json!(f32::MIN), json!(f32::MAX)),
        _ => return,
    };
    for (limit, exclusive, value) in [
        ("minimum", "exclusiveMinimum", minimum),
        ("maximum", "exclusiveMaximum", maximum),
    ] {
        if !schema.contains_key(exclusive) {
            schema.entry(limit).or_insert(value);
        }
    }
}
