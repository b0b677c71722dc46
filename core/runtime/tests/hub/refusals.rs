//! Answers that are no model: each says what was asked, what was found and what to do.

use super::fake_hub::Fault;
use super::{MODEL, Scene, WEIGHTS, fetch, refusal, says};

#[test]
fn a_model_that_does_not_exist_is_not_found() {
    let scene = Scene::new();
    let endpoint = scene.hub.endpoint();
    let text = refusal(fetch(scene.settings(), "owner/tinny"));
    says(
        &text,
        &[
            &endpoint,
            "no model owner/tinny",
            "without a token",
            "check the id",
            "beginning with ./",
        ],
    );
    says(
        &refusal(fetch(scene.with_token(), "owner/tinny")),
        &["that this token may see"],
    );
    let text = refusal(fetch(scene.settings(), "owner/tiny@v9"));
    says(
        &text,
        &["no revision `v9`", "a branch, a tag or a full commit hash"],
    );
    scene
        .hub
        .fault("/revision/main", Fault::Status(404, "", ""));
    says(
        &refusal(fetch(scene.settings(), MODEL)),
        &["no model owner/tiny"],
    );
}

#[test]
fn a_gated_model_needs_a_licence_and_a_token() {
    let scene = Scene::new();
    let word = "Access to model owner/tiny is restricted.";
    scene
        .hub
        .fault("config.json", Fault::Status(401, "GatedRepo", word));
    let text = refusal(fetch(scene.settings(), MODEL));
    let page = format!("{}/owner/tiny", scene.hub.endpoint());
    says(&text, &["401", word, &page, "accept its terms", "HF_TOKEN"]);
    let text = refusal(fetch(scene.with_token(), MODEL));
    says(&text, &["with the account that the token belongs to"]);
    assert!(!text.contains("hf_secret"));
}

#[test]
fn a_wrong_token_is_said_to_be_wrong_and_not_shown() {
    let scene = Scene::new();
    scene.hub.fault(
        "/revision/main",
        Fault::Status(401, "", "Invalid credentials"),
    );
    let text = refusal(fetch(scene.with_token(), MODEL));
    says(&text, &["401", "Invalid credentials", "expired"]);
    assert!(!text.contains("hf_secret"));
    says(
        &refusal(fetch(scene.settings(), MODEL)),
        &["check the id", "HF_TOKEN"],
    );
}

#[test]
fn a_server_with_troubles_is_asked_three_times() {
    let scene = Scene::new();
    scene
        .hub
        .fault("/revision/main", Fault::Status(500, "", ""));
    let text = refusal(fetch(scene.settings(), MODEL));
    says(&text, &["500", "/api/models/owner/tiny", "try again later"]);
    assert_eq!(scene.requests().len(), 3);
    scene.hub.mend();
    scene
        .hub
        .fault_times("/revision/main", Fault::Status(503, "", ""), 2);
    scene
        .hub
        .fault_times(WEIGHTS, Fault::Status(429, "", ""), 2);
    fetch(scene.settings(), MODEL).unwrap();
}

#[test]
fn a_page_in_the_hubs_place_is_no_model() {
    for end in ["/revision/main", "config.json", WEIGHTS] {
        let scene = Scene::new();
        scene.hub.fault(end, Fault::Page);
        let text = refusal(fetch(scene.settings(), MODEL));
        says(
            &text,
            &["does not answer like a model hub", "web page", "login page"],
        );
        let snapshot = scene.repository().join("snapshots").join(&scene.commit);
        assert!(!snapshot.join(WEIGHTS).exists());
        assert!(end == WEIGHTS || !snapshot.join("config.json").exists());
    }
}

#[test]
fn answers_of_another_shape_are_no_hub() {
    let scene = Scene::new();
    for etag in ["../../../evil", "a/b", "", ".hidden", "a b"] {
        scene.hub.mend();
        scene.hub.fault("config.json", Fault::Names(etag));
        says(
            &refusal(fetch(scene.settings(), MODEL)),
            &["config.json", "ETag", "HF_ENDPOINT"],
        );
    }
    for (to, word) in [
        ("file:///etc/passwd", "no web address"),
        ("/owner/tiny/resolve/x/config.json", "redirects"),
    ] {
        scene.hub.mend();
        scene.hub.fault("config.json", Fault::Sends(to.to_owned()));
        says(&refusal(fetch(scene.settings(), MODEL)), &[word]);
    }
    scene.hub.mend();
    let elsewhere = "http://127.0.0.1:9/api".to_owned();
    scene.hub.fault("/revision/main", Fault::Sends(elsewhere));
    says(&refusal(fetch(scene.settings(), MODEL)), &["302"]);
}

#[test]
fn a_repository_without_a_model_says_what_it_has() {
    let scene = Scene::new();
    scene.hub.push(
        "owner/old",
        &[
            ("config.json", b"{}"),
            ("pytorch_model.bin", b"x"),
            ("x.gguf", b"x"),
        ],
    );
    let text = refusal(fetch(scene.settings(), "owner/old"));
    says(
        &text,
        &[
            "owner/old",
            "expected model.safetensors",
            "pytorch_model.bin, x.gguf",
            "convert it",
        ],
    );
    scene.hub.push("owner/data", &[("README.md", b"x")]);
    let text = refusal(fetch(scene.settings(), "owner/data"));
    says(&text, &["owner/data", "no config.json"]);
    scene.hub.push("owner/empty", &[("config.json", b"{}")]);
    says(
        &refusal(fetch(scene.settings(), "owner/empty")),
        &["no weights at all"],
    );
}
