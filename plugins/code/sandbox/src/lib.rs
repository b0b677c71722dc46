//! Runs programs that nobody trusts: without Docker, without being root, and also as root.
//!
//! A [`Sandbox`] is made once. It finds out what the machine offers by trying it, lists that as [`Sandbox::layers`], and
//! refuses where a [`SandboxPolicy`] asks for more. From then on any number of threads give it [`Job`]s, and get for
//! each how the program ended and what it wrote, or an error that says nothing about the program.
//!
//! ```
//! use std::path::Path;
//! use farthing_sandbox::{End, Job, Limits, Sandbox, SandboxPolicy};
//!
//! let sandbox = Sandbox::new(&SandboxPolicy::default())?;
//! let finished = sandbox.run(&Job {
//!     program: Path::new("/bin/sh"),
//!     arguments: &["-c", "read name; echo hello $name; cat /etc/shadow"],
//!     environment: &[("PATH", "/usr/bin")],
//!     files: &[],
//!     stdin: b"world",
//!     limits: Limits::default(),
//!     channel: false,
//! })?;
//! assert_eq!(finished.stdout, b"hello world\n");
//! assert_eq!(finished.end, End::Exited(1)); // There is no /etc/shadow.
//! # Ok::<(), farthing_sandbox::SandboxError>(())
//! ```
//!
//! # How it works
//!
//! The host writes an *order*: three lists of system calls with all that they point to (module `image`, and one module
//! for each part of it). It starts a *launcher* of two kilobytes, which carries the order out and becomes the program:
//!
//! | stage   | process                             | what it does                                        | modules |
//! |---------|-------------------------------------|-----------------------------------------------------|---------|
//! | outside | started by the host                 | cgroup, an identity without rights, namespaces      | `outside`, `cgroup` |
//! | inside  | number 1 of the namespaces          | the private root, the end of all capabilities       | `root`, `confine` |
//! | program | number 2, in the end the program    | limits, Landlock, the filter of system calls        | `confine`, `landlock_rules`, `filter` |
//!
//! `supervise` watches with one `poll` until the kernel says that the last process is dead, and `verdict` says how the
//! program ended. `docs/decisions/0009-sandbox.md` has the reasons, and what is not covered.
//!
//! Linux 5.14 or later, on x86-64 and aarch64.

#![warn(missing_docs)]

mod cgroup;
mod confine;
mod error;
mod filter;
mod finished;
mod image;
mod job;
mod landlock_rules;
mod launcher;
mod layer;
mod machine;
mod outside;
mod policy;
mod probe;
mod protocol;
mod root;
mod sandbox;
mod spawn;
mod supervise;
mod verdict;

pub use error::SandboxError;
pub use finished::{End, Finished};
pub use job::{Job, Limits};
pub use layer::{Layer, LayerState, LayerStatus};
pub use policy::SandboxPolicy;
pub use sandbox::Sandbox;
pub use verdict::starved;
