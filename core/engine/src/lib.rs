//! Models, decoding, log-probabilities, backward passes and update rules on Candle; knows no plugin.
//!
//! The decoder layers run forward explicitly and backward by hand instead of through an autograd graph: Candle's
//! fused operations have no backward and cut a gradient silently, and a graph allocates and copies every
//! intermediate. [`Model::forward`] returns a [`Pass`] that holds what [`Pass::backward`] needs, the caller hands in
//! derivatives with respect to log-probabilities (and entropies), [`Gradients`] collect, and [`AdamW`] applies them.

mod buffers;
mod chat_template;
mod config;
mod decode;
mod device;
mod error;
mod footprint;
pub mod gguf;
mod gradients;
mod init;
mod lora;
mod merge;
mod model;
mod model_path;
mod ops;
mod packed;
mod parameters;
mod pass;
mod peft;
mod prefetch;
mod product;
mod regular_file;
pub mod rng;
mod rotary;
mod schedule;
mod speed;
mod tokenizer;
mod update_rule;
mod weights;
mod work;

pub use buffers::{release_buffers, trim_with};
pub use candle_core::{DType, Device, DeviceLocation};
pub use chat_template::{ChatOptions, Message};
pub use config::{Architecture, ModelConfig, RopeScaling, SlidingWindow};
pub use decode::{
    Attempt, DecodeHooks, DecodingBudget, DecodingPlan, Finish, NoHooks, Pause, PromptGroup, Steer,
    decode, decode_by_composition, sampling,
};
pub use device::{device_memory, select_device, select_dtype};
pub use error::{EngineError, Result};
pub use footprint::Arithmetic;
pub use gradients::{Coverage, Gradients, Uncovered, UncoveredReason};
pub use lora::{LoraConfig, LoraTarget};
pub use merge::{MergeInput, MergeMethod, Merged, merge};
pub use model::Model;
pub use model_path::read_config;
pub use packed::Packed;
pub use parameters::{LayerParameters, LowRank, Projection};
pub use pass::{Pass, PassOptions, Scores};
pub use peft::{AdapterBase, AdapterFile};
pub use schedule::{Decay, Schedule};
pub use speed::MachineSpeed;
pub use tokenizer::{END_OF_TEXT, PADDING, StreamingDecoder, Tokenizer};
pub use update_rule::{AdamW, AdamWConfig, StepReport};
pub use work::Sequences;
