//! `cargo xtask experiment ssp`: whether spectrum-to-signal keeps its word, on held-out Countdown.
//!
//! Two things are turned on and off: the merge of what probes selected, and the weight of MGPO. All four arms of a seed
//! share one supervised training, and take as many reinforcement steps of as many attempts, so that what differs is
//! those two. The manifests are `examples/experiments/ssp/`; what comes out is a table, a picture and all numbers.

mod picture;
mod summary;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::cargo::{self, build, root};
use summary::{Arm, Measured, Results};

const MANIFESTS: &str = "examples/experiments/ssp";

/// What is reinforced, and how; the first is what the others are compared with.
const ARMS: [Arm; 4] = [
    Arm {
        name: "plain",
        merged: false,
        lambda: 0.0,
    },
    Arm {
        name: "merge alone",
        merged: true,
        lambda: 0.0,
    },
    Arm {
        name: "MGPO alone",
        merged: false,
        lambda: 1.0,
    },
    Arm {
        name: "spectrum to signal",
        merged: true,
        lambda: 1.0,
    },
];

/// Trains and measures every arm for every seed, and writes what came out.
pub fn run(arguments: &[String]) -> Result<()> {
    let (mut seeds, mut out, mut work) = (
        3,
        root().join("docs/recipes"),
        root().join("runs/ssp-experiment"),
    );
    let mut rest = match arguments {
        [name, rest @ ..] if name == "ssp" => rest.iter(),
        _ => bail!("expected `experiment ssp [--seeds N] [--out DIR] [--work DIR]`"),
    };
    while let Some(argument) = rest.next() {
        match (argument.as_str(), rest.next()) {
            ("--seeds", Some(value)) => seeds = value.parse().context("--seeds is no number")?,
            ("--out", Some(value)) => out = PathBuf::from(value),
            ("--work", Some(value)) => work = PathBuf::from(value),
            _ => bail!("expected [--seeds N] [--out DIR] [--work DIR], found {argument:?}"),
        }
    }
    if seeds < 2 {
        bail!("--seeds {seeds}: an interval needs two seeds at least");
    }
    let farthing = build()?;
    fs::create_dir_all(&work)?;
    let mut results = Results::new(&ARMS);
    for seed in 1..=seeds {
        let bench = Bench {
            farthing: &farthing,
            work: &work,
            seed,
        };
        bench.run(&mut results)?;
        // Each seed takes half an hour; what is known is written down.
        results.write(&out)?;
    }
    println!("{}", results.markdown());
    Ok(())
}

/// The runs of one seed.
struct Bench<'a> {
    farthing: &'a Path,
    work: &'a Path,
    seed: u64,
}

impl Bench<'_> {
    fn run(&self, results: &mut Results) -> Result<()> {
        let spectrum = self.train("spectrum.toml", "spectrum", &[])?;
        // The end of the supervised stage, and the merge, which is one step more.
        let ends = stage_ends(&spectrum)?;
        let [last, merged] = ends.as_slice() else {
            bail!(
                "{}: expected two stages, found {ends:?}",
                spectrum.display()
            );
        };
        let mut models = vec![last.clone(), merged.clone()];
        for (index, arm) in ARMS.iter().enumerate() {
            let start = if arm.merged { merged } else { last };
            let sets = [
                format!("model.path={:?}", start.display().to_string()),
                format!("stage.0.optimizer.config.lambda={:?}", arm.lambda),
            ];
            models.push(self.train("signal.toml", &format!("arm-{index}"), &sets)?);
        }
        let mut eval = Command::new(self.farthing);
        eval.arg("eval")
            .args(&models)
            .arg(root().join(MANIFESTS).join("signal.toml"));
        eval.args([
            "--json",
            "--set",
            &format!("model.path={:?}", last.display().to_string()),
        ]);
        let output = eval.current_dir(root()).output()?;
        if !output.status.success() {
            bail!("{}", String::from_utf8_lossy(&output.stderr));
        }
        let comparison: Value = serde_json::from_slice(&output.stdout)?;
        let evaluations = comparison["evaluations"]
            .as_array()
            .context("no evaluations")?;
        let measured: Vec<Measured> = evaluations
            .iter()
            .map(Measured::of)
            .collect::<Result<_>>()?;
        let (before, after) = measured.split_at(2);
        for (index, arm) in ARMS.iter().enumerate() {
            let tokens = tokens(&self.run_directory(&format!("arm-{index}")))?;
            let start = &before[usize::from(arm.merged)];
            results.add(index, start.clone(), after[index].clone(), tokens);
        }
        Ok(())
    }

    fn run_directory(&self, name: &str) -> PathBuf {
        self.work.join(format!("seed-{}-{name}", self.seed))
    }

    /// Trains, or goes on with what an earlier call began.
    fn train(&self, manifest: &str, name: &str, sets: &[String]) -> Result<PathBuf> {
        let out = self.run_directory(name);
        let mut train = Command::new(self.farthing);
        train
            .arg("train")
            .arg(root().join(MANIFESTS).join(manifest))
            .arg("--out")
            .arg(&out);
        train.args(["--set", &format!("run.seed={}", self.seed)]);
        for set in sets {
            train.args(["--set", set]);
        }
        if out.exists() {
            train.arg("--resume");
        }
        cargo::run(&mut train)?;
        Ok(out)
    }
}

/// The checkpoints at the ends of a run's stages, as its newest one names them.
fn stage_ends(run: &Path) -> Result<Vec<PathBuf>> {
    let checkpoints = run.join("checkpoints");
    let mut names: Vec<PathBuf> = fs::read_dir(&checkpoints)?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    names.sort();
    let newest = names.last().context("the run has no checkpoint")?;
    let position: Value = serde_json::from_slice(&fs::read(newest.join("state/position.json"))?)?;
    let ends = position["stage_ends"].as_array().context("no stage ends")?;
    let names = ends.iter().filter_map(Value::as_str);
    Ok(names.map(|name| checkpoints.join(name)).collect())
}

/// Tokens that went through training in a run.
fn tokens(run: &Path) -> Result<f64> {
    let text = fs::read_to_string(run.join("metrics.jsonl"))?;
    let rows = text
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let counts = rows.filter_map(|row| row["num_tokens"].as_f64());
    let last = counts.fold(None, |_, count| Some(count));
    last.context("the run trained on no tokens")
}
