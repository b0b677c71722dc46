//! Build, check, demo, test.
fn main() {}
