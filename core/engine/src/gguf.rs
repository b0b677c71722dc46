//! GGUF, the one-file models of llama.cpp: read into a [`Model`](crate::Model) and a [`Tokenizer`](crate::Tokenizer),
//! and written from them.
//!
//! Reading goes through what a Hugging Face directory would hold: the metadata becomes the text of a `config.json`, the
//! vocabulary a `tokenizer.json`. So there is one place that knows which models are implemented, one way that a
//! tokenizer is built, and a checkpoint of a model that came from a GGUF file is an ordinary directory.
//!
//! The file is somebody else's bytes. Candle's reader believes more of them than we can: it makes text of bytes that
//! are none, which would change a vocabulary silently. So the header is read here, within bounds, and the weights are
//! read only after everything that the header says agrees with the model's shapes and the file's length.

mod blocks;
mod characters;
mod config;
mod header;
mod merges;
mod names;
mod pre_tokenizers;
mod rope;
mod source;
mod special_ids;
mod tokenizer;
mod value;
mod vocabulary;
mod weights;
mod write;

use std::path::Path;

pub use blocks::WeightType;
pub(crate) use config::config;
pub(crate) use tokenizer::tokenizer_files;
pub(crate) use weights::load;
pub use write::write;

/// Whether `path` names a GGUF file: it ends in `.gguf` and is no directory.
pub fn is_gguf(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("gguf"))
        && !path.is_dir()
}
