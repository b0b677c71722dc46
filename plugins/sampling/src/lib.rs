//! Built-in plugin `sampling`: the everyday sampler.

mod standard;

pub use standard::Standard;

farthing_sdk::plugin!("sampling");
