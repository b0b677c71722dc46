//! Models of the hub, against a hub inside the test: what is fetched, what is kept, and every way in which it can fail.

#![allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.

mod breaking;
mod fake_hub;
mod fetching;
mod offline;
mod refusals;

use std::path::{Path, PathBuf};

use farthing_runtime::hub::{Hub, HubError, HubSettings, ModelId, Snapshot, Token, Watch};
use tempfile::TempDir;

use fake_hub::{FakeHub, Request};

const MODEL: &str = "owner/tiny";
const WEIGHTS: &str = "model.safetensors";

/// A hub, and a cache of the test's own.
struct Scene {
    hub: FakeHub,
    directory: TempDir,
    commit: String,
    weights: Vec<u8>,
}

impl Scene {
    /// A repository with everything that a model can have, and some things that nobody needs.
    fn new() -> Self {
        let hub = FakeHub::start();
        // Long enough for several reads, and without a period that could hide a shift.
        let weights: Vec<u8> = (0..400_000_u32).flat_map(|n| n.to_le_bytes()).collect();
        let commit = hub.push(
            MODEL,
            &[
                ("config.json", br#"{"model_type":"llama"}"#),
                ("generation_config.json", b"{}"),
                ("tokenizer.json", br#"{"version":"1.0"}"#),
                ("tokenizer_config.json", b"{ }"),
                ("README.md", b"# tiny"),
                ("pytorch_model.bin", b"a pickle"),
                (WEIGHTS, &weights),
            ],
        );
        let directory = tempfile::tempdir().unwrap();
        Self {
            hub,
            directory,
            commit,
            weights,
        }
    }

    fn cache(&self) -> PathBuf {
        self.directory.path().join("hub")
    }

    fn settings(&self) -> HubSettings {
        HubSettings {
            // Nothing here waits for a clock.
            retry_pause: std::time::Duration::ZERO,
            ..HubSettings::at(&self.hub.endpoint(), &self.cache())
        }
    }

    fn offline(&self) -> HubSettings {
        HubSettings {
            offline: true,
            ..self.settings()
        }
    }

    fn with_token(&self) -> HubSettings {
        HubSettings {
            token: Token::new("hf_secret", "the test").unwrap(),
            ..self.settings()
        }
    }

    fn repository(&self) -> PathBuf {
        self.cache().join("models--owner--tiny")
    }

    fn requests(&self) -> Vec<Request> {
        self.hub.requests()
    }
}

/// Fetches a model whole.
fn fetch(settings: HubSettings, id: &str) -> Result<PathBuf, HubError> {
    let (hub, snapshot) = describe(settings, id)?;
    snapshot.fetch_weights(&hub, &mut Nobody)
}

fn describe(settings: HubSettings, id: &str) -> Result<(Hub, Snapshot), HubError> {
    let hub = Hub::new(settings)?;
    let snapshot = hub.describe(&ModelId::parse(id).unwrap(), &mut Nobody)?;
    Ok((hub, snapshot))
}

/// What a person reads.
#[track_caller]
fn refusal(result: Result<PathBuf, HubError>) -> String {
    let error = result.expect_err("this cannot be fetched");
    format!("{error}; {}", error.remedy())
}

#[track_caller]
fn says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in: {text}");
    }
}

/// The files of a directory, sorted.
fn names(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).into_iter().flatten();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Watches nothing and lets everything go on.
struct Nobody;

impl Watch for Nobody {
    fn begin(&mut self, _: &str, _: Option<u64>, _: u64) {}
    fn at(&mut self, _: u64) {}
    fn end(&mut self) {}
    fn interrupted(&self) -> Option<&'static str> {
        None
    }
}
