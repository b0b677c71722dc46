//! Built-in plugin `ssp`: the Spectrum-to-Signal Principle of VibeThinker-1.5B
//! (arXiv 2511.06221).
//!
//! Supervised training is to widen the spectrum of solutions that a model finds in k tries,
//! reinforcement is to make the right ones among them its first try. Two components carry
//! what is particular to it; everything else is general stages of a manifest:
//!
//! | part of the paper                            | here                                     |
//! |----------------------------------------------|------------------------------------------|
//! | domain-aware diversity probing (section 3.3) | `sft` with `probe`, and [`spectrum`]     |
//! | expert model fusion (section 3.3)            | `merge`                                  |
//! | MGPO (section 3.4)                           | `rl` with [`mgpo`]                       |
//! | 16K, then 32K, then code (section 3.2)       | three `rl` stages                        |
//! | Long2Short (the 3B report, 2606.16140)       | [`mgpo`]'s `long2short`                  |

pub mod long2short;
pub mod mgpo;
pub mod spectrum;

pub use mgpo::Mgpo;
pub use spectrum::Spectrum;

farthing_sdk::plugin!("ssp");
