//! A schema in words: what a value must be, for messages and for the reference page.

use serde_json::{Map, Value};

/// What a value must be: "an integer of at least 1", "`"cosine"` or `"linear"`", or the words that the schema itself
/// gives in `x-expected`. Limits that are only those of the number's type are left out; nobody meets them by design.
pub(super) fn form(schema: &Map<String, Value>) -> String {
    form_with(schema, false)
}

/// The same with every limit, for the value that did meet one.
pub(super) fn full_form(schema: &Map<String, Value>) -> String {
    form_with(schema, true)
}

/// The first sentence of a schema's description, without its full stop.
pub(super) fn first_sentence(schema: &Map<String, Value>) -> String {
    let description = description(schema);
    let end = description.find(". ").unwrap_or(description.len());
    description[..end].trim_end_matches('.').to_owned()
}

/// A schema's description on one line.
pub(super) fn description(schema: &Map<String, Value>) -> String {
    let text = schema
        .get("description")
        .and_then(Value::as_str)
        .unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The values a schema allows, if it lists them.
pub(super) fn choices(schema: &Map<String, Value>) -> Vec<Value> {
    match (
        schema.get("enum"),
        schema.get("const"),
        schema.get("oneOf").or(schema.get("anyOf")),
    ) {
        (Some(Value::Array(options)), _, _) => options.clone(),
        (_, Some(only), _) => vec![only.clone()],
        // An enum whose variants have comments of their own arrives as alternatives of one value each.
        (_, _, Some(Value::Array(branches))) => {
            let each: Vec<Vec<Value>> = branches
                .iter()
                .map(|b| b.as_object().map(choices).unwrap_or_default())
                .collect();
            if each.iter().all(|options| !options.is_empty()) {
                each.concat()
            } else {
                Vec::new()
            }
        }
        _ => Vec::new(),
    }
}

fn form_with(schema: &Map<String, Value>, type_limits: bool) -> String {
    if let Some(words) = schema.get("x-expected").and_then(Value::as_str) {
        return words.to_owned();
    }
    let choices = choices(schema);
    if !choices.is_empty() {
        return alternatives(choices.iter().map(Value::to_string).collect());
    }
    match schema.get("type") {
        Some(Value::String(name)) => typed(name, schema, type_limits),
        Some(Value::Array(names)) => alternatives(
            names
                .iter()
                .filter_map(Value::as_str)
                .map(|name| typed(name, schema, type_limits))
                .collect(),
        ),
        _ => match schema.get("anyOf").or(schema.get("oneOf")) {
            Some(Value::Array(branches)) => alternatives(
                branches
                    .iter()
                    .filter_map(Value::as_object)
                    .map(form)
                    .collect(),
            ),
            _ => "another value".to_owned(),
        },
    }
}

fn typed(name: &str, schema: &Map<String, Value>, type_limits: bool) -> String {
    match name {
        "integer" => format!("an integer{}", range(schema, type_limits)),
        "number" => format!("a number{}", range(schema, type_limits)),
        "string" => match schema.get("pattern").and_then(Value::as_str) {
            Some(pattern) => format!("a string that matches `{pattern}`"),
            None => "a string".to_owned(),
        },
        "boolean" => "true or false".to_owned(),
        "array" => format!("a list{}", elements(schema)),
        "object" => "a table".to_owned(),
        other => other.to_owned(),
    }
}

fn elements(schema: &Map<String, Value>) -> String {
    let minimum = schema.get("minItems").and_then(Value::as_u64);
    let maximum = schema.get("maxItems").and_then(Value::as_u64);
    let what = match schema.get("items").and_then(Value::as_object).map(form) {
        Some(form) if form == "a table" => "tables".to_owned(),
        Some(form) if form == "a string" => "strings".to_owned(),
        Some(form) if form == "true or false" => "booleans".to_owned(),
        Some(form) if form.starts_with("an integer") => form.replacen("an integer", "integers", 1),
        Some(form) if form.starts_with("a number") => form.replacen("a number", "numbers", 1),
        Some(form) => format!("elements that are each {form}"),
        None => "any elements".to_owned(),
    };
    match (minimum, maximum) {
        (Some(minimum), Some(maximum)) if minimum == maximum => format!(" of {minimum} {what}"),
        _ => format!(" of {what}"),
    }
}

fn range(schema: &Map<String, Value>, type_limits: bool) -> String {
    let limit = |keyword: &str| {
        schema
            .get(keyword)
            .filter(|limit| type_limits || !is_type_limit(limit))
            .map(plain_number)
    };
    let lower = limit("minimum").map(|limit| format!("of at least {limit}"));
    let lower = lower.or(limit("exclusiveMinimum").map(|limit| format!("above {limit}")));
    let upper = limit("maximum").map(|limit| format!("at most {limit}"));
    let upper = upper.or(limit("exclusiveMaximum").map(|limit| format!("below {limit}")));
    let multiple = schema
        .get("multipleOf")
        .map(|step| format!(", a multiple of {step}"))
        .unwrap_or_default();
    let range = match (lower, upper) {
        (Some(_), Some(_)) if schema.contains_key("minimum") && schema.contains_key("maximum") => {
            format!(
                " from {} to {}",
                plain_number(&schema["minimum"]),
                plain_number(&schema["maximum"])
            )
        }
        (Some(lower), Some(upper)) => format!(" {lower} and {upper}"),
        (Some(lower), None) => format!(" {lower}"),
        (None, Some(upper)) => format!(" of {upper}").replace("of below", "below"),
        (None, None) => String::new(),
    };
    range + &multiple
}

fn is_type_limit(limit: &Value) -> bool {
    const LIMITS: [i64; 5] = [
        i32::MIN as i64,
        i32::MAX as i64,
        u32::MAX as i64,
        i64::MAX,
        i64::MIN,
    ];
    limit.as_i64().is_some_and(|limit| LIMITS.contains(&limit))
        || limit
            .as_f64()
            .is_some_and(|limit| limit.abs() == f64::from(f32::MAX))
}

/// Limits are often floats that are whole: `0.0` reads better as `0`.
pub(super) fn plain_number(number: &Value) -> String {
    match number.as_f64() {
        Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < 1e6 => {
            format!("{float:.0}")
        }
        Some(float) if number.is_f64() && !(1e-3..1e6).contains(&float.abs()) => {
            format!("{float:e}")
        }
        _ => number.to_string(),
    }
}

fn alternatives(forms: Vec<String>) -> String {
    match forms.as_slice() {
        [] => "another value".to_owned(),
        [only] => only.clone(),
        [rest @ .., last] => format!("{} or {last}", rest.join(", ")),
    }
}
