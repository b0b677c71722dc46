//! Layer 3: opening a library, the check of its layout, and the list of its components.
//!
//! The one place where a plugin's code is brought into this process. From the moment of opening the library's own
//! start-up code runs, which nobody can undo: hence the layers before.
//!
//! Many libraries share one root-module type, so the root module is taken from each library's own header. The
//! convenient `RootModule::load_from` of abi_stable keeps one module per type and would return the first plugin for
//! every path.
//!
//! abi_stable accepts a library that has more functions than the host knows, and refuses one that has fewer. Our rule is
//! the other way round, that older libraries load in newer hosts, so the question is asked the other way round as well:
//! whether the host would do for everything that the library knows. Functions that the library lacks are `None` here.

use std::{collections::BTreeSet, path::Path, sync::Arc};

use farthing_abi::{
    PluginRootRef, RawComponent,
    abi_stable::{
        StableAbi,
        abi_stability::check_layout_compatibility,
        library::{LibraryError, lib_header_from_path},
    },
};
use serde_json::Value;

use super::{
    component::{Component, ComponentKind, PluginIdentity},
    load_error::LoadFault,
    plugin_log,
    preflight::Preflight,
};

/// A plugin in this process, for its life.
#[derive(Clone)]
pub(super) struct LoadedPlugin {
    pub identity: Arc<PluginIdentity>,
    pub root: PluginRootRef,
    pub components: Vec<Component>,
}

/// Opens a library that passed layer 1.
pub(super) fn load(preflight: &Preflight) -> Result<LoadedPlugin, LoadFault> {
    let path = &preflight.snapshot.path;
    // Before, so that no code runs which nobody has checked; after, because only then it is certain.
    preflight.snapshot.check_unchanged()?;
    open_for_life(path)?;
    preflight.snapshot.check_unchanged()?;
    let root = root_module(path)?;
    let identity = Arc::new(preflight.identity.clone());
    root.connect()(plugin_log::host_for(&identity.name));
    let components = list(root, &identity)?;
    Ok(LoadedPlugin {
        identity,
        root,
        components,
    })
}

/// Opens the library with every symbol resolved now: one that is missing is an error here, where the system's loader
/// would otherwise end the process at the first call of it. The handle is never closed.
fn open_for_life(path: &Path) -> Result<(), LoadFault> {
    let fault = |error: libloading::Error| LoadFault::Open {
        why: flattened(&error),
    };
    #[cfg(unix)]
    let library = {
        use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
        // SAFETY: the start-up code of the library runs with all rights of this process. That is what the user asked
        // for by naming it or its directory; the layers before have refused what is not a whole farthing plugin.
        unsafe { Library::open(Some(path), RTLD_NOW | RTLD_LOCAL) }.map_err(fault)?
    };
    #[cfg(not(unix))]
    // SAFETY: as above.
    let library = unsafe { libloading::Library::new(path) }.map_err(fault)?;
    std::mem::forget(library);
    Ok(())
}

fn root_module(path: &Path) -> Result<PluginRootRef, LoadFault> {
    let header = lib_header_from_path(path).map_err(fault_of)?;
    // abi_stable skips the comparison for a library without a layout, and would call whatever it finds.
    let Some(layout) = header.layout() else {
        return Err(LoadFault::LayoutUnchecked);
    };
    match header.init_root_module::<PluginRootRef>() {
        Err(LibraryError::AbiInstability(_))
            if check_layout_compatibility(layout, PluginRootRef::LAYOUT).is_ok() =>
        {
            // SAFETY: the layouts were compared just now: type by type they agree in all that the library has, and what
            // it lacks stands behind the last prefix field, where each access asks the library whether it is there.
            unsafe { header.init_root_module_with_unchecked_layout::<PluginRootRef>() }
        }
        checked => checked,
    }
    .map_err(fault_of)
}

fn fault_of(error: LibraryError) -> LoadFault {
    let why = error.to_string().trim().to_owned();
    match error {
        LibraryError::OpenError { .. } => LoadFault::Open { why },
        LibraryError::GetSymbolError { .. } => LoadFault::NoRootModule,
        LibraryError::AbiInstability(_) => {
            // The message has the differences only.
            tracing::debug!("{why}");
            LoadFault::OtherLayout { report: why }
        }
        LibraryError::RootModule { .. } => LoadFault::RootModule { why },
        _ => LoadFault::OtherFoundation { why },
    }
}

fn list(root: PluginRootRef, plugin: &Arc<PluginIdentity>) -> Result<Vec<Component>, LoadFault> {
    let listed = root.components()()
        .into_result()
        .map_err(|raw| LoadFault::Listing {
            error: Box::new(farthing_sdk::Error::from_raw(raw)),
        })?;
    if listed.is_empty() {
        return Err(LoadFault::RegistersNothing);
    }
    let mut components = Vec::new();
    let mut names = BTreeSet::new();
    for raw in &listed {
        let component = component(raw, plugin)?;
        if !names.insert((component.kind, component.name.clone())) {
            return Err(bad(raw, "one of each name and kind", "two".into()));
        }
        components.push(component);
    }
    components.sort_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
    Ok(components)
}

fn component(raw: &RawComponent, plugin: &Arc<PluginIdentity>) -> Result<Component, LoadFault> {
    let kind: ComponentKind = raw.kind.parse().map_err(|_| {
        bad(
            raw,
            "a kind of component that this host knows",
            format!("{:?}", raw.kind.as_str()),
        )
    })?;
    let name = raw.name.to_string();
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.is_empty() || !name.chars().all(plain) {
        return Err(bad(
            raw,
            "a name of lower-case letters, digits and `-`",
            format!("{name:?}"),
        ));
    }
    let schema: Value = serde_json::from_str(&raw.schema)
        .map_err(|error| bad(raw, "a JSON Schema of its configuration", error.to_string()))?;
    let plugin = Arc::clone(plugin);
    Ok(Component {
        plugin,
        kind,
        name,
        description: raw.description.to_string(),
        schema,
    })
}

fn bad(raw: &RawComponent, expected: &str, found: String) -> LoadFault {
    LoadFault::BadComponent {
        component: format!("{} {}", raw.kind, raw.name),
        expected: expected.into(),
        found,
    }
}

/// The loader's words: libloading says what it did, its source says what went wrong.
fn flattened(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        next = cause.source();
    }
    text
}
