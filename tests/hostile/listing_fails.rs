//! A plugin with two components of one kind and name.

use farthing_sdk::prelude::*;

farthing_sdk::plugin!("listing-fails");

struct First;

/// The one.
#[component("twin")]
impl Curriculum for First {
    type Config = Value;

    fn new(_: Value) -> Result<Self> {
        Ok(Self)
    }
}

struct Second;

/// The other.
#[component("twin")]
impl Curriculum for Second {
    type Config = Value;

    fn new(_: Value) -> Result<Self> {
        Ok(Self)
    }
}
