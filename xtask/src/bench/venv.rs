//! A peer's virtual environment: an existing one if its versions are the pinned ones, or a new one.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::cargo::root;
use crate::venv::interpreter;

/// What a peer is made of.
pub struct Packages {
    requirements: &'static str,
    /// What has to be exactly as pinned; the rest follows from these.
    compared: [&'static str; 3],
}

pub const TRL: Packages = Packages {
    requirements: "benches/peer/requirements.txt",
    compared: ["trl", "transformers", "torch"],
};

pub const MATH_VERIFY: Packages = Packages {
    requirements: "benches/peer/math-requirements.txt",
    compared: ["math-verify", "latex2sympy2_extended", "sympy"],
};

pub struct Venv {
    pub python: PathBuf,
    /// `trl 1.16.0, transformers 5.23.0, ..`
    pub versions: String,
}

impl Venv {
    /// Takes the environment in `directory`, and makes it if there is none.
    pub fn open(directory: &Path, packages: &Packages) -> Result<Self> {
        let Packages {
            requirements,
            compared,
        } = packages;
        let python = interpreter(directory, requirements)?;
        let installed = installed(&python, compared)?;
        let pinned = std::fs::read_to_string(root().join(requirements))
            .with_context(|| format!("cannot read {requirements}"))?;
        let mut versions = Vec::new();
        for package in compared {
            let expected = pinned_version(&pinned, package)
                .with_context(|| format!("{requirements} pins no {package}"))?;
            let found = installed[*package].as_str().unwrap_or("none");
            // A build's own suffix, as in 2.15.0+cpu, is no other version.
            if found.split('+').next() != Some(expected) {
                bail!(
                    "{}: expected {package} {expected}, found {found}; install it with `{} -m pip install -r \
                     {requirements}`, or name another environment with --venv",
                    directory.display(),
                    python.display()
                );
            }
            versions.push(format!("{package} {found}"));
        }
        versions.push(format!(
            "Python {}",
            installed["python"].as_str().unwrap_or("?")
        ));
        Ok(Self {
            python,
            versions: versions.join(", "),
        })
    }

    /// A script of `benches/peer`.
    pub fn script(&self, name: &str) -> Command {
        let mut command = Command::new(&self.python);
        command.arg(root().join("benches/peer").join(name));
        command
    }
}

fn installed(python: &Path, packages: &[&str]) -> Result<Value> {
    let program = format!(
        "import importlib.metadata as m, json, platform
def version(name):
    try:
        return m.version(name)
    except m.PackageNotFoundError:
        return None
print(json.dumps({{'python': platform.python_version(), **{{n: version(n) for n in {packages:?}}}}}))"
    );
    let output = Command::new(python)
        .args(["-c", &program])
        .output()
        .with_context(|| format!("cannot run {}", python.display()))?;
    serde_json::from_slice(&output.stdout).with_context(|| {
        format!(
            "{} cannot list its packages: {}",
            python.display(),
            String::from_utf8_lossy(&output.stderr)
        )
    })
}

/// The version after `package==`.
fn pinned_version<'a>(requirements: &'a str, package: &str) -> Option<&'a str> {
    requirements.lines().find_map(|line| {
        let version = line.strip_prefix(package)?.strip_prefix("==")?;
        Some(version.split_whitespace().next().unwrap_or_default())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_compared_package_is_pinned() {
        for packages in [TRL, MATH_VERIFY] {
            let path = root().join(packages.requirements);
            let text = std::fs::read_to_string(path).expect("it is in the tree");
            for package in packages.compared {
                assert!(pinned_version(&text, package).is_some(), "{package}");
            }
        }
        assert_eq!(
            pinned_version("torch==2.15.0  # CPU\n", "torch"),
            Some("2.15.0")
        );
        assert_eq!(pinned_version("torchvision==1.0\n", "torch"), None);
    }
}
