//! A plugin without components.

farthing_sdk::plugin!("registers-nothing");
