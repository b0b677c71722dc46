//! The launcher's source, as a module of the library too, so that it is formatted, linted and checked with the rest. The
//! program that runs is what `build.rs` makes of it.

#[allow(dead_code)] // Only the launcher carries out orders.
mod carry_out;

use super::protocol;
