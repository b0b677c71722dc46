//! Merging: one model's weights from those of several that have the same shape.
//!
//! Every method here is a weighted sum of the models, tensor by tensor, so there is one loop, and a method is a choice
//! of coefficients. Files are read side by side, a piece of each at a time, and a tensor is written before the next is
//! read: however large the models are, the merge holds the bytes of one tensor and a piece of each input.

mod agreement;
mod coefficients;

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use half::{bf16, f16};
use safetensors::View;
use safetensors::tensor::Dtype;

use crate::error::{EngineError, Result};
use crate::gguf;
use crate::peft::AdapterFile;
use crate::weights::{self, Entry, EntryReader, LARGEST_SHARD};

/// A model that goes into a merge: a Hugging Face directory.
#[derive(Clone, Debug, PartialEq)]
pub struct MergeInput {
    pub path: PathBuf,
    /// Its share; the shares of all inputs are divided by their sum.
    pub weight: f64,
}

/// How weights are combined; w_i are the inputs' shares, which sum to 1.
#[derive(Clone, Debug, PartialEq)]
pub enum MergeMethod {
    /// `sum_i w_i theta_i` (model soups, arXiv 2203.05482).
    Linear,
    /// `theta_0 + scale sum_i w_i (theta_i - theta_0)` with the model at `base` as `theta_0` (arXiv 2212.04089, where
    /// lambda is `scale / N` for equal shares). With a scale of 1 it is [`Linear`](Self::Linear).
    TaskArithmetic { base: PathBuf, scale: f64 },
    /// Along the arc between two models, tensor by tensor, so that the length of what is merged is kept (Shoemake,
    /// SIGGRAPH 1985). Tensors that point the same way are merged linearly.
    Slerp,
}

/// What a merge came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Merged {
    pub parameters: usize,
    /// `|theta_i - theta| / |theta|` for each input: how far it was from what came out.
    pub distances: Vec<f64>,
}

/// Merges models into `out`, an empty directory: weights in the type that the inputs have, in shards of at most 5 GB;
/// the first input's configuration and tokenizer.
///
/// # Errors
/// When the inputs differ in the names, shapes or types of their tensors, in their configuration or their tokenizer,
/// with everything that differs; when a sum is not finite; when `out` is not empty. Nothing is left in `out` then.
pub fn merge(inputs: &[MergeInput], method: &MergeMethod, out: &Path) -> Result<Merged> {
    let shares = coefficients::shares(inputs, method)?;
    let mut paths: Vec<&Path> = inputs.iter().map(|input| input.path.as_path()).collect();
    if let MergeMethod::TaskArithmetic { base, .. } = method {
        paths.push(base);
    }
    let sources = paths
        .into_iter()
        .map(Source::open)
        .collect::<Result<Vec<_>>>()?;
    agreement::refuse_differences(&sources)?;
    let fail = |error| EngineError::io(out, error);
    if std::fs::read_dir(out).map_err(fail)?.next().is_some() {
        return Err(EngineError::Merge {
            path: out.to_owned(),
            problems: vec!["the directory to write to is not empty; give another".to_owned()],
        });
    }
    let merged = write(&sources, inputs.len(), method, &shares, out);
    if merged.is_err() {
        // What was written before the fault was found looks like a model.
        for entry in std::fs::read_dir(out).map_err(fail)?.flatten() {
            std::fs::remove_file(entry.path()).map_err(fail)?;
        }
    }
    merged
}

/// Writes the sum of the sources, of which the first are the inputs.
fn write(
    sources: &[Source<'_>],
    inputs: usize,
    method: &MergeMethod,
    shares: &[f64],
    out: &Path,
) -> Result<Merged> {
    let progress = RefCell::new(Progress::new(inputs));
    let names: Vec<&str> = sources[0].entries.keys().map(String::as_str).collect();
    let tensors = names.iter().map(|&name| {
        let tensor = MergedTensor {
            name,
            entries: sources.iter().map(|source| &source.entries[name]).collect(),
            method,
            shares,
            progress: &progress,
        };
        (name, tensor)
    });
    let written = weights::save_views(out, tensors.collect(), LARGEST_SHARD);
    // The writer has no place for the error of a tensor that it asked for, so that one is the cause of any other.
    let progress = progress.into_inner();
    if let Some(error) = progress.failure {
        return Err(error);
    }
    written?;
    agreement::copy_companions(sources[0].path, out)?;
    Ok(Merged {
        parameters: progress.parameters,
        distances: progress
            .differences
            .iter()
            .map(|difference| (difference / progress.length).sqrt())
            .collect(),
    })
}

/// A model whose files have been looked at.
struct Source<'a> {
    path: &'a Path,
    entries: BTreeMap<String, Entry>,
}

impl<'a> Source<'a> {
    fn open(path: &'a Path) -> Result<Self> {
        let refuse = |problem: &str| EngineError::Merge {
            path: path.to_owned(),
            problems: vec![problem.to_owned()],
        };
        if gguf::is_gguf(path) {
            return Err(refuse(
                "a GGUF file; `farthing export` writes it as a directory, which can be merged",
            ));
        }
        if AdapterFile::is_in(path) {
            return Err(refuse(
                "an adapter and no whole model; `farthing export` adds it to its base, which can be merged",
            ));
        }
        let entries = weights::entries(path, |_, _| {})?;
        Ok(Self { path, entries })
    }
}

/// What is summed up over the tensors as they are written.
struct Progress {
    parameters: usize,
    /// `|theta|^2`.
    length: f64,
    /// `|theta_i - theta|^2`, by input.
    differences: Vec<f64>,
    failure: Option<EngineError>,
}

impl Progress {
    fn new(inputs: usize) -> Self {
        Self {
            parameters: 0,
            length: 0.0,
            differences: vec![0.0; inputs],
            failure: None,
        }
    }
}

/// A tensor of the result, made when its bytes are asked for.
struct MergedTensor<'a> {
    name: &'a str,
    /// Of each input, and of the base if there is one.
    entries: Vec<&'a Entry>,
    method: &'a MergeMethod,
    shares: &'a [f64],
    progress: &'a RefCell<Progress>,
}

impl View for MergedTensor<'_> {
    fn dtype(&self) -> Dtype {
        self.entries[0].dtype()
    }

    fn shape(&self) -> &[usize] {
        self.entries[0].shape()
    }

    fn data(&self) -> Cow<'_, [u8]> {
        let mut progress = self.progress.borrow_mut();
        if progress.failure.is_none() {
            match self.sum(&mut progress) {
                Ok(bytes) => return Cow::Owned(bytes),
                Err(error) => progress.failure = Some(error),
            }
        }
        Cow::Owned(vec![0; self.data_len()])
    }

    fn data_len(&self) -> usize {
        self.entries[0].byte_count()
    }
}

/// Elements that are read of each input at a time.
const PIECE: usize = 1 << 16;

impl MergedTensor<'_> {
    fn sum(&self, progress: &mut Progress) -> Result<Vec<u8>> {
        let coefficients = coefficients::of(self.method, self.shares, &self.entries)?;
        let dtype = self.dtype();
        let mut bytes = Vec::with_capacity(self.data_len());
        let mut sums = Vec::with_capacity(PIECE);
        for_each_piece(&self.entries, |pieces| {
            sums.clear();
            sums.resize(pieces[0].len(), 0.0_f64);
            for (piece, coefficient) in pieces.iter().zip(&coefficients) {
                for (sum, &value) in sums.iter_mut().zip(piece) {
                    *sum += coefficient * f64::from(value);
                }
            }
            for (difference, piece) in progress.differences.iter_mut().zip(pieces) {
                let pairs = sums.iter().zip(piece);
                *difference += pairs
                    .map(|(sum, &value)| (f64::from(value) - sum).powi(2))
                    .sum::<f64>();
            }
            progress.length += sums.iter().map(|sum| sum * sum).sum::<f64>();
            append(&sums, dtype, &mut bytes);
            Ok(())
        })?;
        if !progress.length.is_finite() {
            return Err(EngineError::Merge {
                path: PathBuf::from(self.name),
                problems: vec![
                    "the merged tensor is not finite; see which of the models has numbers that are not".to_owned(),
                ],
            });
        }
        progress.parameters += self.entries[0].element_count();
        Ok(bytes)
    }
}

/// Calls `visit` with the same stretch of each tensor, until all of them has been seen.
fn for_each_piece(
    entries: &[&Entry],
    mut visit: impl FnMut(&[Vec<f32>]) -> Result<()>,
) -> Result<()> {
    let mut readers = entries
        .iter()
        .map(|entry| entry.reader())
        .collect::<Result<Vec<EntryReader<'_>>>>()?;
    let mut pieces = vec![Vec::new(); entries.len()];
    let count = entries[0].element_count();
    for start in (0..count).step_by(PIECE) {
        for (reader, piece) in readers.iter_mut().zip(&mut pieces) {
            piece.clear();
            reader.read(PIECE.min(count - start), piece)?;
        }
        visit(&pieces)?;
    }
    Ok(())
}

fn append(values: &[f64], dtype: Dtype, bytes: &mut Vec<u8>) {
    match dtype {
        Dtype::F32 => bytes.extend(values.iter().flat_map(|&v| (v as f32).to_le_bytes())),
        Dtype::BF16 => bytes.extend(values.iter().flat_map(|&v| bf16::from_f64(v).to_le_bytes())),
        Dtype::F16 => bytes.extend(values.iter().flat_map(|&v| f16::from_f64(v).to_le_bytes())),
        other => unreachable!("{other:?} was refused before"),
    }
}
