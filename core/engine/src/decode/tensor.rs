//! The path for any device: Candle's ordinary operations.
//!
//! Rows live in slots of one preallocated cache per layer, and active rows always fill the first slots, so that a step
//! is one batch of every operation. It is written to be plainly right; on the CPU it is the fast path's reference.

use std::collections::HashMap;

use candle_core::{D, DType, Device, Tensor};

use super::attempt::PromptGroup;
use super::backend::{Backend, Start};
use super::plan::DecodingPlan;
use crate::error::Result;
use crate::model::Model;
use crate::parameters::{LowRank, Projection};
use crate::rotary::RotaryTable;

/// Keys and values of one layer, `(positions, key_value_heads * head_dim)` each.
struct KeysValues {
    keys: Tensor,
    values: Tensor,
}

pub(super) struct TensorBackend<'a> {
    model: &'a Model,
    rotary: RotaryTable,
    /// For each layer `(max_rows * capacity, key_value_heads * head_dim)`: slot after slot.
    cache: Vec<KeysValues>,
    /// Positions of a slot.
    capacity: usize,
    /// Which attempt is in each slot.
    slots: Vec<u64>,
    lengths: HashMap<u64, usize>,
    begun: u64,
}

pub(super) struct PromptTensors {
    layers: Vec<KeysValues>,
    length: usize,
}

/// Which attempt: its slot changes when others end.
pub(super) struct Handle(u64);

/// Where the tokens of a forward pass stand and what they see.
struct Place<'t> {
    /// `(rows, head_dim / 2)`.
    cosines: &'t Tensor,
    sines: &'t Tensor,
    /// `(.., queries, keys)`, 0 where a query sees a key and minus infinity elsewhere.
    mask: &'t Tensor,
}

impl<'a> TensorBackend<'a> {
    pub fn new(
        model: &'a Model,
        groups: &[PromptGroup<'_>],
        plan: &DecodingPlan,
        max_rows: usize,
    ) -> Result<Self> {
        let config = model.config();
        let longest = groups
            .iter()
            .map(|group| group.tokens.len())
            .max()
            .unwrap_or(0);
        // Without a hook a completion ends after max_new_tokens; injected text makes the cache grow.
        let limit = plan
            .max_completion_tokens
            .unwrap_or(usize::MAX)
            .min(plan.max_new_tokens);
        let capacity = longest
            .saturating_add(limit)
            .min(config.max_sequence_length());
        let attempts: usize = groups.iter().map(|group| group.seeds.len()).sum();
        let rows = max_rows.min(attempts);
        let cache = Self::empty_cache(model, rows * capacity)?;
        Ok(Self {
            model,
            rotary: RotaryTable::new(config),
            cache,
            capacity,
            slots: Vec::with_capacity(rows),
            lengths: HashMap::new(),
            begun: 0,
        })
    }

    fn empty_cache(model: &Model, positions: usize) -> Result<Vec<KeysValues>> {
        let config = model.config();
        let width = config.num_key_value_heads * config.head_dim;
        let zeros = || Tensor::zeros((positions, width), model.dtype(), model.device());
        (0..config.num_hidden_layers)
            .map(|_| {
                Ok(KeysValues {
                    keys: zeros()?,
                    values: zeros()?,
                })
            })
            .collect()
    }

    /// Doubles the positions of every slot.
    fn widen(&mut self) -> Result<()> {
        let old = self.capacity;
        let rows = self.cache[0].keys.dim(0)? / old;
        self.capacity = (old * 2).min(self.model.config().max_sequence_length());
        let wide = Self::empty_cache(self.model, rows * self.capacity)?;
        for (new, narrow) in wide.iter().zip(&self.cache) {
            for slot in 0..self.slots.len() {
                new.keys.slice_set(
                    &narrow.keys.narrow(0, slot * old, old)?,
                    0,
                    slot * self.capacity,
                )?;
                new.values.slice_set(
                    &narrow.values.narrow(0, slot * old, old)?,
                    0,
                    slot * self.capacity,
                )?;
            }
        }
        self.cache = wide;
        Ok(())
    }

    /// The rotary table's rows at `positions`.
    fn turns(&mut self, positions: &[usize]) -> Result<(Tensor, Tensor)> {
        self.rotary
            .reserve(positions.iter().max().map_or(0, |last| last + 1));
        let (mut cosines, mut sines) = (Vec::new(), Vec::new());
        for &position in positions {
            let (cosine, sine) = self.rotary.at(position);
            cosines.extend_from_slice(cosine);
            sines.extend_from_slice(sine);
        }
        let shape = (positions.len(), self.model.config().head_dim / 2);
        let tensor =
            |numbers| Tensor::from_vec(numbers, shape, self.device())?.to_dtype(self.model.dtype());
        Ok((tensor(cosines)?, tensor(sines)?))
    }

    fn device(&self) -> &Device {
        self.model.device()
    }

    fn embed(&self, tokens: &[u32]) -> Result<Tensor> {
        let ids = Tensor::new(tokens, self.device())?;
        Ok(self.model.embed_tokens().index_select(&ids, 0)?)
    }

    fn logits(&self, hidden: &Tensor) -> Result<Vec<f32>> {
        let normed = self.norm(hidden, self.model.norm())?;
        let logits = normed.matmul(&self.model.lm_head().t()?)?;
        Ok(logits.to_dtype(DType::F32)?.flatten_all()?.to_vec1()?)
    }

    fn norm(&self, x: &Tensor, gain: &Tensor) -> Result<Tensor> {
        let mean = x.sqr()?.mean_keepdim(D::Minus1)?;
        let root = (mean + self.model.config().rms_norm_eps)?.sqrt()?;
        Ok(x.broadcast_div(&root)?.broadcast_mul(gain)?)
    }

    /// `x`: (rows, heads * head_dim); without a gain it is given back as it is.
    fn norm_heads(&self, x: Tensor, gain: Option<&Tensor>) -> Result<Tensor> {
        let Some(gain) = gain else {
            return Ok(x);
        };
        let (rows, width) = x.dims2()?;
        let dim = self.model.config().head_dim;
        let normed = self.norm(&x.reshape((rows * width / dim, dim))?, gain)?;
        Ok(normed.reshape((rows, width))?)
    }

    fn project(&self, x: &Tensor, projection: &Projection<&Tensor>) -> Result<Tensor> {
        let mut y = x.matmul(&projection.weight.t()?)?;
        if let Some(bias) = projection.bias {
            y = y.broadcast_add(bias)?;
        }
        if let (Some(LowRank { a, b }), Some(lora)) = (&projection.lora, self.model.lora()) {
            let low = x.matmul(&a.t()?)?.matmul(&b.t()?)?;
            y = (y + (low * f64::from(lora.scale()))?)?;
        }
        Ok(y)
    }

    /// One layer. `see` takes the new keys and values, `(rows, key_value_heads * head_dim)`, and gives those that the
    /// queries see, `(batch, keys, key_value_heads * head_dim)`.
    fn layer(
        &self,
        index: usize,
        hidden: Tensor,
        place: &Place<'_>,
        see: impl FnOnce(Tensor, Tensor) -> Result<(Tensor, Tensor)>,
    ) -> Result<Tensor> {
        let layer = self.model.layer(index);
        let normed = self.norm(&hidden, layer.input_layernorm)?;
        let query = self.norm_heads(self.project(&normed, &layer.q_proj)?, layer.q_norm)?;
        let key = self.norm_heads(self.project(&normed, &layer.k_proj)?, layer.k_norm)?;
        let (query, key) = (self.turn(&query, place)?, self.turn(&key, place)?);
        let value = self.project(&normed, &layer.v_proj)?;
        let (keys, values) = see(key, value)?;
        let attended = self.attend(&query, &keys, &values, place.mask)?;
        let hidden = (hidden + self.project(&attended, &layer.o_proj)?)?;
        let normed = self.norm(&hidden, layer.post_attention_layernorm)?;
        let gate = self.project(&normed, &layer.gate_proj)?.silu()?;
        let inner = (gate * self.project(&normed, &layer.up_proj)?)?;
        Ok((hidden + self.project(&inner, &layer.down_proj)?)?)
    }

    /// Turns each head of `x`: `(rows, heads * head_dim)`.
    fn turn(&self, x: &Tensor, place: &Place<'_>) -> Result<Tensor> {
        let (rows, width) = x.dims2()?;
        let half = self.model.config().head_dim / 2;
        let halves = x.reshape((rows, width / (2 * half), 2, half))?;
        let (first, second) = (halves.narrow(2, 0, 1)?, halves.narrow(2, 1, 1)?);
        let (cosines, sines) = (
            place.cosines.reshape((rows, 1, 1, half))?,
            place.sines.reshape((rows, 1, 1, half))?,
        );
        let turned = [
            (first.broadcast_mul(&cosines)? - second.broadcast_mul(&sines)?)?,
            (second.broadcast_mul(&cosines)? + first.broadcast_mul(&sines)?)?,
        ];
        Ok(Tensor::cat(&turned, 2)?.reshape((rows, width))?)
    }

    /// `query`: `(batch * queries, heads * head_dim)`; keys and values: `(batch, keys, key_value_heads * head_dim)`.
    fn attend(
        &self,
        query: &Tensor,
        keys: &Tensor,
        values: &Tensor,
        mask: &Tensor,
    ) -> Result<Tensor> {
        let config = self.model.config();
        let (d, kv) = (config.head_dim, config.num_key_value_heads);
        let group = config.num_attention_heads / kv;
        let (batch, count, _) = keys.dims3()?;
        let queries = query.dim(0)? / batch;
        // (batch, kv, group * queries, d): the heads that share a key-value head side by side.
        let query = query
            .reshape((batch, queries, kv, group, d))?
            .permute((0, 2, 3, 1, 4))?
            .contiguous()?
            .reshape((batch, kv, group * queries, d))?;
        let heads = |x: &Tensor| {
            x.reshape((batch, count, kv, d))?
                .transpose(1, 2)?
                .contiguous()
        };
        let scores = (query.matmul(&heads(keys)?.t()?)? * (1.0 / (d as f64).sqrt()))?;
        let scores = scores
            .reshape((batch, kv, group, queries, count))?
            .broadcast_add(mask)?;
        let max = scores.max_keepdim(D::Minus1)?;
        let weights = scores.broadcast_sub(&max)?.exp()?;
        let weights = weights.broadcast_div(&weights.sum_keepdim(D::Minus1)?)?;
        let weights = weights.reshape((batch, kv, group * queries, count))?;
        Ok(weights
            .matmul(&heads(values)?)?
            .reshape((batch, kv, group, queries, d))?
            .permute((0, 3, 1, 2, 4))?
            .contiguous()?
            .reshape((batch * queries, kv * group * d))?)
    }

    fn compute_prompt(&mut self, tokens: &[u32]) -> Result<Start<PromptTensors>> {
        let length = tokens.len();
        let positions: Vec<usize> = (0..length).collect();
        let (cosines, sines) = self.turns(&positions)?;
        let sees = |query: usize, key: usize| if key <= query { 0.0 } else { f32::NEG_INFINITY };
        let mask: Vec<f32> = (0..length)
            .flat_map(|query| (0..length).map(move |key| sees(query, key)))
            .collect();
        let mask = Tensor::from_vec(mask, (1, 1, 1, length, length), self.device())?;
        let mask = mask.to_dtype(self.model.dtype())?;
        let place = Place {
            cosines: &cosines,
            sines: &sines,
            mask: &mask,
        };
        let mut hidden = self.embed(tokens)?;
        let mut layers = Vec::new();
        for index in 0..self.cache.len() {
            hidden = self.layer(index, hidden, &place, |keys, values| {
                let batch = (keys.unsqueeze(0)?, values.unsqueeze(0)?);
                layers.push(KeysValues { keys, values });
                Ok(batch)
            })?;
        }
        let logits = self.logits(&hidden.narrow(0, length - 1, 1)?)?;
        Ok(Start {
            prompt: PromptTensors { layers, length },
            logits,
        })
    }
}

impl Backend for TensorBackend<'_> {
    type Prompt = PromptTensors;
    type Sequence = Handle;

    fn compute_prompts(&mut self, prompts: &[&[u32]]) -> Result<Vec<Start<Self::Prompt>>> {
        prompts
            .iter()
            .map(|tokens| self.compute_prompt(tokens))
            .collect()
    }

    fn begin(&mut self, prompt: &Self::Prompt) -> Result<Handle> {
        let handle = self.begun;
        self.begun += 1;
        let start = self.slots.len() * self.capacity;
        for (layer, prompt) in self.cache.iter().zip(&prompt.layers) {
            layer.keys.slice_set(&prompt.keys, 0, start)?;
            layer.values.slice_set(&prompt.values, 0, start)?;
        }
        self.slots.push(handle);
        self.lengths.insert(handle, prompt.length);
        Ok(Handle(handle))
    }

    fn step(&mut self, rows: &mut [(&mut Handle, u32)], logits: &mut [f32]) -> Result<()> {
        let config = self.model.config();
        let row_of: HashMap<u64, usize> = rows
            .iter()
            .enumerate()
            .map(|(row, (handle, _))| (handle.0, row))
            .collect();
        let order: Vec<usize> = self.slots.iter().map(|handle| row_of[handle]).collect();
        let positions: Vec<usize> = self
            .slots
            .iter()
            .map(|handle| self.lengths[handle])
            .collect();
        let longest = positions.iter().max().map_or(0, |last| last + 1);
        while longest > self.capacity {
            self.widen()?;
        }
        let (batch, capacity) = (order.len(), self.capacity);
        let width = config.num_key_value_heads * config.head_dim;

        let (cosines, sines) = self.turns(&positions)?;
        let sees = |position: usize, key: usize| {
            if key <= position {
                0.0
            } else {
                f32::NEG_INFINITY
            }
        };
        let mask: Vec<f32> = positions
            .iter()
            .flat_map(|&position| (0..longest).map(move |key| sees(position, key)))
            .collect();
        let mask = Tensor::from_vec(mask, (batch, 1, 1, 1, longest), self.device())?;
        let mask = mask.to_dtype(self.model.dtype())?;
        let place = Place {
            cosines: &cosines,
            sines: &sines,
            mask: &mask,
        };
        let cells: Vec<u32> = positions
            .iter()
            .enumerate()
            .map(|(slot, at)| (slot * capacity + at) as u32)
            .collect();
        let cells = Tensor::from_vec(cells, (batch, 1), self.device())?;
        let cells = cells.broadcast_as((batch, width))?.contiguous()?;

        let tokens: Vec<u32> = order.iter().map(|&row| rows[row].1).collect();
        let mut hidden = self.embed(&tokens)?;
        for (index, cache) in self.cache.iter().enumerate() {
            hidden = self.layer(index, hidden, &place, |keys, values| {
                cache.keys.scatter_set(&cells, &keys.contiguous()?, 0)?;
                cache.values.scatter_set(&cells, &values.contiguous()?, 0)?;
                let active = |all: &Tensor| {
                    all.narrow(0, 0, batch * capacity)?
                        .reshape((batch, capacity, width))?
                        .narrow(1, 0, longest)?
                        .contiguous()
                };
                Ok((active(&cache.keys)?, active(&cache.values)?))
            })?;
        }
        let in_slots = self.logits(&hidden)?;
        for (numbers, &row) in in_slots.chunks_exact(config.vocab_size).zip(&order) {
            logits[row * config.vocab_size..][..config.vocab_size].copy_from_slice(numbers);
        }
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
                    let moved = tensor
                        .narrow(0, last * self.capacity, self.capacity)?
                        .copy()?;
                    tensor.slice_set(&moved, 0, slot * self.capacity)?;
                }
            }
        }
        Ok(())
    }

    fn forget(&mut self, _: PromptTensors) {}
}
