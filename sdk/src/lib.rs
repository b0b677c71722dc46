//! Write tasks, rewards, samplers, optimizers and curricula for Farthing.
//!
//! A plugin is a `cdylib` crate with this one dependency. It says [`plugin!`] once, and
//! marks an `impl` of one of the five traits with [`#[component]`](component) for each
//! component. [`#[config]`](config) makes a struct what the manifest configures, and
//! [`#[data]`](data) what problems and saved state are made of. A reward is about twenty
//! lines; see [`Reward`].
//!
//! Plain data crosses to the host, so a plugin needs neither a tensor library nor a
//! tokenizer, and one that was built with this sdk keeps loading in later hosts. What
//! crosses, and how it may change, is in the crate `farthing-abi`; nobody who writes a
//! plugin needs to know it.
//!
//! A panic in a component is caught inside the plugin and reaches the host as a failure.
//! `tracing` events reach the host's log. [`testing`] runs a component through the same
//! shims that the host uses.

#![warn(missing_docs)]

#[doc(hidden)]
#[allow(missing_docs)]
pub mod client;
mod curriculum;
mod error;
mod optimizer;
mod outcome;
mod problem;
mod registry;
mod reward;
pub mod rng;
#[doc(hidden)]
pub mod root;
mod sampler;
mod shim;
mod surroundings;
mod task;
pub mod testing;

pub use curriculum::{
    CheckpointReport, Curriculum, GroupReport, NextRequest, Pick, Progress, Selected, StepReport,
    TaskEntry,
};
pub use error::{Error, Result};
pub use farthing_sdk_macros::{component, config, data};
pub use optimizer::{
    Advantages, Fold, LossOutput, Metrics, MicroBatch, Need, Optimizer, Rollout, Totals,
};
pub use outcome::{Outcome, Parts};
pub use problem::{Message, Problem, ProblemView, Prompt, Split};
pub use reward::{Attempt, Reward};
pub use sampler::{DecodingPlan, Pause, PlanRequest, Sampler, SamplerHook, Steer};
pub use surroundings::Surrounding;
pub use task::Task;

/// Everything that a plugin's source usually names.
pub mod prelude {
    pub use crate::{
        Advantages, Attempt, CheckpointReport, Curriculum, DecodingPlan, Error, GroupReport,
        LossOutput, Message, Metrics, MicroBatch, Need, NextRequest, Optimizer, Outcome, Pause,
        Pick, PlanRequest, Problem, ProblemView, Progress, Prompt, Result, Reward, Rollout,
        Sampler, SamplerHook, Selected, Split, Steer, StepReport, Surrounding, Task, bail,
        component, config, data,
        rng::{
            rand::{RngExt, seq::SliceRandom},
            stream,
        },
    };
    pub use schemars;
    pub use serde;
    pub use serde_json::{self, Value, json};
    pub use tracing;
}

/// What the macros expand to. Not for authors, and free to change.
#[doc(hidden)]
#[allow(missing_docs)]
pub mod private {
    pub use crate::{registry::Registration, root, surroundings::Survey};
    pub use farthing_abi::{Descriptor, PluginRootRef, abi_stable};
    pub use inventory;
    pub use schemars;
    pub use serde;

    /// Version of this sdk, as the descriptor records it.
    pub const SDK_VERSION: [u32; 3] = [
        number(env!("CARGO_PKG_VERSION_MAJOR")),
        number(env!("CARGO_PKG_VERSION_MINOR")),
        number(env!("CARGO_PKG_VERSION_PATCH")),
    ];
    pub const RUSTC: &str = env!("FARTHING_RUSTC");
    pub const TARGET: &str = env!("FARTHING_TARGET");

    const fn number(text: &str) -> u32 {
        match u32::from_str_radix(text, 10) {
            Ok(number) => number,
            Err(_) => panic!("a version number is decimal"),
        }
    }
}

/// Makes this library a plugin of the given name; write it once, in `lib.rs`.
///
/// The name is what manifests say before the slash: `plugin!("brevity")` with a component
/// `short` is used as `brevity/short`. The version is the crate's.
///
/// A plugin that depends on its machine may say what it found there: with
/// `plugin!("brevity", surroundings = function)`, `farthing plugins inspect` lists what the
/// function returns. [`Surrounding`] has an example.
#[macro_export]
macro_rules! plugin {
    ($name:literal) => {
        $crate::plugin!(@descriptor $name, $crate::private::SDK_VERSION);
        $crate::plugin!(@root Yes);
    };
    ($name:literal, surroundings = $survey:path) => {
        $crate::plugin!($name);
        $crate::private::inventory::submit! { $crate::private::Survey($survey) }
    };
    (@descriptor $name:literal, $sdk:expr) => {
        const _: () = {
            #[used]
            #[cfg_attr(target_vendor = "apple", unsafe(link_section = "__DATA,__farthing"))]
            #[cfg_attr(not(target_vendor = "apple"), unsafe(link_section = ".farthing"))]
            static DESCRIPTOR: $crate::private::Descriptor = $crate::private::Descriptor::new(
                $sdk,
                $name,
                ::core::env!("CARGO_PKG_VERSION"),
                $crate::private::RUSTC,
                $crate::private::TARGET,
                if ::core::cfg!(panic = "unwind") { "unwind" } else { "abort" },
            );
        };
    };
    (@root $layout:ident) => {
        const _: () = {
            // The name under which abi_stable looks for "root module loader" in "lib_header".
            #[unsafe(no_mangle)]
            #[allow(non_upper_case_globals)]
            pub static _1as_0lib_1header_0root_bmodule_bloader:
                $crate::private::abi_stable::library::LibHeader = {
                // SAFETY: `root::load` returns this very `PluginRootRef`, erased.
                unsafe {
                    $crate::private::abi_stable::library::LibHeader::from_constructor::<
                        $crate::private::PluginRootRef,
                    >(
                        $crate::private::root::load,
                        $crate::private::abi_stable::library::CheckTypeLayout::$layout,
                    )
                }
            };
        };
    };
}
