//! A model's directory is somebody else's bytes. Whatever stands in it, loading gives the model or an error that names
//! the file and says what to do: no panic, no hang, no half-loaded weights.

#![cfg(unix)] // Pipes, devices and links.
#![allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.

mod files;
#[path = "../support/mod.rs"]
mod support;
mod templates;
mod weights;

use std::path::PathBuf;
use std::sync::mpsc;
use std::time::Duration;

use farthing_engine::{Architecture, Device, EngineError, Message, Model, ModelConfig, Tokenizer};
use serde_json::json;
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
