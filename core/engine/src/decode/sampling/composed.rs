//! Drawing by Candle's operations, on any device: logits stay where they were made, and a step brings three numbers for
//! each row to the host.
//!
//! It draws as [`Sampler`](super::Sampler) does, by the inverse of the cumulative distribution, but sums in another order,
//! so a number that falls on the border between two tokens may find the other one. Candle's sort on a device ends at a
//! few thousand values, so thresholds are found by bisection, to 5e-8 nats.

use candle_core::{D, DType, Device, Tensor};

use super::super::plan::DecodingPlan;
use super::{Drawn, scale};
use crate::error::Result;

/// Cumulative sums go over blocks of this size and over the blocks' sums.
const BLOCK: usize = 256;

/// Nats below the likeliest token at which e^x is 0 in f32.
const DEEPEST: f32 = -104.0;

/// Halvings of [`DEEPEST`]: as fine as f32 is there.
const HALVINGS: usize = 31;

/// Draws by one plan from the logits of one vocabulary.
#[derive(Debug)]
pub struct ComposedSampler {
    plan: DecodingPlan,
    vocab_size: usize,
    blocks: usize,
    /// `(vocab_size)`: what the plan adds to the logits.
    bias: Option<Tensor>,
    /// Token ids as f32, `(1, vocab_size)`.
    ids: Tensor,
    /// Upper triangles of ones, from the right a cumulative sum: `(BLOCK, BLOCK)` and `(blocks, blocks)`.
    within_block: Tensor,
    over_blocks: Tensor,
}

/// Logits less the largest, times the scale, and e to that, `(rows, vocab_size)` each.
struct Weighed {
    nats: Tensor,
    weights: Tensor,
}

impl ComposedSampler {
    pub fn new(plan: &DecodingPlan, vocab_size: usize, device: &Device) -> Result<Self> {
        let blocks = vocab_size.div_ceil(BLOCK);
        let bias = (!plan.logit_bias.is_empty()).then(|| {
            let mut bias = vec![0.0; vocab_size];
            for (&token, &by) in &plan.logit_bias {
                bias[token as usize] += by;
            }
            Tensor::from_vec(bias, (1, vocab_size), device)
        });
        Ok(Self {
            plan: plan.clone(),
            vocab_size,
            blocks,
            bias: bias.transpose()?,
            ids: Tensor::arange(0.0_f32, vocab_size as f32, device)?.unsqueeze(0)?,
            within_block: Tensor::triu2(BLOCK, DType::F64, device)?,
            over_blocks: Tensor::triu2(blocks, DType::F64, device)?,
        })
    }

    /// Draws from each row of `logits`, f32, `(rows, vocab_size)`. `histories` are prompts and completions and `uniforms` lie
    /// in `[0, 1)`. None where the logits are not finite, or all tokens forbidden.
    pub fn draw(
        &self,
        logits: &Tensor,
        histories: &[&[u32]],
        uniforms: &[f64],
    ) -> Result<Vec<Option<Drawn>>> {
        let scale = f64::from(scale(&self.plan));
        let largest = logits.max_keepdim(D::Minus1)?;
        let of_model = weigh(logits, &largest, scale)?;
        let model_sum = self.block_sums(&of_model.weights)?.sum_keepdim(1)?;
        let token = match self.edit(logits, histories)? {
            None => self.choose(logits, &largest, of_model, uniforms)?,
            Some(edited) => {
                let largest = edited.max_keepdim(D::Minus1)?;
                let weighed = weigh(&edited, &largest, scale)?;
                self.choose(&edited, &largest, weighed, uniforms)?
            }
        };
        // A token of NaN logits is nowhere: it is looked up inside the vocabulary and refused below.
        let last = (self.vocab_size - 1) as f64;
        let at = token.clamp(0.0, last)?.to_dtype(DType::U32)?;
        let nats = (logits.gather(&at, 1)? - &largest)?.to_dtype(DType::F64)?;
        let logp = ((nats * scale)? - model_sum.log()?)?;
        let packed = Tensor::cat(&[&token, &logp, &model_sum], 1)?;
        Ok(packed
            .to_vec2::<f64>()?
            .into_iter()
            .map(|row| {
                let usable = row.iter().all(|number| number.is_finite()) && row[0] <= last;
                usable.then_some(Drawn {
                    token: row[0] as u32,
                    logp: row[1] as f32,
                })
            })
            .collect())
    }

    /// The tokens, f64, `(rows, 1)`.
    fn choose(
        &self,
        logits: &Tensor,
        largest: &Tensor,
        weighed: Weighed,
        uniforms: &[f64],
    ) -> Result<Tensor> {
        // 0, or not a number where every token is forbidden.
        let never = (largest * 0.0)?.to_dtype(DType::F64)?;
        if self.plan.is_greedy() {
            // The first of equals.
            let nowhere = self.ids.affine(0.0, self.vocab_size as f64)?;
            let shape = logits.shape();
            let found = logits.broadcast_eq(largest)?.where_cond(
                &self.ids.broadcast_as(shape)?,
                &nowhere.broadcast_as(shape)?,
            )?;
            return Ok((found.min_keepdim(D::Minus1)?.to_dtype(DType::F64)? + never)?);
        }
        let weights = self.truncate(weighed)?;
        Ok((self.invert(&weights, uniforms)? + never)?)
    }

    /// Bias and penalty; none where the plan has neither.
    fn edit(&self, logits: &Tensor, histories: &[&[u32]]) -> Result<Option<Tensor>> {
        let biased = match &self.bias {
            Some(bias) => Some(logits.broadcast_add(bias)?),
            None => None,
        };
        let penalty = f64::from(self.plan.repetition_penalty);
        let longest = histories.iter().map(|history| history.len()).max();
        let longest = longest.unwrap_or(0);
        if penalty == 1.0 || longest == 0 {
            return Ok(biased);
        }
        let logits = biased.as_ref().unwrap_or(logits);
        // A history that is shorter repeats itself; an empty one marks nothing.
        let mut tokens: Vec<u32> = Vec::with_capacity(histories.len() * longest);
        let mut marks: Vec<f32> = Vec::with_capacity(histories.len() * longest);
        for history in histories {
            let mark = if history.is_empty() { 0.0 } else { 1.0 };
            tokens.extend(history.iter().chain(std::iter::repeat(&0)).take(longest));
            marks.extend(std::iter::repeat_n(mark, history.len()));
            marks.extend(std::iter::repeat_n(0.0, longest - history.len()));
        }
        let shape = (histories.len(), longest);
        let tokens = Tensor::from_vec(tokens, shape, logits.device())?;
        let marks = Tensor::from_vec(marks, shape, logits.device())?;
        let seen = logits.zeros_like()?.scatter_add(&tokens, &marks, 1)?;
        let penalised = logits
            .lt(0.0_f32)?
            .where_cond(&(logits * penalty)?, &(logits / penalty)?)?;
        Ok(Some(seen.gt(0.0_f32)?.where_cond(&penalised, logits)?))
    }

    /// The weights, 0 for every token that the plan cuts away.
    fn truncate(&self, Weighed { nats, weights }: Weighed) -> Result<Tensor> {
        let mut kept = weights.clone();
        let top_k = self.plan.top_k;
        if top_k > 0 && top_k < self.vocab_size {
            // The largest threshold that so many tokens reach.
            let (threshold, _) = bisect(&nats, |threshold| {
                let reach = nats.broadcast_ge(threshold)?.to_dtype(DType::F32)?;
                Ok(reach.sum_keepdim(1)?.ge(top_k as f32)?)
            })?;
            kept = (kept * nats.broadcast_ge(&threshold)?.to_dtype(DType::F32)?)?;
        }
        if self.plan.top_p < 1.0 {
            kept = self.keep_nucleus(&nats, kept)?;
        }
        if self.plan.min_p > 0.0 {
            // The likeliest token has weight 1.
            kept = (kept * weights.ge(self.plan.min_p)?.to_dtype(DType::F32)?)?;
        }
        Ok(kept)
    }

    /// Keeps a token if the tokens before it, likeliest first, hold less than `top_p` of the probability.
    fn keep_nucleus(&self, nats: &Tensor, weights: Tensor) -> Result<Tensor> {
        let total = self.block_sums(&weights)?.sum_keepdim(1)?;
        let target = (total * f64::from(self.plan.top_p))?.to_dtype(DType::F32)?;
        let mass_above = |threshold: &Tensor| -> Result<Tensor> {
            let above = nats.broadcast_gt(threshold)?.to_dtype(DType::F32)?;
            Ok((above * &weights)?.sum_keepdim(1)?)
        };
        let (below, last) = bisect(nats, |threshold| {
            Ok(mass_above(threshold)?.broadcast_ge(&target)?)
        })?;
        let above = nats.broadcast_gt(&last)?.to_dtype(DType::F32)?;
        // Of tokens as likely as the last, the first ones that are needed.
        let reaching = nats.broadcast_gt(&below)?.to_dtype(DType::F32)?;
        let ties = (reaching - &above)?;
        let tie_weights = (&ties * &weights)?;
        let missing = (&target - mass_above(&last)?)?;
        let needed = missing
            .broadcast_div(&tie_weights.max_keepdim(1)?)?
            .ceil()?;
        let rank = self.cumulative(&ties)?;
        let first = rank
            .broadcast_le(&needed.to_dtype(DType::F64)?)?
            .to_dtype(DType::F32)?;
        Ok((weights * (above + (ties * first)?)?)?)
    }

    /// The first token whose cumulative weight exceeds `uniforms` of the sum, f64, `(rows, 1)`.
    fn invert(&self, weights: &Tensor, uniforms: &[f64]) -> Result<Tensor> {
        let (rows, device) = (uniforms.len(), weights.device());
        let sums = self.block_sums(weights)?;
        let cumulative = sums.matmul(&self.over_blocks)?;
        let total = cumulative.narrow(1, self.blocks - 1, 1)?;
        let target = (Tensor::new(uniforms, device)?.unsqueeze(1)? * total)?;
        let block = first_above(&cumulative, &sums, &target)?;
        let at = block.to_dtype(DType::U32)?;
        let before = (&cumulative - &sums)?.gather(&at, 1)?;
        let starts =
            Tensor::arange_step(0, (rows * self.blocks) as u32, self.blocks as u32, device)?;
        let inner = self
            .in_blocks(weights)?
            .index_select(&(at.squeeze(1)? + starts)?, 0)?
            .to_dtype(DType::F64)?;
        let cumulative = inner.matmul(&self.within_block)?.broadcast_add(&before)?;
        let inside = first_above(&cumulative, &inner, &target)?;
        Ok(((block * BLOCK as f64)? + inside)?)
    }

    /// `(rows * blocks, BLOCK)`, filled with zeros.
    fn in_blocks(&self, x: &Tensor) -> Result<Tensor> {
        let rows = x.dim(0)?;
        let missing = self.blocks * BLOCK - self.vocab_size;
        let padded = x.pad_with_zeros(1, 0, missing)?;
        Ok(padded.reshape((rows * self.blocks, BLOCK))?)
    }

    /// f64, `(rows, blocks)`.
    fn block_sums(&self, x: &Tensor) -> Result<Tensor> {
        let sums = self.in_blocks(x)?.sum(1)?.to_dtype(DType::F64)?;
        Ok(sums.reshape((x.dim(0)?, self.blocks))?)
    }

    /// The sum up to and with each token, f64, `(rows, vocab_size)`.
    fn cumulative(&self, x: &Tensor) -> Result<Tensor> {
        let rows = x.dim(0)?;
        let sums = self.block_sums(x)?;
        let before = (sums.matmul(&self.over_blocks)? - sums)?.reshape((rows * self.blocks, 1))?;
        let inside = self.in_blocks(x)?.to_dtype(DType::F64)?;
        let all = inside.matmul(&self.within_block)?.broadcast_add(&before)?;
        let all = all.reshape((rows, self.blocks * BLOCK))?;
        Ok(all.narrow(1, 0, self.vocab_size)?)
    }
}

fn weigh(logits: &Tensor, largest: &Tensor, scale: f64) -> Result<Weighed> {
    let nats = (logits.broadcast_sub(largest)? * scale)?;
    let weights = nats.exp()?;
    Ok(Weighed { nats, weights })
}

/// Thresholds `(rows, 1)` on both sides of where `holds`, true far below, stops to be true: it holds for the first, and not
/// for the second.
fn bisect(nats: &Tensor, holds: impl Fn(&Tensor) -> Result<Tensor>) -> Result<(Tensor, Tensor)> {
    let zero = nats.narrow(1, 0, 1)?.zeros_like()?;
    let (mut low, mut high) = ((&zero + f64::from(DEEPEST))?, (zero + 1e-6)?);
    for _ in 0..HALVINGS {
        let middle = ((&low + &high)? * 0.5)?;
        let held = holds(&middle)?;
        low = held.where_cond(&middle, &low)?;
        high = held.where_cond(&high, &middle)?;
    }
    Ok((low, high))
}

/// The first index whose cumulative sum exceeds the target; where rounding leaves none, the last with a weight. `(rows, 1)`.
fn first_above(cumulative: &Tensor, weights: &Tensor, target: &Tensor) -> Result<Tensor> {
    let passed = cumulative.broadcast_le(target)?.to_dtype(DType::F64)?;
    let (_, count) = weights.dims2()?;
    let indices = Tensor::arange(0.0_f64, count as f64, weights.device())?.unsqueeze(0)?;
    let with_weight = weights.gt(0.0_f64)?.to_dtype(DType::F64)?;
    let last = with_weight.broadcast_mul(&indices)?.max_keepdim(1)?;
    Ok(passed.sum_keepdim(1)?.minimum(&last)?)
}
