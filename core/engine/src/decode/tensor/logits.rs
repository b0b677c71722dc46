//! The logits of the rows in flight on the model's device. They come to the host only for a hook that wants them, and to
//! say what is wrong with them.

use candle_core::Tensor;

use crate::decode::logits::{Logits, Outcome, Request};
use crate::decode::plan::DecodingPlan;
use crate::decode::sampling::{ComposedSampler, Sampler};
use crate::error::Result;

pub struct DeviceLogits {
    sampler: ComposedSampler,
    /// f32, `(rows, vocab_size)` each, one below the other.
    parts: Vec<Tensor>,
    on_host: Vec<f32>,
}

impl DeviceLogits {
    pub fn new(sampler: ComposedSampler) -> Self {
        Self {
            sampler,
            parts: Vec::new(),
            on_host: Vec::new(),
        }
    }

    pub fn replace(&mut self, rows: Tensor) {
        self.parts = vec![rows];
    }

    fn whole(&mut self) -> Result<Tensor> {
        if self.parts.len() > 1 {
            self.parts = vec![Tensor::cat(&self.parts, 0)?];
        }
        Ok(self.parts[0].clone())
    }
}

impl Logits for DeviceLogits {
    type Row = Tensor;

    fn clear(&mut self) {
        self.parts.clear();
    }

    fn push(&mut self, row: &Tensor) -> Result<()> {
        self.parts.push(row.clone());
        Ok(())
    }

    fn draw(
        &mut self,
        plan: &DecodingPlan,
        requests: &[Option<Request<'_>>],
    ) -> Result<Vec<Option<Outcome>>> {
        if requests.iter().all(Option::is_none) {
            return Ok(requests.iter().map(|_| None).collect());
        }
        let whole = self.whole()?;
        let histories: Vec<&[u32]> = requests
            .iter()
            .map(|request| request.map_or(&[][..], |request| request.context))
            .collect();
        let uniforms: Vec<f64> = requests
            .iter()
            .map(|request| request.map_or(0.0, |request| request.uniform))
            .collect();
        let drawn = self.sampler.draw(&whole, &histories, &uniforms)?;
        requests
            .iter()
            .zip(drawn)
            .enumerate()
            .map(|(index, (request, drawn))| {
                let Some(Request { context, uniform }) = *request else {
                    return Ok(None);
                };
                if let Some(drawn) = drawn {
                    return Ok(Some(Ok(drawn)));
                }
                // The host's sampler says what is wrong with the row.
                let row: Vec<f32> = whole.get(index)?.to_vec1()?;
                Ok(Some(
                    Sampler::default().draw(plan, &row, None, context, uniform),
                ))
            })
            .collect()
    }

    fn on_host(&mut self) -> Result<&[f32]> {
        self.on_host = match self.parts.is_empty() {
            true => Vec::new(),
            false => self.whole()?.flatten_all()?.to_vec1()?,
        };
        Ok(&self.on_host)
    }
}
