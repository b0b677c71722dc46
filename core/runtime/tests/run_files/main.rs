//! The promises of the run directory, tried from outside: kill it, cut it, fill the disk, read it back.
//!
//! One test binary for all of them, because each binary links the whole runtime.

#![allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.

mod checkpoints;
mod completions;
mod curves;
mod directory;
mod disk_full;
mod fault_injection;
mod faults;
mod logging;
mod metrics;
mod progress;
mod registry;
mod signals;
mod support;
