//! Manifest, plugin host, stages, run directory, metrics and report; knows no algorithm.

pub mod manifest;
pub mod run;
