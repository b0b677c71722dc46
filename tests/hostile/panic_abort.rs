//! A plugin that says of itself that a panic ends the process.

use farthing_abi::Descriptor;
use farthing_sdk::private::{RUSTC, SDK_VERSION, TARGET};

#[used]
#[cfg_attr(target_vendor = "apple", unsafe(link_section = "__DATA,__farthing"))]
#[cfg_attr(not(target_vendor = "apple"), unsafe(link_section = ".farthing"))]
static DESCRIPTOR: Descriptor =
    Descriptor::new(SDK_VERSION, "panic-abort", "0.1.0", RUSTC, TARGET, "abort");

farthing_sdk::plugin!(@root Yes);
