//! Downloads that break off, lie or find no room: nothing half is ever taken for whole.

use std::path::PathBuf;

use farthing_runtime::hub::Watch;

use super::fake_hub::Fault;
use super::{MODEL, Nobody, Scene, WEIGHTS, describe, fetch, names, refusal, says};

/// The one unfinished content, if there is one.
fn incomplete(scene: &Scene) -> Option<PathBuf> {
    let blobs = scene.repository().join("blobs");
    let found = names(&blobs)
        .into_iter()
        .find(|name| name.ends_with(".incomplete"));
    found.map(|name| blobs.join(name))
}

fn snapshot(scene: &Scene) -> PathBuf {
    scene.repository().join("snapshots").join(&scene.commit)
}

#[test]
fn a_connection_that_breaks_is_taken_up_where_it_was() {
    let scene = Scene::new();
    scene.hub.fault(
        &format!("/cdn/{MODEL}/{}/{WEIGHTS}", scene.commit),
        Fault::CutAfter(300_000),
    );
    let directory = fetch(scene.settings(), MODEL).unwrap();
    assert_eq!(
        std::fs::read(directory.join(WEIGHTS)).unwrap(),
        scene.weights
    );
    let ranges: Vec<_> = scene
        .requests()
        .iter()
        .filter(|request| request.path.starts_with("/cdn"))
        .map(|request| request.header("range").map(str::to_owned))
        .collect();
    let expected = [
        None,
        Some(300_000),
        Some(600_000),
        Some(900_000),
        Some(1_200_000),
        Some(1_500_000),
    ];
    assert_eq!(
        ranges,
        expected.map(|start| start.map(|start: u32| format!("bytes={start}-")))
    );
}

#[test]
fn a_download_that_stays_broken_is_kept_and_taken_up_later() {
    let scene = Scene::new();
    let cdn = format!("/cdn/{MODEL}/{}/{WEIGHTS}", scene.commit);
    scene.hub.fault_times(&cdn, Fault::CutAfter(500_000), 1);
    scene.hub.fault(&cdn, Fault::CutAfter(7));
    let text = refusal(fetch(scene.settings(), MODEL));
    says(
        &text,
        &[WEIGHTS, MODEL, "500007 of 1600000 bytes", "is kept"],
    );
    assert!(!snapshot(&scene).join(WEIGHTS).exists());
    assert_eq!(
        incomplete(&scene).unwrap().metadata().unwrap().len(),
        500_007
    );

    scene.hub.mend();
    scene.requests();
    let directory = fetch(scene.settings(), MODEL).unwrap();
    assert_eq!(
        std::fs::read(directory.join(WEIGHTS)).unwrap(),
        scene.weights
    );
    let asked = scene.requests();
    let ranges: Vec<_> = asked
        .iter()
        .filter_map(|request| request.header("range"))
        .collect();
    // To the hub, and by its redirect to the other host.
    assert_eq!(ranges, ["bytes=500007-", "bytes=500007-"]);
    assert_eq!(incomplete(&scene), None);
}

#[test]
fn a_server_without_ranges_begins_again() {
    let scene = Scene::new();
    let cdn = format!("/cdn/{MODEL}/{}/{WEIGHTS}", scene.commit);
    scene.hub.fault_times(&cdn, Fault::CutAfter(500_000), 1);
    scene.hub.fault(&cdn, Fault::IgnoresRanges);
    let directory = fetch(scene.settings(), MODEL).unwrap();
    assert_eq!(
        std::fs::read(directory.join(WEIGHTS)).unwrap(),
        scene.weights
    );
}

/// What is left of an earlier attempt can be anything.
#[test]
fn foreign_bytes_in_an_unfinished_file_do_not_survive() {
    for (length, byte) in [(1000, 7_u8), (1_600_000, 7), (2_000_000, 7)] {
        let scene = Scene::new();
        let cdn = format!("/cdn/{MODEL}/{}/{WEIGHTS}", scene.commit);
        scene.hub.fault(&cdn, Fault::CutAfter(7));
        refusal(fetch(scene.settings(), MODEL));
        scene.hub.mend();
        std::fs::write(incomplete(&scene).unwrap(), vec![byte; length]).unwrap();
        if length <= scene.weights.len() {
            let text = refusal(fetch(scene.settings(), MODEL));
            says(&text, &[WEIGHTS, "damaged", "sha256", "try again"]);
            assert!(!snapshot(&scene).join(WEIGHTS).exists());
        }
        let directory = fetch(scene.settings(), MODEL).unwrap();
        assert_eq!(
            std::fs::read(directory.join(WEIGHTS)).unwrap(),
            scene.weights,
            "{length}"
        );
    }
}

#[test]
fn bytes_of_another_content_are_refused() {
    let scene = Scene::new();
    let cdn = format!("/cdn/{MODEL}/{}/{WEIGHTS}", scene.commit);
    scene.hub.fault(&cdn, Fault::Damages);
    let text = refusal(fetch(scene.settings(), MODEL));
    says(&text, &[WEIGHTS, MODEL, "damaged", "expected sha256"]);
    assert!(!snapshot(&scene).join(WEIGHTS).exists());
    assert_eq!(incomplete(&scene), None);
}

#[test]
fn a_length_that_is_not_the_announced_one_is_refused() {
    for (file, announced) in [
        (WEIGHTS, 1_599_999),
        (WEIGHTS, 1_600_001),
        ("config.json", 3),
    ] {
        let scene = Scene::new();
        scene.hub.fault(
            &format!("resolve/{}/{file}", scene.commit),
            Fault::Announces(announced),
        );
        let text = refusal(fetch(scene.settings(), MODEL));
        says(&text, &[file, &format!("expected {announced} bytes")]);
        assert!(!snapshot(&scene).join(file).exists());
        assert_eq!(incomplete(&scene), None);
    }
    let scene = Scene::new();
    scene.hub.fault(
        &format!("/{MODEL}/{}/tokenizer.json", scene.commit),
        Fault::TooLong,
    );
    let text = refusal(fetch(scene.settings(), MODEL));
    says(
        &text,
        &[
            "tokenizer.json",
            "expected 17 bytes",
            "more bytes than that",
        ],
    );
    assert!(!snapshot(&scene).join("tokenizer.json").exists());
}

#[test]
fn a_disk_without_room_is_found_before_anything_is_fetched() {
    let scene = Scene::new();
    let needed = 1_u64 << 60;
    scene.hub.fault(
        &format!("resolve/{}/{WEIGHTS}", scene.commit),
        Fault::Announces(needed),
    );
    let text = refusal(fetch(scene.settings(), MODEL));
    says(
        &text,
        &[
            WEIGHTS,
            MODEL,
            &needed.to_string(),
            "are free",
            "HF_HUB_CACHE",
        ],
    );
    let read = scene.requests();
    assert!(read.iter().all(|request| !request.path.starts_with("/cdn")));
}

/// Another program can fill the disk in the middle.
#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_fills_up_is_named() {
    let scene = Scene::new();
    let cdn = format!("/cdn/{MODEL}/{}/{WEIGHTS}", scene.commit);
    scene.hub.fault(&cdn, Fault::CutAfter(7));
    refusal(fetch(scene.settings(), MODEL));
    scene.hub.mend();
    let path = incomplete(&scene).unwrap();
    std::fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("/dev/full", &path).unwrap();
    let text = refusal(fetch(scene.settings(), MODEL));
    says(
        &text,
        &[&path.display().to_string(), "No space left", "HF_HUB_CACHE"],
    );
    assert!(!snapshot(&scene).join(WEIGHTS).exists());
}

#[cfg(unix)]
#[test]
fn a_cache_that_cannot_be_written_is_named() {
    let scene = Scene::new();
    // A file where a directory is needed stops root as well.
    std::fs::write(scene.cache(), "no directory").unwrap();
    let text = refusal(fetch(scene.settings(), MODEL));
    says(
        &text,
        &[&scene.cache().display().to_string(), "HF_HUB_CACHE"],
    );
}

#[test]
fn an_interrupt_ends_the_download_and_keeps_what_is_here() {
    struct Impatient(u64);
    impl Watch for Impatient {
        fn begin(&mut self, _: &str, _: Option<u64>, _: u64) {}
        fn at(&mut self, done: u64) {
            self.0 = done;
        }
        fn end(&mut self) {}
        fn interrupted(&self) -> Option<&'static str> {
            (self.0 > 0).then_some("SIGINT")
        }
    }
    let scene = Scene::new();
    let (hub, snapshot) = describe(scene.settings(), MODEL).unwrap();
    let error = snapshot.fetch_weights(&hub, &mut Impatient(0)).unwrap_err();
    says(
        &format!("{error}; {}", error.remedy()),
        &["SIGINT", MODEL, "is kept"],
    );
    let kept = incomplete(&scene).unwrap().metadata().unwrap().len();
    assert!(0 < kept && kept < scene.weights.len() as u64, "{kept}");
    let directory = snapshot.fetch_weights(&hub, &mut Nobody).unwrap();
    assert_eq!(
        std::fs::read(directory.join(WEIGHTS)).unwrap(),
        scene.weights
    );
}

/// Two processes that want the same model: one fetches, the other waits for it.
#[test]
fn two_at_once_fetch_once() {
    let scene = Scene::new();
    std::thread::scope(|scope| {
        let both = [0, 1].map(|_| scope.spawn(|| fetch(scene.settings(), MODEL).unwrap()));
        both.map(|one| one.join().unwrap())
    });
    let asked = scene.requests();
    let read = asked
        .iter()
        .filter(|request| request.path.starts_with("/cdn"));
    assert_eq!(read.count(), 1);
}
