//! The libraries that the tests load: built once, copied where a test damages them.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{Mutex, OnceLock, PoisonError},
};

use farthing_runtime::host::{LoadErrors, LoadRequest, PluginHost};
use tempfile::TempDir;
use tracing_subscriber::{fmt::MakeWriter, layer::SubscriberExt};

/// The path of one of the libraries in `tests/hostile`.
pub fn library(name: &str) -> PathBuf {
    static EXAMPLES: OnceLock<PathBuf> = OnceLock::new();
    let examples = EXAMPLES.get_or_init(build);
    let file = format!(
        "{}{name}{}",
        env::consts::DLL_PREFIX,
        env::consts::DLL_SUFFIX
    );
    let path = examples.join(file);
    assert!(path.is_file(), "cargo built no {}", path.display());
    path
}

/// Builds the libraries with the profile and into the target directory of this test.
fn build() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .parent()
        .expect("cargo's tmp directory lies in the target's");
    let program = env::current_exe().expect("a running test has a path");
    let profile_directory = program
        .ancestors()
        .nth(2)
        .expect("tests lie in <profile>/deps");
    let profile = match profile_directory.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(other) => other,
    };
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args([
            "build",
            "--package",
            "farthing-hostile",
            "--examples",
            "--offline",
            "--profile",
            profile,
        ])
        .arg("--target-dir")
        .arg(target)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."))
        .output()
        .expect("cargo runs");
    assert!(
        output.status.success(),
        "cargo build failed:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    profile_directory.join("examples")
}

/// A directory with a copy of a library, to be damaged.
pub fn copy(name: &str) -> (TempDir, PathBuf) {
    let directory = TempDir::new().expect("a temporary directory can be made");
    let from = library(name);
    let to = directory
        .path()
        .join(from.file_name().expect("a library has a file name"));
    fs::copy(from, &to).expect("the library can be copied");
    (directory, to)
}

/// Loads single files, without lock or prober.
pub fn load(files: &[PathBuf]) -> Result<PluginHost, LoadErrors> {
    log();
    PluginHost::load(&LoadRequest {
        files,
        ..LoadRequest::default()
    })
}

/// Loads one file that must be refused, and returns the message with paths shortened to file names.
pub fn refused(file: &Path) -> String {
    let errors = load(&[file.into()])
        .err()
        .unwrap_or_else(|| panic!("{} was loaded", file.display()));
    shortened(&errors)
}

/// A message in which paths are file names, the same on every machine.
pub fn shortened(errors: &LoadErrors) -> String {
    let mut text = errors.to_string();
    for error in &errors.0 {
        if let Some(directory) = error
            .file
            .parent()
            .and_then(Path::to_str)
            .filter(|text| !text.is_empty())
        {
            text = text.replace(&format!("{directory}/"), "");
        }
    }
    text
}

/// What plugins have logged so far. The first call installs the subscriber, and a plugin keeps the level that holds
/// when it is first loaded, so every test that loads calls this before.
pub fn log() -> String {
    static INSTALL: OnceLock<()> = OnceLock::new();
    INSTALL.get_or_init(|| {
        let layer = tracing_subscriber::fmt::layer()
            .with_ansi(false)
            .with_writer(Captured);
        let subscriber = tracing_subscriber::registry().with(layer);
        tracing::subscriber::set_global_default(subscriber)
            .expect("nobody else in this process installs one");
    });
    let text = LOG.lock().unwrap_or_else(PoisonError::into_inner);
    String::from_utf8_lossy(&text).into_owned()
}

static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

#[derive(Clone, Copy)]
struct Captured;

impl std::io::Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LOG.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Captured {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        *self
    }
}
