//! The plugin host, tried with plugins that are wrong in one way each (`tests/hostile`) and with damaged files.

#![allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.

mod calls;
mod components;
mod files;
mod frozen;
mod libraries;
mod locking;
mod probing;
mod refusals;
mod scoring;
mod searching;
mod surroundings;
