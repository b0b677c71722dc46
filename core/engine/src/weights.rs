//! Weight files: safetensors, one file or shards with an index.
//!
//! Everything is checked from the headers before the first byte of data is read, and all that is wrong is reported at
//! once, so a model is loaded whole or not at all. Files are read, not mapped: a mapped file that shrinks while it is
//! used kills the process. A file is somebody else's bytes, so sizes from its header are believed only after they
//! agree with the model's shapes and the file's length.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor};
use half::{bf16, f16};
use safetensors::View;
use safetensors::tensor::{Dtype, Metadata};
use serde::Deserialize;

use crate::error::{EngineError, Result};
use crate::parameters::Declared;
use crate::regular_file;

/// Headers of real models are some hundred kilobytes; the format itself allows 100 MB.
const LARGEST_HEADER: u64 = 100_000_000;
/// The index of a model of a hundred thousand tensors.
const LARGEST_INDEX: u64 = 64 << 20;

/// Loads the declared tensors in their order, as f32.
pub(crate) fn load(
    directory: &Path,
    declared: &[Declared],
    tied: bool,
    device: &Device,
) -> Result<Vec<Tensor>> {
    let found = entries(directory, |found, problems| {
        check(declared, tied, found, problems);
    })?;
    declared
        .iter()
        .map(|declared| {
            let values = found[declared.name.as_str()].read()?;
            Ok(Tensor::from_vec(values, declared.shape.as_slice(), device)?)
        })
        .collect()
}

/// Files larger than this are cut into several, as transformers does.
pub(crate) const LARGEST_SHARD: u64 = 5_000_000_000;

/// Writes tensors as f32 into `directory`: one file, or shards of at most `largest` bytes with their index.
pub(crate) fn save<'a>(
    directory: &Path,
    tensors: impl Iterator<Item = (&'a str, &'a Tensor)>,
    largest: u64,
) -> Result<()> {
    let tensors = in_f32(tensors)?;
    let views = tensors.iter().map(|(name, tensor)| (*name, tensor));
    save_views(directory, views.collect(), largest)
}

/// Writes tensors as they are: one file, or shards of at most `largest` bytes with their index. The bytes of one tensor
/// at a time are asked for.
pub(crate) fn save_views<V: View>(
    directory: &Path,
    tensors: Vec<(&str, V)>,
    largest: u64,
) -> Result<()> {
    // transformers refuses files without this entry.
    let metadata = || HashMap::from([("format".to_owned(), "pt".to_owned())]);
    let mut shards: Vec<Vec<(&str, V)>> = vec![Vec::new()];
    let (mut used, mut total) = (0, 0);
    for (name, tensor) in tensors {
        let size = tensor.data_len() as u64;
        if used > 0 && used + size > largest {
            shards.push(Vec::new());
            used = 0;
        }
        used += size;
        total += size;
        shards
            .last_mut()
            .expect("there is a first shard")
            .push((name, tensor));
    }
    let count = shards.len();
    if count == 1 {
        let whole = shards.remove(0);
        return write_views(&directory.join(SINGLE_FILE), whole, metadata());
    }
    let mut weight_map = BTreeMap::new();
    for (index, shard) in shards.into_iter().enumerate() {
        let file = format!("model-{:05}-of-{count:05}.safetensors", index + 1);
        let names = shard.iter().map(|(name, _)| (*name).to_owned());
        weight_map.extend(names.map(|name| (name, file.clone())));
        write_views(&directory.join(&file), shard, metadata())?;
    }
    let path = directory.join(INDEX_FILE);
    let index =
        serde_json::json!({ "metadata": { "total_size": total }, "weight_map": weight_map });
    std::fs::write(&path, format!("{index:#}\n")).map_err(|error| EngineError::io(path, error))
}

const SINGLE_FILE: &str = "model.safetensors";
const INDEX_FILE: &str = "model.safetensors.index.json";

/// Writes tensors as f32 with entries of the caller's own in the header.
pub(crate) fn write<'a>(
    path: &Path,
    tensors: impl Iterator<Item = (&'a str, &'a Tensor)>,
    metadata: HashMap<String, String>,
) -> Result<()> {
    let tensors = in_f32(tensors)?;
    let views = tensors.iter().map(|(name, tensor)| (*name, tensor));
    write_views(path, views.collect(), metadata)
}

fn in_f32<'a>(
    tensors: impl Iterator<Item = (&'a str, &'a Tensor)>,
) -> Result<Vec<(&'a str, Tensor)>> {
    tensors
        .map(|(name, tensor)| Ok((name, tensor.to_dtype(candle_core::DType::F32)?)))
        .collect()
}

fn write_views<V: View>(
    path: &Path,
    tensors: Vec<(&str, V)>,
    metadata: HashMap<String, String>,
) -> Result<()> {
    // The serializer writes a temporary file for its owner alone and renames it; a model should have the permissions
    // of any other new file.
    let fail = |error| EngineError::io(path, error);
    let permissions = File::create(path)
        .and_then(|file| file.metadata())
        .map_err(fail)?
        .permissions();
    safetensors::serialize_to_file(tensors, Some(metadata), path)
        .map_err(|error| fail(std::io::Error::other(error)))?;
    std::fs::set_permissions(path, permissions).map_err(fail)
}

/// One tensor's place in a file.
pub(crate) struct Entry {
    path: PathBuf,
    dtype: Dtype,
    shape: Vec<usize>,
    start: u64,
    byte_count: usize,
}

impl Entry {
    pub(crate) fn read(&self) -> Result<Vec<f32>> {
        let mut values = Vec::with_capacity(self.element_count());
        self.reader()?.read(self.element_count(), &mut values)?;
        Ok(values)
    }

    /// Opens the file at the tensor's first element.
    pub(crate) fn reader(&self) -> Result<EntryReader<'_>> {
        let fail = |error| EngineError::io(&self.path, error);
        let mut file = regular_file::open(&self.path).map_err(fail)?;
        file.seek(SeekFrom::Start(self.start)).map_err(fail)?;
        Ok(EntryReader {
            entry: self,
            file,
            bytes: Vec::new(),
        })
    }

    pub(crate) fn dtype(&self) -> Dtype {
        self.dtype
    }

    pub(crate) fn shape(&self) -> &[usize] {
        &self.shape
    }

    pub(crate) fn element_count(&self) -> usize {
        self.shape.iter().product()
    }

    pub(crate) fn byte_count(&self) -> usize {
        self.byte_count
    }

    pub(crate) fn is_float(&self) -> bool {
        matches!(self.dtype, Dtype::F32 | Dtype::BF16 | Dtype::F16)
    }
}

/// Reads a tensor piece by piece.
pub(crate) struct EntryReader<'a> {
    entry: &'a Entry,
    file: File,
    bytes: Vec<u8>,
}

impl EntryReader<'_> {
    /// Appends the next `count` elements to `values`; together no more than the tensor has.
    pub(crate) fn read(&mut self, count: usize, values: &mut Vec<f32>) -> Result<()> {
        let Entry { dtype, path, .. } = self.entry;
        self.bytes.resize(count * dtype.bitsize() / 8, 0);
        self.file
            .read_exact(&mut self.bytes)
            .map_err(|error| EngineError::io(path, error))?;
        let bytes = self.bytes.as_slice();
        match dtype {
            Dtype::F32 => values.extend(bytes.as_chunks().0.iter().map(|&b| f32::from_le_bytes(b))),
            Dtype::BF16 => {
                let halves = bytes.as_chunks().0.iter();
                values.extend(halves.map(|&b| bf16::from_le_bytes(b).to_f32()));
            }
            Dtype::F16 => {
                let halves = bytes.as_chunks().0.iter();
                values.extend(halves.map(|&b| f16::from_le_bytes(b).to_f32()));
            }
            other => unreachable!("{other:?} was refused by `check`"),
        }
        Ok(())
    }
}

/// The tensors of a directory by name, from their headers. `check` adds what is wrong with them to what is wrong with
/// the files, and all of it is refused at once.
pub(crate) fn entries(
    directory: &Path,
    check: impl FnOnce(&BTreeMap<String, Entry>, &mut Vec<String>),
) -> Result<BTreeMap<String, Entry>> {
    let mut problems = Vec::new();
    let mut found = BTreeMap::new();
    for path in files(directory)? {
        read_entries(&path, &mut found, &mut problems)?;
    }
    check(&found, &mut problems);
    match problems.is_empty() {
        true => Ok(found),
        false => Err(EngineError::Weights {
            path: directory.to_owned(),
            problems,
        }),
    }
}

/// Reads a file's header and adds its tensors to `found`. What is wrong with the contents goes into `problems`.
pub(crate) fn read_entries(
    path: &Path,
    found: &mut BTreeMap<String, Entry>,
    problems: &mut Vec<String>,
) -> Result<HashMap<String, String>> {
    let fail = |error| EngineError::io(path, error);
    let name = path
        .file_name()
        .unwrap_or(path.as_os_str())
        .to_string_lossy()
        .into_owned();
    let mut file = regular_file::open(path).map_err(fail)?;
    let length = file.metadata().map_err(fail)?.len();
    let (header_length, metadata) = match read_header(&mut file, length) {
        Ok(header) => header,
        Err(problem) => {
            problems.push(format!(
                "{name}: {problem}; download or write the file again"
            ));
            return Ok(HashMap::new());
        }
    };
    for (tensor, info) in metadata.tensors() {
        let entry = Entry {
            path: path.to_owned(),
            dtype: info.dtype,
            shape: info.shape.clone(),
            start: header_length + info.data_offsets.0 as u64,
            byte_count: info.data_offsets.1 - info.data_offsets.0,
        };
        if let Some(earlier) = found.insert(tensor.clone(), entry) {
            problems.push(format!(
                "{tensor}: found in {name} and in {}",
                earlier.path.display()
            ));
        }
    }
    Ok(metadata.metadata().clone().unwrap_or_default())
}

/// Compares what was found with what the model needs.
pub(crate) fn check(
    declared: &[Declared],
    tied: bool,
    found: &BTreeMap<String, Entry>,
    problems: &mut Vec<String>,
) {
    for declared in declared {
        let name = &declared.name;
        match found.get(name) {
            None => problems.push(format!(
                "{name}: missing; expected shape {:?}",
                declared.shape
            )),
            Some(entry) => {
                if entry.shape != declared.shape {
                    problems.push(format!(
                        "{name}: expected shape {:?}, found {:?}",
                        declared.shape, entry.shape
                    ));
                }
                if !entry.is_float() {
                    problems.push(format!(
                        "{name}: expected f32, bf16 or f16, found {:?}",
                        entry.dtype
                    ));
                }
            }
        }
    }
    let known: BTreeSet<&str> = declared
        .iter()
        .map(|declared| declared.name.as_str())
        .collect();
    for name in found.keys().filter(|name| !known.contains(name.as_str())) {
        // Older writers store the tied head a second time, and Llama's rotary frequencies as a buffer.
        let redundant = (tied && name == "lm_head.weight") || name.ends_with("rotary_emb.inv_freq");
        if !redundant {
            problems.push(format!("{name}: the model has no such parameter"));
        }
    }
}

fn read_header(file: &mut File, length: u64) -> std::result::Result<(u64, Metadata), String> {
    let mut prefix = [0; 8];
    file.read_exact(&mut prefix)
        .map_err(|error| format!("no safetensors header: {error}"))?;
    let header_length = u64::from_le_bytes(prefix);
    if header_length > LARGEST_HEADER || header_length + 8 > length {
        return Err(format!(
            "claims a header of {header_length} bytes, but the file has {length}"
        ));
    }
    let mut header = vec![0; header_length as usize];
    file.read_exact(&mut header)
        .map_err(|error| format!("the header cannot be read: {error}"))?;
    // This also checks that shapes and offsets agree and that the tensors fill the file without gaps.
    let metadata: Metadata = serde_json::from_slice(&header)
        .map_err(|error| format!("not a safetensors file: {error}"))?;
    let expected = 8 + header_length + metadata.data_len() as u64;
    if expected != length {
        return Err(format!(
            "expected {expected} bytes from the header, found {length}"
        ));
    }
    Ok((8 + header_length, metadata))
}

#[derive(Deserialize)]
struct ShardIndex {
    weight_map: BTreeMap<String, String>,
}

fn files(directory: &Path) -> Result<Vec<PathBuf>> {
    let single = directory.join(SINGLE_FILE);
    let index = directory.join(INDEX_FILE);
    // Whatever stands under the name: what is no file there is refused, not passed over.
    if single.symlink_metadata().is_ok() || index.symlink_metadata().is_err() {
        return Ok(vec![single]);
    }
    let text = regular_file::read_text(&index, LARGEST_INDEX)
        .map_err(|error| EngineError::io(&index, error))?;
    let refuse = |problem| EngineError::Weights {
        path: index.clone(),
        problems: vec![problem],
    };
    let parsed: ShardIndex = serde_json::from_str(&text).map_err(|error| {
        refuse(format!(
            "not a shard index: {error}; download or write the file again"
        ))
    })?;
    let shards: BTreeSet<&String> = parsed.weight_map.values().collect();
    if shards.is_empty() {
        return Err(refuse(
            "the index names no file; download or write it again".to_owned(),
        ));
    }
    shards
        .into_iter()
        .map(|shard| match Path::new(shard).file_name() {
            Some(name) if name == shard.as_str() && !shard.contains(char::is_control) => {
                Ok(directory.join(shard))
            }
            _ => Err(refuse(format!(
                "{shard:?} is not the plain name of a file in this directory; download the model again from a source you trust"
            ))),
        })
        .collect()
}
