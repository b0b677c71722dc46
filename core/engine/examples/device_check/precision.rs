//! The types that weights are kept in, and how far each may be from f32 on the CPU.

use anyhow::{Context, Result};
use farthing_engine::Model;

/// A type of weights and activations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    F32,
    Bf16,
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
}

impl Precision {
    pub fn named(name: &str) -> Result<Self> {
        let all = [Self::F32, Self::Bf16, Self::F64];
        let found = all.into_iter().find(|precision| precision.name() == name);
        found.with_context(|| format!("--precision: expected f32, bf16 or f64, found {name:?}"))
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
            Self::F64 => "f64",
        }
    }

    /// f32 has 24 bits and sums of some hundred terms, which loses two or three digits of seven. bf16 has 8 bits: a
    /// logit of size 4 is known to 0.015, and a gradient to a few per cent.
    pub fn tolerance(self) -> Tolerance {
        match self {
            Self::F32 | Self::F64 => Tolerance {
                nats: 1e-4,
                gradient: 1e-3,
                loss: 1e-3,
                decoding: 1e-4,
            },
            Self::Bf16 => Tolerance {
                nats: 0.1,
                gradient: 0.1,
                loss: 0.02,
                decoding: 0.1,
            },
        }
    }

    /// The model with its weights in this type.
    pub fn convert(self, model: Model) -> Result<Model> {
        match self {
            Self::F32 => Ok(model),
            Self::Bf16 | Self::F64 => {
                anyhow::bail!("this build computes in f32 alone, found {}", self.name())
            }
        }
    }
}
