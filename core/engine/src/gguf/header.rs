//! The header of a GGUF file: metadata and the table of tensors, read within bounds.
//!
//! Layout (version 3, little-endian): magic, version, counts of tensors and metadata entries, the entries, the table,
//! padding to `general.alignment`, and the tensors in the table's order, each padded to the alignment. The same rule as
//! llama.cpp's: a tensor starts where the one before it ends, so no two can overlap.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use super::blocks::Encoding;
use super::source::{Source, read_value};
use super::value::Metadata;
use crate::error::{EngineError, Result};
use crate::regular_file;

pub(super) const MAGIC: [u8; 4] = *b"GGUF";
pub(super) const VERSION: u32 = 3;
pub(super) const DEFAULT_ALIGNMENT: u64 = 32;

/// ggml's own limit.
const MOST_DIMENSIONS: u32 = 4;
/// What the header says of a file.
pub(super) struct Header {
    pub path: PathBuf,
    pub metadata: Metadata,
    pub tensors: BTreeMap<String, TensorInfo>,
}

/// One tensor's place in the file. The sizes have been checked against the file's length.
#[derive(Clone, Debug)]
pub(super) struct TensorInfo {
    /// Outermost first, the reverse of the file's order.
    pub shape: Vec<usize>,
    /// The number of the type in ggml, and what it means if we read it.
    pub kind: u32,
    pub encoding: Option<Encoding>,
    pub start: u64,
    pub byte_count: usize,
}

impl Header {
    pub fn read(path: &Path) -> Result<Self> {
        let file = regular_file::open(path).map_err(|error| EngineError::io(path, error))?;
        let about = file
            .metadata()
            .map_err(|error| EngineError::io(path, error))?;
        let length = about.len();
        let refuse = |problem: String| EngineError::Gguf {
            path: path.to_owned(),
            problem,
        };
        let mut source = Source::new(file, length);
        let (metadata, tensors) = read(&mut source)
            .map_err(|problem| refuse(format!("{problem}; download or write the file again")))?;
        Ok(Self {
            path: path.to_owned(),
            metadata,
            tensors,
        })
    }

    /// The error for what is wrong with the contents of this file.
    pub fn refuse(&self, problem: String) -> EngineError {
        EngineError::Gguf {
            path: self.path.clone(),
            problem,
        }
    }
}

type Checked<T> = std::result::Result<T, String>;

fn read(source: &mut Source) -> Checked<(Metadata, BTreeMap<String, TensorInfo>)> {
    let magic: [u8; 4] = source.array("the magic number")?;
    if magic != MAGIC {
        return Err(format!(
            "not a GGUF file: expected it to begin with \"GGUF\", found {:?}",
            String::from_utf8_lossy(&magic)
        ));
    }
    let version = source.u32("the version")?;
    match version {
        2 | VERSION => {}
        other if other.swap_bytes() < 16 && other >= 16 => {
            return Err(format!(
                "a big-endian file (version {}); only little-endian files are read",
                other.swap_bytes()
            ));
        }
        other => {
            return Err(format!(
                "expected GGUF version 2 or {VERSION}, found {other}"
            ));
        }
    }
    let tensor_count = source.u64("the number of tensors")?;
    let entry_count = source.u64("the number of metadata entries")?;
    // The smallest entry has a length, a type and one byte; the smallest table line two lengths and a type.
    source.check_count(tensor_count, 24, "tensors")?;
    source.check_count(entry_count, 13, "metadata entries")?;
    let mut metadata = Metadata::default();
    for index in 0..entry_count {
        let key = source.text(|| format!("the key of metadata entry {index}"))??;
        let kind = source.u32(&key)?;
        let value = read_value(source, &key, kind, 0)?;
        if metadata.0.insert(key.clone(), value).is_some() {
            return Err(format!("the metadata has the key {key:?} twice"));
        }
    }
    let alignment = match metadata.count("general.alignment")? {
        None => DEFAULT_ALIGNMENT,
        Some(bytes) if bytes.is_power_of_two() && bytes <= 1 << 16 => bytes,
        Some(other) => {
            return Err(format!(
                "general.alignment is {other}; expected a power of two up to 65536"
            ));
        }
    };
    let table = (0..tensor_count)
        .map(|index| read_line(source, index))
        .collect::<Checked<Vec<_>>>()?;
    Ok((metadata, place(table, source, alignment)?))
}

/// A line of the tensor table as found.
struct Line {
    name: String,
    shape: Vec<usize>,
    kind: u32,
    offset: u64,
}

fn read_line(source: &mut Source, index: u64) -> Checked<Line> {
    let name = source.text(|| format!("the name of tensor {index}"))??;
    let dimensions = source.u32(&name)?;
    if dimensions == 0 || dimensions > MOST_DIMENSIONS {
        return Err(format!(
            "tensor {name:?} has {dimensions} dimensions; expected 1 to {MOST_DIMENSIONS}"
        ));
    }
    let mut shape = Vec::new();
    for _ in 0..dimensions {
        let size = source.u64(&name)?;
        let size = usize::try_from(size).ok().filter(|&size| size > 0);
        shape.push(size.ok_or_else(|| format!("tensor {name:?} has an impossible size"))?);
    }
    shape.reverse();
    Ok(Line {
        shape,
        kind: source.u32(&name)?,
        offset: source.u64(&name)?,
        name,
    })
}

/// Checks that the tensors follow each other and lie inside the file.
fn place(
    table: Vec<Line>,
    source: &Source,
    alignment: u64,
) -> Checked<BTreeMap<String, TensorInfo>> {
    let data_start = source.position.next_multiple_of(alignment);
    let mut tensors = BTreeMap::new();
    // The end of the last tensor whose size is known; after one of a type that we do not know, none is.
    let mut end = Some(0_u64);
    let mut offsets = HashSet::new();
    for line in table {
        let name = line.name;
        let encoding = Encoding::of(line.kind);
        let byte_count = match encoding {
            None => None,
            Some(encoding) => Some(encoding.byte_count(&line.shape).map_err(|problem| {
                format!("tensor {name:?} of shape {:?}: {problem}", line.shape)
            })?),
        };
        let placed = match end {
            Some(end) => line.offset == end,
            None => line.offset.is_multiple_of(alignment) && offsets.insert(line.offset),
        };
        if !placed {
            return Err(format!(
                "tensor {name:?} is said to begin at byte {} of the data; expected {}",
                line.offset,
                match end {
                    Some(end) => format!("{end}, where the one before it ends"),
                    None => format!("a multiple of {alignment} that no other begins at"),
                }
            ));
        }
        let start = data_start.checked_add(line.offset);
        let stop = start.and_then(|start| start.checked_add(byte_count.unwrap_or(0) as u64));
        let (Some(start), Some(stop)) = (start, stop) else {
            return Err(format!("tensor {name:?} lies beyond any file"));
        };
        if stop > source.length {
            return Err(format!(
                "tensor {name:?} ends at byte {stop}, but the file has {} bytes: it is cut off",
                source.length
            ));
        }
        end = match (end, byte_count) {
            (Some(end), Some(bytes)) => (end + bytes as u64).checked_next_multiple_of(alignment),
            _ => None,
        };
        let info = TensorInfo {
            shape: line.shape,
            kind: line.kind,
            encoding,
            start,
            byte_count: byte_count.unwrap_or(0),
        };
        if tensors.insert(name.clone(), info).is_some() {
            return Err(format!("there are two tensors with the name {name:?}"));
        }
    }
    // The last tensor may be padded too. More than that is a header that says too little.
    if let Some(end) = end.and_then(|end| data_start.checked_add(end))
        && source.length > end
    {
        return Err(format!(
            "expected {end} bytes from the header, found {}",
            source.length
        ));
    }
    Ok(tensors)
}
