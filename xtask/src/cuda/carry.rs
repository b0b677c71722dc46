//! What is carried to the machine with the GPU: binaries, plugins, a manifest and the script, in one archive.
//!
//! CUDA's own libraries are not in it: they are ten times as large as the rest, NVIDIA's licence has conditions for
//! passing them on, and a machine with a GPU has them or gets them from PyPI. The script says what is missing.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::options::Options;
use super::toolkit::Toolkit;
use crate::cargo::{root, run};
use crate::versions::{commit, line_of, locked_version};

pub const SCRIPT: &str = "gpu-check.sh";
/// The engine's example that compares and measures.
pub const DEVICE_CHECK: &str = "device_check";

const NAME: &str = "gpu-check";
const FARTHING: &str = "farthing";
/// Where the binary looks for its plugins, beside itself.
const PLUGINS: &str = "plugins";
const RECIPE: &str = "examples/recipes/countdown-tiny.toml";

/// The directory and the archive of it.
pub struct Carried {
    pub directory: PathBuf,
    pub archive: PathBuf,
    pub archive_bytes: u64,
}

/// Assembles `gpu-check/` and `gpu-check.tar.gz` in `directory`, from the products of a build.
pub fn pack(
    toolkit: &Toolkit,
    options: &Options,
    products: &Path,
    directory: &Path,
) -> Result<Carried> {
    let carried = directory.join(NAME);
    if carried.exists() {
        fs::remove_dir_all(&carried)
            .with_context(|| format!("cannot empty {}", carried.display()))?;
    }
    fs::create_dir_all(carried.join(PLUGINS))
        .with_context(|| format!("cannot make {}", carried.display()))?;

    strip(&products.join(FARTHING), &carried.join(FARTHING))?;
    strip(
        &products.join("examples").join(DEVICE_CHECK),
        &carried.join(DEVICE_CHECK),
    )?;
    for entry in fs::read_dir(products.join(PLUGINS)).context("the plugins were installed")? {
        let entry = entry?;
        strip(
            &entry.path(),
            &carried.join(PLUGINS).join(entry.file_name()),
        )?;
    }
    for source in [&format!("benches/{SCRIPT}"), RECIPE] {
        let source = root().join(source);
        let name = source.file_name().context("it names a file")?;
        fs::copy(&source, carried.join(name))
            .with_context(|| format!("cannot copy {}", source.display()))?;
    }
    let build = carried.join("build.txt");
    fs::write(&build, build_facts(toolkit, options)?)
        .with_context(|| format!("cannot write {}", build.display()))?;

    let archive = directory.join(format!("{NAME}.tar.gz"));
    run(Command::new("tar")
        .arg("--create")
        .arg("--gzip")
        .arg("--file")
        .arg(&archive)
        .arg("--directory")
        .arg(directory)
        .arg(NAME))?;
    let archive_bytes = fs::metadata(&archive)?.len();
    Ok(Carried {
        directory: carried,
        archive,
        archive_bytes,
    })
}

/// A copy without the tables that only a debugger reads.
fn strip(from: &Path, to: &Path) -> Result<()> {
    run(Command::new("strip")
        .arg("--strip-unneeded")
        .arg("-o")
        .args([to, from]))
    .context("making a small copy needs `strip`, which comes with the C compiler (binutils)")
}

/// What the script and the result say about the build, a `key: value` a line.
fn build_facts(toolkit: &Toolkit, options: &Options) -> Result<String> {
    Ok(format!(
        "commit: {}\nrustc: {}\ncandle: {}\ncuda: {}\ncompute capability: {}\n",
        commit(),
        line_of("rustc", &["--version"])?,
        locked_version("candle-core").unwrap_or_else(|| "unknown".into()),
        toolkit.release,
        options.compute_capability
    ))
}
