//! The runtime's one error: what stops a command, worded for the person who started it.

use std::path::PathBuf;

use farthing_engine::EngineError;

use crate::host::{HostError, LoadErrors, LockError};
use crate::hub::HubError;
use crate::manifest::Diagnostics;
use crate::run::RunError;

/// `Result` with [`RuntimeError`].
pub type Result<T, E = RuntimeError> = std::result::Result<T, E>;

/// Why a command could not be carried out.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// Problems of the manifest, with their places.
    #[error("the manifest has problems")]
    Manifest(Diagnostics),
    /// Libraries that could not be loaded.
    #[error(transparent)]
    Load(#[from] LoadErrors),
    /// A component that could not be found or made.
    #[error(transparent)]
    Host(#[from] HostError),
    #[error(transparent)]
    Lock(LockError),
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error(transparent)]
    Run(#[from] RunError),
    /// A model of the hub that is not to be had.
    #[error("{error}; {}", error.remedy())]
    Hub {
        #[from]
        error: HubError,
    },
    /// A component that failed where nothing can be dropped: only rewards fail one attempt at a time.
    #[error("{kind} `{component}` failed: {source}")]
    Component {
        kind: &'static str,
        component: String,
        source: ComponentFailure,
    },
    #[error(
        "reward `{reward}` of task `{task}` failed on {failed} and timed out on {timed_out} of {attempts} attempts; \
         at most {allowed:.0} % may ({limit} of them). {example}. Go on with --resume once the cause is gone, or with a larger `max_failure_share`; with \
         another build of the plugin start a new run, whose `model.path` may be this run's newest checkpoint"
    )]
    BrokenReward {
        reward: String,
        task: String,
        failed: usize,
        timed_out: usize,
        attempts: usize,
        allowed: f64,
        limit: f64,
        example: String,
    },
    #[error(
        "reward `{reward}` of task `{task}` failed and has `on_failure = \"stop\"`: {why}. If the cause lies outside the \
         reward, --resume goes on once it is gone; with another build of the plugin start a new run, whose \
         `model.path` may be this run's newest checkpoint"
    )]
    StoppedByReward {
        reward: String,
        task: String,
        why: String,
    },
    #[error(
        "at the first update of stage `{stage}`, {count} of {of} tensors get no usable gradient: {names}; a weight \
         that never learns is a defect of the model's description or of a backward pass, so the run stops here"
    )]
    GradientCoverage {
        stage: String,
        count: usize,
        of: usize,
        names: String,
    },
    #[error(
        "step {step} of stage `{stage}` has a {what} that is not finite; the weights were not changed by it. \
         Lower `lr`, or look at `metrics.jsonl` for what grew before"
    )]
    NonFinite {
        stage: String,
        step: u64,
        what: &'static str,
    },
    #[error("task `{task}`: {problem}")]
    Problem { task: String, problem: String },
    #[error(
        "{path}: the run was started with another manifest, which differs in {differs}; resume it with the \
             manifest it was started with (a copy is in its run.toml), or start a new run with --out"
    )]
    OtherManifest { path: PathBuf, differs: String },
    #[error(
        "{path}: the run was started with plugin {plugin} of sha256 {expected}, and now it is {found}; put the old \
         library back, or start a new run with --out, whose `model.path` may be this run's newest checkpoint"
    )]
    OtherPlugin {
        path: PathBuf,
        plugin: String,
        expected: String,
        found: String,
    },
    #[error("{path}: {problem}")]
    Checkpoint { path: PathBuf, problem: String },
    #[error(
        "the plan needs about {needed_gb:.1} GiB, and this machine has {available_gb:.1} GiB: {remedy}"
    )]
    Memory {
        needed_gb: f64,
        available_gb: f64,
        remedy: &'static str,
    },
    #[error("{0}")]
    Usage(String),
    #[error("the output cannot be written: {0}")]
    Output(std::io::Error),
    /// A signal asked for an end; a checkpoint was written.
    #[error("interrupted by {signal} after step {step}; go on with --resume")]
    Interrupted { signal: &'static str, step: u64 },
}

/// A component's own error as a `std::error::Error`, with help and causes in its text.
#[derive(Debug)]
pub struct ComponentFailure(pub farthing_sdk::Error);

impl std::fmt::Display for ComponentFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for ComponentFailure {}

impl RuntimeError {
    /// For `map_err` on a call of a component.
    pub fn component(
        kind: &'static str,
        component: &str,
    ) -> impl FnOnce(farthing_sdk::Error) -> RuntimeError {
        let component = component.to_owned();
        move |error| RuntimeError::Component {
            kind,
            component,
            source: ComponentFailure(error),
        }
    }
}
