//! What the command line offers, as functions of plain requests: one module for each command.
//!
//! Data goes to the writer that the caller gives; everything for a person goes through `tracing` and [`Terminal`].
//!
//! [`Terminal`]: crate::run::Terminal

pub mod check;
pub mod evaluate;
pub mod objective;
pub mod plugins;
pub mod sample;
pub mod score;
pub mod train;
