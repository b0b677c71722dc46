//! A directory of links to the toolkit's libraries under the names that a linker looks for, and a stub of the driver.
//!
//! Wheels carry `libcublas.so.13` alone, and a linker asks for `libcublas.so`. The driver's library belongs to the kernel
//! module and comes with no toolkit; installed toolkits have a stub of it and wheels have none. The stub is made from
//! `cuda.h`: every function is there, so the linker still finds a name that does not exist, and a program linked against
//! it starts on a machine without a driver as long as it leaves the GPU alone.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::toolkit::Toolkit;
use crate::cargo::{run, shown};

/// What cudarc and Candle's kernels link, but for the driver.
const NEEDED: [&str; 5] = ["cublas", "cublasLt", "cudart", "curand", "nvrtc"];
const DRIVER: &str = "libcuda.so";

/// Fills `directory` with the links and the stub.
pub fn lay_out(toolkit: &Toolkit, directory: &Path) -> Result<()> {
    fs::create_dir_all(directory)
        .with_context(|| format!("cannot make {}", directory.display()))?;
    let libraries = toolkit.libraries()?;
    link_libraries(&libraries, directory)?;
    let stub = libraries.join("stubs").join(DRIVER);
    match stub.exists() {
        true => link(&stub, &directory.join(DRIVER)),
        false => make_stub(&toolkit.root.join("include"), directory),
    }
}

/// Links `libNAME.so` for each needed library; all that are missing are named at once.
fn link_libraries(libraries: &Path, directory: &Path) -> Result<()> {
    let names: Vec<String> = fs::read_dir(libraries)
        .with_context(|| format!("cannot list {}", libraries.display()))?
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    let mut missing = Vec::new();
    for needed in NEEDED {
        let plain = format!("lib{needed}.so");
        match newest(&names, &plain) {
            Some(found) => link(&libraries.join(found), &directory.join(&plain))?,
            None => missing.push(plain),
        }
    }
    if !missing.is_empty() {
        bail!(
            "{}: expected {}, with or without a version behind it, found no such file; install the toolkit's libraries \
             (cuBLAS, cuRAND, NVRTC and the runtime), or name another toolkit with --toolkit DIR",
            libraries.display(),
            missing.join(", ")
        );
    }
    Ok(())
}

/// The plain name if it is there, else the one with the highest version.
fn newest<'a>(names: &'a [String], plain: &str) -> Option<&'a String> {
    let version = |name: &str| -> Option<Vec<u64>> {
        let numbers = name
            .strip_prefix(plain)?
            .strip_prefix('.')?
            .split('.')
            .map(str::parse);
        numbers.collect::<Result<_, _>>().ok()
    };
    let exact = names.iter().find(|name| *name == plain);
    exact.or_else(|| {
        let versioned = names.iter().filter(|name| version(name).is_some());
        versioned.max_by_key(|name| version(name))
    })
}

fn link(target: &Path, at: &Path) -> Result<()> {
    if fs::read_link(at).is_ok_and(|existing| existing == target) {
        return Ok(());
    }
    // Whatever was there is from another toolkit.
    let _ = fs::remove_file(at);
    std::os::unix::fs::symlink(target, at)
        .with_context(|| format!("cannot link {} to {}", at.display(), target.display()))
}

/// Compiles a `libcuda.so` whose functions say CUDA_ERROR_STUB_LIBRARY, as those of NVIDIA's own stub do.
fn make_stub(headers: &Path, directory: &Path) -> Result<()> {
    let declarations = preprocessed(headers)?;
    let functions = functions(&declarations);
    if functions.is_empty() {
        bail!(
            "{}/cuda.h: expected declarations of the driver's functions, found none; name another toolkit with --toolkit",
            headers.display()
        );
    }
    let mut source = String::from("/* CUDA_ERROR_STUB_LIBRARY is 34. */\n");
    for function in functions {
        source.push_str(&format!("int {function}(void) {{ return 34; }}\n"));
    }
    let file = directory.join("driver_stub.c");
    fs::write(&file, source).with_context(|| format!("cannot write {}", file.display()))?;
    let library = directory.join(DRIVER);
    let _ = fs::remove_file(&library);
    run(Command::new("cc")
        .args(["-shared", "-fPIC", "-Wl,-soname,libcuda.so.1", "-o"])
        .args([&library, &file]))
    .context("making a stub of the driver's library needs a C compiler under the name cc")?;
    // The name that the loader looks for, for programs that are tried on a machine without a driver.
    link(&library, &directory.join("libcuda.so.1"))
}

/// `cuda.h` as the compiler sees it, where macros have turned `cuMemAlloc` into `cuMemAlloc_v2`. The internal definition
/// shows the older versions too, which cudarc binds in part.
fn preprocessed(headers: &Path) -> Result<String> {
    let mut command = Command::new("cc");
    command
        .args([
            "-E",
            "-P",
            "-D__CUDA_API_VERSION_INTERNAL",
            "-x",
            "c",
            "-",
            "-I",
        ])
        .arg(headers)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let shown = shown(&command);
    let mut child = command.spawn().with_context(|| {
        format!("cannot start `{shown}`; install a C compiler under the name cc")
    })?;
    let mut input = child
        .stdin
        .take()
        .context("the compiler's input is piped")?;
    input.write_all(b"#include <cuda.h>\n")?;
    drop(input);
    let output = child.wait_with_output()?;
    if !output.status.success() {
        bail!(
            "`{shown}` failed with {}: expected cuda.h in {}; install the toolkit's headers, or name another toolkit with \
             --toolkit DIR",
            output.status,
            headers.display()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The names in `CUresult cuInit(..)`.
fn functions(declarations: &str) -> BTreeSet<&str> {
    let is_of_a_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    declarations
        .split("CUresult")
        .skip(1)
        .filter_map(|rest| {
            let (name, _) = rest.trim_start().split_once('(')?;
            let name = name.trim_end();
            (name.starts_with("cu") && name.chars().all(is_of_a_name)).then_some(name)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file_names(directory: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(directory)
            .expect("it can be listed")
            .flatten()
            .map(|entry| {
                let target = fs::read_link(entry.path()).expect("all are links");
                format!(
                    "{} -> {}",
                    entry.file_name().display(),
                    target.file_name().expect("a file").display()
                )
            })
            .collect();
        names.sort();
        names
    }

    #[test]
    fn versioned_libraries_get_plain_names() {
        let scratch = tempfile::tempdir().expect("a temporary directory");
        let (libraries, links) = (scratch.path().join("lib"), scratch.path().join("links"));
        fs::create_dir_all(&libraries).expect("a directory");
        fs::create_dir_all(&links).expect("a directory");
        for name in [
            "libcublas.so.9",
            "libcublas.so.13",
            "libcublas.so.13.0.2",
            "libcublasLt.so.13",
            "libcudart.so",
            "libcudart.so.13",
            "libcurand.so.10",
            "libnvrtc-builtins.so.13.0",
            "libnvrtc.so.13",
            "libnvrtc.alt.so.13",
        ] {
            fs::write(libraries.join(name), "").expect("a file");
        }
        // What an older toolkit left is replaced.
        std::os::unix::fs::symlink("/elsewhere/libcurand.so.9", links.join("libcurand.so"))
            .expect("a link");
        link_libraries(&libraries, &links).expect("all libraries are there");
        insta::assert_snapshot!(file_names(&links).join("\n"), @r"
        libcublas.so -> libcublas.so.13.0.2
        libcublasLt.so -> libcublasLt.so.13
        libcudart.so -> libcudart.so
        libcurand.so -> libcurand.so.10
        libnvrtc.so -> libnvrtc.so.13
        ");
    }

    #[test]
    fn all_missing_libraries_are_named_at_once() {
        let scratch = tempfile::tempdir().expect("a temporary directory");
        fs::write(scratch.path().join("libcudart.so.13"), "").expect("a file");
        let links = tempfile::tempdir().expect("a temporary directory");
        let error = link_libraries(scratch.path(), links.path()).expect_err("four are missing");
        let error = error.to_string();
        for part in [
            "libcublas.so, libcublasLt.so, libcurand.so, libnvrtc.so",
            "--toolkit",
        ] {
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn the_drivers_functions_are_read_from_their_declarations() {
        let text = "typedef enum cudaError_enum CUresult;\n\
                    CUresult cuInit(unsigned int Flags);\nCUresult  cuMemAlloc_v2(CUdeviceptr *p, size_t n);\n\
                    typedef CUresult (*Callback)(int);\nCUresult cuMemAlloc(CUdeviceptr_v1 *p);\n";
        let found: Vec<&str> = functions(text).into_iter().collect();
        assert_eq!(found, ["cuInit", "cuMemAlloc", "cuMemAlloc_v2"]);
    }
}
