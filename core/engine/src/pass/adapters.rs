//! What a pass tells the adapters of every projection: their scale, and which of their inputs are dropped.

use super::batch::Batch;
use super::projection::Site;
use crate::lora::LoraTarget;
use crate::model::Model;
use crate::ops::dropout::{Mask, mix};

#[derive(Clone, Copy, Debug)]
pub(super) struct Adapters {
    scale: f32,
    /// The share that is dropped, and the seed of the pass.
    dropout: Option<(f64, u64)>,
}

impl Adapters {
    /// `dropout_seed` is given in training passes.
    pub fn new(model: &Model, dropout_seed: Option<u64>) -> Self {
        let lora = model.lora();
        let share = lora.map_or(0.0, |lora| lora.dropout);
        Self {
            scale: lora.map_or(0.0, |lora| lora.scale()),
            dropout: dropout_seed
                .filter(|_| share > 0.0)
                .map(|seed| (share, seed)),
        }
    }

    /// Whether rows need keys.
    pub fn drop_inputs(&self) -> bool {
        self.dropout.is_some()
    }

    /// `chosen`: whether the projection reads the predicting rows only.
    pub fn site<'a>(
        &self,
        layer: usize,
        target: LoraTarget,
        batch: &'a Batch,
        chosen: bool,
    ) -> Site<'a> {
        let mask = self.dropout.map(|(share, seed)| Mask {
            share,
            seed: mix(seed ^ mix((layer * LoraTarget::ALL.len() + target as usize) as u64)),
            keys: match chosen {
                true => &batch.predicting_keys,
                false => &batch.keys,
            },
        });
        Site {
            scale: self.scale,
            mask,
        }
    }
}
