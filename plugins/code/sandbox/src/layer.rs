//! The layers between a program and the machine, and how a machine's are reported.
//!
//! They are listed one by one because each can be missing on its own: a kernel without
//! Landlock, a container without cgroups. Whoever runs a sandbox sees what holds, and says
//! in a policy what must.

use std::fmt;

/// One thing that stands between a program and the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layer {
    /// A user namespace of its own: no identity in it means anything outside.
    UserNamespace,
    /// A process namespace: nothing outside has a number, and its first process's end is everybody's end.
    PidNamespace,
    /// A mount namespace: nothing that is mounted in it is seen outside.
    MountNamespace,
    /// A network namespace with no interface up.
    NetworkNamespace,
    /// A namespace of System V and POSIX queues, semaphores and shared memory.
    IpcNamespace,
    /// A namespace of host names.
    UtsNamespace,
    /// A namespace of cgroup paths.
    CgroupNamespace,
    /// A root directory of its own, with read-only trees and one small writable directory.
    PrivateRoot,
    /// An identity without rights, without groups and without capabilities.
    DroppedIds,
    /// `no_new_privs`: no program that it starts gains rights.
    NoNewPrivileges,
    /// Landlock: file access beneath named directories only, no TCP, no signals to others.
    Landlock,
    /// A filter of system calls: what is not listed does not exist.
    Seccomp,
    /// Resource limits on processor time, memory, processes, files and output, and a deadline.
    Limits,
    /// A control group that counts memory and processes of the whole run together.
    Cgroup,
}

impl Layer {
    /// All of them, from the outside in.
    pub const ALL: [Self; 14] = [
        Self::UserNamespace,
        Self::PidNamespace,
        Self::MountNamespace,
        Self::NetworkNamespace,
        Self::IpcNamespace,
        Self::UtsNamespace,
        Self::CgroupNamespace,
        Self::PrivateRoot,
        Self::DroppedIds,
        Self::NoNewPrivileges,
        Self::Landlock,
        Self::Seccomp,
        Self::Limits,
        Self::Cgroup,
    ];

    /// The name that manifests and listings use.
    pub fn name(self) -> &'static str {
        match self {
            Self::UserNamespace => "user-namespace",
            Self::PidNamespace => "pid-namespace",
            Self::MountNamespace => "mount-namespace",
            Self::NetworkNamespace => "network-namespace",
            Self::IpcNamespace => "ipc-namespace",
            Self::UtsNamespace => "uts-namespace",
            Self::CgroupNamespace => "cgroup-namespace",
            Self::PrivateRoot => "private-root",
            Self::DroppedIds => "dropped-ids",
            Self::NoNewPrivileges => "no-new-privileges",
            Self::Landlock => "landlock",
            Self::Seccomp => "seccomp",
            Self::Limits => "limits",
            Self::Cgroup => "cgroup",
        }
    }

    /// The layer of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|layer| layer.name() == name)
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// Whether a layer holds on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LayerState {
    /// It holds; a program was run behind it. The detail says which form of it ("ABI 7").
    On(String),
    /// It does not, and why, with the remedy where there is one.
    Off(String),
}

/// A layer and whether it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerStatus {
    /// The layer.
    pub layer: Layer,
    /// Whether it holds.
    pub state: LayerState,
}

impl LayerStatus {
    /// Whether the layer holds.
    pub fn is_on(&self) -> bool {
        matches!(self.state, LayerState::On(_))
    }
}

impl fmt::Display for LayerStatus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.state {
            LayerState::On(detail) if detail.is_empty() => write!(formatter, "{} on", self.layer),
            LayerState::On(detail) => write!(formatter, "{} on ({detail})", self.layer),
            LayerState::Off(why) => write!(formatter, "{} off: {why}", self.layer),
        }
    }
}
