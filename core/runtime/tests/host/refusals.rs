//! One wrong plugin for each way to be wrong, and what is said of it.

use farthing_runtime::host::LoadFault;
use insta::assert_snapshot;

use crate::libraries::{library, load, refused, shortened};

#[test]
fn a_library_without_descriptor() {
    assert_snapshot!(refused(&library("no_descriptor")), @r#"
    cannot load `libno_descriptor.so`: not a farthing plugin
      expected: a section .farthing
      found: a library without it
      remedy: write `farthing_sdk::plugin!("name")` in the crate's lib.rs
    "#);
}

#[test]
fn a_plugin_of_the_future() {
    assert_snapshot!(refused(&library("newer_sdk")), @r"
    cannot load `libnewer_sdk.so`: built with an sdk that this host does not support
      expected: sdk 0.1 or an older 0.x
      found: sdk 0.999.0
      remedy: update farthing to 0.999 or later, or build the plugin with farthing-sdk 0.1
    ");
}

#[test]
fn a_plugin_whose_panics_abort() {
    assert_snapshot!(refused(&library("panic_abort")), @r#"
    cannot load `libpanic_abort.so`: built so that a panic ends the process
      expected: panic = "unwind"
      found: panic = "abort"
      remedy: remove panic = "abort" from the profile the plugin is built with: the sdk catches panics inside the plugin, and an aborting one would end the run
    "#);
}

#[test]
fn a_descriptor_without_a_root_module() {
    assert_snapshot!(refused(&library("no_root_module")), @r"
    cannot load `libno_root_module.so`: no root module
      expected: the symbol that `plugin!` exports
      found: a library without it
      remedy: build the plugin with farthing-sdk and its `plugin!(..)`, unchanged
    ");
}

#[test]
fn a_library_that_lacks_a_function() {
    let message = refused(&library("undefined_symbol"));
    assert!(
        message.starts_with(
            "cannot load `libundefined_symbol.so`: the system's loader refuses the library\n"
        ),
        "{message}"
    );
    // What the system says of it is its own affair, but for the name.
    assert!(
        message.contains("a_function_of_a_library_that_is_not_there"),
        "{message}"
    );
    assert!(
        message
            .ends_with("remedy: install what the library links to, or rebuild it on this machine")
    );
}

#[test]
fn a_root_module_without_its_layout() {
    assert_snapshot!(refused(&library("layout_unchecked")), @r"
    cannot load `liblayout_unchecked.so`: the layout check is switched off
      expected: a root module that carries its layout
      found: a plugin whose author opted out
      remedy: build the plugin with `plugin!(..)`, which keeps the check on
    ");
}

#[test]
fn a_root_module_of_another_layout() {
    assert_snapshot!(refused(&library("other_layout")), @r"
    cannot load `libother_layout.so`: the layout of the boundary differs
      expected: the layout of farthing-abi 1.x
      found: mismatched package: expected farthing-abi, found farthing-hostile
      remedy: build the plugin with farthing-sdk and its `plugin!(..)`, unchanged
    ");
}

#[test]
fn a_plugin_without_components() {
    assert_snapshot!(refused(&library("registers_nothing")), @r#"
    cannot load `libregisters_nothing.so`: the plugin registers nothing
      expected: at least one component
      found: none
      remedy: mark an `impl` with #[component("name")]; if there is one, the linker dropped it: say `plugin!` in the same crate
    "#);
}

#[test]
fn a_plugin_that_cannot_list_its_components() {
    assert_snapshot!(refused(&library("listing_fails")), @r#"
    cannot load `liblisting_fails.so`: the plugin cannot list its components
      expected: a list of components
      found: the plugin registers two components of kind curriculum named "twin"
      remedy: rename one of them in its #[component(..)]
    "#);
}

#[test]
fn two_plugins_of_one_name() {
    let files = [library("duplicate_two"), library("duplicate_one")];
    let errors = load(&files).err().expect("neither is loaded");
    assert_snapshot!(shortened(&errors), @r"
    cannot load `libduplicate_two.so`: another plugin has the same name
      expected: one plugin named `duplicate`
      found: another in `libduplicate_one.so`
      remedy: remove one of the two files, or rename a plugin in its `plugin!(..)`
    ");
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
