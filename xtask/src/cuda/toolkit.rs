//! The CUDA toolkit that compiles the kernels: an installed one, or one made of PyPI's wheels.
//!
//! NVIDIA publishes the parts of the toolkit as Python wheels. They need no administrator and no NVIDIA driver, so that a
//! machine without a GPU can build for one that has it.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::cargo::shown;
use crate::venv::interpreter;

const REQUIREMENTS: &str = "xtask/src/cuda/requirements.txt";

/// A directory with `bin/nvcc`, headers and libraries.
#[derive(Debug)]
pub struct Toolkit {
    pub root: PathBuf,
    /// As nvcc names it: `13.0`.
    pub release: String,
}

impl Toolkit {
    /// The one in `given`; without it the installed one; without that a fetched one, in `fetched`.
    pub fn find(given: Option<&Path>, fetched: &Path) -> Result<Self> {
        if let Some(directory) = given {
            return Self::open(directory, "--toolkit");
        }
        for variable in ["CUDA_HOME", "CUDA_PATH"] {
            if let Some(directory) = env::var_os(variable).filter(|value| !value.is_empty()) {
                return Self::open(Path::new(&directory), variable);
            }
        }
        if let Some(directory) = on_search_path(env::var_os("PATH")) {
            return Self::open(&directory, "nvcc on PATH");
        }
        let usual = Path::new("/usr/local/cuda");
        if usual.join("bin/nvcc").exists() {
            return Self::open(usual, "the usual place");
        }
        println!(
            "no CUDA toolkit is installed; taking PyPI's, in {}",
            fetched.display()
        );
        interpreter(fetched, REQUIREMENTS)
            .context("cannot fetch a CUDA toolkit; install one, or name one with --toolkit DIR")?;
        Self::open(fetched, "fetched from PyPI; remove it to fetch it again")
    }

    /// The toolkit in a directory, which may also be a virtual environment with NVIDIA's wheels.
    fn open(directory: &Path, named_by: &str) -> Result<Self> {
        let root = toolkit_root(directory).with_context(|| {
            format!(
                "{} ({named_by}): expected a CUDA toolkit with bin/nvcc, or a virtual environment with NVIDIA's wheels, \
                 found neither; name another with --toolkit DIR",
                directory.display()
            )
        })?;
        let mut command = Command::new(root.join("bin/nvcc"));
        command.arg("--version");
        let output = command
            .output()
            .with_context(|| format!("cannot run `{}`", shown(&command)))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let release = release(&text).with_context(|| {
            format!(
                "`{}`: expected a line with `release 13.0`, found {text:?} {}",
                shown(&command),
                String::from_utf8_lossy(&output.stderr)
            )
        })?;
        Ok(Self {
            root,
            release: release.to_owned(),
        })
    }

    /// The directory of `libcudart.so`, which has the other libraries too.
    pub fn libraries(&self) -> Result<PathBuf> {
        const PLACES: [&str; 4] = [
            "lib64",
            "lib",
            "targets/x86_64-linux/lib",
            "lib/x86_64-linux-gnu",
        ];
        let candidates = PLACES.map(|place| self.root.join(place));
        let found = candidates.iter().find(|directory| {
            let name = |entry: std::fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
            let mut entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
            entries.any(|entry| name(entry).starts_with("libcudart.so"))
        });
        found.cloned().with_context(|| {
            format!(
                "{}: expected libcudart.so in one of {}, found none; install the toolkit's development libraries, or name \
                 another toolkit with --toolkit DIR",
                self.root.display(),
                PLACES.join(", ")
            )
        })
    }

    /// What the build scripts of Candle and cudarc read, and nvcc first on the search path.
    pub fn environment(&self, compute_capability: &str) -> Result<Vec<(&'static str, OsString)>> {
        let mut search = vec![self.root.join("bin")];
        search.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
        let root = self.root.as_os_str();
        Ok(vec![
            ("CUDA_HOME", root.to_owned()),
            ("CUDA_PATH", root.to_owned()),
            ("CUDA_ROOT", root.to_owned()),
            ("CUDA_COMPUTE_CAP", compute_capability.into()),
            ("PATH", env::join_paths(search)?),
        ])
    }
}

/// `directory` itself, or the wheels' directory in a virtual environment: `lib/python3.11/site-packages/nvidia/cu13`.
fn toolkit_root(directory: &Path) -> Option<PathBuf> {
    let has_compiler = |directory: &PathBuf| directory.join("bin/nvcc").exists();
    let children = |directory: PathBuf| {
        let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
        entries.map(|entry| entry.path())
    };
    let absolute = std::path::absolute(directory).ok()?;
    let wheels = children(absolute.join("lib"))
        .flat_map(|python| children(python.join("site-packages/nvidia")));
    std::iter::once(absolute.clone())
        .chain(wheels)
        .find(has_compiler)
}

/// The toolkit that `nvcc` belongs to; links to it are followed.
fn on_search_path(search: Option<OsString>) -> Option<PathBuf> {
    let search = search?;
    let nvcc = env::split_paths(&search)
        .map(|directory| directory.join("nvcc"))
        .find(|nvcc| nvcc.exists())?;
    let nvcc = nvcc.canonicalize().ok()?;
    Some(nvcc.parent()?.parent()?.to_path_buf())
}

/// `13.0` of `Cuda compilation tools, release 13.0, V13.0.88`.
fn release(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("release ")?;
    rest.split([',', ' ', '\n']).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_release_is_read_from_what_nvcc_says() {
        let text = "nvcc: NVIDIA (R) Cuda compiler driver\nCuda compilation tools, release 13.0, V13.0.88\n";
        assert_eq!(release(text), Some("13.0"));
        assert_eq!(release("command not found"), None);
    }

    #[test]
    fn a_virtual_environment_is_as_good_as_a_toolkit() {
        let scratch = tempfile::tempdir().expect("a temporary directory");
        let inner = scratch
            .path()
            .join("lib/python3.11/site-packages/nvidia/cu13");
        assert_eq!(toolkit_root(scratch.path()), None);
        std::fs::create_dir_all(inner.join("bin")).expect("directories");
        std::fs::write(inner.join("bin/nvcc"), "").expect("a file");
        assert_eq!(toolkit_root(scratch.path()), Some(inner.clone()));
        assert_eq!(toolkit_root(&inner), Some(inner.clone()));

        let search = env::join_paths([scratch.path().to_path_buf(), inner.join("bin")]);
        let found = on_search_path(search.ok()).expect("nvcc is on the path");
        assert_eq!(found, inner.canonicalize().expect("it is there"));
    }

    #[test]
    fn a_directory_without_nvcc_is_refused_with_a_remedy() {
        let scratch = tempfile::tempdir().expect("a temporary directory");
        let error = Toolkit::open(scratch.path(), "CUDA_HOME").expect_err("it is empty");
        let error = error.to_string();
        assert!(
            error.contains("CUDA_HOME") && error.contains("--toolkit"),
            "{error}"
        );
    }
}
