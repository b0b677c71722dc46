//! The log of plugins: their `tracing` events enter the host's subscriber here.
//!
//! A plugin has a `tracing` of its own, connected once for the life of the process. It sends a number that stands for
//! its name; the table from numbers to names therefore lives as long as the process too.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, PoisonError, RwLock},
};

use farthing_abi::{RawHost, RawLogEvent};
use tracing::{Level, level_filters::LevelFilter};

static PLUGINS: RwLock<Vec<Arc<str>>> = RwLock::new(Vec::new());

/// What a plugin gets for its log. The level is that of the subscriber in place now.
pub(super) fn host_for(plugin: &str) -> RawHost {
    let mut plugins = PLUGINS.write().unwrap_or_else(PoisonError::into_inner);
    plugins.push(plugin.into());
    RawHost {
        plugin: plugins.len() as u64 - 1,
        max_level: match LevelFilter::current().into_level() {
            None => 0,
            Some(Level::ERROR) => 1,
            Some(Level::WARN) => 2,
            Some(Level::INFO) => 3,
            Some(Level::DEBUG) => 4,
            Some(Level::TRACE) => 5,
        },
        log,
    }
}

/// Called by plugins, from any thread. A panic may not cross the boundary, so one in the subscriber is swallowed:
/// a lost log line is better than a lost run.
extern "C" fn log(plugin: u64, event: RawLogEvent<'_>) {
    let _ = catch_unwind(AssertUnwindSafe(|| forward(plugin, &event)));
}

fn forward(plugin: u64, event: &RawLogEvent<'_>) {
    let name = {
        let plugins = PLUGINS.read().unwrap_or_else(PoisonError::into_inner);
        usize::try_from(plugin)
            .ok()
            .and_then(|i| plugins.get(i).cloned())
    };
    let plugin = name.as_deref().unwrap_or("unknown");
    let (module, fields) = (event.target.as_str(), event.fields.as_str());
    let fields = (!fields.is_empty()).then_some(fields);
    // The level of an event is part of its static metadata, so each has its own call.
    macro_rules! emit {
        ($level:ident) => {
            tracing::event!(target: "plugin", Level::$level, plugin, module, fields, "{}", event.message.as_str())
        };
    }
    match event.level {
        1 => emit!(ERROR),
        2 => emit!(WARN),
        3 => emit!(INFO),
        4 => emit!(DEBUG),
        _ => emit!(TRACE),
    }
}
