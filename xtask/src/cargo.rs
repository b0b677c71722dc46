//! Calls cargo, and puts the built-in plugins where the binary looks for them.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use anyhow::{Context, Result, bail};

/// The built-in plugins: the packages under `plugins/`.
pub fn built_in_plugins() -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(root().join("plugins")).context("cannot list plugins/")? {
        let entry = entry?;
        if entry.path().join("Cargo.toml").exists() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// The workspace's root.
pub fn root() -> PathBuf {
    // Cargo's at run time: what was compiled in names another checkout when two share a target directory.
    let manifest = env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    manifest.parent().unwrap_or(&manifest).to_path_buf()
}

/// Cargo's target directory.
pub fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// Where the dev profile's products lie.
pub fn products() -> PathBuf {
    target().join("debug")
}

/// The library that a built-in plugin's package becomes.
fn plugin_library(name: &str) -> String {
    let name = name.replace('-', "_");
    let (prefix, suffix) = (env::consts::DLL_PREFIX, env::consts::DLL_SUFFIX);
    format!("{prefix}farthing_{name}{suffix}")
}

/// Builds the binary and the built-in plugins, and returns the binary.
pub fn build() -> Result<PathBuf> {
    let plugins = built_in_plugins()?;
    let packages: Vec<String> = plugins
        .iter()
        .map(|name| format!("farthing-{name}"))
        .collect();
    let mut arguments = vec!["build", "--package", "farthing-cli"];
    for package in &packages {
        arguments.extend(["--package", package]);
    }
    cargo(&arguments)?;
    install_plugins(&products(), &plugins)?;
    let farthing = products().join(format!("farthing{}", env::consts::EXE_SUFFIX));
    if !farthing.exists() {
        bail!("{} was not built", farthing.display());
    }
    Ok(farthing)
}

/// Copies the plugins into `plugins/` beside the binary: a directory of their own, because the build's also has
/// libraries that are no plugins, and the tests' wrong ones.
pub fn install_plugins(products: &Path, plugins: &[String]) -> Result<()> {
    let destination = products.join("plugins");
    fs::create_dir_all(&destination)?;
    for name in plugins {
        let file = plugin_library(name);
        let (from, to) = (products.join(&file), destination.join(&file));
        if same_content(&from, &to) {
            continue;
        }
        // A new file under the old name: a process that has the old library open keeps it.
        let scratch = destination.join(format!(".{file}.{}", std::process::id()));
        fs::copy(&from, &scratch).with_context(|| format!("cannot copy {}", from.display()))?;
        fs::rename(&scratch, &to)?;
    }
    Ok(())
}

fn same_content(a: &Path, b: &Path) -> bool {
    matches!((fs::read(a), fs::read(b)), (Ok(a), Ok(b)) if a == b)
}

/// Runs cargo in the workspace's root.
pub fn cargo(arguments: &[&str]) -> Result<()> {
    let program = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    run(Command::new(program).args(arguments))
}

/// Runs a command in the workspace's root; its failure is ours.
pub fn run(command: &mut Command) -> Result<()> {
    let shown = shown(command);
    let status = command
        .current_dir(root())
        .status()
        .with_context(|| format!("cannot start `{shown}`"))?;
    if !status.success() {
        bail!("`{shown}` failed with {status}");
    }
    Ok(())
}

/// The command as one would type it.
pub fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words
        .map(OsStr::to_string_lossy)
        .collect::<Vec<_>>()
        .join(" ")
}
