//! `cargo xtask demo`: the main job, end to end, on this machine.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Result, bail};

use crate::cargo::{self, build, root};

const RECIPE: &str = "examples/recipes/countdown-tiny.toml";

/// Trains, shows the table, draws one answer.
pub fn run(arguments: &[String]) -> Result<()> {
    let (mut seed, mut out) = (None, None);
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match (argument.as_str(), rest.next()) {
            ("--seed", Some(value)) => seed = Some(value.as_str()),
            ("--out", Some(value)) => out = Some(PathBuf::from(value)),
            _ => bail!("expected [--seed N] [--out DIR], found {argument:?}"),
        }
    }
    train_and_show(seed, out.as_deref())
}

fn train_and_show(seed: Option<&str>, out: Option<&Path>) -> Result<()> {
    let farthing = build()?;
    let out = out.map_or_else(free_directory, Path::to_path_buf);
    let started = Instant::now();
    let mut train = Command::new(&farthing);
    train.arg("train").arg(RECIPE).arg("--out").arg(&out);
    if let Some(seed) = seed {
        train.args(["--set", &format!("run.seed={seed}")]);
    }
    cargo::run(&mut train)?;
    let minutes = started.elapsed().as_secs_f64() / 60.0;

    println!(
        "\nin {minutes:.1} minutes; the curves are in {}",
        out.join("curves.png").display()
    );
    println!("\nThe model on a problem of its own kind (7, 21 and 38 to make 24):\n");
    print!("7 21 38>24:");
    std::io::stdout().flush()?;
    let mut sample = Command::new(&farthing);
    sample
        .arg("sample")
        .arg(&out)
        .args(["--prompt", "7 21 38>24:", "--temperature", "0"]);
    cargo::run(&mut sample)?;
    println!(
        "\nTalk to it yourself:\n  {} sample {} --prompt \"7 21 38>24:\"",
        farthing.display(),
        out.display()
    );
    Ok(())
}

/// A run directory that no earlier demo has used: a run is never overwritten.
fn free_directory() -> PathBuf {
    let name = |number: u32| match number {
        1 => root().join("runs/countdown-tiny"),
        _ => root().join(format!("runs/countdown-tiny-{number}")),
    };
    (1..)
        .map(name)
        .find(|path| !path.exists())
        .unwrap_or_else(|| name(1))
}
