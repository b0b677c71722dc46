//! The project's chores: `cargo xtask demo`, `test`, `check`, `build`, `bench`, `experiment`,
//! `cuda-build`, `gpu-check`.
//!
//! All of them use the dev profile, which is optimised, and one target directory, so that nothing compiles twice; but for
//! CUDA, whose features are others.

mod bench;
mod cargo;
mod check;
mod cuda;
mod demo;
mod experiment;
mod invariants;
mod python;
mod test;
mod venv;
mod versions;

use anyhow::{Result, bail};

const HELP: &str = "\
cargo xtask <task>

  demo [--seed N] [--out DIR]  build everything, train a small model to play Countdown, show before and after
  test                         build everything and run all tests
  test --python [--venv DIR]   hold our models and files beside transformers, peft and llama.cpp
  check                        formatting, lints, docs, dependencies, manifests and invariants
  build                        build the binary, and the built-in plugins beside it
  bench [--peer trl] [--help]  measure decoding, training passes, whole steps, memory and reward calls; beside TRL
  bench --peer math-verify     measure the grading of mathematical answers beside math-verify: verdicts and time
  experiment ssp [--seeds N]   train and measure what docs/recipes/ssp.md reports, ten minutes for each seed; --jobs N on a
                               machine with many cores
  cuda-build [--help]          build with CUDA, on a machine with or without a GPU, and pack what a check on one needs
  gpu-check [--out DIR]        cuda-build, then hold the GPU beside the CPU and measure it
";

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (task, rest) = match arguments.split_first() {
        None => ("help", &[][..]),
        Some((task, rest)) => (task.as_str(), rest),
    };
    match task {
        "demo" => demo::run(rest),
        "test" => match rest {
            [flag, rest @ ..] if flag == "--python" => python::run(rest),
            _ => test::run(rest),
        },
        "check" => check::run(),
        "build" => cargo::build().map(|farthing| println!("{}", farthing.display())),
        "bench" => bench::run(rest),
        "experiment" => experiment::run(rest),
        "cuda-build" => cuda::build(rest),
        "gpu-check" => cuda::check(rest),
        "help" | "--help" | "-h" => {
            print!("{HELP}");
            Ok(())
        }
        other => bail!("unknown task {other:?}\n\n{HELP}"),
    }
}
