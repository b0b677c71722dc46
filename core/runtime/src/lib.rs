//! Manifest, plugin host, stages, run directory, metrics and report; knows no algorithm.
//!
//! [`manifest`] reads what the user wants, [`host`] loads the plugins that the user names, [`hub`] fetches the model,
//! [`plan`] holds them against this machine, the stages do the work, and [`run`] keeps what comes of it. [`commands`] is
//! the door for the binary.

pub mod commands;
pub mod error;
pub mod forecast;
pub mod host;
pub mod hub;
pub mod manifest;
pub mod memory;
pub mod model_access;
pub mod plan;
pub mod plugin_access;
pub mod run;
mod stage;
mod trainer;
