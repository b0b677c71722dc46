//! GGUF: files of others read, our own written, and files that lie.

#![allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.

#[path = "../support/mod.rs"]
mod support;

mod blocks;
mod file;
mod foreign;
mod hostile;
mod metadata;
mod round_trip;
mod vocabulary;
