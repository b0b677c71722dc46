//! What `cargo xtask experiment` is asked to do.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::cargo::root;

const HELP: &str = "expected `experiment ssp [options]`

  --seeds N        how many seeds, two at least [default 3]
  --jobs N         how many runs at a time, which share the cores [default 1]
  --out DIR        where table, picture and numbers go [default docs/recipes]
  --work DIR       where the runs go; a second call goes on with them [default runs/ssp-experiment]
  --farthing FILE  a binary with its plugins beside it, in place of building one
";

#[derive(Debug, PartialEq)]
pub struct Options {
    pub seeds: u64,
    pub jobs: usize,
    pub out: PathBuf,
    pub work: PathBuf,
    pub farthing: Option<PathBuf>,
}

impl Options {
    pub fn parse(arguments: &[String]) -> Result<Self> {
        let mut options = Self {
            seeds: 3,
            jobs: 1,
            out: root().join("docs/recipes"),
            work: root().join("runs/ssp-experiment"),
            farthing: None,
        };
        let mut rest = match arguments {
            [name, rest @ ..] if name == "ssp" => rest.iter(),
            _ => bail!(HELP),
        };
        while let Some(name) = rest.next() {
            let value = rest.next().with_context(|| format!("{name}: {HELP}"))?;
            let number = || format!("{name}: expected a number, found {value:?}");
            match name.as_str() {
                "--seeds" => options.seeds = value.parse().with_context(number)?,
                "--jobs" => options.jobs = value.parse().with_context(number)?,
                "--out" => options.out = PathBuf::from(value),
                "--work" => options.work = PathBuf::from(value),
                "--farthing" => options.farthing = Some(PathBuf::from(value)),
                other => bail!("unknown option {other:?}: {HELP}"),
            }
        }
        if options.seeds < 2 {
            bail!(
                "--seeds {}: an interval needs two seeds at least",
                options.seeds
            );
        }
        if options.jobs < 1 {
            bail!("--jobs 0: expected one at least");
        }
        Ok(options)
    }
}
