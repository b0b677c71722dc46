//! The other side: TRL's trainer, transformers' `generate` and PyTorch, each in a script of `benches/peer`.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::cases::{GROUP, LEARNING_RATE};
use super::options::Options;
use super::ours::{Turn, numbers};
use super::prepare::Prepared;
use super::process;
use super::results::{Limits, Measured, refuse_other_tokens, refuse_short_completions};
use super::venv::Venv;

/// TRL's steps on the prompts of our turn.
pub fn steps(
    venv: &Venv,
    prepared: &Prepared,
    options: &Options,
    turn: &Turn,
    measured: &mut Measured,
) -> Result<()> {
    let case = prepared.case;
    let micro_batch = options.peer_micro_batch.unwrap_or(case.peer_micro_batch);
    let mut script = script(venv, "grpo_step.py")?;
    script.arg("--model").arg(&prepared.checkpoint);
    script.arg("--completions").arg(&turn.completions);
    script.arg("--out").arg(prepared.scratch.join("trl"));
    for (name, value) in [
        ("--steps", (options.warm_up + options.steps).to_string()),
        ("--attempts", case.attempts.to_string()),
        ("--group", GROUP.to_string()),
        ("--new-tokens", case.new_tokens.to_string()),
        ("--micro-batch", micro_batch.to_string()),
        ("--learning-rate", LEARNING_RATE.to_string()),
        ("--pattern", case.pattern.to_owned()),
        ("--eos", case.eos.to_owned()),
        ("--pad", case.pad.to_owned()),
    ] {
        script.args([name, &value]);
    }
    let finished = process::run(&mut script, &prepared.scratch.join("trl_step"))?;
    measured.others_beside_theirs.push(finished.others);
    let json = finished.json()?;
    refuse_short_completions("TRL", &numbers(&json, "min_length")?, case.new_tokens)?;
    refuse_other_tokens(&turn.num_tokens, &numbers(&json, "num_tokens")?)?;

    let theirs = &mut measured.theirs;
    let phase = |name: &str| numbers(&json, name);
    let (step, generate, reward) = (phase("step")?, phase("generate")?, phase("reward")?);
    for (at, step) in step.iter().enumerate().skip(options.warm_up) {
        let of = |times: &[f64]| times.get(at).copied().unwrap_or(f64::NAN);
        theirs.step.add([*step]);
        theirs.generate.add([of(&generate)]);
        theirs.reward.add([of(&reward)]);
        theirs.update.add([step - of(&generate) - of(&reward)]);
    }
    let reported = json["peak"].as_u64().unwrap_or(0);
    theirs.peak_bytes = theirs.peak_bytes.max(finished.peak).max(reported);
    theirs.baseline_bytes = json["after_imports"].as_u64().unwrap_or(0);
    theirs
        .groups_without_signal
        .extend(phase("frac_reward_zero_std")?);
    Ok(())
}

pub fn decode(
    venv: &Venv,
    prepared: &Prepared,
    options: &Options,
    measured: &mut Measured,
) -> Result<()> {
    let mut script = on_batch(venv, "decode.py", prepared, options)?;
    script.args(["--new-tokens", &prepared.case.new_tokens.to_string()]);
    script.args(["--group", &GROUP.to_string()]);
    let finished = process::run(&mut script, &prepared.scratch.join("trl_decode"))?;
    measured.others_beside_theirs.push(finished.others);
    let json = finished.json()?;
    measured.their_decode.add(numbers(&json, "seconds")?);
    Ok(())
}

pub fn pass(
    venv: &Venv,
    prepared: &Prepared,
    options: &Options,
    measured: &mut Measured,
) -> Result<()> {
    let micro_batch = options
        .peer_micro_batch
        .unwrap_or(prepared.case.peer_micro_batch);
    let mut script = on_batch(venv, "forward_backward.py", prepared, options)?;
    script.args(["--micro-batch", &micro_batch.to_string()]);
    let finished = process::run(&mut script, &prepared.scratch.join("trl_pass"))?;
    measured.others_beside_theirs.push(finished.others);
    let json = finished.json()?;
    let seconds = &json["seconds"];
    measured.their_pass_plain.add(numbers(seconds, "plain")?);
    measured.their_pass_fused.add(numbers(seconds, "fused")?);
    Ok(())
}

/// The matrix product as PyTorch makes it.
pub fn limits(venv: &Venv, scratch: &Path) -> Result<Limits> {
    let mut script = script(venv, "matrix_product.py")?;
    let json = process::run(&mut script, &scratch.join("matrix_product"))?.json()?;
    Ok(Limits {
        torch_mm: json["gemm_flops"]
            .as_f64()
            .context("matrix_product.py printed no gemm_flops")?,
        ..Limits::default()
    })
}

/// A script with one thread for each core, which is also what our side uses.
fn script(venv: &Venv, name: &str) -> Result<Command> {
    let threads = std::thread::available_parallelism()?.get().to_string();
    let mut script = venv.script(name);
    script.env("OMP_NUM_THREADS", &threads);
    script.args(["--threads", &threads]);
    Ok(script)
}

fn on_batch(venv: &Venv, name: &str, prepared: &Prepared, options: &Options) -> Result<Command> {
    let mut script = script(venv, name)?;
    script.arg("--model").arg(&prepared.checkpoint);
    script.arg("--batch").arg(&prepared.batch);
    script.args(["--repeats", &options.repeats.to_string()]);
    Ok(script)
}
