//! What `cargo xtask bench --peer math-verify` is asked to do.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::bench::options::positive;
use crate::cargo::root;

pub const HELP: &str = "\
cargo xtask bench --peer math-verify [options]

  --venv DIR   math-verify's virtual environment [env FARTHING_MATH_VERIFY_VENV; default target/math-verify-venv];
               made if absent (about 50 MB from PyPI)
  --each N     generated pairs of each kind, half of them equal [default 100]
  --seed N     of the generated pairs [default 20]
  --rounds N   how often each side gets its turn [default 3]
  --out DIR    where the page goes [default docs/benchmarks]
";

#[derive(Debug)]
pub struct Options {
    pub venv: PathBuf,
    pub each: usize,
    pub seed: usize,
    pub rounds: usize,
    pub out: PathBuf,
}

impl Options {
    pub fn parse(arguments: &[String]) -> Result<Self> {
        let environment = std::env::var_os("FARTHING_MATH_VERIFY_VENV").map(PathBuf::from);
        let mut options = Self {
            venv: environment.unwrap_or_else(|| root().join("target/math-verify-venv")),
            each: 100,
            seed: 20,
            rounds: 3,
            out: root().join("docs/benchmarks"),
        };
        let mut rest = arguments.iter();
        while let Some(name) = rest.next() {
            let mut value = || {
                let value = rest.next().map(String::as_str);
                value.with_context(|| format!("{name} needs a value\n\n{HELP}"))
            };
            match name.as_str() {
                "--peer" => match value()? {
                    "math-verify" => {}
                    other => bail!("--peer: expected one peer, math-verify, found {other:?} too"),
                },
                "--venv" => options.venv = PathBuf::from(value()?),
                "--each" => options.each = positive(name, value()?)?,
                "--seed" => options.seed = positive(name, value()?)?,
                "--rounds" => options.rounds = positive(name, value()?)?,
                "--out" => options.out = PathBuf::from(value()?),
                other => bail!("unknown option {other:?}\n\n{HELP}"),
            }
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Options> {
        let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        Options::parse(&words)
    }

    #[test]
    fn what_is_not_understood_is_refused_by_name() {
        let options = parse("--peer math-verify --each 7 --rounds 2").expect("all of them exist");
        assert_eq!((options.each, options.rounds), (7, 2));
        for (text, part) in [
            ("--peer trl --peer math-verify", "trl"),
            ("--each 0", "above 0"),
            ("--models 1m", "--models"),
            ("--seed", "needs a value"),
        ] {
            let error = parse(text).expect_err(text).to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
