//! Programs that try what a sandbox must forbid, through the public interface.
//!
//! Each says what it was answered, so that an attack that never ran cannot pass for one that failed. They are one
//! binary so that it can run again, as a whole, as a user without rights.

#![allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.

mod ends;
mod escape;
mod files;
mod interface;
mod lacking;
mod network;
mod processes;
mod shared;
mod support;

#[path = "../common/other_user.rs"]
mod other_user;

#[test]
fn all_of_it_holds_without_rights() {
    let _alone = other_user::alone_with_memory();
    other_user::again_without_rights("all_of_it_holds_without_rights");
}
