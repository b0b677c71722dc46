//! Built-in plugin `grpo`: policy objectives that need no critic.
//!
//! One file for each paper. Each opens with the paper's equation, says what differs here
//! and why, and composes the pieces of `farthing-objective`, where the derivatives are:
//!
//! | component           | advantage                     | ratio           | divided by      |
//! |---------------------|-------------------------------|-----------------|-----------------|
//! | [`grpo`]            | (r - mean) / std of the group | token, clipped  | N abs(o_i)      |
//! | [`dr_grpo`]         | r - mean of the group         | token, clipped  | N token limit   |
//! | [`dapo`]            | (r - mean) / std of the group | token, clipped  | sum_i abs(o_i)  |
//! | [`gspo`]            | (r - mean) / std of the group | sequence, cl.   | N               |
//! | [`cispo`]           | (r - mean) / std of the group | token, as weight| sum_i abs(o_i)  |
//! | [`rloo`]            | r - mean of the others        | none            | N               |
//! | [`reinforce_pp`]    | (r - mean) / std of the step  | token, clipped  | sum_i abs(o_i)  |
//!
//! [`dynamic_sampling`] is DAPO's curriculum, and works with each of them. What makes up a
//! reward (DAPO's soft punishment of overlong attempts, formats) is a reward's business.
//!
//! The host logs `frac_reward_zero_std`; these log `policy_loss`, `clip_ratio/*`,
//! `cispo_clip_ratio`, `kl` and `entropy`, under TRL's names.

mod cispo;
mod dapo;
mod dr_grpo;
mod dynamic_sampling;
mod grpo;
mod gspo;
mod reinforce_pp;
mod rloo;

pub use cispo::Cispo;
pub use dapo::Dapo;
pub use dr_grpo::DrGrpo;
pub use dynamic_sampling::DynamicSampling;
pub use grpo::Grpo;
pub use gspo::Gspo;
pub use reinforce_pp::ReinforcePp;
pub use rloo::Rloo;

farthing_sdk::plugin!("grpo");
