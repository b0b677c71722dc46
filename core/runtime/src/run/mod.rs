//! The run directory: everything a training run leaves on disk, and what a person sees while it runs.
//!
//! Plain data comes in, files go out: nothing here knows a model, a plugin or a stage kind. Keeping it
//! so makes the promises of this room testable without training anything. The promises are:
//!
//! - one process writes a run at a time ([`directory`]);
//! - a checkpoint is complete or invisible ([`checkpoint`]);
//! - the metrics of a run that was killed and resumed are byte-equal to those of one that was not
//!   ([`metrics`], [`json_lines`]);
//! - the completions table is readable at every moment, also after `kill -9` ([`completions`]);
//! - an interrupt finishes the step and saves ([`signals`]).
//!
//! [`curves`], [`progress`], [`transfer`], [`terminal`] and [`logging`] are the run's face; they never influence it.

pub mod checkpoint;
pub mod completions;
pub mod curves;
pub mod directory;
pub mod durable;
pub mod error;
pub mod json_lines;
pub mod logging;
pub mod metric_registry;
pub mod metrics;
pub mod progress;
pub mod signals;
pub mod terminal;
pub mod transfer;

pub use checkpoint::{CheckpointSearch, CheckpointWriter, Checkpoints, VerifiedCheckpoint};
pub use completions::{CompletionRow, CompletionsWriter, RewardCell};
pub use directory::{RunDirectory, RunPaths, Scratch};
pub use error::RunError;
pub use metric_registry::{MetricDoc, MetricFile, MetricRegistry};
pub use metrics::{MetricRow, MetricsPosition, RunMetrics};
pub use progress::{Progress, StepSummary};
pub use signals::Interrupt;
pub use terminal::Terminal;
pub use transfer::Transfer;
