//! Texts that no honest author writes: errors, never a panic or a hang.

use std::path::Path;

use farthing_runtime::manifest::{ManifestFile, Style};
use proptest::prelude::*;

use super::{DIRECTORY, MINIMAL, parse};

/// Reads a text and renders whatever is wrong with it, in both styles.
fn read_and_render(text: &str, overrides: &[String]) -> Option<String> {
    let found = ManifestFile::parse("run.toml", text, Path::new(DIRECTORY), overrides).err()?;
    found.to_json();
    found.render(Style::Fancy {
        colour: true,
        width: 80,
    });
    Some(found.render(Style::Plain))
}

#[test]
fn hostile_texts_give_errors() {
    let with =
        |line: &str| MINIMAL.replace("name = \"small\"", &format!("name = \"small\"\n{line}"));
    let rows = [
        (
            "deep lists",
            with(&format!(
                "x = {}{}",
                "[".repeat(100_000),
                "]".repeat(100_000)
            )),
        ),
        (
            "deep tables",
            with(&format!(
                "x = {}1{}",
                "{ a = ".repeat(50_000),
                " }".repeat(50_000)
            )),
        ),
        (
            "deep dotted keys",
            with(&format!("{}b = 1", "a.".repeat(100_000))),
        ),
        (
            "deep headers",
            format!("{MINIMAL}\n[{}a]", "a.".repeat(100_000)),
        ),
        (
            "an open list",
            with(&format!("x = {}", "[".repeat(100_000))),
        ),
        (
            "huge integers",
            with(&format!("seed = {}", "9".repeat(1 << 20))),
        ),
        ("huge exponents", with("seed = 1e999999999999")),
        (
            "a megabyte in a name",
            MINIMAL.replace("small", &"s".repeat(1 << 20)),
        ),
        (
            "a megabyte in a key",
            with(&format!("{} = 1", "k".repeat(1 << 20))),
        ),
        (
            "a megabyte of spaces",
            with(&format!("x{}= 1", " ".repeat(1 << 20))),
        ),
        ("a megabyte of quotes", with(&"\"".repeat(1 << 20))),
        (
            "many unknown keys",
            with(
                &(0..20_000)
                    .map(|i| format!("key{i} = {i}\n"))
                    .collect::<String>(),
            ),
        ),
        ("many duplicate keys", with(&"x = 1\n".repeat(20_000))),
        (
            "many stages",
            format!("{MINIMAL}{}", "[[stage]]\nkind = \"stf\"\n".repeat(2_000)),
        ),
        (
            "many tasks of one name",
            format!("{}{MINIMAL}", "[[task]]\nuse = \"a/b\"\n".repeat(2_000)),
        ),
        ("a zero byte", MINIMAL.replace("small", "sm\0all")),
        ("zero bytes only", "\0".repeat(10_000)),
        ("a lone carriage return", MINIMAL.replace('\n', "\r")),
        ("line breaks in a key", with("\"a\\nb\" = 1")),
        ("nothing", String::new()),
        ("wide characters in a wrong line", with("名前 = \"ü\"")),
    ];
    for (what, text) in rows {
        let shown =
            read_and_render(&text, &[]).unwrap_or_else(|| panic!("{what}: read without complaint"));
        assert!(shown.contains("error: "), "{what}: {shown}");
        assert!(
            shown.len() < 200_000,
            "{what}: {} bytes of complaints",
            shown.len()
        );
    }
}

#[test]
fn hostile_overrides_give_short_errors() {
    for text in [
        format!("{}b=1", "a.".repeat(100_000)),
        format!("run.name={}1", "[".repeat(100_000)),
        "k".repeat(1 << 20),
        format!("stage.{}=1", "9".repeat(1 << 20)),
        format!("run.name={}", "n".repeat(1 << 20)),
    ] {
        let shown = read_and_render(MINIMAL, std::slice::from_ref(&text)).expect("it is refused");
        assert!(shown.starts_with("--set:1:"), "{}", &shown[..100]);
        assert!(shown.len() < 600, "{} bytes of complaints", shown.len());
    }
}

#[test]
fn texts_from_other_editors_are_read() {
    assert!(
        parse(&format!("\u{feff}{MINIMAL}")).is_ok(),
        "a byte order mark"
    );
    assert!(
        parse(&MINIMAL.replace('\n', "\r\n")).is_ok(),
        "other line breaks"
    );
    let wrong = MINIMAL
        .replace("steps = 3", "steps = 0")
        .replace('\n', "\r\n");
    let shown = read_and_render(&wrong, &[]).expect("it is refused");
    assert!(
        shown.contains("run.toml:16:9") && shown.contains("| steps = 0\n"),
        "{shown}"
    );
}

#[test]
fn a_configuration_may_be_large_and_odd_and_still_be_read() {
    let text = MINIMAL.replace(
        "use = \"sums/add\"",
        &format!(
            "use = \"sums/add\"\nconfig = {{ x = \"{}\" }}",
            "y".repeat(1 << 20)
        ),
    );
    assert!(parse(&text).is_ok());
}

#[test]
fn files_that_are_no_text_are_refused_by_name() {
    let directory = tempfile::tempdir().unwrap();
    let refused = |path: &Path| ManifestFile::read(path, &[]).unwrap_err().to_string();
    assert!(refused(&directory.path().join("missing.toml")).contains("cannot read"));
    assert!(refused(directory.path()).contains("is not a regular file"));
    assert!(refused(Path::new("/dev/zero")).contains("is not a regular file"));

    let binary = directory.path().join("binary.toml");
    std::fs::write(&binary, b"[run]\nname = \"\xff\"\n").unwrap();
    assert!(
        refused(&binary).contains("is not UTF-8 text: line 2"),
        "{}",
        refused(&binary)
    );

    let large = directory.path().join("large.toml");
    std::fs::write(&large, " ".repeat(5 << 20)).unwrap();
    assert!(refused(&large).contains("more than 4 MiB"));
}

/// Text that is nearly a manifest, so that the checks behind the parser are reached too.
fn nearly_a_manifest() -> impl Strategy<Value = String> {
    let keys = [
        "run",
        "name",
        "seed",
        "model",
        "path",
        "init",
        "task",
        "use",
        "rewards",
        "stage",
        "kind",
        "steps",
        "sampler",
        "update",
        "lr",
        "tasks",
        "config",
        "tokenizer",
        "characters",
    ];
    let values = [
        "1",
        "-1",
        "0",
        "1.5",
        "\"a\"",
        "\"a/b\"",
        "\"sft\"",
        "\"rl\"",
        "\"eval\"",
        "[]",
        "{}",
        "[{}]",
        "{ use = \"a/b\" }",
        "[1, \"a\"]",
        "true",
        "1e-3",
        "{ lr = 1 }",
        "[[]]",
        "1979-05-27",
    ];
    let key = proptest::sample::select(keys.to_vec());
    let value = proptest::sample::select(values.to_vec());
    let line = prop_oneof![
        4 => (key.clone(), value).prop_map(|(key, value)| format!("{key} = {value}\n")),
        1 => key.clone().prop_map(|key| format!("[{key}]\n")),
        2 => key.clone().prop_map(|key| format!("[[{key}]]\n")),
        1 => (key.clone(), key).prop_map(|(outer, inner)| format!("[{outer}.{inner}]\n")),
    ];
    proptest::collection::vec(line, 0..24).prop_map(|lines| lines.concat())
}

/// The smallest manifest with some characters cut out and others put in.
fn damaged_manifest() -> impl Strategy<Value = String> {
    (0..MINIMAL.len(), 0..40_usize, any::<String>()).prop_map(|(start, length, inserted)| {
        let end = (start + length).min(MINIMAL.len());
        format!("{}{inserted}{}", &MINIMAL[..start], &MINIMAL[end..])
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>(), overriding in any::<String>()) {
        read_and_render(&text, &[overriding]);
    }

    #[test]
    fn nearly_a_manifest_is_read_or_refused(text in nearly_a_manifest()) {
        read_and_render(&text, &[]);
    }

    #[test]
    fn a_damaged_manifest_is_read_or_refused(text in damaged_manifest()) {
        read_and_render(&text, &[]);
    }

    #[test]
    fn any_override_is_applied_or_refused(key in "[a-z.0-9\"\\[\\]= ]{0,20}", value in any::<String>()) {
        read_and_render(MINIMAL, &[format!("{key}={value}"), format!("stage.1.{key}={value}")]);
    }
}
