//! What `cargo xtask cuda-build` and `gpu-check` are asked to do.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

pub const HELP: &str = "\
cargo xtask cuda-build [options]
cargo xtask gpu-check [--out DIR] [options]

  --toolkit DIR              the CUDA toolkit [default: CUDA_HOME, CUDA_PATH, nvcc on PATH, /usr/local/cuda; else one is
                             fetched from PyPI into target/cuda-toolkit]
  --compute-capability NN    the GPU that the kernels are for: 80 A100, 89 L4 and RTX 4090, 90 H100 and H200. Kernels for
                             less than 90 run on everything newer too, those for 90 and more on nothing else [default 90]
  --out DIR                  where gpu-check writes result.md and result.json [default target/cuda/result]

`cuda-build` ends with target/cuda/gpu-check.tar.gz, which a machine with a GPU and without cargo can run.
";

#[derive(Debug, PartialEq)]
pub struct Options {
    pub toolkit: Option<PathBuf>,
    pub compute_capability: String,
    pub out: Option<PathBuf>,
}

impl Options {
    /// `takes_out` is whether the task has results to write.
    pub fn parse(arguments: &[String], takes_out: bool) -> Result<Self> {
        let mut options = Self {
            toolkit: None,
            compute_capability: "90".to_owned(),
            out: None,
        };
        let mut rest = arguments.iter();
        while let Some(name) = rest.next() {
            let mut value = || {
                let value = rest.next();
                value.with_context(|| format!("{name} needs a value\n\n{HELP}"))
            };
            match name.as_str() {
                "--toolkit" => options.toolkit = Some(PathBuf::from(value()?)),
                "--compute-capability" => {
                    options.compute_capability = compute_capability(value()?)?;
                }
                "--out" if takes_out => options.out = Some(PathBuf::from(value()?)),
                other => bail!("unknown option {other:?}\n\n{HELP}"),
            }
        }
        Ok(options)
    }
}

/// `90`, also when it is written as `9.0`.
fn compute_capability(text: &str) -> Result<String> {
    let digits = text.replace('.', "");
    match digits.parse::<u32>() {
        Ok(number) if (50..200).contains(&number) => Ok(digits),
        _ => bail!("--compute-capability: expected a number such as 90 or 9.0, found {text:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str, takes_out: bool) -> Result<Options> {
        let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        Options::parse(&words, takes_out)
    }

    #[test]
    fn both_ways_of_writing_a_capability_are_one() {
        for text in ["--compute-capability 89", "--compute-capability 8.9"] {
            let options = parse(text, false).expect("it is a capability");
            assert_eq!(options.compute_capability, "89");
        }
    }

    #[test]
    fn what_is_not_understood_is_refused_by_name() {
        for (text, part) in [
            ("--compute-capability sm_90", "sm_90"),
            ("--compute-capability 9", "\"9\""),
            ("--toolkit", "--toolkit needs a value"),
            ("--out results", "--out"),
        ] {
            let error = parse(text, false).expect_err(text).to_string();
            assert!(error.contains(part), "{error}");
        }
        assert!(parse("--out results", true).is_ok());
    }
}
