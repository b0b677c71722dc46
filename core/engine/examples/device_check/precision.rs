//! The types that a model computes in, and how far each may be from f32 on the CPU.
//!
//! Candle multiplies no bf16 on the CPU, where f16 stands for it.

use anyhow::{Context, Result};
use candle_core::DType;
use farthing_engine::Model;

/// A type of weights and activations; what is trained keeps f32 masters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    F32,
    Bf16,
    F16,
    F64,
}

/// The largest differences from the CPU's f32 that are rounding and no mistake.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tolerance {
    /// Of a token's log-probability or entropy, in nats.
    pub nats: f64,
    /// Of a parameter's gradient: the norm of the difference over the norm.
    pub gradient: f64,
    /// Of a training step's loss, relative.
    pub loss: f64,
    /// Between a token's log-probability at decoding and in the training pass, both on the device, in nats.
    pub decoding: f64,
    /// The same on average over a step of a training run, whose model is larger and sharper: one token of thousands says
    /// little there.
    pub decoding_mean: f64,
}

impl Precision {
    pub fn named(name: &str) -> Result<Self> {
        let all = [Self::F32, Self::Bf16, Self::F16, Self::F64];
        let found = all.into_iter().find(|precision| precision.name() == name);
        found
            .with_context(|| format!("--precision: expected f32, bf16, f16 or f64, found {name:?}"))
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
            Self::F16 => "f16",
            Self::F64 => "f64",
        }
    }

    /// f32 has 24 bits and sums of some hundred terms, which loses two or three digits of seven. f16 has 11 bits: on the
    /// CPU these models are 0.036 nats, 0.9 % of a gradient and 0.4 % of a loss away, and what is allowed is somewhat more.
    /// bf16 has 8 bits, three fewer, so it gets eight times as much; nobody has seen it yet.
    pub fn tolerance(self) -> Tolerance {
        let half = |share: f64| Tolerance {
            nats: 0.06 * share,
            gradient: 0.02 * share,
            loss: 0.008 * share,
            decoding: 0.03 * share,
            decoding_mean: 0.006 * share,
        };
        match self {
            Self::F32 | Self::F64 => Tolerance {
                nats: 1e-4,
                gradient: 1e-3,
                loss: 1e-3,
                decoding: 1e-4,
                decoding_mean: 1e-4,
            },
            Self::F16 => half(1.0),
            Self::Bf16 => half(8.0),
        }
    }

    pub fn dtype(self) -> DType {
        match self {
            Self::F32 => DType::F32,
            Self::Bf16 => DType::BF16,
            Self::F16 => DType::F16,
            Self::F64 => DType::F64,
        }
    }

    /// The model, computing in this type.
    pub fn convert(self, model: Model) -> Result<Model> {
        Ok(model.computing_in(self.dtype())?)
    }
}
