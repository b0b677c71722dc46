//! `farthing export`: a model in the form that other programs open.
//!
//! What is written is whole or not there: it is made under another name beside its place and renamed at the end.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use farthing_engine::gguf;
pub use farthing_engine::gguf::WeightType;
use farthing_engine::{Model, Tokenizer, select_device};

use super::evaluate::model_directory;
use crate::error::{Result, RuntimeError};
use crate::run::durable::{parent_of, scratch_path};

/// The form to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A Hugging Face directory: `config.json`, `model.safetensors` (f32), the tokenizer's files.
    HuggingFace,
    /// One file for llama.cpp and what is built on it.
    Gguf(WeightType),
}

/// Writes the model at `model` (a directory, a run for its newest checkpoint, a `.gguf` file) to `out`.
pub fn export(model: &Path, out: &Path, format: Format) -> Result<()> {
    refuse_place(out, format)?;
    let source = model_directory(model)?;
    // The weights go from file to file; no accelerator is needed for it.
    let device = select_device("cpu")?;
    let (model, tokenizer) = (Model::load(&source, &device)?, Tokenizer::load(&source)?);
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
        Format::HuggingFace => write_directory(out, &model, &tokenizer),
        Format::Gguf(weights) => Ok(gguf::write(out, &model, &tokenizer, weights)?),
    }
}

/// Refuses a place before the model is read.
fn refuse_place(out: &Path, format: Format) -> Result<()> {
    let usage = |problem: &str| Err(RuntimeError::Usage(format!("{}: {problem}", out.display())));
    if !parent_of(out).is_dir() {
        return usage("the directory to write into is not there; make it first");
    }
    let gguf_name = out
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("gguf"));
    match format {
        Format::Gguf(_) if !gguf_name => {
            usage("a GGUF file's name ends in .gguf, so that it is known as one")
        }
        Format::HuggingFace if gguf_name => {
            usage("this is the name of a GGUF file; give a directory, or --format gguf")
        }
        _ if out.exists() => usage(
            "is there already; export overwrites nothing, so move it away or give another name",
        ),
        _ => Ok(()),
    }
}

fn write_directory(out: &Path, model: &Model, tokenizer: &Tokenizer) -> Result<()> {
    let scratch = scratch_path(out);
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| farthing_engine::EngineError::io(path, source)
    };
    fs::create_dir(&scratch).map_err(failed(&scratch))?;
    let written = write_files(&scratch, model, tokenizer)
        .and_then(|()| Ok(fs::rename(&scratch, out).map_err(failed(out))?));
    if written.is_err() {
        // The first error is the one to tell.
        let _ = fs::remove_dir_all(&scratch);
    }
    written
}

fn write_files(directory: &Path, model: &Model, tokenizer: &Tokenizer) -> Result<()> {
    // The model's files come last: its configuration is the newer one.
    tokenizer.save(directory)?;
    model.save(directory)?;
    let failed = |error| farthing_engine::EngineError::io(directory, error);
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
