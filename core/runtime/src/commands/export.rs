//! `farthing export`: a model in the form that other programs open.
//!
//! What is written is whole or not there: it is made under another name beside its place and renamed at the end.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use farthing_engine::gguf;
pub use farthing_engine::gguf::WeightType;
use farthing_engine::{AdapterFile, EngineError, select_device};

use crate::error::{Result, RuntimeError};
use crate::model_access::{LoadedModel, ModelAccess};
use crate::run::durable::{parent_of, scratch_path};

/// The form to write. Adapters are added to their weights, but for PEFT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A Hugging Face directory: `config.json`, `model.safetensors` (f32), the tokenizer's files.
    HuggingFace,
    /// `adapter_config.json` and `adapter_model.safetensors`, for the model that the adapters were trained on.
    Peft,
    /// One file for llama.cpp and what is built on it.
    Gguf(WeightType),
}

/// Writes `model` (a path, the newest checkpoint of a run directory, or a model of the hub) to `out`.
pub fn export(model: &Path, out: &Path, format: Format, models: &ModelAccess) -> Result<()> {
    refuse_place(out, format)?;
    // The weights go from file to file; no accelerator is needed for it.
    let device = select_device("cpu")?;
    let LoadedModel {
        model,
        tokenizer,
        path: source,
    } = models.load(model, &device)?;
    if let Some(name) = model.first_not_finite()? {
        return Err(RuntimeError::Usage(format!(
            "{}: tensor `{name}` is not finite, so there is nothing worth exporting; take an earlier checkpoint",
            source.display()
        )));
    }
    if tokenizer.vocab_size() > model.config().vocab_size {
        return Err(RuntimeError::Usage(format!(
            "{}: the tokenizer has {} tokens and the model has room for {}; they do not belong together",
            source.display(),
            tokenizer.vocab_size(),
            model.config().vocab_size
        )));
    }
    match format {
        Format::HuggingFace => write_directory(out, |directory| {
            // The model's files come last: its configuration is the newer one.
            tokenizer.save(directory)?;
            Ok(model.merged()?.save(directory)?)
        }),
        Format::Peft => {
            if model.lora().is_none() {
                return Err(RuntimeError::Usage(format!(
                    "{} is a whole model and has no adapters; choose --format hf",
                    source.display()
                )));
            }
            let base = AdapterFile::read(&source)?.base;
            write_directory(out, |directory| {
                tokenizer.save(directory)?;
                Ok(model.save_adapters(directory, &base)?)
            })
        }
        Format::Gguf(weights) => Ok(gguf::write(out, &model.merged()?, &tokenizer, weights)?),
    }
}

/// Refuses a place before the model is read.
fn refuse_place(out: &Path, format: Format) -> Result<()> {
    let usage = |problem: &str| Err(RuntimeError::Usage(format!("{}: {problem}", out.display())));
    let gguf_name = out
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("gguf"));
    match format {
        Format::Gguf(_) if !gguf_name => {
            usage("a GGUF file's name ends in .gguf, so that it is known as one")
        }
        Format::HuggingFace | Format::Peft if gguf_name => {
            usage("this is the name of a GGUF file; give a directory, or --format gguf")
        }
        _ => refuse_existing(out),
    }
}

/// Refuses a place that is taken, or that has nothing around it.
pub(super) fn refuse_existing(out: &Path) -> Result<()> {
    let usage = |problem: &str| Err(RuntimeError::Usage(format!("{}: {problem}", out.display())));
    if !parent_of(out).is_dir() {
        return usage("the directory to write into is not there; make it first");
    }
    match out.exists() {
        true => {
            usage("is there already; nothing is overwritten, so move it away or give another name")
        }
        false => Ok(()),
    }
}

/// Lets `write` fill a directory, and makes it durable before it gets its name.
pub(super) fn write_directory(out: &Path, write: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let scratch = scratch_path(out);
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| EngineError::io(path, source)
    };
    fs::create_dir(&scratch).map_err(failed(&scratch))?;
    let written = write(&scratch)
        .and_then(|()| sync(&scratch))
        .and_then(|()| Ok(fs::rename(&scratch, out).map_err(failed(out))?));
    if written.is_err() {
        // The first error is the one to tell.
        let _ = fs::remove_dir_all(&scratch);
    }
    written
}

fn sync(directory: &Path) -> Result<()> {
    let failed = |error| EngineError::io(directory, error);
    let entries: Vec<PathBuf> = fs::read_dir(directory)
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect())
        .map_err(failed)?;
    for path in entries {
        File::open(&path)
            .and_then(|file| file.sync_all())
            .map_err(failed)?;
    }
    Ok(())
}
