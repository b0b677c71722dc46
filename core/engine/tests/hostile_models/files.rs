//! Files that are none, that end too early or never, that hold other bytes than text or sizes that no model has.

use std::os::unix::fs::symlink;
use std::path::Path;

use farthing_engine::{Device, EngineError, Model, Tokenizer, read_config};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{Directory, in_time};

/// Every file that loading reads.
const FILES: [&str; 6] = [
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "chat_template.jinja",
    "model.safetensors",
];

fn pipe(path: &Path) {
    let made = std::process::Command::new("mkfifo").arg(path).status();
    assert!(made.unwrap().success());
}

/// A GGUF file stands for a whole directory.
#[test]
fn a_gguf_file_that_is_a_pipe_is_refused_without_waiting() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("model.gguf");
    pipe(&path);
    let loads: [fn(&Path) -> Option<EngineError>; 3] = [
        |path| read_config(path).err(),
        |path| Model::load(path, &Device::Cpu).err(),
        |path| Tokenizer::load(path).err(),
    ];
    for load in loads {
        let path = path.clone();
        let error = in_time(move || load(&path)).unwrap().to_string();
        assert!(
            error.contains("model.gguf") && error.contains("found a pipe"),
            "{error}"
        );
    }
}

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
