//! The path for any device: the operations of the passes, and Candle's where attention reads the cache.
//!
//! Rows live in slots of one preallocated cache per layer, and active rows always fill the first slots, so that a step
//! is one batch of every operation. Each step takes tokens, positions and random numbers to the device and brings what
//! was drawn back; all else stays there. On the CPU it is the fast path's reference.

mod layers;
mod logits;

use std::collections::HashMap;

use candle_core::{Device, Tensor};

use self::layers::{KeysValues, Place};
use self::logits::DeviceLogits;
use super::attempt::PromptGroup;
use super::backend::{Backend, Start};
use super::plan::{DecodingBudget, DecodingPlan};
use super::sampling::ComposedSampler;
use crate::error::Result;
use crate::model::Model;
use crate::ops::precision::{mask, wide};
use crate::rotary::RotaryTable;

/// Scores of the prompts that are computed together: 256 MiB of f32.
const LARGEST_PROMPT_SCORES: usize = 1 << 26;

/// Tokens of the prompts that are computed together.
pub(crate) const LARGEST_PROMPT_BATCH: usize = 1 << 13;

pub(super) struct TensorBackend<'a> {
    model: &'a Model,
    plan: &'a DecodingPlan,
    /// Cosines and sines of all positions of a slot, `(capacity, head_dim / 2)` each.
    cosines: Tensor,
    sines: Tensor,
    /// For each layer `(slots, key_value_heads, capacity, head_dim)`.
    cache: Vec<KeysValues>,
    slot_count: usize,
    /// Positions of a slot.
    capacity: usize,
    /// Which attempt is in each slot.
    slots: Vec<u64>,
    lengths: HashMap<u64, usize>,
    begun: u64,
}

/// Each layer's keys and values of one row.
pub(super) struct PromptTensors {
    layers: Vec<KeysValues>,
    length: usize,
}

/// Which attempt: its slot changes when others end.
pub(super) struct Handle(u64);

impl<'a> TensorBackend<'a> {
    pub fn new(
        model: &'a Model,
        groups: &[PromptGroup<'_>],
        plan: &'a DecodingPlan,
        budget: DecodingBudget,
        is_steered: bool,
    ) -> Result<Self> {
        let config = model.config();
        let longest = groups
            .iter()
            .map(|group| group.tokens.len())
            .max()
            .unwrap_or(0);
        // Without a limit injected text makes the cache grow.
        let limit = match plan.max_completion_tokens {
            Some(limit) if is_steered => limit,
            limit => limit.unwrap_or(usize::MAX).min(plan.max_new_tokens),
        };
        let capacity = longest
            .saturating_add(limit)
            .min(config.max_sequence_length());
        let attempts: usize = groups.iter().map(|group| group.seeds.len()).sum();
        let slots_of_budget = (budget.tokens / capacity).max(1);
        let slot_count = budget.rows.min(attempts).min(slots_of_budget);
        let (cosines, sines) = tables(model, capacity)?;
        let cache = (0..config.num_hidden_layers).map(|_| empty_cache(model, slot_count, capacity));
        Ok(Self {
            model,
            plan,
            cosines,
            sines,
            cache: cache.collect::<Result<_>>()?,
            slot_count,
            capacity,
            slots: Vec::with_capacity(slot_count),
            lengths: HashMap::new(),
            begun: 0,
        })
    }

    /// How many attempts can be in flight.
    pub fn slot_count(&self) -> usize {
        self.slot_count
    }

    /// Doubles the positions of every slot, a layer at a time: no more than one layer's cache is there twice.
    fn widen(&mut self) -> Result<()> {
        self.capacity = (self.capacity * 2).min(self.model.config().max_sequence_length());
        (self.cosines, self.sines) = tables(self.model, self.capacity)?;
        for layer in &mut self.cache {
            let wider = empty_cache(self.model, self.slot_count, self.capacity)?;
            wider.keys.slice_set(&layer.keys, 2, 0)?;
            wider.values.slice_set(&layer.values, 2, 0)?;
            *layer = wider;
        }
        Ok(())
    }

    fn device(&self) -> &Device {
        self.model.device()
    }

    /// Rows whose queries stand at `positions`, `(rows, queries)`, and see the first `keys` positions up to their own.
    fn place(&self, positions: &Tensor, keys: usize) -> Result<Place> {
        let (rows, queries) = positions.dims2()?;
        let half = self.model.config().head_dim / 2;
        let flat = positions.flatten_all()?;
        let turns = |table: &Tensor| {
            let chosen = table.index_select(&flat, 0)?;
            chosen.reshape((rows, 1, queries, half))
        };
        let (cosines, sines) = (turns(&self.cosines)?, turns(&self.sines)?);
        let last_seen = positions.reshape((rows, 1, queries, 1))?;
        let mask = mask(&last_seen, keys, cosines.dtype())?;
        Ok(Place {
            rows,
            queries,
            cosines,
            sines,
            mask,
        })
    }

    /// Prompts of different lengths side by side; the tokens that fill them up come after all that is read.
    fn compute_batch(&self, prompts: &[&[u32]]) -> Result<Vec<Start<PromptTensors, Tensor>>> {
        let longest = prompts.iter().map(|prompt| prompt.len()).max().unwrap_or(0);
        let tokens: Vec<u32> = prompts
            .iter()
            .flat_map(|prompt| prompt.iter().chain(std::iter::repeat(&0)).take(longest))
            .copied()
            .collect();
        let positions = Tensor::arange(0, longest as u32, self.device())?
            .broadcast_as((prompts.len(), longest))?
            .contiguous()?;
        let place = self.place(&positions, longest)?;
        let mut hidden = layers::embed(self.model, &tokens)?;
        let mut computed = Vec::new();
        for index in 0..self.cache.len() {
            hidden = layers::layer(self.model, index, hidden, &place, |new| {
                computed.push(new.clone());
                Ok(new)
            })?;
        }
        let last: Vec<u32> = prompts
            .iter()
            .enumerate()
            .map(|(row, prompt)| (row * longest + prompt.len() - 1) as u32)
            .collect();
        let last = hidden.index_select(&Tensor::new(last, self.device())?, 0)?;
        let logits = layers::logits(self.model, &last)?;
        let own = |all: &Tensor, row: usize, length: usize| {
            all.narrow(0, row, 1)?.narrow(2, 0, length)?.contiguous()
        };
        prompts
            .iter()
            .enumerate()
            .map(|(row, prompt)| {
                let length = prompt.len();
                let layers = computed.iter().map(|layer| {
                    Ok(KeysValues {
                        keys: own(&layer.keys, row, length)?,
                        values: own(&layer.values, row, length)?,
                    })
                });
                Ok(Start {
                    prompt: PromptTensors {
                        layers: layers.collect::<Result<_>>()?,
                        length,
                    },
                    logits: logits.narrow(0, row, 1)?,
                })
            })
            .collect()
    }
}

/// Cosines and sines of all positions below `capacity`, on the model's device.
fn tables(model: &Model, capacity: usize) -> Result<(Tensor, Tensor)> {
    let mut table = RotaryTable::new(model.config());
    table.reserve(capacity);
    table.tensors(0..capacity, wide(model.dtype()), model.device())
}

/// The cache of one layer.
fn empty_cache(model: &Model, slot_count: usize, capacity: usize) -> Result<KeysValues> {
    let config = model.config();
    let shape = (
        slot_count,
        config.num_key_value_heads,
        capacity,
        config.head_dim,
    );
    let zeros = || Tensor::zeros(shape, model.dtype(), model.device());
    Ok(KeysValues {
        keys: zeros()?,
        values: zeros()?,
    })
}

impl Backend for TensorBackend<'_> {
    type Prompt = PromptTensors;
    type Sequence = Handle;
    type Logits = DeviceLogits;

    fn logits(&self) -> Result<DeviceLogits> {
        let vocab_size = self.model.config().vocab_size;
        let sampler = ComposedSampler::new(self.plan, vocab_size, self.device())?;
        Ok(DeviceLogits::new(sampler))
    }

    fn compute_prompts(&mut self, prompts: &[&[u32]]) -> Result<Vec<Start<PromptTensors, Tensor>>> {
        let longest = prompts.iter().map(|prompt| prompt.len()).max().unwrap_or(1);
        let scores = self.model.config().num_attention_heads * longest * longest;
        let together = (LARGEST_PROMPT_SCORES / scores).min(LARGEST_PROMPT_BATCH / longest);
        let mut starts = Vec::with_capacity(prompts.len());
        for some in prompts.chunks(together.max(1)) {
            starts.extend(self.compute_batch(some)?);
        }
        Ok(starts)
    }

    fn begin(&mut self, prompt: &PromptTensors) -> Result<Handle> {
        let handle = self.begun;
        self.begun += 1;
        let slot = self.slots.len();
        for (layer, prompt) in self.cache.iter().zip(&prompt.layers) {
            let own = |cache: &Tensor| cache.narrow(0, slot, 1);
            own(&layer.keys)?.slice_set(&prompt.keys, 2, 0)?;
            own(&layer.values)?.slice_set(&prompt.values, 2, 0)?;
        }
        self.slots.push(handle);
        self.lengths.insert(handle, prompt.length);
        Ok(Handle(handle))
    }

    fn step(&mut self, rows: &mut [(&mut Handle, u32)], logits: &mut DeviceLogits) -> Result<()> {
        let row_of: HashMap<u64, usize> = rows
            .iter()
            .enumerate()
            .map(|(row, (handle, _))| (handle.0, row))
            .collect();
        // Of each slot its row, and of each row its slot.
        let order: Vec<usize> = self.slots.iter().map(|handle| row_of[handle]).collect();
        let mut slot_of = vec![0_u32; rows.len()];
        for (slot, &row) in order.iter().enumerate() {
            slot_of[row] = slot as u32;
        }
        let positions: Vec<u32> = self
            .slots
            .iter()
            .map(|handle| self.lengths[handle] as u32)
            .collect();
        let longest = positions.iter().max().map_or(0, |last| *last as usize + 1);
        while longest > self.capacity {
            self.widen()?;
        }
        let config = self.model.config();
        let count = order.len();
        let positions = Tensor::from_vec(positions, (count, 1), self.device())?;
        let place = self.place(&positions, longest)?;
        let cells = (count, config.num_key_value_heads, 1, config.head_dim);
        let cells = positions
            .reshape((count, 1, 1, 1))?
            .broadcast_as(cells)?
            .contiguous()?;
        let tokens: Vec<u32> = order.iter().map(|&row| rows[row].1).collect();
        let mut hidden = layers::embed(self.model, &tokens)?;
        for (index, cache) in self.cache.iter().enumerate() {
            let active = |all: &Tensor, new: &Tensor| {
                let active = all.narrow(0, 0, count)?;
                active.scatter_set(&cells, new, 2)?;
                active.narrow(2, 0, longest)
            };
            hidden = layers::layer(self.model, index, hidden, &place, |new| {
                Ok(KeysValues {
                    keys: active(&cache.keys, &new.keys)?,
                    values: active(&cache.values, &new.values)?,
                })
            })?;
        }
        let mut in_rows = layers::logits(self.model, &hidden)?;
        if slot_of
            .iter()
            .enumerate()
            .any(|(row, &slot)| row != slot as usize)
        {
            in_rows = in_rows.index_select(&Tensor::new(slot_of, self.device())?, 0)?;
        }
        logits.replace(in_rows);
        for handle in &self.slots {
            *self.lengths.entry(*handle).or_default() += 1;
        }
        Ok(())
    }

    fn end(&mut self, sequence: Handle) -> Result<()> {
        self.lengths.remove(&sequence.0);
        let Some(slot) = self.slots.iter().position(|&handle| handle == sequence.0) else {
            return Ok(());
        };
        let last = self.slots.len() - 1;
        self.slots.swap_remove(slot);
        if slot != last {
            for layer in &self.cache {
                for tensor in [&layer.keys, &layer.values] {
                    let moved = tensor.narrow(0, last, 1)?.force_contiguous()?;
                    tensor.slice_set(&moved, 0, slot)?;
                }
            }
        }
        Ok(())
    }

    fn forget(&mut self, _: PromptTensors) {}
}
