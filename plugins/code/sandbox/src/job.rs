//! One program to run: what it gets, and what it may use up.

use std::path::Path;
use std::time::Duration;

/// A program, everything that it sees, and its limits.
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    /// The executable, absolute, as the private root names it. It is not looked up in any `PATH`.
    pub program: &'a Path,
    /// The arguments after the program's own name.
    pub arguments: &'a [&'a str],
    /// The whole environment: nothing is inherited.
    pub environment: &'a [(&'a str, &'a str)],
    /// Files laid in the working directory: relative names, with `/` between directories, and contents.
    pub files: &'a [(&'a str, &'a [u8])],
    /// What the program reads from its standard input, which then ends.
    pub stdin: &'a [u8],
    /// What it may use up.
    pub limits: Limits,
    /// Whether descriptor [`CHANNEL`](Job::CHANNEL) is open for writing, a pipe whose bytes come back as
    /// [`Finished::channel`](crate::Finished::channel).
    pub channel: bool,
}

impl Job<'_> {
    /// The descriptor of the channel.
    pub const CHANNEL: i32 = 3;

    /// The working directory, as the program sees it: the only place where it may write. `/tmp` is another name of it,
    /// unless the policy shows a path in there.
    pub const DIRECTORY: &'static str = "/box";
}

/// What a program may use up before it is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Processor time, all processes that were waited for together. The kernel ends a single process at the next
    /// whole second; a program that used more and ended by itself has exceeded it all the same.
    pub cpu: Duration,
    /// Time by the clock, the sandbox's own few milliseconds included.
    pub wall: Duration,
    /// Bytes of memory: of all processes together where the layer cgroup holds, else of each.
    pub memory: u64,
    /// Bytes of the longest file.
    pub file_size: u64,
    /// Bytes of all files in the working directory together.
    pub disk: u64,
    /// Bytes of standard output, standard error and channel together.
    pub output: u64,
    /// Processes and threads at a time.
    pub processes: u32,
    /// Open descriptors of a process.
    pub open_files: u32,
    /// Files and directories in the working directory.
    pub inodes: u32,
}

impl Default for Limits {
    /// Room for a short Python program: what competition sites allow, and files that no such program needs.
    fn default() -> Self {
        const MIB: u64 = 1 << 20;
        Self {
            cpu: Duration::from_secs(4),
            wall: Duration::from_secs(10),
            memory: 512 * MIB,
            file_size: 16 * MIB,
            disk: 32 * MIB,
            output: 4 * MIB,
            processes: 16,
            open_files: 64,
            inodes: 256,
        }
    }
}
