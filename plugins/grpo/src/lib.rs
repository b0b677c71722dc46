//! Built-in plugin `grpo`: policy objectives that need no critic.
//!
//! One file for each paper. Each opens with the paper's equation, says what differs here
//! and why, and composes the pieces of `farthing-objective`, where the derivatives are:
//!
//! | component        | advantage                      | ratio                     | divided by             |
//! |------------------|--------------------------------|---------------------------|------------------------|
//! | [`grpo`]         | (r - mean) / std, of the group | of the token, clipped     | sequences, length      |
//! | [`dr_grpo`]      | r - mean, of the group         | of the token, clipped     | sequences, token limit |
//! | [`dapo`]         | (r - mean) / std, of the group | of the token, clipped     | tokens                 |
//! | [`gspo`]         | (r - mean) / std, of the group | of the sequence, clipped  | sequences, length      |
//! | [`cispo`]        | (r - mean) / std, of the group | of the token, as a weight | tokens                 |
//! | [`rloo`]         | r - mean of the others         | none                      | sequences              |
//! | [`reinforce_pp`] | (r - mean) / std, of the step  | of the token, clipped     | tokens                 |
//!
//! [`dynamic_sampling`] is DAPO's curriculum, and works with each of them. What makes up a
//! reward (formats; DAPO's soft punishment of overlong attempts, which is `text/length`) is a
//! reward's business.
//!
//! The host logs `frac_reward_zero_std`; these log `policy_loss`, `clip_ratio/*`,
//! `cispo_clip_ratio`, `kl` and `entropy`, under TRL's names.

pub mod cispo;
pub mod dapo;
pub mod dr_grpo;
pub mod dynamic_sampling;
pub mod grpo;
pub mod gspo;
pub mod reinforce_pp;
pub mod rloo;

pub use cispo::Cispo;
pub use dapo::Dapo;
pub use dr_grpo::DrGrpo;
pub use dynamic_sampling::DynamicSampling;
pub use grpo::Grpo;
pub use gspo::Gspo;
pub use reinforce_pp::ReinforcePp;
pub use rloo::Rloo;

farthing_sdk::plugin!("grpo");
