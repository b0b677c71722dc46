//! What is fetched and where it goes.

use farthing_runtime::hub::{Hub, ModelId, Watch};

use super::{MODEL, Nobody, Scene, WEIGHTS, describe, fetch, names, refusal, says};

#[test]
fn a_model_is_fetched_once_into_the_cache_that_other_tools_use() {
    let scene = Scene::new();
    let directory = fetch(scene.settings(), MODEL).unwrap();
    assert_eq!(
        directory,
        scene.repository().join("snapshots").join(&scene.commit)
    );
    let expected = [
        "config.json",
        "generation_config.json",
        WEIGHTS,
        "tokenizer.json",
        "tokenizer_config.json",
    ];
    assert_eq!(names(&directory), expected);
    assert_eq!(
        std::fs::read(directory.join(WEIGHTS)).unwrap(),
        scene.weights
    );
    // Links to contents, relative, so that the cache can be moved.
    let target = std::fs::read_link(directory.join(WEIGHTS)).unwrap();
    assert!(target.starts_with("../../blobs"), "{}", target.display());
    let reference = std::fs::read_to_string(scene.repository().join("refs/main")).unwrap();
    assert_eq!(reference, scene.commit);
    let missing = names(&scene.repository().join(".no_exist").join(&scene.commit));
    assert_eq!(missing, ["chat_template.jinja", "special_tokens_map.json"]);
    assert!(
        names(&scene.repository().join("blobs"))
            .iter()
            .all(|name| !name.contains('.'))
    );

    let asked = scene.requests();
    for unneeded in ["README.md", "pytorch_model.bin", "chat_template.jinja"] {
        assert!(asked.iter().all(|request| !request.path.contains(unneeded)));
    }
    // The branch may have moved, so it is looked up; a commit cannot.
    assert_eq!(fetch(scene.settings(), MODEL).unwrap(), directory);
    let again = scene.requests();
    assert_eq!(again.len(), 1, "{again:?}");
    assert!(
        again[0]
            .path
            .starts_with("/api/models/owner/tiny/revision/main")
    );
    let pinned = format!("{MODEL}@{}", scene.commit);
    assert_eq!(fetch(scene.settings(), &pinned).unwrap(), directory);
    assert!(scene.requests().is_empty());
}

#[test]
fn the_description_is_fetched_without_the_weights() {
    let scene = Scene::new();
    let (hub, snapshot) = describe(scene.settings(), MODEL).unwrap();
    assert!(!snapshot.directory().join(WEIGHTS).exists());
    scene.requests();
    let weights = snapshot.weights(&hub, &mut Nobody).unwrap();
    assert_eq!(weights.len(), 1);
    assert_eq!(weights[0].name, WEIGHTS);
    assert_eq!(weights[0].size, Some(scene.weights.len() as u64));
    assert!(!weights[0].is_here);
    assert!(
        scene
            .requests()
            .iter()
            .all(|request| request.method == "HEAD")
    );
    snapshot.fetch_weights(&hub, &mut Nobody).unwrap();
    assert!(snapshot.weights(&hub, &mut Nobody).unwrap()[0].is_here);
}

#[test]
fn a_revision_is_a_branch_a_tag_or_a_commit() {
    let scene = Scene::new();
    let old = scene.commit.clone();
    scene.hub.tag(MODEL, "v1", &old);
    scene.hub.tag(MODEL, "refs/pr/1", &old);
    let new = scene
        .hub
        .push(MODEL, &[("config.json", b"{}"), (WEIGHTS, b"new")]);
    let weights = |id: &str| {
        let directory = fetch(scene.settings(), id).unwrap();
        std::fs::read(directory.join(WEIGHTS)).unwrap()
    };
    assert_eq!(weights(MODEL), b"new");
    for revision in ["v1", "refs/pr/1", &old] {
        assert_eq!(
            weights(&format!("{MODEL}@{revision}")),
            scene.weights,
            "{revision}"
        );
    }
    assert_eq!(weights(&format!("{MODEL}@{new}")), b"new");
}

/// A branch that moves while its files are fetched must not give files of two commits.
#[test]
fn what_follows_the_description_is_of_the_same_commit() {
    let scene = Scene::new();
    let (hub, snapshot) = describe(scene.settings(), MODEL).unwrap();
    scene
        .hub
        .push(MODEL, &[("config.json", b"{}"), (WEIGHTS, b"new")]);
    let directory = snapshot.fetch_weights(&hub, &mut Nobody).unwrap();
    assert_eq!(
        std::fs::read(directory.join(WEIGHTS)).unwrap(),
        scene.weights
    );
}

#[test]
fn contents_that_two_commits_share_are_fetched_once() {
    let scene = Scene::new();
    fetch(scene.settings(), MODEL).unwrap();
    scene.requests();
    let weights = scene.weights.clone();
    scene
        .hub
        .push(MODEL, &[("config.json", b"{ }"), (WEIGHTS, &weights)]);
    fetch(scene.settings(), MODEL).unwrap();
    let read = scene.requests();
    let read = read
        .iter()
        .filter(|request| request.method == "GET" && request.path.ends_with(WEIGHTS));
    assert_eq!(read.count(), 0);
}

#[test]
fn shards_are_those_of_the_index() {
    let scene = Scene::new();
    let index = br#"{"metadata":{},"weight_map":{"a":"model-1.safetensors","b":"model-2.safetensors","c":"model-1.safetensors"}}"#;
    scene.hub.push(
        "owner/sharded",
        &[
            ("config.json", b"{}"),
            ("model.safetensors.index.json", index),
            ("model-1.safetensors", b"one"),
            ("model-2.safetensors", b"two!"),
            ("model-3.safetensors", b"left over"),
        ],
    );
    let (hub, snapshot) = describe(scene.settings(), "owner/sharded").unwrap();
    let sizes: Vec<_> = snapshot
        .weights(&hub, &mut Nobody)
        .unwrap()
        .into_iter()
        .map(|file| (file.name, file.size))
        .collect();
    let expected = [("model-1.safetensors", 3), ("model-2.safetensors", 4)];
    assert_eq!(
        sizes,
        expected.map(|(name, size)| (name.to_owned(), Some(size)))
    );
    let directory = snapshot.fetch_weights(&hub, &mut Nobody).unwrap();
    let expected = [
        "config.json",
        "model-1.safetensors",
        "model-2.safetensors",
        "model.safetensors.index.json",
    ];
    assert_eq!(names(&directory), expected);
    // All of it from the cache, without a list.
    let pinned = format!("owner/sharded@{}", snapshot.commit);
    scene.requests();
    fetch(scene.settings(), &pinned).unwrap();
    assert!(scene.requests().is_empty());
}

#[test]
fn a_shard_outside_the_snapshot_is_refused_before_it_is_asked_for() {
    let scene = Scene::new();
    for shard in [
        "../../x.safetensors",
        "/etc/x.safetensors",
        "a/b.safetensors",
        "..",
        "",
        ".x.safetensors",
        "a\\b.safetensors",
        "C:x.safetensors",
        "config.json",
        "model\n.safetensors",
    ] {
        let index = serde_json::json!({ "weight_map": { "a": shard } }).to_string();
        let files: [(&str, &[u8]); 3] = [
            ("config.json", b"{}"),
            ("model.safetensors.index.json", index.as_bytes()),
            (shard, b"evil"),
        ];
        scene.hub.push("owner/evil", &files);
        scene.requests();
        let text = refusal(fetch(scene.settings(), "owner/evil"));
        says(
            &text,
            &[
                "owner/evil",
                "model.safetensors.index.json",
                &format!("{shard:?}"),
            ],
        );
        assert!(
            scene
                .requests()
                .iter()
                .all(|request| !request.path.ends_with("x.safetensors"))
        );
    }
    let index = br#"{"weight_map":{"a":"model-1.safetensors"}}"#;
    scene.hub.push(
        "owner/evil",
        &[
            ("config.json", b"{}"),
            ("model.safetensors.index.json", index),
        ],
    );
    says(
        &refusal(fetch(scene.settings(), "owner/evil")),
        &["model-1.safetensors", "not among its files"],
    );
    for index in [
        "",
        "[]",
        "{\"weight_map\":{}}",
        "{\"weight_map\":{\"a\":1}}",
    ] {
        scene.hub.push(
            "owner/evil",
            &[
                ("config.json", b"{}"),
                ("model.safetensors.index.json", index.as_bytes()),
            ],
        );
        says(
            &refusal(fetch(scene.settings(), "owner/evil")),
            &["model.safetensors.index.json"],
        );
    }
}

/// The token is the hub's. Where the weights lie, it is nobody's.
#[test]
fn the_token_goes_to_the_hub_and_nowhere_else() {
    let scene = Scene::new();
    fetch(scene.with_token(), MODEL).unwrap();
    let host = scene.hub.endpoint().replace("http://", "");
    let asked = scene.requests();
    assert!(
        asked.iter().any(|request| request.host != host),
        "the weights come from another host"
    );
    for request in asked {
        let expected = (request.host == host).then_some("Bearer hf_secret");
        assert_eq!(request.header("authorization"), expected, "{request:?}");
    }
}

#[test]
fn whoever_watches_hears_of_every_file() {
    #[derive(Default)]
    struct Heard(Vec<String>, u64);
    impl Watch for Heard {
        fn begin(&mut self, file: &str, size: Option<u64>, done: u64) {
            self.0.push(format!("{file} {size:?} {done}"));
        }
        fn at(&mut self, done: u64) {
            assert!(done > 0);
            self.1 = done;
        }
        fn end(&mut self) {
            self.0.push(format!("ended at {}", self.1));
        }
        fn interrupted(&self) -> Option<&'static str> {
            None
        }
    }
    let scene = Scene::new();
    let hub = Hub::new(scene.settings()).unwrap();
    let mut heard = Heard::default();
    let snapshot = hub
        .describe(&ModelId::parse(MODEL).unwrap(), &mut heard)
        .unwrap();
    assert_eq!(heard.0.len(), 8);
    heard.0.clear();
    snapshot.fetch_weights(&hub, &mut heard).unwrap();
    assert_eq!(
        heard.0,
        ["model.safetensors Some(1600000) 0", "ended at 1600000"]
    );
}
