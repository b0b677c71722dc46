//! `cargo xtask cuda-build` and `gpu-check`: Farthing for NVIDIA's GPUs, on a machine with or without one.
//!
//! Compiling needs a toolkit and no GPU, running needs a GPU and no toolkit. So the build ends with a small directory that
//! can be carried to the machine with the GPU, and `gpu-check` runs the same script in the same directory right here: what
//! is proven in one place is what the other place runs.

mod carry;
mod libraries;
mod options;
#[cfg(test)]
mod script_tests;
mod toolkit;

use std::env;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::cargo::{built_in_plugins, install_plugins, root, run, target};
use carry::Carried;
use options::{HELP, Options};
use toolkit::Toolkit;

/// `cargo xtask cuda-build`.
pub fn build(arguments: &[String]) -> Result<()> {
    if asks_for_help(arguments) {
        return Ok(());
    }
    build_and_pack(&Options::parse(arguments, false)?)?;
    Ok(())
}

/// `cargo xtask gpu-check`.
pub fn check(arguments: &[String]) -> Result<()> {
    if asks_for_help(arguments) {
        return Ok(());
    }
    let options = Options::parse(arguments, true)?;
    let carried = build_and_pack(&options)?;
    let out = match &options.out {
        Some(out) => std::path::absolute(out)?,
        None => target().join("cuda/result"),
    };
    let mut script = Command::new("sh");
    script
        .arg(carried.directory.join(carry::SCRIPT))
        .arg("--out")
        .arg(out);
    run(&mut script).with_context(|| {
        format!(
            "the check did not pass; on a machine without a GPU, carry {} to one that has it, unpack it and run {}",
            carried.archive.display(),
            carry::SCRIPT
        )
    })
}

fn asks_for_help(arguments: &[String]) -> bool {
    let asks = arguments
        .iter()
        .any(|word| word == "--help" || word == "-h");
    if asks {
        print!("{HELP}");
    }
    asks
}

fn build_and_pack(options: &Options) -> Result<Carried> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        bail!(
            "building with CUDA: expected Linux on x86-64, found another system; nothing else has been tried"
        );
    }
    let directory = target().join("cuda");
    let fetched = target().join("cuda-toolkit");
    let toolkit = Toolkit::find(options.toolkit.as_deref(), &fetched)?;
    println!(
        "CUDA {} from {}, kernels for compute capability {}",
        toolkit.release,
        toolkit.root.display(),
        options.compute_capability
    );
    let links = directory.join("links");
    libraries::lay_out(&toolkit, &links)?;
    let plugins = built_in_plugins()?;
    compile(&toolkit, options, &directory, &links, &plugins)?;
    let products = directory.join("debug");
    install_plugins(&products, &plugins)?;
    let carried = carry::pack(&toolkit, options, &products, &directory)?;
    println!(
        "{}: {:.1} MB to carry to a machine with a GPU; unpack it there and run {}",
        carried.archive.display(),
        carried.archive_bytes as f64 / 1e6,
        carry::SCRIPT
    );
    Ok(carried)
}

fn compile(
    toolkit: &Toolkit,
    options: &Options,
    directory: &Path,
    links: &Path,
    plugins: &[String],
) -> Result<()> {
    let program = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command
        .args(["build", "--lib", "--bins", "--example", carry::DEVICE_CHECK])
        .args(["--package", "farthing-cli", "--package", "farthing-engine"])
        .args(["--features", "farthing-cli/cuda,farthing-engine/cuda"])
        .arg("--target-dir")
        .arg(directory);
    for name in plugins {
        command.args(["--package", &format!("farthing-{name}")]);
    }
    // For the C compiler that links; it leaves Rust's own flags as the user has set them.
    let mut search = vec![links.to_path_buf()];
    search.extend(env::split_paths(
        &env::var_os("LIBRARY_PATH").unwrap_or_default(),
    ));
    command
        .envs(toolkit.environment(&options.compute_capability)?)
        .env("LIBRARY_PATH", env::join_paths(search)?);
    run(&mut command).with_context(|| {
        format!(
            "building with the CUDA {} toolkit in {}",
            toolkit.release,
            root().join(&toolkit.root).display()
        )
    })
}
