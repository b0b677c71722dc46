//! Wrong plugins for the host's tests: each file beside `Cargo.toml` is a library with one fault.
//!
//! `core/runtime/tests/host` builds them and asserts what the host says of each. Faults of the file itself, such as a
//! cut or another machine, need no library of their own: the tests make them from a good one.
