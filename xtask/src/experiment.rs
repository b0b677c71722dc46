//! `cargo xtask experiment ssp`: whether spectrum-to-signal keeps its word, on held-out Countdown.
//!
//! Two things are turned on and off: the merge of what probes selected, and the weight of MGPO. All four arms of a seed
//! share one supervised training, and take as many reinforcement steps of as many attempts, so that what differs is
//! those two. The manifests are `examples/experiments/ssp/`; what comes out is a table, a picture and all numbers.
//!
//! The work goes in three rounds: the supervised trainings, the arms, the measurements. Within a round nothing depends
//! on anything else, so that a machine with many cores does many things at a time; what comes out is the same.

mod options;
mod picture;
mod rounds;
mod summary;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::cargo::{self, build, root};
use options::Options;
use rounds::Round;
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
    let options = Options::parse(arguments)?;
    let farthing = match &options.farthing {
        Some(binary) => std::path::absolute(binary)?,
        None => build()?,
    };
    fs::create_dir_all(&options.work)?;
    let bench = Bench {
        farthing,
        work: std::path::absolute(&options.work)?,
    };
    let seeds: Vec<u64> = (1..=options.seeds).collect();
    let spectra = Round::of(&seeds, options.jobs).run(|&seed, threads| {
        let run = bench.train("spectrum.toml", seed, "spectrum", threads, &[])?;
        // The end of the supervised stage, and the merge, which is one step more.
        match stage_ends(&run)?.as_slice() {
            [last, merged] => Ok([last.clone(), merged.clone()]),
            ends => bail!("{}: expected two stages, found {ends:?}", run.display()),
        }
    })?;
    let starts = |seed: u64, merged: bool| &spectra[seed as usize - 1][usize::from(merged)];

    let arms: Vec<(u64, usize)> = seeds
        .iter()
        .flat_map(|&seed| (0..ARMS.len()).map(move |arm| (seed, arm)))
        .collect();
    let trained = Round::of(&arms, options.jobs).run(|&(seed, arm), threads| {
        let start = starts(seed, ARMS[arm].merged);
        let sets = [
            format!("model.path={:?}", start.display().to_string()),
            format!("stage.0.optimizer.config.lambda={:?}", ARMS[arm].lambda),
        ];
        let run = bench.train("signal.toml", seed, &format!("arm-{arm}"), threads, &sets)?;
        let end = stage_ends(&run)?.pop().context("the run has no end")?;
        Ok((end, tokens(&run)?))
    })?;

    let ends = arms.iter().zip(&trained);
    let ends = ends.map(|(&(seed, _), (end, _))| (seed, end));
    let models: Vec<(u64, &PathBuf)> = seeds
        .iter()
        .flat_map(|&seed| [(seed, starts(seed, false)), (seed, starts(seed, true))])
        .chain(ends)
        .collect();
    let measured = Round::of(&models, options.jobs)
        .run(|&(seed, model), threads| bench.measure(model, seed, threads))?;
    let (before, after) = measured.split_at(2 * seeds.len());

    let mut results = Results::new(&ARMS);
    for (index, &(seed, arm)) in arms.iter().enumerate() {
        let start = &before[2 * (seed as usize - 1) + usize::from(ARMS[arm].merged)];
        let (_, tokens) = &trained[index];
        results.add(arm, start.clone(), after[index].clone(), *tokens);
    }
    results.write(&options.out)?;
    println!("{}", results.markdown());
    Ok(())
}

/// What trains and measures, and where.
struct Bench {
    farthing: PathBuf,
    work: PathBuf,
}

impl Bench {
    /// Trains, or goes on with what an earlier call began.
    fn train(
        &self,
        manifest: &str,
        seed: u64,
        name: &str,
        threads: usize,
        sets: &[String],
    ) -> Result<PathBuf> {
        let out = self.work.join(format!("seed-{seed}-{name}"));
        let mut train = self.command("train", seed, threads, sets);
        train.arg(root().join(MANIFESTS).join(manifest));
        train.arg("--out").arg(&out);
        if out.exists() {
            train.arg("--resume");
        }
        cargo::run(&mut train)?;
        Ok(out)
    }

    /// Measures a model, unless an earlier call has.
    fn measure(&self, model: &Path, seed: u64, threads: usize) -> Result<Measured> {
        let name = model.strip_prefix(&self.work)?.display().to_string();
        let kept = self.work.join(format!("{}.json", name.replace('/', "-")));
        if !kept.exists() {
            let sets = [format!("model.path={:?}", model.display().to_string())];
            let mut eval = self.command("eval", seed, threads, &sets);
            eval.arg(model)
                .arg(root().join(MANIFESTS).join("measure.toml"))
                .arg("--json");
            let output = eval.output()?;
            if !output.status.success() {
                bail!("{}", String::from_utf8_lossy(&output.stderr));
            }
            fs::write(&kept, output.stdout)?;
        }
        let comparison: Value = serde_json::from_slice(&fs::read(&kept)?)?;
        Measured::of(&comparison["evaluations"][0]).with_context(|| kept.display().to_string())
    }

    fn command(&self, name: &str, seed: u64, threads: usize, sets: &[String]) -> Command {
        let mut command = Command::new(&self.farthing);
        command.current_dir(root()).arg(name);
        command.args(["--set", &format!("run.seed={seed}")]);
        command.args(["--set", &format!("run.threads={threads}")]);
        for set in sets {
            command.args(["--set", set]);
        }
        command
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
    let count = |line: &str| serde_json::from_str::<Value>(line).ok()?["num_tokens"].as_f64();
    let last = text.lines().rev().find_map(count);
    last.context("the run trained on no tokens")
}
