//! Stages: what a run does, one after the other.
//!
//! A stage is a loop of steps over parts that know nothing of each other: [`rollout`] poses problems and draws
//! attempts, [`judging`] turns attempts into rewards, [`learning`] turns rewards into new weights, [`measuring`]
//! evaluates, [`probing`] measures in the course of a stage and [`merging`] puts models together. Everything random is derived from (run seed, stage, step, attempt), so a step can be done again.

pub(crate) mod batching;
pub(crate) mod components;
pub(crate) mod curriculum;
pub(crate) mod diversity;
pub(crate) mod eval;
pub(crate) mod folding;
pub(crate) mod judging;
pub(crate) mod learning;
pub(crate) mod measuring;
pub(crate) mod merging;
pub(crate) mod probing;
pub(crate) mod reporting;
pub(crate) mod rl;
pub(crate) mod rollout;
pub(crate) mod seeds;
pub(crate) mod sequences;
pub(crate) mod sft;
pub(crate) mod statistics;
