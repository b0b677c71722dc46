//! A plugin built with sdk 0.N loads in every host 0.M with M >= N: libraries of earlier releases, kept as they were
//! shipped, must load and work.

use std::path::{Path, PathBuf};

use farthing_runtime::host::{ComponentKind, LoadRequest, PluginHost, Verdict};
use farthing_sdk::{PlanRequest, Split};
use serde_json::{Value, json};

use crate::scoring::{job, verdicts};

/// The kept libraries for this machine, oldest first.
pub fn frozen() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/frozen");
    let machine = format!("-{}-{}.so", std::env::consts::ARCH, std::env::consts::OS);
    let mut files: Vec<PathBuf> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().ends_with(&machine))
        .collect();
    files.sort();
    files
}

#[test]
fn plugins_of_earlier_releases_load_and_work() {
    let files = frozen();
    // Libraries are kept for one machine; elsewhere there is nothing to load.
    let kept = cfg!(all(
        target_arch = "x86_64",
        target_os = "linux",
        target_env = "gnu"
    ));
    assert_eq!(kept, !files.is_empty());
    for file in files {
        let host = PluginHost::load(&LoadRequest {
            files: std::slice::from_ref(&file),
            ..LoadRequest::default()
        })
        .unwrap_or_else(|errors| panic!("{}: {errors}", file.display()));
        let plugin = host.plugins().next().unwrap();
        // Named after the sdk it was built with, so nobody can replace it without a word.
        let name = format!("sdk-{}-", plugin.sdk);
        assert!(file.to_string_lossy().contains(&name), "{}", file.display());
        for (kind, name) in [
            (ComponentKind::Task, "frozen/counting"),
            (ComponentKind::Reward, "frozen/next"),
            (ComponentKind::Sampler, "frozen/plain"),
            (ComponentKind::Optimizer, "frozen/nothing"),
            (ComponentKind::Curriculum, "frozen/ordinary"),
        ] {
            host.find(kind, name).unwrap();
        }

        let (config, fresh) = (json!({ "group": 3 }), Value::Null);
        let task = host.task("frozen/counting", &config, &fresh).unwrap();
        let problem = task.problem(Split::Train, 7, 0).unwrap();
        assert_eq!(problem.facts, json!({ "next": 8 }));
        let reward = host.reward("frozen/next", &config, &json!(40)).unwrap();
        let job = job(reward, &["8", "9"]);
        let reward = job.reward.clone();
        let values: Vec<f64> = verdicts(vec![job])[0]
            .iter()
            .map(|verdict| match verdict {
                Verdict::Scored { value, .. } => *value,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(values.iter().sum::<f64>(), 1.0);
        assert_eq!(reward.save_state().unwrap(), json!(42));
        let sampler = host.sampler("frozen/plain", &config, &fresh).unwrap();
        assert_eq!(sampler.plan(&PlanRequest::default()).unwrap().group, 3);
        host.optimizer("frozen/nothing", &config, &fresh).unwrap();
        host.curriculum("frozen/ordinary", &config, &fresh).unwrap();
        assert!(
            host.reward("frozen/next", &json!({ "grup": 3 }), &fresh)
                .is_err()
        );
    }
}
