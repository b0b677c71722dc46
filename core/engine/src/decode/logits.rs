//! The logits of the rows in flight, and drawing from them where they are.

use rayon::prelude::*;

use super::plan::DecodingPlan;
use super::sampling::{Drawn, Sampler};
use crate::error::Result;

/// Fewer logits than this are sampled on one thread: waking others would take longer.
const FEW_LOGITS: usize = 1 << 14;

/// What a draw needs besides logits and plan.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request<'r> {
    /// Prompt and completion.
    pub context: &'r [u32],
    /// In `[0, 1)`.
    pub uniform: f64,
}

/// A draw, or what is wrong with the logits.
pub(super) type Outcome = std::result::Result<Drawn, String>;

/// One row for each attempt in flight, in their order.
pub(super) trait Logits {
    /// Those of one row.
    type Row;

    fn clear(&mut self);

    fn push(&mut self, row: &Self::Row) -> Result<()>;

    /// Draws from every row that has a request.
    fn draw(
        &mut self,
        plan: &DecodingPlan,
        requests: &[Option<Request<'_>>],
    ) -> Result<Vec<Option<Outcome>>>;

    /// All of them, row after row.
    fn on_host(&mut self) -> Result<&[f32]>;
}

/// Logits in the host's memory.
pub(super) struct HostLogits {
    vocab_size: usize,
    values: Vec<f32>,
    /// One for each thread.
    samplers: Vec<Sampler>,
}

impl HostLogits {
    pub fn new(vocab_size: usize) -> Self {
        Self {
            vocab_size,
            values: Vec::new(),
            samplers: vec![Sampler::default(); rayon::current_num_threads()],
        }
    }

    /// Room for so many rows, with stale contents.
    pub fn rows_mut(&mut self, rows: usize) -> std::slice::ChunksExactMut<'_, f32> {
        self.values.resize(rows * self.vocab_size, 0.0);
        self.values.chunks_exact_mut(self.vocab_size)
    }
}

impl Logits for HostLogits {
    type Row = Vec<f32>;

    fn clear(&mut self) {
        self.values.clear();
    }

    fn push(&mut self, row: &Vec<f32>) -> Result<()> {
        self.values.extend_from_slice(row);
        Ok(())
    }

    fn draw(
        &mut self,
        plan: &DecodingPlan,
        requests: &[Option<Request<'_>>],
    ) -> Result<Vec<Option<Outcome>>> {
        let Self {
            vocab_size,
            values,
            samplers,
        } = self;
        let draw = |request: &Option<Request<'_>>, logits: &[f32], sampler: &mut Sampler| {
            let Request { context, uniform } = (*request)?;
            Some(sampler.draw(plan, logits, None, context, uniform))
        };
        if values.len() < FEW_LOGITS || samplers.len() == 1 {
            let rows = requests.iter().zip(values.chunks_exact(*vocab_size));
            return Ok(rows
                .map(|(request, logits)| draw(request, logits, &mut samplers[0]))
                .collect());
        }
        let share = requests.len().div_ceil(samplers.len());
        let drawn: Vec<Vec<Option<Outcome>>> = requests
            .par_chunks(share)
            .zip(values.par_chunks(share * *vocab_size))
            .zip(samplers.par_iter_mut())
            .map(|((requests, logits), sampler)| {
                let rows = requests.iter().zip(logits.chunks_exact(*vocab_size));
                rows.map(|(request, logits)| draw(request, logits, sampler))
                    .collect()
            })
            .collect();
        Ok(drawn.into_iter().flatten().collect())
    }

    fn on_host(&mut self) -> Result<&[f32]> {
        Ok(&self.values)
    }
}
