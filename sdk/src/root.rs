//! The functions behind the root module. Each is guarded: a panic must not reach the
//! boundary, where it would end the process.

use farthing_abi::{
    Boxed, PluginRoot, PluginRootRef, RawComponent, RawCreate, RawCurriculum_TO, RawError, RawHost,
    RawOptimizer_TO, RawReward_TO, RawSampler_TO, RawTask_TO,
    abi_stable::{
        library::{__call_root_module_loader, RootModuleResult},
        prefix_type::PrefixTypeTrait,
        std_types::{RResult, RString, RVec},
    },
};

use crate::{registry, shim, surroundings::survey};

/// What `plugin!` exports.
pub extern "C" fn load() -> RootModuleResult {
    __call_root_module_loader(root_module)
}

fn root_module() -> PluginRootRef {
    PluginRoot {
        connect,
        components,
        task,
        reward,
        sampler,
        optimizer,
        curriculum,
        surroundings,
    }
    .leak_into_prefix()
}

extern "C" fn connect(host: RawHost) {
    let _ = shim::guard(|| {
        shim::remember_where_panics_happen();
        shim::log::connect(host);
        Ok(())
    });
}

extern "C" fn components() -> RResult<RVec<RawComponent>, RawError> {
    shim::guard(|| Ok(registry::components()?.into()))
}

extern "C" fn surroundings() -> RResult<RString, RawError> {
    shim::guard(|| shim::to_json(&survey()?))
}

macro_rules! creators {
    ($($function:ident $raw:ident;)*) => {
        $(
            extern "C" fn $function(create: RawCreate<'_>) -> RResult<$raw<Boxed>, RawError> {
                shim::guard(|| registry::$function(create))
            }
        )*
    };
}

creators! {
    task RawTask_TO;
    reward RawReward_TO;
    sampler RawSampler_TO;
    optimizer RawOptimizer_TO;
    curriculum RawCurriculum_TO;
}
