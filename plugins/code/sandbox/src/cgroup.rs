//! Control groups: the only count of memory and processes that is of a whole run, and the only witness when the kernel
//! kills for memory.
//!
//! Both versions are used where they can be written to: version 1 below the group that this process is in; version 2,
//! which allows no processes beside child groups, beside it. A run needs a group of its own; making one costs the
//! kernel more than anything else here, so groups are kept and used again, each for one run at a time.

mod place;

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::Limits;
use place::Place;

/// What the names of our groups begin with.
const PREFIX: &str = "farthing-sandbox-";

/// Version 1 of the interface, or version 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
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

/// A group that only holds others. The lock says to later sandboxes that it is not left over.
#[derive(Debug)]
struct Parent {
    path: PathBuf,
    _lock: OwnedFd,
}

/// The groups of one run.
#[derive(Debug)]
pub(crate) struct Group {
    directories: Vec<PathBuf>,
    memory: u64,
    processes: u64,
    killed_before: u64,
    full_before: u64,
}

/// What a group saw during a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nobody was killed for memory.
    Enough,
    /// A process was killed because this group was full.
    Full,
    /// A process was killed though this group was not full: the machine, or the group that we are in, was.
    MachineFull,
}

impl Cgroups {
    /// Finds where groups can be made; why not, if nowhere.
    pub fn new() -> Result<Self, String> {
        let Place {
            version,
            directories,
        } = place::find()?;
        let name = format!("{PREFIX}{}-{}", std::process::id(), serial());
        let mut parents = Vec::new();
        for directory in directories {
            remove_left_over(&directory);
            let path = directory.join(&name);
            let parent = Parent::new(path.clone()).map_err(|error| {
                for Parent { path, .. } in &parents {
                    let _ = fs::remove_dir(path);
                }
                format!("{} cannot be made: {error}", path.display())
            })?;
            parents.push(parent);
        }
        let cgroups = Self {
            version,
            parents,
            idle: Mutex::default(),
            made: AtomicU64::new(0),
        };
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
        // The launcher's two processes count too, the first of them for a moment.
        let processes = u64::from(limits.processes) + 2;
        let mut idle = self
            .idle
            .lock()
            .expect("no holder of the idle groups panics");
        let fits = |group: &Group| group.memory == memory && group.processes == processes;
        if let Some(index) = idle.iter().position(fits) {
            return Ok(idle.swap_remove(index));
        }
        let unfit = idle.pop();
        drop(idle);
        if let Some(group) = unfit {
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
        let (killed, full) = group.read(self.version)?;
        let verdict = if killed == group.killed_before {
            Verdict::Enough
        } else if full > group.full_before {
            Verdict::Full
        } else {
            Verdict::MachineFull
        };
        (group.killed_before, group.full_before) = (killed, full);
        self.idle
            .lock()
            .expect("no holder of the idle groups panics")
            .push(group);
        Ok(verdict)
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

impl Group {
    fn new(
        version: Version,
        directories: Vec<PathBuf>,
        memory: u64,
        processes: u64,
    ) -> io::Result<Self> {
        for directory in &directories {
            fs::create_dir(directory).map_err(|error| named("make", directory, &error))?;
        }
        let mut group = Self {
            directories,
            memory,
            processes,
            killed_before: 0,
            full_before: 0,
        };
        let (first, last) = (group.memory_directory(), group.processes_directory());
        let memory = memory.to_string();
        match version {
            Version::One => {
                write(&first.join("memory.limit_in_bytes"), &memory)?;
                // There only where the kernel counts swap.
                let with_swap = first.join("memory.memsw.limit_in_bytes");
                if with_swap.exists() {
                    write(&with_swap, &memory)?;
                }
            }
            Version::Two => {
                write(&first.join("memory.max"), &memory)?;
                write(&first.join("memory.oom.group"), "1")?;
                let swap = first.join("memory.swap.max");
                if swap.exists() {
                    write(&swap, "0")?;
                }
            }
        }
        write(&last.join("pids.max"), &processes.to_string())?;
        (group.killed_before, group.full_before) = group.read(version)?;
        Ok(group)
    }

    /// The files through which a process moves itself into the group.
    pub fn entrances(&self) -> Vec<PathBuf> {
        self.directories
            .iter()
            .map(|directory| directory.join("cgroup.procs"))
            .collect()
    }

    /// How many processes were killed for memory in this group, and how often it was full.
    fn read(&self, version: Version) -> io::Result<(u64, u64)> {
        let directory = self.memory_directory();
        match version {
            Version::One => {
                let killed = field(&directory.join("memory.oom_control"), "oom_kill")?;
                if killed == self.killed_before {
                    return Ok((killed, self.full_before));
                }
                let path = directory.join("memory.failcnt");
                let text =
                    fs::read_to_string(&path).map_err(|error| named("read", &path, &error))?;
                let full = text.trim().parse().map_err(io::Error::other)?;
                Ok((killed, full))
            }
            Version::Two => {
                let path = directory.join("memory.events.local");
                Ok((field(&path, "oom_kill")?, field(&path, "oom")?))
            }
        }
    }

    fn remove(self) -> io::Result<()> {
        for directory in &self.directories {
            fs::remove_dir(directory).map_err(|error| named("remove", directory, &error))?;
        }
        Ok(())
    }

    fn memory_directory(&self) -> &Path {
        &self.directories[0]
    }

    fn processes_directory(&self) -> &Path {
        &self.directories[self.directories.len() - 1]
    }
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

/// The number behind a name, of a file with one of each a line.
fn field(path: &Path, name: &str) -> io::Result<u64> {
    let text = fs::read_to_string(path).map_err(|error| named("read", path, &error))?;
    text.lines()
        .filter_map(|line| line.split_once(' '))
        .find_map(|(key, value)| (key == name).then(|| value.trim().parse().ok()).flatten())
        .ok_or_else(|| io::Error::other(format!("{} has no number {name}", path.display())))
}

fn write(path: &Path, value: &str) -> io::Result<()> {
    fs::write(path, value).map_err(|error| named("write", path, &error))
}

fn named(verb: &str, path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{verb} {}: {error}", path.display()))
}
