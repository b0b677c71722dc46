//! The farthing command.
fn main() {}
