//! Control groups: the only count of memory and processes that is of a whole run, and the only witness when the kernel
//! kills for memory.
//!
//! Both versions are used where they can be written to: version 1 below the group that this process is in; version 2,
//! which allows no processes beside child groups, beside it. A run needs a group of its own; making one costs the
//! kernel more than anything else here, so groups are kept and used again, each for one run at a time.

mod group;
mod place;

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::Limits;
use crate::confine::LAUNCHER_PROCESSES;
use place::Place;

pub(crate) use group::{Group, Verdict};

/// What the names of our groups begin with.
const PREFIX: &str = "farthing-sandbox-";

/// The most groups that are kept while nobody is in them: of a few sizes, each as often as runs go on at a time.
const MOST_IDLE: usize = 64;

/// Version 1 of the interface, or version 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    One,
    Two,
}

/// The groups of one sandbox.
#[derive(Debug)]
pub(crate) struct Cgroups {
    version: Version,
    /// The parents of a run's groups: of memory and of processes with version 1, one for both with version 2.
    parents: Vec<Parent>,
    idle: Mutex<Vec<Group>>,
    made: AtomicU64,
}

impl Cgroups {
    /// Finds where groups can be made; why not, if nowhere.
    pub fn new() -> Result<Self, String> {
        let Place {
            version,
            directories,
        } = place::find()?;
        let name = format!("{PREFIX}{}-{}", std::process::id(), serial());
        let mut cgroups = Self {
            version,
            parents: Vec::new(),
            idle: Mutex::default(),
            made: AtomicU64::new(0),
        };
        for directory in directories {
            remove_left_over(&directory);
            let path = directory.join(&name);
            let parent = Parent::new(path.clone()).map_err(|error| {
                format!(
                    "{} cannot be made: {error}; groups are for root, or for whom they were delegated to",
                    path.display()
                )
            })?;
            cgroups.parents.push(parent);
        }
        if version == Version::Two {
            let control = cgroups.parents[0].path.join("cgroup.subtree_control");
            fs::write(&control, "+memory +pids")
                .map_err(|error| format!("{} cannot be written: {error}", control.display()))?;
        }
        Ok(cgroups)
    }

    /// How these groups are made, for people.
    pub fn describe(&self) -> String {
        match self.version {
            Version::One => "v1 memory and pids".to_owned(),
            Version::Two => "v2 memory and pids".to_owned(),
        }
    }

    /// A group with these limits that nobody is in.
    pub fn take(&self, limits: &Limits) -> io::Result<Group> {
        // What is on disk is in memory; a full disk must not look like a program that wants too much memory.
        let memory = limits.memory.saturating_add(limits.disk);
        let processes = u64::from(limits.processes) + LAUNCHER_PROCESSES;
        let mut idle = self
            .idle
            .lock()
            .expect("no holder of the idle groups panics");
        let fits = |group: &Group| group.memory == memory && group.processes == processes;
        if let Some(index) = idle.iter().position(fits) {
            return Ok(idle.swap_remove(index));
        }
        // A compiler's runs and its programs' take turns, so a group that does not fit now will soon.
        let oldest = (idle.len() >= MOST_IDLE).then(|| idle.remove(0));
        drop(idle);
        if let Some(group) = oldest {
            group.remove()?;
        }
        let name = self.made.fetch_add(1, Ordering::Relaxed).to_string();
        let directories = self
            .parents
            .iter()
            .map(|parent| parent.path.join(&name))
            .collect();
        Group::new(self.version, directories, memory, processes)
    }

    /// What the group saw; afterwards it serves another run.
    pub fn give_back(&self, mut group: Group) -> io::Result<Verdict> {
        match group.verdict() {
            Ok(verdict) => {
                self.idle
                    .lock()
                    .expect("no holder of the idle groups panics")
                    .push(group);
                Ok(verdict)
            }
            Err(error) => {
                let _ = group.remove();
                Err(error)
            }
        }
    }
}

impl Drop for Cgroups {
    fn drop(&mut self) {
        let idle = std::mem::take(&mut self.idle)
            .into_inner()
            .unwrap_or_default();
        for group in idle {
            // What cannot be removed now is removed as left over by the next sandbox.
            let _ = group.remove();
        }
        for parent in &self.parents {
            let _ = fs::remove_dir(&parent.path);
        }
    }
}

/// A group that only holds others. The lock says to later sandboxes that it is not left over.
#[derive(Debug)]
struct Parent {
    path: PathBuf,
    _lock: OwnedFd,
}

impl Parent {
    fn new(path: PathBuf) -> io::Result<Self> {
        fs::create_dir(&path)?;
        let lock = lock(&path)?;
        Ok(Self { path, _lock: lock })
    }
}

fn lock(path: &Path) -> io::Result<OwnedFd> {
    let directory = fs::File::open(path)?;
    rustix::fs::flock(
        &directory,
        rustix::fs::FlockOperation::NonBlockingLockExclusive,
    )?;
    Ok(directory.into())
}

/// Removes the groups of sandboxes whose process was killed: nobody holds their lock, and the process is gone.
fn remove_left_over(directory: &Path) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let process = name
            .to_str()
            .and_then(|name| name.strip_prefix(PREFIX))
            .and_then(|rest| rest.split('-').next());
        let Some(process) = process else { continue };
        let gone = !Path::new("/proc").join(process).exists();
        if gone && lock(&entry.path()).is_ok() {
            for group in fs::read_dir(entry.path()).into_iter().flatten().flatten() {
                let _ = fs::remove_dir(group.path());
            }
            let _ = fs::remove_dir(entry.path());
        }
    }
}

/// A number for each sandbox of this process.
fn serial() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
