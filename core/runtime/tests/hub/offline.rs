//! Without a network: the cache alone, and what it says when it is not enough.

use super::fake_hub::Fault;
use super::{MODEL, Scene, WEIGHTS, describe, fetch, refusal, says};

#[test]
fn offline_takes_the_cache_and_asks_nobody() {
    let scene = Scene::new();
    let directory = fetch(scene.settings(), MODEL).unwrap();
    scene.requests();
    assert_eq!(fetch(scene.offline(), MODEL).unwrap(), directory);
    let pinned = format!("{MODEL}@{}", scene.commit);
    assert_eq!(fetch(scene.offline(), &pinned).unwrap(), directory);
    assert!(scene.requests().is_empty());
}

#[test]
fn offline_without_a_whole_cache_says_what_is_missing() {
    let scene = Scene::new();
    let text = refusal(fetch(scene.offline(), MODEL));
    let cache = scene.cache().display().to_string();
    says(
        &text,
        &[
            MODEL,
            &cache,
            "nothing is there under `main`",
            "HF_HUB_OFFLINE",
            "fetch it once",
        ],
    );

    describe(scene.settings(), MODEL).unwrap();
    let text = refusal(fetch(scene.offline(), MODEL));
    says(&text, &["model.safetensors is missing", &cache]);

    let directory = fetch(scene.settings(), MODEL).unwrap();
    scene.requests();
    // A content that was removed leaves a link that leads nowhere.
    std::fs::remove_file(directory.join("config.json").canonicalize().unwrap()).unwrap();
    says(
        &refusal(fetch(scene.offline(), MODEL)),
        &["config.json is missing"],
    );
    assert!(scene.requests().is_empty());
    // Online it is fetched again, and nothing else.
    fetch(scene.settings(), MODEL).unwrap();
    let read = scene.requests();
    assert!(
        read.iter()
            .any(|request| request.path.ends_with("config.json"))
    );
    assert!(read.iter().all(|request| !request.path.ends_with(WEIGHTS)));
}

#[test]
fn offline_shards_must_all_be_there() {
    let scene = Scene::new();
    let index = br#"{"weight_map":{"a":"model-1.safetensors","b":"model-2.safetensors"}}"#;
    scene.hub.push(
        MODEL,
        &[
            ("config.json", b"{}"),
            ("model.safetensors.index.json", index),
            ("model-1.safetensors", b"one"),
            ("model-2.safetensors", b"two"),
        ],
    );
    let directory = fetch(scene.settings(), MODEL).unwrap();
    assert_eq!(fetch(scene.offline(), MODEL).unwrap(), directory);
    std::fs::remove_file(directory.join("model-2.safetensors")).unwrap();
    says(
        &refusal(fetch(scene.offline(), MODEL)),
        &["model-2.safetensors is missing"],
    );
}

/// A hub that is away for an hour does not stop who has the model.
#[test]
fn a_hub_that_is_away_is_replaced_by_the_cache() {
    let scene = Scene::new();
    let directory = fetch(scene.settings(), MODEL).unwrap();
    scene
        .hub
        .fault("/revision/main", Fault::Status(503, "", ""));
    assert_eq!(fetch(scene.settings(), MODEL).unwrap(), directory);
    let mut nobody_listens = scene.settings();
    nobody_listens.endpoint = closed_port();
    assert_eq!(fetch(nobody_listens, MODEL).unwrap(), directory);
    // But a word of the hub about the model is not overheard.
    scene.hub.mend();
    scene.hub.fault(
        "/revision/main",
        Fault::Status(403, "GatedRepo", "no longer"),
    );
    says(&refusal(fetch(scene.settings(), MODEL)), &["403"]);
}

#[test]
fn nobody_listening_is_said_so() {
    let scene = Scene::new();
    let mut settings = scene.settings();
    settings.endpoint = closed_port();
    let text = refusal(fetch(settings, MODEL));
    says(
        &text,
        &[
            MODEL,
            "cannot be reached",
            "refused",
            "HF_ENDPOINT",
            "HF_HUB_OFFLINE=1",
        ],
    );
    assert!(!scene.cache().exists());
}

/// An address where nobody listens.
fn closed_port() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}
