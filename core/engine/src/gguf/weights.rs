//! The tensors of a file into the parameters of a model, as f32.
//!
//! All that is wrong is found from the header and said at once, before the first byte of data is read.

use std::collections::BTreeSet;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use candle_core::{Device, Tensor};
use rayon::prelude::*;

use super::blocks::type_name;
use super::config::{architecture, of_header};
use super::header::{Header, TensorInfo};
use super::names::{Order, reorder, reordered_heads, to_gguf};
use crate::config::ModelConfig;
use crate::error::{EngineError, Result};
use crate::parameters::{Declared, declare};
use crate::regular_file;

/// Numbers that one thread unpacks at a time; a multiple of every block.
const CHUNK: usize = 1 << 16;

/// The configuration and the parameters of a file, in the order of `declare`.
pub(crate) fn load(path: &Path, device: &Device) -> Result<(ModelConfig, Vec<Tensor>)> {
    let header = Header::read(path)?;
    let config = of_header(&header)?;
    let architecture = architecture(&header.metadata).map_err(|problem| header.refuse(problem))?;
    let (declared, _) = declare(&config);
    let places = places(&header, &declared)?;
    let tensors = declared
        .iter()
        .zip(places)
        .map(|(declared, (name, info))| {
            let mut values = read_values(path, &name, info)?;
            let (heads, key_value_heads) = (config.num_attention_heads, config.num_key_value_heads);
            if let Some(heads) =
                reordered_heads(architecture, &declared.name, heads, key_value_heads)
            {
                values = reorder(&values, declared.shape[0], heads, Order::HuggingFace);
            }
            Ok(Tensor::from_vec(values, declared.shape.as_slice(), device)?)
        })
        .collect::<Result<_>>()?;
    Ok((config, tensors))
}

/// Where each declared parameter lies, or everything that does not fit.
fn places<'a>(header: &'a Header, declared: &[Declared]) -> Result<Vec<(String, &'a TensorInfo)>> {
    let mut problems = Vec::new();
    let mut places = Vec::new();
    let mut known = BTreeSet::from(["rope_freqs.weight".to_owned()]);
    for parameter in declared {
        let Some(name) = to_gguf(&parameter.name) else {
            problems.push(format!("{}: GGUF has no name for it", parameter.name));
            continue;
        };
        match header.tensors.get(&name) {
            None => problems.push(format!(
                "{name}: missing; expected shape {:?}",
                parameter.shape
            )),
            Some(info) => {
                if info.shape != parameter.shape {
                    problems.push(format!(
                        "{name}: expected shape {:?}, found {:?}",
                        parameter.shape, info.shape
                    ));
                }
                if info.encoding.is_none() {
                    problems.push(format!(
                        "{name}: found type {}; expected F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q4_K or Q6_K. \
                         llama-quantize --allow-requantize makes such a file",
                        type_name(info.kind)
                    ));
                }
                places.push((name.clone(), info));
            }
        }
        known.insert(name);
    }
    for name in header.tensors.keys().filter(|name| !known.contains(*name)) {
        problems.push(format!("{name}: the model has no such parameter"));
    }
    match problems.is_empty() {
        true => Ok(places),
        false => Err(EngineError::Weights {
            path: header.path.clone(),
            problems: shortened(problems),
        }),
    }
}

/// A file of another architecture is wrong in every layer; the first lines say it all.
fn shortened(mut problems: Vec<String>) -> Vec<String> {
    const SHOWN: usize = 40;
    if problems.len() > SHOWN {
        let more = problems.len() - SHOWN;
        problems.truncate(SHOWN);
        problems.push(format!("and {more} more of the kind"));
    }
    problems
}

/// A tensor's numbers.
pub(super) fn read_values(path: &Path, name: &str, info: &TensorInfo) -> Result<Vec<f32>> {
    let Some(encoding) = info.encoding else {
        return Err(EngineError::Weights {
            path: path.to_owned(),
            problems: vec![format!("{name}: type {} is not read", type_name(info.kind))],
        });
    };
    let fail = |error| EngineError::io(path, error);
    let mut file = regular_file::open(path).map_err(fail)?;
    file.seek(SeekFrom::Start(info.start)).map_err(fail)?;
    let mut bytes = vec![0; info.byte_count];
    file.read_exact(&mut bytes).map_err(fail)?;
    let mut values = vec![0.0; info.shape.iter().product()];
    let (numbers, size) = encoding.block();
    values
        .par_chunks_mut(CHUNK)
        .zip(bytes.par_chunks(CHUNK / numbers * size))
        .for_each(|(values, bytes)| encoding.unpack(bytes, values));
    Ok(values)
}
