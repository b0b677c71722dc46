//! The project's chores: `cargo xtask demo`, `test`, `check`, `build`, `bench`.
//!
//! All of them use one target directory and the dev profile, which is optimised, so that nothing compiles twice.

mod bench;
mod cargo;
mod check;
mod demo;
mod invariants;
mod python;
mod test;
mod venv;

use anyhow::{Result, bail};

const HELP: &str = "\
cargo xtask <task>

  demo [--seed N] [--out DIR]  build everything, train a small model to play Countdown, show before and after
  test                         build everything and run all tests
  test --python [--venv DIR]   hold our models and files beside transformers, peft and llama.cpp
  check                        formatting, lints, docs, dependencies, manifests and invariants
  build                        build the binary, and the built-in plugins beside it
  bench [--peer trl] [--help]  measure decoding, training passes, whole steps, memory and reward calls; beside TRL
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
        "help" | "--help" | "-h" => {
            print!("{HELP}");
            Ok(())
        }
        other => bail!("unknown task {other:?}\n\n{HELP}"),
    }
}
