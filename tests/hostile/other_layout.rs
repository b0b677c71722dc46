//! A root module as another project might write it: the name and the descriptor are right, and the functions differ.

use abi_stable::{
    StableAbi,
    library::{
        __call_root_module_loader, CheckTypeLayout, LibHeader, RootModule, RootModuleResult,
    },
    prefix_type::PrefixTypeTrait,
    sabi_types::VersionStrings,
};

farthing_sdk::plugin!(@descriptor "other-layout", farthing_sdk::private::SDK_VERSION);

#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix(prefix_ref = PluginRootRef)))]
#[sabi(missing_field(panic))]
pub struct PluginRoot {
    pub connect: extern "C" fn(u64),
    #[sabi(last_prefix_field)]
    pub reward: extern "C" fn(f64) -> f64,
}

impl RootModule for PluginRootRef {
    abi_stable::declare_root_module_statics! {PluginRootRef}
    const BASE_NAME: &'static str = "farthing_plugin";
    const NAME: &'static str = "farthing_plugin";
    const VERSION_STRINGS: VersionStrings = VersionStrings::new("1.0.0");
}

extern "C" fn connect(_: u64) {}

extern "C" fn reward(completion: f64) -> f64 {
    completion
}

extern "C" fn load() -> RootModuleResult {
    __call_root_module_loader(|| PluginRoot { connect, reward }.leak_into_prefix())
}

#[unsafe(no_mangle)]
#[allow(non_upper_case_globals)]
pub static _1as_0lib_1header_0root_bmodule_bloader: LibHeader =
    // SAFETY: `load` returns this very `PluginRootRef`, erased. That the host expects another is what is tested.
    unsafe { LibHeader::from_constructor::<PluginRootRef>(load, CheckTypeLayout::Yes) };
