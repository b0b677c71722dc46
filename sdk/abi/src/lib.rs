//! The binary contract: everything that crosses between a host and a plugin, and nothing else.
//!
//! Only plain data crosses: numbers, strings, slices of them, and JSON text where a
//! structure may grow. Authors never see this crate; `farthing-sdk` turns it into
//! ordinary traits, and the runtime turns it back.
//!
//! How it may change. A new function goes after the last prefix field of
//! [`PluginRoot`] or of a trait below, so that libraries built before it load without it.
//! A new number, array or setting needs no change at all: arrays and numbers travel with
//! their names, and structures travel as JSON. A struct that stands here never changes.

mod arrays;
mod components;
mod descriptor;
mod outcome;
mod root;

pub use arrays::{RawArray, RawArrayMut, RawMetric, RawMetricSink, RawMetricSink_TO, RawNumber};
pub use components::{
    RawCurriculum, RawCurriculum_TO, RawOptimizer, RawOptimizer_TO, RawReward, RawReward_TO,
    RawSampler, RawSampler_TO, RawTask, RawTask_TO,
};
pub use descriptor::{DESCRIPTOR_MAGIC, DESCRIPTOR_SECTION, Descriptor, DescriptorFault};
pub use outcome::{
    RawAttempt, RawOutcome, RawOutcomeKind, RawOutcomeSink, RawOutcomeSink_TO, RawPart, RawProblem,
};
pub use root::{
    Boxed, PluginRoot, PluginRootRef, RawComponent, RawCreate, RawError, RawHost, RawLogEvent,
};

pub use abi_stable;
