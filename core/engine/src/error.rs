//! What can go wrong in the engine. Every message names what, where, what was expected, what was found and a remedy.

use std::path::PathBuf;

pub type Result<T> = std::result::Result<T, EngineError>;

#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    #[error("{path}: {source}{}", crate::regular_file::remedy(source))]
    Io {
        path: PathBuf,
        source: std::io::Error,
    },

    #[error("{path}: {problem}")]
    Config { path: PathBuf, problem: String },

    /// All that is wrong with a set of weights, found before anything was loaded.
    #[error(
        "{path}: the weights do not fit the model:\n  {}\nexpected the *.safetensors of the model that config.json \
         describes: download both from one place",
        problems.join("\n  ")
    )]
    Weights {
        path: PathBuf,
        problems: Vec<String>,
    },

    /// Models that do not fit each other, with all that differs.
    #[error("{path}: cannot be merged:\n  {}", problems.join("\n  "))]
    Merge {
        path: PathBuf,
        problems: Vec<String>,
    },

    #[error("{path}: {problem}")]
    Gguf { path: PathBuf, problem: String },

    #[error("device {spec:?}: {problem}")]
    Device { spec: String, problem: String },

    #[error("dtype {spec:?}: {problem}")]
    Precision { spec: String, problem: String },

    #[error("invalid batch: {0}")]
    Batch(String),

    #[error("invalid argument: {0}")]
    Argument(String),

    /// The update was refused; weights and moments are as before.
    #[error("non-finite gradient in {}: the weights were left as they were", tensors.join(", "))]
    NonFiniteGradient { tensors: Vec<String> },

    #[error("{path}: {problem}")]
    Tokenizer { path: PathBuf, problem: String },

    /// A text that cannot be encoded, or tokens that cannot be decoded.
    #[error("tokenizer: {0}")]
    Tokenization(String),

    #[error("chat template: {0}")]
    ChatTemplate(String),

    #[error("decoding: {0}")]
    Decoding(String),

    #[error(transparent)]
    Candle(#[from] candle_core::Error),
}

impl EngineError {
    pub fn io(path: impl Into<PathBuf>, source: std::io::Error) -> Self {
        Self::Io {
            path: path.into(),
            source,
        }
    }
}
