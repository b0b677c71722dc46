//! The manifest's page of the book is generated from the types, and this test keeps it so.

#![allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.

use std::path::Path;

use farthing_runtime::manifest;

/// Set to write the page instead of comparing it.
const UPDATE: &str = "FARTHING_UPDATE";

#[test]
fn the_page_is_the_types() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/manifest.md");
    let page = manifest::reference();
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(&path, page).unwrap();
        return;
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == page,
        "docs/manifest.md is out of date; write it anew with \
         {UPDATE}=1 cargo test --package farthing-runtime --test manifest_reference"
    );
}
