//! A model's directory is somebody else's bytes. Whatever stands in it, loading gives the model or an error that names
//! the file and says what to do: no panic, no hang, no half-loaded weights.

#![cfg(unix)] // Pipes, devices and links.
#![allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.

mod support;

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use farthing_engine::{Architecture, Device, EngineError, Message, Model, ModelConfig, Tokenizer};
use proptest::prelude::*;
use serde_json::{Value, json};
use tempfile::TempDir;

/// Long enough for any machine; a pipe would wait for ever.
const PATIENCE: Duration = Duration::from_secs(60);

const TEMPLATE: &str = "{% for message in messages %}{{ message.content }}{% endfor %}";

/// A whole model with everything that a directory can have, in shards.
struct Directory(TempDir);

impl Directory {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let tokenizer = Tokenizer::characters("0123456789+= ", &["<answer>"]).unwrap();
        let config = ModelConfig {
            vocab_size: tokenizer.vocab_size(),
            ..support::small_config(Architecture::Qwen2, true)
        };
        let model = Model::init(config, 7, &Device::Cpu).unwrap();
        model.save(directory.path()).unwrap();
        tokenizer.save(directory.path()).unwrap();
        let directory = Self(directory);
        directory.write("generation_config.json", br#"{"eos_token_id":[1]}"#);
        directory.write("chat_template.jinja", TEMPLATE.as_bytes());
        directory.load().unwrap();
        directory
    }

    /// The same with the weights in one shard and an index.
    fn sharded() -> Self {
        let directory = Self::new();
        let single = directory.path("model.safetensors");
        std::fs::rename(single, directory.path("one.safetensors")).unwrap();
        directory.index("one.safetensors");
        directory.load().unwrap();
        directory
    }

    fn index(&self, shard: &str) {
        let index = json!({ "weight_map": { "model.norm.weight": shard } });
        self.write("model.safetensors.index.json", index.to_string().as_bytes());
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    /// Everything that a command does with a directory before it works with the model.
    fn load(&self) -> Result<(Model, Tokenizer), EngineError> {
        let path = self.0.path().to_owned();
        in_time(move || {
            let tokenizer = Tokenizer::load(&path)?;
            let model = Model::load(&path, &Device::Cpu)?;
            tokenizer.render_chat(&[Message::new("user", "1+1")], true)?;
            Ok((model, tokenizer))
        })
    }

    /// Loading fails, and the text names the file and a way out.
    #[track_caller]
    fn refuses(&self, name: &str, what: &str) -> String {
        let text = match self.load() {
            Ok(_) => panic!("{what} in {name} was taken for a model"),
            Err(error) => error.to_string(),
        };
        assert!(text.contains(name), "{what} in {name}: {text}");
        let ways = [
            "expected", "download", "put ", "give ", "correct ", "see that", "convert",
        ];
        assert!(
            ways.iter().any(|way| text.contains(way)),
            "{what} in {name}: {text}"
        );
        text
    }
}

/// Runs the work with a limit: a hang is a failure and not a test that never ends.
fn in_time<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || sender.send(work()));
    receiver
        .recv_timeout(PATIENCE)
        .unwrap_or_else(|error| panic!("it hangs or panicked: {error}"))
}

/// Every file that loading reads.
const FILES: [&str; 6] = [
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "chat_template.jinja",
    "model.safetensors",
];

#[test]
fn a_name_that_is_no_file_is_refused_without_waiting() {
    for name in FILES
        .into_iter()
        .chain(["model.safetensors.index.json", "one.safetensors"])
    {
        let make = || match FILES.contains(&name) {
            true => Directory::new(),
            false => Directory::sharded(),
        };
        let replace = |with: &dyn Fn(&Path)| {
            let directory = make();
            let path = directory.path(name);
            let _ = std::fs::remove_file(&path);
            with(&path);
            directory
        };
        let pipe = |path: &Path| {
            let made = std::process::Command::new("mkfifo").arg(path).status();
            assert!(made.unwrap().success());
        };
        replace(&pipe).refuses(name, "a pipe");
        replace(&|path| std::fs::create_dir(path).unwrap()).refuses(name, "a directory");
        for device in ["/dev/zero", "/dev/null", "/dev/urandom"] {
            replace(&|path| symlink(device, path).unwrap()).refuses(name, device);
        }
        replace(&|path| symlink(path, path).unwrap()).refuses(name, "a link to itself");
        replace(&|path| symlink("nowhere", path).unwrap()).refuses(name, "a link to nothing");
        replace(&|path| {
            let listener = std::os::unix::net::UnixListener::bind(path);
            drop(listener.unwrap());
        })
        .refuses(name, "a socket");
    }
}

#[test]
fn a_file_that_may_not_be_read_is_named() {
    use std::os::unix::fs::PermissionsExt;
    for name in FILES {
        let directory = Directory::new();
        let path = directory.path(name);
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o000)).unwrap();
        if std::fs::File::open(&path).is_ok() {
            return; // Root reads everything.
        }
        directory.refuses(name, "no permission");
    }
}

#[test]
fn a_file_of_no_end_is_not_read_to_its_end() {
    // Sparse files: a length without the bytes.
    for (name, length) in [
        ("config.json", 1_u64 << 40),
        ("tokenizer.json", 1 << 40),
        ("tokenizer_config.json", 1 << 40),
        ("chat_template.jinja", 1 << 40),
        ("model.safetensors", 1 << 40),
    ] {
        let directory = Directory::new();
        let file = std::fs::File::create(directory.path(name)).unwrap();
        if file.set_len(length).is_ok() {
            directory.refuses(name, "a terabyte");
        }
    }
}

#[test]
fn a_file_that_was_cut_is_refused_wherever_it_was() {
    for name in [
        "config.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "generation_config.json",
        "model.safetensors",
    ] {
        let directory = Directory::new();
        let whole = directory.read(name);
        // The last character of a text can be the line's end.
        let end = whole.len() - 2;
        let step = (end / 40).max(1);
        for length in (0..end).step_by(step).chain([1, 7, 8, 9, end]) {
            directory.write(name, &whole[..length]);
            directory.refuses(name, &format!("{length} of {} bytes", whole.len()));
        }
    }
    let directory = Directory::sharded();
    for name in ["model.safetensors.index.json", "one.safetensors"] {
        let whole = directory.read(name);
        for length in [0, 1, 8, whole.len() / 2, whole.len() - 1] {
            directory.write(name, &whole[..length]);
            directory.refuses(name, "a cut file");
        }
        directory.write(name, &whole);
    }
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    let deep = "[".repeat(200_000);
    let deep_object = "{\"a\":".repeat(200_000);
    for name in [
        "config.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "generation_config.json",
        "model.safetensors.index.json",
    ] {
        let directory = match name.contains("index") {
            true => Directory::sharded(),
            false => Directory::new(),
        };
        let texts: [&[u8]; 10] = [
            b"",
            b"\xff\xfe{}",
            b"{\"a\":\"\xff\"}",
            b"NaN",
            b"{\"a\":NaN}",
            b"{\"a\":1e999999}",
            b"<html>404</html>",
            b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
            deep.as_bytes(),
            deep_object.as_bytes(),
        ];
        for text in texts {
            directory.write(name, text);
            let shown = String::from_utf8_lossy(&text[..text.len().min(20)]).into_owned();
            directory.refuses(name, &shown);
        }
    }
    let directory = Directory::new();
    directory.write("chat_template.jinja", b"\xff");
    directory.refuses("chat_template.jinja", "no UTF-8");
}

#[test]
fn sizes_that_no_model_has_are_refused_before_anything_is_allocated() {
    let directory = Directory::new();
    let whole: Value = serde_json::from_slice(&directory.read("config.json")).unwrap();
    let keys = [
        "vocab_size",
        "hidden_size",
        "intermediate_size",
        "num_hidden_layers",
        "num_attention_heads",
        "num_key_value_heads",
        "head_dim",
        "max_position_embeddings",
    ];
    for key in keys {
        for value in [
            json!(0),
            json!(-1),
            json!(1.5),
            json!("8"),
            json!(u64::MAX),
            json!(1_u64 << 40),
            json!([]),
        ] {
            let mut config = whole.clone();
            config[key] = value.clone();
            directory.write("config.json", config.to_string().as_bytes());
            directory.refuses("config.json", &format!("{key} {value}"));
        }
    }
    // Possible for itself, and not what the weights are.
    for key in ["vocab_size", "hidden_size", "intermediate_size"] {
        let mut config = whole.clone();
        config[key] = json!(1 << 24);
        directory.write("config.json", config.to_string().as_bytes());
        assert!(directory.load().is_err(), "{key}");
    }
    let mut config = whole.clone();
    config["num_hidden_layers"] = json!(4096);
    directory.write("config.json", config.to_string().as_bytes());
    assert!(directory.load().is_err());
    for key in ["rms_norm_eps", "rope_theta"] {
        for value in [json!(0), json!(-1.0), json!("x"), json!({})] {
            let mut config = whole.clone();
            config[key] = value.clone();
            // Both places where transformers writes it.
            if config.get("rope_parameters").is_some() {
                config["rope_parameters"][key] = value.clone();
            }
            directory.write("config.json", config.to_string().as_bytes());
            directory.refuses("config.json", &format!("{key} {value}"));
        }
    }
    for (name, key) in [
        ("config.json", "eos_token_id"),
        ("generation_config.json", "eos_token_id"),
    ] {
        let directory = Directory::new();
        let mut config: Value = serde_json::from_slice(&directory.read(name)).unwrap();
        for value in [
            json!(-7),
            json!(1_u64 << 40),
            json!("end"),
            json!([1, "x"]),
            json!({ "a": 1 }),
        ] {
            config[key] = value.clone();
            directory.write(name, config.to_string().as_bytes());
            directory.refuses(name, &format!("{key} {value}"));
        }
    }
}

/// A safetensors file with this header before the given number of zero bytes.
fn safetensors(header: &str, data: usize) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.resize(bytes.len() + data, 0);
    bytes
}

#[test]
fn weights_that_lie_are_refused() {
    let directory = Directory::new();
    let tensor = |dtype: &str, shape: &str, from: &str, to: &str| {
        format!(
            r#"{{"model.norm.weight":{{"dtype":"{dtype}","shape":{shape},"data_offsets":[{from},{to}]}}}}"#
        )
    };
    let headers = [
        tensor("F32", "[24]", "0", "95"),
        tensor("F32", "[24]", "1", "97"),
        tensor("F32", "[24]", "96", "0"),
        tensor("F32", "[24]", "-1", "95"),
        tensor("F32", "[24]", "0", "18446744073709551615"),
        tensor(
            "F32",
            "[24]",
            "18446744073709551520",
            "18446744073709551615",
        ),
        tensor("F32", "[18446744073709551615,2]", "0", "96"),
        tensor("F32", "[4611686018427387904,4]", "0", "96"),
        tensor("F32", "[-24]", "0", "96"),
        tensor("F32", "[2.5]", "0", "96"),
        tensor("F99", "[24]", "0", "96"),
        tensor("I32", "[24]", "0", "96"),
        tensor("F64", "[12]", "0", "96"),
        tensor("F32", "[2,12]", "0", "96"),
        tensor("F32", "[24]", "0", "NaN"),
        "null".to_owned(),
        "[[[[".to_owned(),
        "[".repeat(100_000),
    ];
    for header in headers {
        directory.write("model.safetensors", &safetensors(&header, 96));
        let shown: String = header.chars().take(120).collect();
        directory.refuses("safetensors", &shown);
    }
    let overlapping = r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}"#;
    directory.write("model.safetensors", &safetensors(overlapping, 12));
    directory.refuses("model.safetensors", "overlapping tensors");
    for length in [0, 1, 100_000_001, u64::MAX - 7, u64::MAX] {
        let mut bytes = Directory::new().read("model.safetensors");
        bytes[..8].copy_from_slice(&length.to_le_bytes());
        directory.write("model.safetensors", &bytes);
        directory.refuses("model.safetensors", &format!("a header of {length} bytes"));
    }
}

#[test]
fn a_shard_is_a_file_beside_its_index() {
    for shard in [
        "../one.safetensors",
        "/etc/hostname",
        "a/one.safetensors",
        "..",
        ".",
        "",
        "one.safetensors/",
        "missing.safetensors",
        "one\0",
    ] {
        let directory = Directory::sharded();
        std::fs::create_dir(directory.path("a")).unwrap();
        std::fs::copy(
            directory.path("one.safetensors"),
            directory.path("a/one.safetensors"),
        )
        .unwrap();
        directory.index(shard);
        let text = directory.load().unwrap_err().to_string();
        let names =
            text.contains("model.safetensors.index.json") || text.contains("missing.safetensors");
        assert!(names, "{shard:?}: {text}");
    }
    let directory = Directory::sharded();
    for map in [
        json!({}),
        json!([]),
        json!({ "a": 1 }),
        json!({ "a": null }),
    ] {
        let index = json!({ "weight_map": map }).to_string();
        directory.write("model.safetensors.index.json", index.as_bytes());
        directory.refuses("model.safetensors.index.json", &index);
    }
}

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

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever a few changed bytes do, loading gives finite weights of the right shapes or says what is wrong.
    #[test]
    fn changed_bytes_give_a_model_or_an_error(
        file in 0..FILES.len(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let directory = Directory::new();
        let name = FILES[file];
        let mut bytes = directory.read(name);
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        directory.write(name, &bytes);
        match directory.load() {
            Ok((model, _)) => prop_assert_eq!(model.parameters().len(), Directory::new().load().unwrap().0.parameters().len()),
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
    }
}
