//! Between the author's traits and the boundary: turns plain data into the author's types
//! and back, and catches panics.
//!
//! A host cannot catch a plugin's panic: each library has a standard library of its own,
//! and a panic that reaches `extern "C"` aborts. So every call is guarded here.

use std::{
    any::Any,
    cell::RefCell,
    panic::{self, AssertUnwindSafe},
};

use farthing_abi::{RawCreate, RawError, abi_stable::std_types::RResult};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{Error, Result, registry::flatten};

pub(crate) mod curriculum;
pub(crate) mod log;
pub(crate) mod optimizer;
pub(crate) mod reward;
pub(crate) mod sampler;
pub(crate) mod task;

/// Runs a call of the host; a panic becomes an error.
pub(crate) fn guard<T>(call: impl FnOnce() -> Result<T>) -> RResult<T, RawError> {
    flatten(caught(call))
}

/// Runs `call`; a panic becomes an error that says where.
pub(crate) fn caught<T>(call: impl FnOnce() -> Result<T>) -> Result<T> {
    panic::catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|payload| {
        let place = PANIC_PLACE.take();
        let place = place.map_or(String::new(), |place| format!(" at {place}"));
        Err(Error::panic(format!(
            "panicked{place}: {}",
            text_of(&*payload)
        )))
    })
}

/// Makes a component from what the host sent, and gives it its state back.
pub(crate) fn made<T, C: DeserializeOwned>(
    create: RawCreate<'_>,
    new: fn(C) -> Result<T>,
    load_state: fn(&mut T, Value) -> Result<()>,
) -> Result<T> {
    let config = match create.config.as_str() {
        "" => "{}",
        config => config,
    };
    let config = serde_json::from_str(config).map_err(|error| {
        Error::from(error).context(format!("the configuration of {:?} is wrong", create.name))
    })?;
    let mut component = new(config)?;
    if !create.state.is_empty() {
        let state: Value = serde_json::from_str(create.state.as_str())?;
        if !state.is_null() {
            load_state(&mut component, state)?;
        }
    }
    Ok(component)
}

pub(crate) fn to_json<T: Serialize>(
    value: &T,
) -> Result<farthing_abi::abi_stable::std_types::RString> {
    Ok(serde_json::to_string(value)?.into())
}

thread_local! {
    static PANIC_PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Replaces the panic hook of this library's own standard library: a caught panic is
/// reported by the host as a failure, and need not be printed as well.
///
/// Only a host asks for it. Linked into an ordinary program, such as a test, the hook is not
/// ours to replace.
pub(crate) fn remember_where_panics_happen() {
    panic::set_hook(Box::new(|info| {
        PANIC_PLACE.set(info.location().map(ToString::to_string));
    }));
}

fn text_of(payload: &(dyn Any + Send)) -> &str {
    payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a value that is no text")
}
