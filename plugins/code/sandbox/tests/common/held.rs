//! What a process holds of the machine, to be counted before and after many runs of a sandbox.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// What this process holds of the machine.
#[derive(Debug, PartialEq, Eq)]
pub struct Held {
    pub descriptors: BTreeSet<PathBuf>,
    pub mounts: String,
    pub children: String,
    pub temporary: BTreeSet<PathBuf>,
}

impl Held {
    pub fn now() -> Self {
        let children = fs::read_dir("/proc/self/task")
            .unwrap()
            .filter_map(|task| fs::read_to_string(task.unwrap().path().join("children")).ok())
            .collect();
        Self {
            descriptors: names("/proc/self/fd"),
            mounts: fs::read_to_string("/proc/self/mountinfo").unwrap(),
            children,
            temporary: names(std::env::temp_dir())
                .into_iter()
                .filter(|path| path.to_string_lossy().contains("sandbox"))
                .collect(),
        }
    }
}

fn names(directory: impl AsRef<Path>) -> BTreeSet<PathBuf> {
    fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect()
}

/// The processes of this machine that have this argument.
pub fn processes_with(argument: &str) -> Vec<i32> {
    let has = |process: &Path| {
        let arguments = fs::read(process.join("cmdline")).unwrap_or_default();
        arguments
            .split(|byte| *byte == 0)
            .any(|one| one == argument.as_bytes())
    };
    names("/proc")
        .into_iter()
        .filter(|process| has(process))
        .filter_map(|process| process.file_name()?.to_str()?.parse().ok())
        .collect()
}

/// The cgroups that sandboxes of this process have made, in every hierarchy that is mounted.
pub fn cgroups_of(process: u32) -> BTreeSet<PathBuf> {
    let prefix = format!("farthing-sandbox-{process}-");
    let mut found = BTreeSet::new();
    let mut left = vec![PathBuf::from("/sys/fs/cgroup")];
    while let Some(directory) = left.pop() {
        for entry in fs::read_dir(&directory).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                if entry.file_name().to_string_lossy().starts_with(&prefix) {
                    found.insert(entry.path());
                }
                left.push(entry.path());
            }
        }
    }
    found
}
