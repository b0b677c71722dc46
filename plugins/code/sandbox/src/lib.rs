//! Runs programs that nobody trusts, without Docker and without being root.

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
