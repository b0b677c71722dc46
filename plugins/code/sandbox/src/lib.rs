//! Runs programs that nobody trusts, without Docker and without being root.

#![warn(missing_docs)]

mod error;
mod finished;
mod job;
mod layer;
mod policy;
mod sandbox;

pub use error::SandboxError;
pub use finished::{End, Finished};
pub use job::{Job, Limits};
pub use layer::{Layer, LayerState, LayerStatus};
pub use policy::SandboxPolicy;
pub use sandbox::Sandbox;
