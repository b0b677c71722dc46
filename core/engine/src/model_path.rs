//! What lies at the path of a model: a Hugging Face directory, or a GGUF file.
//!
//! Neither form knows the other; who takes either asks here.

use std::path::Path;

use crate::config::ModelConfig;
use crate::error::Result;
use crate::gguf;

/// The configuration of the model at `path`: `config.json` in a directory, or the metadata of a file that ends in
/// `.gguf`.
pub fn read_config(path: &Path) -> Result<ModelConfig> {
    match gguf::is_gguf(path) {
        true => gguf::config(path),
        false => ModelConfig::read(path),
    }
}
