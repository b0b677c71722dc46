//! How a program ended, said only where there is evidence for it.

use std::time::Duration;

/// What ended a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It ended by itself with this code.
    Exited(i32),
    /// A signal ended it that no limit explains: its own crash, or one that it sent itself.
    Signalled(i32),
    /// It used more processor time than its limit, by the kernel's account.
    Cpu,
    /// We ended it at its deadline.
    Wall,
    /// The kernel ended a process of it because its cgroup had reached the limit on memory. Without that layer a
    /// program is refused memory instead, and ends the way its language ends then.
    Memory,
    /// We ended it because it wrote more than its limit; what it wrote until then is kept.
    Output,
}

/// What is left of a program after it and everything that it started have ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// What ended it.
    pub end: End,
    /// What it wrote to its standard output.
    pub stdout: Vec<u8>,
    /// What it wrote to its standard error.
    pub stderr: Vec<u8>,
    /// What it wrote to the channel; empty where the job had none.
    pub channel: Vec<u8>,
    /// Processor time of all its processes, by the kernel's account, and about a millisecond for the sandbox itself.
    pub cpu: Duration,
    /// Time by the clock from start to end: its own, and that of all that it started.
    pub wall: Duration,
    /// How much of that it is known to have waited for a processor. Nothing where it ever had a second process or
    /// thread, as it may have waited for itself then.
    pub waited: Duration,
    /// Bytes that the largest of its processes held in memory at a time.
    pub peak_memory: u64,
}
