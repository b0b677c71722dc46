//! The root module: the one symbol that a plugin exports.

use abi_stable::{
    StableAbi,
    library::RootModule,
    sabi_types::VersionStrings,
    std_types::{RBox, RResult, RStr, RString, RVec},
};

use crate::{RawCurriculum_TO, RawOptimizer_TO, RawReward_TO, RawSampler_TO, RawTask_TO};

/// The owning pointer of every component that crosses.
pub type Boxed = RBox<()>;

/// The one error of the boundary. An author's error, flattened.
#[repr(C)]
#[derive(StableAbi, Clone, Debug)]
pub struct RawError {
    pub message: RString,
    /// What to do about it; may be empty.
    pub help: RString,
    /// The causes, outermost first.
    pub causes: RVec<RString>,
    /// True when the plugin panicked and its shim caught it.
    pub panicked: bool,
}

/// What a plugin says of one component.
#[repr(C)]
#[derive(StableAbi, Clone, Debug)]
pub struct RawComponent {
    /// `task`, `reward`, `sampler`, `optimizer` or `curriculum`.
    pub kind: RString,
    pub name: RString,
    pub description: RString,
    /// JSON Schema of its configuration.
    pub schema: RString,
}

/// What a component is made from.
#[repr(C)]
#[derive(StableAbi, Clone, Copy)]
pub struct RawCreate<'a> {
    pub name: RStr<'a>,
    /// JSON object.
    pub config: RStr<'a>,
    /// What `save_state` returned; empty for a fresh start.
    pub state: RStr<'a>,
}

/// One `tracing` event of a plugin. `level` is 1 (error) to 5 (trace).
#[repr(C)]
#[derive(StableAbi, Clone, Copy)]
pub struct RawLogEvent<'a> {
    pub level: u8,
    pub target: RStr<'a>,
    pub message: RStr<'a>,
    /// The other fields, as a JSON object.
    pub fields: RStr<'a>,
}

/// What the host offers to a plugin, once, right after loading.
#[repr(C)]
#[derive(StableAbi, Clone, Copy)]
pub struct RawHost {
    /// Identifies this plugin in `log`.
    pub plugin: u64,
    /// Events less severe than this level need not be sent.
    pub max_level: u8,
    pub log: extern "C" fn(plugin: u64, event: RawLogEvent<'_>),
}

/// The functions of a plugin. New ones go at the end, with a default for libraries that lack them.
#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix(prefix_ref = PluginRootRef)))]
#[sabi(missing_field(panic))]
pub struct PluginRoot {
    pub connect: extern "C" fn(RawHost),
    pub components: extern "C" fn() -> RResult<RVec<RawComponent>, RawError>,
    pub task: extern "C" fn(RawCreate<'_>) -> RResult<RawTask_TO<Boxed>, RawError>,
    pub reward: extern "C" fn(RawCreate<'_>) -> RResult<RawReward_TO<Boxed>, RawError>,
    pub sampler: extern "C" fn(RawCreate<'_>) -> RResult<RawSampler_TO<Boxed>, RawError>,
    pub optimizer: extern "C" fn(RawCreate<'_>) -> RResult<RawOptimizer_TO<Boxed>, RawError>,
    #[sabi(last_prefix_field)]
    pub curriculum: extern "C" fn(RawCreate<'_>) -> RResult<RawCurriculum_TO<Boxed>, RawError>,
    /// What the plugin found of its surroundings: JSON, a list of `{"name", "on", "detail"}`.
    #[sabi(missing_field(option))]
    pub surroundings: extern "C" fn() -> RResult<RString, RawError>,
}

impl RootModule for PluginRootRef {
    abi_stable::declare_root_module_statics! {PluginRootRef}
    const BASE_NAME: &'static str = "farthing_plugin";
    const NAME: &'static str = "farthing_plugin";
    // abi_stable would refuse every plugin of an older minor version. The version that
    // decides is the sdk's, in the descriptor; this one is a constant.
    const VERSION_STRINGS: VersionStrings = VersionStrings::new("1.0.0");
}
