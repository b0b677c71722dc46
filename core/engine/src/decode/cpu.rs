//! The fast path: f32 on the CPU.
//!
//! Models are small and rows are few, so waking threads for every operation would cost more than the operation. Where
//! the weights stay in the cache, each thread takes some of the rows through the whole layer stack and the threads meet
//! once per token. Where they do not, or rows are fewer than threads, all threads share each operation, so that every
//! weight is read from memory once. Both ways give the same bits.

mod attention;
mod cache;
mod forward;
mod weights;

use std::sync::Arc;

use rayon::prelude::*;

pub(crate) use self::cache::PAGE;
use self::cache::{CacheShape, Pool, PromptCache, Sequence};
use self::forward::{Forward, Item, Scratch, Threads};
use self::weights::DecodingWeights;
use super::backend::{Backend, Start};
use super::logits::HostLogits;
use crate::error::Result;
use crate::model::Model;
use crate::rotary::RotaryTable;

pub(super) struct CpuBackend<'a> {
    model: &'a Model,
    weights: DecodingWeights,
    rotary: RotaryTable,
    shape: CacheShape,
    pool: Pool,
    scratches: Vec<Scratch>,
}

impl<'a> CpuBackend<'a> {
    pub fn new(model: &'a Model) -> Result<Self> {
        let config = model.config();
        let shape = CacheShape {
            layers: config.num_hidden_layers,
            key_value_heads: config.num_key_value_heads,
            head_dim: config.head_dim,
        };
        Ok(Self {
            model,
            weights: DecodingWeights::pack(model)?,
            rotary: RotaryTable::new(config),
            shape,
            pool: Pool::new(shape),
            scratches: Vec::new(),
        })
    }

    fn run(&mut self, items: &mut [Item<'_>]) {
        for item in items.iter_mut() {
            self.rotary
                .reserve(item.sequence.length() + item.tokens.len());
            self.pool.reserve(item.sequence, item.tokens.len());
        }
        let threads = rayon::current_num_threads();
        let share_operations = items.len() < threads || !self.weights.are_in_cache();
        let tasks = if share_operations { 1 } else { threads };
        self.scratches
            .resize_with(tasks.max(self.scratches.len()), Scratch::default);
        let forward = Forward {
            model: self.model,
            weights: &self.weights,
            shape: self.shape,
            rotary: &self.rotary,
        };
        if tasks == 1 {
            let way = if threads == 1 {
                Threads::This
            } else {
                Threads::All
            };
            return forward.run(items, way, &mut self.scratches[0]);
        }
        items
            .par_chunks_mut(items.len().div_ceil(tasks))
            .zip(self.scratches.par_iter_mut())
            .for_each(|(items, scratch)| forward.run(items, Threads::This, scratch));
    }
}

impl Backend for CpuBackend<'_> {
    type Prompt = Arc<PromptCache>;
    type Sequence = Sequence;
    type Logits = HostLogits;

    fn logits(&self) -> Result<HostLogits> {
        Ok(HostLogits::new(self.model.config().vocab_size))
    }

    fn compute_prompts(
        &mut self,
        prompts: &[&[u32]],
    ) -> Result<Vec<Start<Arc<PromptCache>, Vec<f32>>>> {
        let vocab_size = self.model.config().vocab_size;
        let mut computed: Vec<(Sequence, Vec<f32>)> = prompts
            .iter()
            .map(|_| (Sequence::default(), vec![0.0; vocab_size]))
            .collect();
        let mut items: Vec<Item<'_>> = computed
            .iter_mut()
            .zip(prompts)
            .map(|((sequence, logits), tokens)| Item {
                sequence,
                tokens,
                logits,
            })
            .collect();
        self.run(&mut items);
        Ok(computed
            .into_iter()
            .map(|(sequence, logits)| Start {
                prompt: Arc::new(sequence.into_prompt()),
                logits,
            })
            .collect())
    }

    fn begin(&mut self, prompt: &Self::Prompt) -> Result<Self::Sequence> {
        Ok(Sequence::after(prompt.clone()))
    }

    fn step(
        &mut self,
        rows: &mut [(&mut Self::Sequence, u32)],
        logits: &mut HostLogits,
    ) -> Result<()> {
        let tokens: Vec<u32> = rows.iter().map(|(_, token)| *token).collect();
        let mut items: Vec<Item<'_>> = rows
            .iter_mut()
            .zip(tokens.chunks(1))
            .zip(logits.rows_mut(tokens.len()))
            .map(|(((sequence, _), tokens), logits)| Item {
                sequence,
                tokens,
                logits,
            })
            .collect();
        self.run(&mut items);
        Ok(())
    }

    fn end(&mut self, sequence: Self::Sequence) -> Result<()> {
        self.pool.release(sequence);
        Ok(())
    }

    fn forget(&mut self, prompt: Self::Prompt) {
        self.pool.release_prompt(prompt);
    }
}

/// Makes a scratch buffer long enough; what it held is of no interest.
fn grow(buffer: &mut Vec<f32>, length: usize) {
    if buffer.len() < length {
        buffer.resize(length, 0.0);
    }
}
