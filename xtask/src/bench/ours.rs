//! Our side: `farthing train` as anybody runs it, and the engine's measuring programs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::cases::{GROUP, LEARNING_RATE};
use super::options::Options;
use super::prepare::Prepared;
use super::process;
use super::results::{Limits, Measured, SingleRow, refuse_short_completions};
use crate::cargo::{products, root};

/// Completion tokens of a single row, and of the shorter one that is taken off.
const ROW_TOKENS: usize = 80;
const ROW_SHORT_TOKENS: usize = 16;

/// One turn of steps that the other side repeats on the same prompts.
pub struct Turn {
    /// The attempts of the run, with their prompts.
    pub completions: PathBuf,
    /// Tokens trained on after each step.
    pub num_tokens: Vec<f64>,
    run: PathBuf,
}

impl Turn {
    /// Deletes the run, whose checkpoint is large.
    pub fn discard(self) -> Result<()> {
        fs::remove_dir_all(&self.run)
            .with_context(|| format!("cannot delete {}", self.run.display()))
    }
}

/// Runs `farthing train` and adds the times that it wrote.
pub fn steps(
    farthing: &Path,
    prepared: &Prepared,
    options: &Options,
    measured: &mut Measured,
) -> Result<Turn> {
    let case = prepared.case;
    let run = prepared.scratch.join("run");
    if run.exists() {
        fs::remove_dir_all(&run)?;
    }
    let micro_batch = options
        .micro_batch_tokens
        .unwrap_or(case.micro_batch_tokens);
    let mut train = Command::new(farthing);
    train
        .arg("--quiet")
        .arg("train")
        .arg(root().join("benches/step.toml"));
    train.arg("--out").arg(&run);
    let text = |text: &str| serde_json::to_string(text).unwrap_or_default();
    for (key, value) in [
        ("model.path", text(&prepared.checkpoint.to_string_lossy())),
        ("task.0.config.template", text(case.template)),
        ("task.0.rewards.1.config.pattern", text(case.pattern)),
        (
            "stage.0.steps",
            (options.warm_up + options.steps).to_string(),
        ),
        ("stage.0.problems_per_step", case.groups().to_string()),
        ("stage.0.max_new_tokens", case.new_tokens.to_string()),
        ("stage.0.micro_batch_tokens", micro_batch.to_string()),
        ("stage.0.sampler.config.group", GROUP.to_string()),
        ("stage.0.update.lr", LEARNING_RATE.to_string()),
    ] {
        train.args(["--set", &format!("{key}={value}")]);
    }
    let finished = process::run(&mut train, &prepared.scratch.join("train"))?;
    measured.others_beside_ours.push(finished.others);

    let metrics = rows(&run.join("metrics.jsonl"))?;
    let shortest = column(&metrics, "completions/min_length")?;
    refuse_short_completions("farthing", &shortest, case.new_tokens)?;
    let timing = rows(&run.join("timing.jsonl"))?;
    let ours = &mut measured.ours;
    for (times, name) in [
        (&mut ours.step, "step_time"),
        (&mut ours.generate, "timing_s/gen"),
        (&mut ours.reward, "timing_s/reward"),
        (&mut ours.update, "timing_s/update_actor"),
    ] {
        let seconds = column(&timing, name)?;
        if seconds.len() != options.warm_up + options.steps {
            bail!(
                "{} has {} steps, expected {}",
                run.join("timing.jsonl").display(),
                seconds.len(),
                options.warm_up + options.steps
            );
        }
        times.add(seconds.into_iter().skip(options.warm_up));
    }
    ours.peak_bytes = ours.peak_bytes.max(finished.peak);
    ours.groups_without_signal
        .extend(column(&metrics, "frac_reward_zero_std")?);
    let num_tokens = column(&metrics, "num_tokens")?;
    measured.tokens_of_a_step =
        num_tokens.last().copied().unwrap_or(0.0) / num_tokens.len().max(1) as f64;
    Ok(Turn {
        completions: run.join("completions.parquet"),
        num_tokens,
        run,
    })
}

/// Resident memory of the binary with its plugins and without a model.
pub fn baseline(farthing: &Path, prepared: &Prepared) -> Result<u64> {
    let mut list = Command::new(farthing);
    list.args(["plugins", "list"]);
    Ok(process::run(&mut list, &prepared.scratch.join("plugins"))?.peak)
}

pub fn decode(prepared: &Prepared, options: &Options, measured: &mut Measured) -> Result<()> {
    let case = prepared.case;
    let mut program = program("decode_speed", prepared);
    program.args(["--new-tokens", &case.new_tokens.to_string()]);
    program.args(["--group", &GROUP.to_string()]);
    program.args(["--repeats", &options.repeats.to_string()]);
    let finished = process::run(&mut program, &prepared.scratch.join("decode"))?;
    measured.others_beside_ours.push(finished.others);
    let json = finished.json()?;
    measured.parameters = count(&json, "parameters")?;
    measured.decode.add(numbers(&json, "seconds")?);
    Ok(())
}

pub fn row(prepared: &Prepared, options: &Options, measured: &mut Measured) -> Result<()> {
    let mut program = program("decode_speed", prepared);
    program.args(["--new-tokens", &ROW_TOKENS.to_string()]);
    program.args(["--short-tokens", &ROW_SHORT_TOKENS.to_string()]);
    program.args(["--groups", "1", "--group", "1"]);
    program.args(["--repeats", &options.repeats.to_string()]);
    let finished = process::run(&mut program, &prepared.scratch.join("row"))?;
    measured.others_beside_ours.push(finished.others);
    let json = finished.json()?;
    measured.parameters = count(&json, "parameters")?;
    let row = &mut measured.row;
    *row = SingleRow {
        tokens: ROW_TOKENS,
        short_tokens: ROW_SHORT_TOKENS,
        ..std::mem::take(row)
    };
    row.long.add(numbers(&json, "seconds")?);
    row.short.add(numbers(&json, "short_seconds")?);
    Ok(())
}

pub fn pass(prepared: &Prepared, options: &Options, measured: &mut Measured) -> Result<()> {
    let case = prepared.case;
    let micro_batch = options
        .micro_batch_tokens
        .unwrap_or(case.micro_batch_tokens);
    let mut program = program("pass_speed", prepared);
    program.args(["--micro-batch-tokens", &micro_batch.to_string()]);
    program.args(["--repeats", &options.repeats.to_string()]);
    let finished = process::run(&mut program, &prepared.scratch.join("pass"))?;
    measured.others_beside_ours.push(finished.others);
    let json = finished.json()?;
    measured.parameters = count(&json, "parameters")?;
    let pass = &mut measured.pass;
    pass.micro_batches = count(&json, "micro_batches")?;
    for (times, name) in [
        (&mut pass.both, "seconds"),
        (&mut pass.score, "score"),
        (&mut pass.forward, "forward"),
        (&mut pass.backward, "backward"),
        (&mut pass.update, "update"),
    ] {
        times.add(numbers(&json, name)?);
    }
    Ok(())
}

/// The machine's limits as our side reaches them.
pub fn limits(scratch: &Path) -> Result<Limits> {
    let mut program = Command::new(products().join("examples/machine_speed"));
    let json = process::run(&mut program, &scratch.join("machine_speed"))?.json()?;
    let number = |key: &str| {
        let number = json[key].as_f64();
        number.with_context(|| format!("machine_speed printed no {key}"))
    };
    Ok(Limits {
        gemm_crate: number("gemm_flops")?,
        torch_mm: 0.0,
        read_bytes_per_second: number("read_bytes_per_second")?,
    })
}

fn program(name: &str, prepared: &Prepared) -> Command {
    let mut program = Command::new(products().join("examples").join(name));
    program.arg("--model").arg(&prepared.checkpoint);
    program.arg("--batch").arg(&prepared.batch);
    // The binary asks the allocator for the same; see core/cli/src/allocator.rs.
    for threshold in ["MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_"] {
        program.env(threshold, (1_u32 << 30).to_string());
    }
    program
}

fn rows(path: &Path) -> Result<Vec<Value>> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let rows = text
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>();
    rows.with_context(|| format!("{} is not JSON lines", path.display()))
}

fn column(rows: &[Value], name: &str) -> Result<Vec<f64>> {
    let value = |row: &Value| {
        let number = row[name].as_f64();
        number.with_context(|| format!("a row of the run lacks {name}: {row}"))
    };
    rows.iter().map(value).collect()
}

fn count(json: &Value, name: &str) -> Result<u64> {
    json[name]
        .as_u64()
        .with_context(|| format!("expected a number {name}, found {json}"))
}

/// A list of numbers in a program's answer.
pub fn numbers(json: &Value, name: &str) -> Result<Vec<f64>> {
    let list = json[name]
        .as_array()
        .and_then(|list| list.iter().map(Value::as_f64).collect());
    list.with_context(|| format!("expected a list of numbers {name}, found {}", json[name]))
}
