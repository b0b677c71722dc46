//! Models of the Hugging Face hub: an id such as `Qwen/Qwen2.5-0.5B` becomes a directory on this machine.
//!
//! The directory is a snapshot in the ordinary Hugging Face cache, laid out as `huggingface_hub` does, so a model that
//! another tool has fetched is not fetched again, and the other way round. What is fetched: the few files that say what
//! the model is ([`Hub::describe`]), and apart from them, because they are large, its weights
//! ([`Snapshot::fetch_weights`]). A commit is settled once, at the beginning; everything after it is asked for by that
//! commit, so that a push to the repository in the middle of a download cannot mix two models.
//!
//! The hub knows no manifest, no run and no engine. Why it is not the crate `hf-hub`: `docs/decisions/0006-model-hub.md`.

mod cache;
mod download;
mod error;
mod http;
mod id;
mod settings;
mod snapshot;
mod url;
mod weights;

pub use error::HubError;
pub use id::ModelId;
pub use settings::{HubSettings, Token};
pub use snapshot::{DESCRIPTION_FILES, Hub, Snapshot};
pub use weights::WeightFile;

/// `Result` with [`HubError`].
pub type Result<T, E = HubError> = std::result::Result<T, E>;

/// Whoever watches a download, and may end it.
pub trait Watch {
    /// A file begins, of which `done` bytes are here from an earlier attempt. The size is unknown where the server
    /// keeps it to itself.
    fn begin(&mut self, file: &str, size: Option<u64>, done: u64);
    /// So many bytes of the file are here now.
    fn at(&mut self, done: u64);
    /// The file is whole.
    fn end(&mut self);
    /// The name of the signal that asks for an end, once one does.
    fn interrupted(&self) -> Option<&'static str>;
}
