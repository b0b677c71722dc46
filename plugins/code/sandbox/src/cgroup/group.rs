//! The groups of one run: their limits, and what the kernel counted in them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::Version;

/// The largest piece in which the kernel charges memory: a group may be that far from its limit and still be full.
const LARGEST_PIECE: u64 = 2 << 20;

/// One group of memory and processes, or one of each.
#[derive(Debug)]
pub(crate) struct Group {
    version: Version,
    directories: Vec<PathBuf>,
    pub memory: u64,
    pub processes: u64,
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

impl Group {
    /// Makes directories into groups with limits. They are gone again after an error.
    pub fn new(
        version: Version,
        directories: Vec<PathBuf>,
        memory: u64,
        processes: u64,
    ) -> io::Result<Self> {
        let mut group = Self {
            version,
            directories,
            memory,
            processes,
            killed_before: 0,
            full_before: 0,
        };
        match group.prepare() {
            Ok(()) => Ok(group),
            Err(error) => {
                let _ = group.remove();
                Err(error)
            }
        }
    }

    fn prepare(&mut self) -> io::Result<()> {
        for directory in &self.directories {
            fs::create_dir(directory).map_err(|error| named("make", directory, &error))?;
        }
        let (first, last) = (self.memory_directory(), self.processes_directory());
        let memory = self.memory.to_string();
        match self.version {
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
        write(&last.join("pids.max"), &self.processes.to_string())?;
        self.killed_before = self.killed()?;
        if self.version == Version::Two {
            self.full_before = self.times_full()?;
        }
        Ok(())
    }

    /// The files through which a process moves itself into the group.
    pub fn entrances(&self) -> Vec<PathBuf> {
        self.directories
            .iter()
            .map(|directory| directory.join("cgroup.procs"))
            .collect()
    }

    /// What happened since the last call, or since the group was made.
    pub fn verdict(&mut self) -> io::Result<Verdict> {
        let killed = self.killed()?;
        let any = killed > self.killed_before;
        self.killed_before = killed;
        let full = match self.version {
            Version::One => {
                // Version 1 counts no event of being full, only the most that was ever used.
                let most = self.memory_directory().join("memory.max_usage_in_bytes");
                let full = any && number(&most)?.saturating_add(LARGEST_PIECE) >= self.memory;
                write(&most, "0")?;
                full
            }
            Version::Two if any => {
                let times = self.times_full()?;
                std::mem::replace(&mut self.full_before, times) < times
            }
            Version::Two => false,
        };
        Ok(match (any, full) {
            (false, _) => Verdict::Enough,
            (true, true) => Verdict::Full,
            (true, false) => Verdict::MachineFull,
        })
    }

    /// How many processes of the group were killed for memory, whoever was out of it.
    fn killed(&self) -> io::Result<u64> {
        let file = match self.version {
            Version::One => "memory.oom_control",
            Version::Two => "memory.events.local",
        };
        field(&self.memory_directory().join(file), "oom_kill")
    }

    /// How often an allocation failed because this very group was full.
    fn times_full(&self) -> io::Result<u64> {
        field(&self.memory_directory().join("memory.events.local"), "oom")
    }

    /// Removes what was made. Nobody may be in it.
    pub fn remove(self) -> io::Result<()> {
        for directory in self
            .directories
            .iter()
            .filter(|directory| directory.exists())
        {
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

/// The number that is all of a file.
fn number(path: &Path) -> io::Result<u64> {
    let text = fs::read_to_string(path).map_err(|error| named("read", path, &error))?;
    text.trim().parse().map_err(io::Error::other)
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
