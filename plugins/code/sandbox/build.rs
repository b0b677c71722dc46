//! Compiles the launcher (`src/launcher`), which the library carries with it as bytes.
//!
//! It cannot be a Cargo target: a plugin is one file, so there is no second one to install, and a target without a
//! standard library would need a panic strategy of its own, which stable Cargo gives to whole profiles only.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=src/launcher");
    println!("cargo::rerun-if-changed=src/protocol.rs");
    let variable = |name: &str| env::var_os(name);
    let required = |name: &str| variable(name).unwrap_or_else(|| panic!("cargo sets {name}"));

    let launcher = PathBuf::from(required("OUT_DIR")).join("launcher");
    let mut compiler = Command::new(required("RUSTC"));
    compiler
        .args([
            "src/launcher/main.rs",
            "--edition",
            "2024",
            "--crate-name",
            "launcher",
        ])
        .args(["--crate-type", "bin", "--target"])
        .arg(required("TARGET"))
        .arg("-o")
        .arg(&launcher)
        .args([
            "-C",
            "panic=abort",
            "-C",
            "opt-level=2",
            "-C",
            "strip=symbols",
        ])
        .args(["-C", "relocation-model=static"])
        .args([
            "-C",
            "link-args=-nostdlib -nostartfiles -static -Wl,--build-id=none",
        ]);
    if let Some(linker) = variable("RUSTC_LINKER") {
        let mut option = OsString::from("linker=");
        option.push(linker);
        compiler.arg("-C").arg(option);
    }
    let status = compiler
        .status()
        .unwrap_or_else(|error| panic!("could not run {compiler:?}: {error}"));
    assert!(
        status.success(),
        "the sandbox's launcher did not compile: {compiler:?}"
    );
}
