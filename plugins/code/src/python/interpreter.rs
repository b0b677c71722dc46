//! Which Python runs the programs.
//!
//! It is found once and named by its real path. The `python3` of a `PATH` is often a shim, a
//! shell script that looks for a version and costs ten times the start-up; and it may lie in
//! a home directory that the program's identity cannot enter.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
    process::Command,
};

use farthing_sdk::prelude::{Error, Result, bail};

/// A Python, and where it keeps its library.
#[derive(Clone, Debug)]
pub struct Interpreter {
    /// The executable itself: no link, no shim.
    pub path: PathBuf,
    pub version: (u32, u32, u32),
    /// Trees that it reads and that are not part of the system's own.
    pub trees: Vec<PathBuf>,
}

/// Older ones lack options and attributes that the runner uses.
const OLDEST: (u32, u32, u32) = (3, 8, 0);

/// What is tried where the configuration names none, before the `PATH`.
const USUAL: [&str; 2] = ["/usr/bin/python3", "/usr/local/bin/python3"];

impl Interpreter {
    /// The configured interpreter, or the first that works.
    ///
    /// # Errors
    /// Names everything that was tried and why it was not taken.
    pub fn find(configured: Option<&str>) -> Result<Self> {
        let candidates: Vec<PathBuf> = match configured {
            Some(path) => vec![path.into()],
            None => {
                let on_path = std::env::var_os("PATH").unwrap_or_default();
                // An entry that is empty or relative depends on the directory in which this runs.
                let on_path = std::env::split_paths(&on_path).filter(|entry| entry.is_absolute());
                let on_path = on_path.map(|entry| entry.join("python3"));
                USUAL.iter().map(PathBuf::from).chain(on_path).collect()
            }
        };
        let mut tried = Vec::new();
        for candidate in &candidates {
            match Self::examine(candidate) {
                Ok(found) => return Ok(found),
                Err(error) => tried.push(format!("{}: {error}", candidate.display())),
            }
        }
        Err(
            Error::new(format!("no Python was found: {}", tried.join("; "))).help(
                "install python3, or name an interpreter: python = { interpreter = \"/path/to/python3\" }",
            ),
        )
    }

    fn examine(candidate: &Path) -> Result<Self> {
        let path = candidate.canonicalize()?;
        let mut magic = [0; 4];
        File::open(&path)?.read_exact(&mut magic)?;
        if magic != *b"\x7fELF" {
            bail!(
                "{} is no executable of this system but a script",
                path.display()
            );
        }
        let question = "import sys; print(*sys.version_info[:3], sys.base_prefix, sys.base_exec_prefix, sep='\\n')";
        let output = Command::new(&path)
            .args(["-I", "-S", "-c", question])
            .env_clear()
            .output()?;
        let text = String::from_utf8(output.stdout)?;
        let [major, minor, patch, prefix, exec_prefix] = text.lines().collect::<Vec<_>>()[..]
        else {
            bail!(
                "it did not say its version: {}",
                String::from_utf8_lossy(&output.stderr).trim()
            );
        };
        let version = (major.parse()?, minor.parse()?, patch.parse()?);
        if version < OLDEST {
            bail!("it is Python {major}.{minor}.{patch}: expected 3.8 or later");
        }
        Ok(Self {
            trees: trees(&path, [prefix, exec_prefix]),
            path,
            version,
        })
    }
}

/// The prefixes, unless they are the system's, which every sandbox shows.
fn trees(executable: &Path, prefixes: [&str; 2]) -> Vec<PathBuf> {
    let mut trees: Vec<PathBuf> = prefixes.into_iter().map(PathBuf::from).collect();
    if !trees.iter().any(|tree| executable.starts_with(tree)) {
        trees.push(executable.to_owned());
    }
    trees.retain(|tree| !tree.starts_with("/usr") && tree.is_absolute() && *tree != Path::new("/"));
    trees.sort();
    trees.dedup();
    trees
}
