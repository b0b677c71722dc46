//! Templates that never end, or are none.

use serde_json::json;

use crate::Directory;

#[test]
fn a_template_is_a_program_with_limits() {
    let nested =
        |open: &str, close: &str| format!("{}x{}", open.repeat(20_000), close.repeat(20_000));
    let programs = [
        "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}"
            .to_owned(),
        "{% macro f(n) %}{{ f(n) }}{% endmacro %}{{ f(1) }}".to_owned(),
        "{% include 'chat' %}".to_owned(),
        "{% extends 'chat' %}".to_owned(),
        "{{ 'x' * 1000000000000 }}".to_owned(),
        "{{ 'x' * -1 }}{{ 1 // 0 }}".to_owned(),
        "{% set x = 'x' * 1000000 %}{% for a in range(10000) %}{{ x }}{% endfor %}".to_owned(),
        "{{ range(100000000000) }}".to_owned(),
        "{{ messages | tojson(indent=1000000000000) }}".to_owned(),
        "{{ messages | tojson(indent=70000) }}".to_owned(),
        "{{ strftime_now('%') }}".to_owned(),
        "{{ strftime_now('%Q%9999999999d') }}".to_owned(),
        "{{ messages[99999999999999999999999] }}{{ nothing.at.all }}".to_owned(),
        "{{ raise_exception('no') }}".to_owned(),
        "{%}".to_owned(),
        "{%}{% %}%}".to_owned(),
        "{%-%}".to_owned(),
        "{% if %}{{ }}{#".to_owned(),
        "{{ '".to_owned(),
        nested("{% if true %}", "{% endif %}"),
        nested("{{ (", ") }}"),
        format!("{{{{ {}1{} }}}}", "(".repeat(50_000), ")".repeat(50_000)),
        format!("{{{{ {}1 }}}}", "not ".repeat(50_000)),
        format!("{{{{ {}1 }}}}", "-".repeat(50_000)),
        format!("{{{{ {}{} }}}}", "[".repeat(50_000), "]".repeat(50_000)),
        format!("{{{{ a{} }}}}", "|upper".repeat(50_000)),
        format!("{{{{ a{} }}}}", ".a".repeat(50_000)),
        format!("{{{{ 1{} }}}}", " ~ 1".repeat(200_000)),
    ];
    for program in programs {
        let shown: String = program.chars().take(60).collect();
        let directory = Directory::new();
        directory.write("chat_template.jinja", program.as_bytes());
        // Some of these are harmless; what is refused is refused by name.
        if directory.load().is_err() {
            directory.refuses("chat_template.jinja", &shown);
        }
        std::fs::remove_file(directory.path("chat_template.jinja")).unwrap();
        let config = json!({ "chat_template": program }).to_string();
        directory.write("tokenizer_config.json", config.as_bytes());
        if directory.load().is_err() {
            directory.refuses("tokenizer_config.json", &shown);
        }
    }
    let directory = Directory::new();
    std::fs::remove_file(directory.path("chat_template.jinja")).unwrap();
    for template in [
        json!(1),
        json!({}),
        json!([]),
        json!([{}]),
        json!([{ "name": "default", "template": 1 }]),
    ] {
        let config = json!({ "chat_template": template }).to_string();
        directory.write("tokenizer_config.json", config.as_bytes());
        directory.refuses("tokenizer_config.json", &config);
    }
}
