//! What a reward reads and what it answers.

use abi_stable::{
    StableAbi, sabi_trait,
    std_types::{RSlice, RStr},
};

/// A problem as its rewards see it.
#[repr(C)]
#[derive(StableAbi, Clone, Copy)]
pub struct RawProblem<'a> {
    pub id: RStr<'a>,
    /// The prompt as JSON: a string, or a list of messages.
    pub prompt: RStr<'a>,
    /// JSON that only the task and its rewards understand.
    pub facts: RStr<'a>,
    pub tags: RSlice<'a, RStr<'a>>,
    /// A JSON object for what later versions add; empty means `{}`.
    pub extras: RStr<'a>,
}

/// One completion.
#[repr(C)]
#[derive(StableAbi, Clone, Copy)]
pub struct RawAttempt<'a> {
    pub completion: RStr<'a>,
    /// Length of the completion in tokens.
    pub tokens: u64,
    /// False when the completion was cut off at the token limit.
    pub finished: bool,
    /// A JSON object for what later versions add; empty means `{}`.
    pub extras: RStr<'a>,
}

/// A named part of a score, for the log.
#[repr(C)]
#[derive(StableAbi, Clone, Copy)]
pub struct RawPart<'a> {
    pub name: RStr<'a>,
    pub value: f64,
}

/// The plugin's three answers, the last in two forms. `TimedOut` is the host's alone.
#[repr(u8)]
#[derive(StableAbi, Clone, Copy, PartialEq, Eq, Debug)]
pub enum RawOutcomeKind {
    Scored,
    Abstain,
    Failed,
    /// Failed with a panic, which the plugin's shim caught.
    Panicked,
}

/// The outcome of one attempt.
#[repr(C)]
#[derive(StableAbi, Clone, Copy)]
pub struct RawOutcome<'a> {
    /// Which attempt of the call, counted from 0.
    pub index: u64,
    pub kind: RawOutcomeKind,
    /// The score; 0 unless `kind` is `Scored`.
    pub value: f64,
    pub parts: RSlice<'a, RawPart<'a>>,
    /// The answer that was read from the completion; empty for none.
    pub answer: RStr<'a>,
    /// The reason; empty unless `kind` is `Failed` or `Panicked`.
    pub why: RStr<'a>,
}

/// Where outcomes go, one as soon as each is known; implemented by the host, which can
/// therefore tell which attempt a reward is stuck on.
#[sabi_trait]
pub trait RawOutcomeSink {
    #[sabi(last_prefix_field)]
    fn push(&self, outcome: RawOutcome<'_>);
    /// How the answer of attempt `index` was reached; comes before its outcome.
    fn solution(&self, index: u64, solution: RStr<'_>) {
        let _ = (index, solution);
    }
}
