//! One wrong plugin for each way to be wrong, and what is said of it.

use farthing_runtime::host::LoadFault;
use insta::assert_snapshot;

use crate::libraries::{library, load, refused, shortened};

#[test]
fn a_library_without_descriptor() {
    assert_snapshot!(refused(&library("no_descriptor")), @"");
}

#[test]
fn a_plugin_of_the_future() {
    assert_snapshot!(refused(&library("newer_sdk")), @"");
}

#[test]
fn a_plugin_whose_panics_abort() {
    assert_snapshot!(refused(&library("panic_abort")), @"");
}

#[test]
fn a_descriptor_without_a_root_module() {
    assert_snapshot!(refused(&library("no_root_module")), @"");
}

#[test]
fn a_root_module_without_its_layout() {
    assert_snapshot!(refused(&library("layout_unchecked")), @"");
}

#[test]
fn a_root_module_of_another_layout() {
    let message = refused(&library("other_layout"));
    println!("{message}");
}

#[test]
fn a_plugin_without_components() {
    assert_snapshot!(refused(&library("registers_nothing")), @"");
}

#[test]
fn a_plugin_that_cannot_list_its_components() {
    assert_snapshot!(refused(&library("listing_fails")), @"");
}

#[test]
fn two_plugins_of_one_name() {
    let files = [library("duplicate_two"), library("duplicate_one")];
    let errors = load(&files).err().expect("neither is loaded");
    assert_snapshot!(shortened(&errors), @"");
}

#[test]
fn all_refusals_come_at_once() {
    let wrong = [
        "newer_sdk",
        "no_descriptor",
        "registers_nothing",
        "layout_unchecked",
        "no_root_module",
    ];
    let mut files: Vec<_> = wrong.into_iter().map(library).collect();
    files.push("/nowhere/libmissing.so".into());
    files.push(library("good"));
    let errors = load(&files).err().expect("six of seven are wrong");
    let faults: Vec<_> = errors
        .0
        .iter()
        .map(|error| error.fault.to_string())
        .collect();
    assert_eq!(errors.0.len(), 6, "{faults:#?}");
    for file in &files[..6] {
        let named = errors.0.iter().filter(|error| error.file == *file).count();
        assert_eq!(named, 1, "{} in {errors}", file.display());
    }
    assert!(
        errors
            .0
            .iter()
            .any(|error| error.fault == LoadFault::RegistersNothing)
    );
}
