//! The pieces that policy objectives are made of, each with its derivative.
//!
//! Most objectives of the last years are one sum over tokens and differ in three places:
//! how rewards become advantages, which ratio is clipped and how, and what the sum is
//! divided by. So these are the modules, and an objective is a choice among them:
//!
//! | module                    | what it holds                                             |
//! |---------------------------|-----------------------------------------------------------|
//! | [`advantage`]             | group mean and deviation, leave-one-out                   |
//! | [`ratio`]                 | importance ratio of a token and of a sequence             |
//! | [`clip`]                  | min(rho A, clip(rho) A), one-sided, two-sided, its shares |
//! | [`kl`]                    | k1, k2 and k3                                             |
//! | [`aggregation`]           | what each token counts in the loss                        |
//! | [`regularization`]        | the KL and the entropy term, with their configuration     |
//! | [`mod@clipped_surrogate`] | the sum itself, as PPO's descendants have it              |
//!
//! They are a library of their own, beside the plugin that uses them first, because a
//! plugin cannot be linked into another: its root symbol would be defined twice, and its
//! components would be listed by both.
//!
//! Numbers are `f64` inside and `f32` in the arrays that the host passes. Nothing here
//! divides by what a micro-batch holds, so splitting an update changes no derivative.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod advantage;
pub mod aggregation;
pub mod clip;
pub mod clipped_surrogate;
pub mod kl;
pub mod ratio;
pub mod regularization;

pub use advantage::Scale;
pub use aggregation::Aggregation;
pub use clip::Clip;
pub use clipped_surrogate::clipped_surrogate;
pub use kl::KlEstimator;
pub use regularization::Regularization;

use farthing_sdk::{Error, Result};

/// A term of an objective at one token.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Term {
    /// What it adds to the objective, before it is weighted.
    pub value: f64,
    /// Its derivative with respect to log pi(o_t), the token's log-probability.
    pub slope: f64,
}

/// An array that the host makes on request only.
fn requested<'a>(array: Option<&'a [f32]>, name: &str) -> Result<&'a [f32]> {
    array.ok_or_else(|| {
        Error::new(format!(
            "the host passed no array {name:?}, which this objective asked for"
        ))
    })
}
