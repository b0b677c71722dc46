//! The reference page of the manifest, rendered from the same types that read it, so that it cannot be out of date.

use serde_json::{Map, Value};

use super::describe::{description, form, plain_number};
use super::keys::{EvalStage, MergeStage, Model, Plugins, RlStage, Run, SftStage, Task};
use super::schema::schema_of;

/// Every key of the manifest in Markdown: its type and range, its default, its meaning and the reason.
pub fn reference() -> String {
    let mut page = String::from(INTRODUCTION);
    section("`[run]`", &schema_of::<Run>(), &mut page);
    section("`[plugins]`", &schema_of::<Plugins>(), &mut page);
    section("`[model]`", &schema_of::<Model>(), &mut page);
    section("`[[task]]`", &schema_of::<Task>(), &mut page);
    page.push_str(STAGES);
    section(
        "`[[stage]]` with `kind = \"sft\"`",
        &schema_of::<SftStage>(),
        &mut page,
    );
    section(
        "`[[stage]]` with `kind = \"rl\"`",
        &schema_of::<RlStage>(),
        &mut page,
    );
    section(
        "`[[stage]]` with `kind = \"merge\"`",
        &schema_of::<MergeStage>(),
        &mut page,
    );
    section(
        "`[[stage]]` with `kind = \"eval\"`",
        &schema_of::<EvalStage>(),
        &mut page,
    );
    page.truncate(page.trim_end().len());
    page.push('\n');
    page
}

const INTRODUCTION: &str = "\
# The manifest

<!-- Generated from the types in core/runtime/src/manifest/keys; change the comments there. -->

A manifest is a TOML file that says what to train, on what, how and for how long. Unknown keys are errors, and
`farthing check` shows every problem at once with its line. Paths are relative to the manifest's directory. A value is
changed for one run with `--set KEY=VALUE`, where the key is joined by dots and list elements count from 0:
`--set stage.1.steps=10`. The run directory keeps the resolved manifest, with every default filled in, as `run.toml`.

Where a key takes a component, write `{ use = \"plugin/component\", config = { .. } }`; `config` has the component's own
keys, which are checked against the schema that the component gives.

";

const STAGES: &str = "\
## `[[stage]]`

The steps of the run's pipeline, in order. `kind` decides which keys a stage has: `\"sft\"`, `\"rl\"`, `\"merge\"` or
`\"eval\"`.

";

/// One table of the manifest and, after it, the tables inside.
fn section(title: &str, schema: &Value, page: &mut String) {
    let Some(schema) = schema.as_object() else {
        return;
    };
    page.push_str(&format!("## {title}\n\n{}\n\n", description(schema)));
    table(schema, None, page);
}

/// The keys of a table, then the tables inside. `defaults` are those that the table around it gives it as a whole.
fn table(schema: &Map<String, Value>, defaults: Option<&Value>, page: &mut String) {
    let keys = ordered_keys(schema, defaults);
    for key in &keys {
        page.push_str(&entry(key));
    }
    page.push('\n');
    for key in keys {
        if let Some(inner) = inner_table(key.schema) {
            page.push_str(&format!("### `{}`\n\n", key.name));
            table(inner, key.default, page);
        }
    }
}

struct Key<'a> {
    name: &'a str,
    schema: &'a Map<String, Value>,
    required: bool,
    default: Option<&'a Value>,
}

/// Required keys first, then by name: an order that does not depend on how JSON maps are stored.
fn ordered_keys<'a>(schema: &'a Map<String, Value>, defaults: Option<&'a Value>) -> Vec<Key<'a>> {
    let properties = schema.get("properties").and_then(Value::as_object);
    let required = schema.get("required").and_then(Value::as_array);
    let mut keys: Vec<Key<'_>> = properties
        .into_iter()
        .flatten()
        .filter_map(|(name, schema)| {
            let schema = schema.as_object()?;
            let required =
                required.is_some_and(|names| names.iter().any(|required| required == name));
            let default = defaults
                .and_then(|defaults| defaults.get(name))
                .or(schema.get("default"));
            Some(Key {
                name,
                schema,
                required,
                default,
            })
        })
        .collect();
    if let Some(Value::Object(each)) = schema.get("additionalProperties") {
        keys.push(Key {
            name: "NAME",
            schema: each,
            required: false,
            default: None,
        });
    }
    keys.sort_by_key(|key| (!key.required, key.name == "NAME", key.name));
    keys
}

fn entry(key: &Key<'_>) -> String {
    let default = match (key.required, key.schema.get("x-default"), key.default) {
        (true, _, _) => "**required**".to_owned(),
        (_, Some(Value::String(words)), _) => format!("default: {words}"),
        (_, _, Some(Value::Object(table))) if !table.is_empty() => "default: as below".to_owned(),
        (_, _, Some(Value::Array(list))) if list.is_empty() => "default: none".to_owned(),
        (_, _, Some(value)) => format!("default `{}`", literal(value)),
        (_, _, None) => "optional".to_owned(),
    };
    let kind = if is_component(key.schema) {
        "a component".to_owned()
    } else {
        form(key.schema)
    };
    format!(
        "- **`{}`**: {kind}; {default}. {}\n",
        key.name,
        description(key.schema)
    )
}

fn literal(value: &Value) -> String {
    match value {
        Value::Number(_) => plain_number(value),
        Value::Array(elements) => format!(
            "[{}]",
            elements.iter().map(literal).collect::<Vec<_>>().join(", ")
        ),
        other => other.to_string(),
    }
}

/// The table that a key takes, itself or as a list's elements, unless it is a component's, which needs no repeating.
fn inner_table(schema: &Map<String, Value>) -> Option<&Map<String, Value>> {
    let table = schema
        .get("items")
        .and_then(Value::as_object)
        .unwrap_or(schema);
    (table.contains_key("properties") && !is_component(table)).then_some(table)
}

fn is_component(schema: &Map<String, Value>) -> bool {
    let properties = schema.get("properties").and_then(Value::as_object);
    properties.is_some_and(|keys| {
        keys.len() == 2 && keys.contains_key("use") && keys.contains_key("config")
    })
}
