//! Component configurations against schemas as plugins give them, each violation at its own line.

use farthing_runtime::manifest::{
    ComponentRole, Diagnostics, ManifestFile, Problem, check_component_config,
};
use serde_json::{Value, json};

use super::{MINIMAL, parse, parse_with};

/// As schemars writes it for a struct with options, defaults, a nested struct and a tagged enum.
fn sampler_schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Standard",
        "type": "object",
        "additionalProperties": false,
        "required": ["group"],
        "properties": {
            "group": { "type": "integer", "format": "uint32", "minimum": 1, "description": "Attempts at each problem. The group." },
            "temperature": { "type": "number", "format": "float", "exclusiveMinimum": 0, "maximum": 2, "default": 1.0 },
            "top_p": { "type": ["number", "null"], "minimum": 0, "maximum": 1 },
            "stop": { "type": "array", "items": { "type": "string", "minLength": 1 }, "default": [] },
            "mode": { "oneOf": [
                { "const": "greedy", "description": "The likeliest token." },
                { "const": "sampled", "description": "By chance." },
            ] },
            "limits": { "anyOf": [{ "$ref": "#/$defs/Limits" }, { "type": "null" }] },
            "penalty": { "oneOf": [
                { "type": "object", "properties": { "kind": { "const": "repetition" }, "factor": { "type": "number" } },
                  "required": ["kind", "factor"], "additionalProperties": false },
                { "type": "object", "properties": { "kind": { "const": "presence" }, "amount": { "type": "number" } },
                  "required": ["kind", "amount"], "additionalProperties": false },
            ] },
        },
        "$defs": {
            "Limits": {
                "type": "object",
                "properties": { "max_new_tokens": { "type": "integer", "format": "uint64", "minimum": 0 } },
                "additionalProperties": false,
            },
        },
    })
}

/// The problems of the `rl` stage's sampler with this configuration.
fn check(config: &str) -> Diagnostics {
    let text = MINIMAL.replacen(
        "sampler = { use = \"sampling/standard\" }",
        &format!("[stage.sampler]\nuse = \"sampling/standard\"\n{config}"),
        1,
    );
    // The table swallows the keys after it, so the optimizer comes as an override.
    let text = text.replace("optimizer = { use = \"policy/plain\" }\n", "");
    let file = parse_with(&text, &["stage.1.optimizer={ use = \"policy/plain\" }"]).unwrap();
    check_file(&file, &sampler_schema())
}

fn check_file(file: &ManifestFile, schema: &Value) -> Diagnostics {
    let mut diagnostics = file.diagnostics();
    let components = file.components();
    let sampler = components
        .iter()
        .find(|used| used.role == ComponentRole::Sampler)
        .unwrap();
    check_component_config(&sampler.config, schema, &mut diagnostics);
    diagnostics
}

#[test]
fn a_configuration_that_fits_has_no_problems() {
    for config in [
        "config = { group = 8 }",
        "config = { group = 8, temperature = 1, top_p = 0.9, stop = [\"</answer>\"], mode = \"greedy\" }",
        "config = { group = 1, limits = { max_new_tokens = 12 }, penalty = { kind = \"presence\", amount = 1 } }",
    ] {
        let found = check(config);
        assert!(found.is_empty(), "{config}: {found}");
    }
}

#[test]
fn all_violations_are_shown_at_their_lines() {
    let config = r#"
[stage.sampler.config]
group = 0
temprature = 1.0
temperature = 3.5
top_p = "0.9"
stop = ["a", ""]
mode = "greddy"
limits = { max_tokens = 12 }
penalty = { kind = "presence", amount = "much" }
"#;
    insta::assert_snapshot!(check(config).to_string(), @r#"
    run.toml:21:9: error: `stage.1.sampler.config.group` must be an integer of at least 1, not 0
      21 | group = 0
         |         ^ too small

    run.toml:22:1: error: unknown key `temprature` in the config of `sampling/standard`
      22 | temprature = 1.0
         | ^^^^^^^^^^ unknown key
      help: did you mean `temperature`?

    run.toml:23:15: error: `stage.1.sampler.config.temperature` must be a number above 0 and at most 2, not 3.5
      23 | temperature = 3.5
         |               ^^^ too large

    run.toml:24:9: error: `stage.1.sampler.config.top_p` must be a number from 0 to 1, not the string "0.9"
      24 | top_p = "0.9"
         |         ^^^^^ this is a string
      help: write it without quotes: 0.9

    run.toml:25:14: error: `stage.1.sampler.config.stop.1` must not be empty
      25 | stop = ["a", ""]
         |              ^^ empty

    run.toml:26:8: error: `stage.1.sampler.config.mode` must be one of "greedy", "sampled", not the string "greddy"
      26 | mode = "greddy"
         |        ^^^^^^^^ not one of the choices
      help: did you mean "greedy"?

    run.toml:27:12: error: unknown key `max_tokens` in `stage.1.sampler.config.limits`
      27 | limits = { max_tokens = 12 }
         |            ^^^^^^^^^^ unknown key
      help: did you mean `max_new_tokens`?

    run.toml:28:41: error: `stage.1.sampler.config.penalty.amount` must be a number, not the string "much"
      28 | penalty = { kind = "presence", amount = "much" }
         |                                         ^^^^^^ this is a string

    8 errors
    "#);
}

#[test]
fn single_violations_have_one_problem_each() {
    let rows: &[(&str, Problem, &str, &str)] = &[
        (
            "config = { group = 8.0 }",
            Problem::WrongType,
            "must be an integer, not the number 8.0",
            "write `8`",
        ),
        (
            "config = { group = 8, temperature = 1e300 }",
            Problem::InvalidValue,
            "above 0 and at most 2",
            "",
        ),
        (
            "config = { group = 5_000_000_000 }",
            Problem::InvalidValue,
            "from 1 to 4294967295",
            "",
        ),
        (
            "config = { group = true }",
            Problem::WrongType,
            "not the boolean true",
            "",
        ),
        (
            "config = {}",
            Problem::MissingKey,
            "missing key `group` in the config of `sampling/standard`",
            "Attempts at each problem",
        ),
        (
            "",
            Problem::MissingKey,
            "missing key `group` in the config of `sampling/standard`",
            "",
        ),
        (
            "config = { group = 8, mode = 3 }",
            Problem::WrongType,
            "one of \"greedy\", \"sampled\", not the integer 3",
            "",
        ),
        (
            "config = { group = 8, limits = 3 }",
            Problem::WrongType,
            "must be a table, not the integer 3",
            "",
        ),
        (
            "config = { group = 8, stop = \"a\" }",
            Problem::WrongType,
            "must be a list of strings",
            "in brackets",
        ),
        (
            "config = { group = 8, penalty = { kind = \"none\" } }",
            Problem::InvalidValue,
            "a table or a table",
            "",
        ),
    ];
    for (config, problem, message, help) in rows {
        let found = check(config);
        let all = found.to_string();
        let first = found
            .iter()
            .next()
            .unwrap_or_else(|| panic!("{config} has a mistake"));
        assert_eq!(
            (first.problem, found.len()),
            (*problem, 1),
            "{config}: {all}"
        );
        assert!(
            first.message.contains(message),
            "{config}: {message:?} is not in\n{all}"
        );
        assert!(
            first.help.as_deref().unwrap_or_default().contains(help),
            "{config}: {help:?} is not in\n{all}"
        );
    }
}

#[test]
fn a_missing_configuration_is_blamed_on_the_component() {
    let file = parse(MINIMAL).unwrap();
    let found = check_file(&file, &sampler_schema());
    assert!(
        found
            .to_string()
            .contains("run.toml:17:19: error: missing key `group`"),
        "{found}"
    );
}

#[test]
fn an_override_is_blamed_for_its_own_value() {
    let file = parse_with(MINIMAL, &["stage.1.sampler.config.group=many"]).unwrap();
    let found = check_file(&file, &sampler_schema());
    assert!(
        found
            .to_string()
            .contains("--set:1:30: error: `stage.1.sampler.config.group` must be"),
        "{found}"
    );
}

#[test]
fn a_wrong_schema_is_the_plugins_fault_and_does_not_end_the_host() {
    let file = parse(MINIMAL).unwrap();
    for schema in [
        json!({ "type": "no such type" }),
        json!({ "properties": { "group": { "pattern": "(" } } }),
        json!({ "$ref": "#/$defs/Missing" }),
        json!({ "$ref": "https://example.invalid/schema.json" }),
        json!(3),
    ] {
        let found = check_file(&file, &schema);
        assert_eq!(found.len(), 1, "{schema}: {found}");
        assert!(
            found
                .to_string()
                .contains("`sampling/standard` gives a configuration schema that is not valid"),
            "{found}"
        );
    }
}

#[test]
fn a_schema_without_limits_takes_anything() {
    let file = parse_with(
        MINIMAL,
        &["stage.1.sampler.config={ a = 1, b = [{ c = 2.0 }] }"],
    )
    .unwrap();
    for schema in [json!(true), json!({})] {
        assert!(check_file(&file, &schema).is_empty());
    }
    // A schema that refers to itself ends.
    let recursive = json!({ "additionalProperties": { "$ref": "#" } });
    check_file(&file, &recursive);
}
