//! Passes the compiler's version and the target on to the plugin descriptor.

use std::{env, process::Command};

fn main() {
    let rustc = env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
    let version = Command::new(rustc)
        .arg("--version")
        .output()
        .ok()
        .and_then(|output| String::from_utf8(output.stdout).ok())
        .map_or_else(|| "unknown".into(), |text| text.trim().to_owned());
    println!("cargo::rustc-env=FARTHING_RUSTC={version}");
    println!(
        "cargo::rustc-env=FARTHING_TARGET={}",
        env::var("TARGET").expect("cargo sets TARGET for build scripts")
    );
    println!("cargo::rerun-if-changed=build.rs");
}
