//! The plugin host: finds dynamic libraries, refuses the wrong ones, and makes components of the right ones.
//!
//! A library's code runs from the moment it is opened, so everything that can be known without running it is checked
//! first. The layers, each a module of its own: the bytes of the file (`preflight`), the lock that pins them (`lock`),
//! an optional trial in a child process (`probe`), the opening with the layout check (`load`). Every refusal names the
//! file, what was expected, what was found and the remedy, and all refusals come at once ([`LoadErrors`]).
//!
//! Plugins are trusted native code: a loaded library can do whatever its user can, and is loaded for the life of the
//! process, because a Rust library cannot be unloaded soundly. The layers catch mistakes, not malice.
//!
//! Rewards that hang or fail while they score are the business of [`ScoringPool`].

mod component;
mod discovery;
mod file_snapshot;
mod host_error;
mod inspect;
mod load;
mod load_error;
mod loading;
mod lock;
mod plugin_host;
mod plugin_log;
mod preflight;
mod probe;
mod scoring;

pub use component::{Component, ComponentKind, PluginIdentity, SdkVersion};
pub use discovery::SkippedFile;
pub use host_error::HostError;
pub use inspect::{Finding, Inspection, inspect};
pub use load_error::{LoadError, LoadErrors, LoadFault};
pub use loading::LoadRequest;
pub use lock::{LOCK_FILE_NAME, Lock, LockError, LockedPlugin, UPDATE_LOCK};
pub use plugin_host::PluginHost;
pub use probe::{ProbeReport, Prober, ProcessProber, run_probe};

pub use scoring::{AttemptText, Job, ScoringPool, Verdict};
