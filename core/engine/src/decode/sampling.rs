//! From logits to a token.
//!
//! One uniform number decides one token by the inverse of the cumulative distribution, summed in f64 in the order of
//! token ids, so a draw is a pure function of logits, history, plan and that number. What truncation does follows
//! transformers and vLLM: bias, repetition penalty, temperature, top-k, top-p, min-p.

mod composed;

use pulp::{Arch, Simd, WithSimd};

use super::plan::DecodingPlan;
use super::vector::{exp, first_maximum, maximum};

pub use composed::ComposedSampler;

/// A token and its log-probability under the model alone (see [`Attempt::logp`](super::Attempt::logp)).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Drawn {
    pub token: u32,
    pub logp: f32,
}

/// Draws tokens by one plan; holds what one draw after the other needs.
#[derive(Clone, Debug, Default)]
pub struct Sampler {
    /// exp((logit - max) / temperature), or 0 for a token that was cut away.
    weights: Vec<f32>,
    logits: Vec<f32>,
    order: Vec<u32>,
    seen: Vec<bool>,
}

/// What the plan makes of logits: one token, or weights and their sum.
enum Choice {
    Only(usize),
    Weighted(f64),
}

impl Sampler {
    /// Draws from the `logits` of the model, which `edit` may change first.
    ///
    /// `history` is prompt and completion (for the repetition penalty) and `uniform` lies in `[0, 1)`. An error says
    /// what is wrong with the logits: one is not finite, or all are forbidden.
    pub fn draw(
        &mut self,
        plan: &DecodingPlan,
        logits: &[f32],
        edit: Option<&mut dyn FnMut(&mut [f32])>,
        history: &[u32],
        uniform: f64,
    ) -> Result<Drawn, String> {
        let scale = scale(plan);
        let (max, sum) = self.weigh_model(logits, scale)?;
        let token = match self.choose(plan, logits, sum, edit, history)? {
            Choice::Only(token) => token,
            Choice::Weighted(sum) => self.invert(uniform, sum),
        };
        let scaled = f64::from(logits[token] - max) * f64::from(scale);
        Ok(Drawn {
            token: token as u32,
            logp: (scaled - sum.ln()) as f32,
        })
    }

    /// The probabilities that [`draw`](Self::draw) draws with.
    pub fn probabilities(
        &mut self,
        plan: &DecodingPlan,
        logits: &[f32],
        history: &[u32],
    ) -> Result<Vec<f64>, String> {
        let (_, sum) = self.weigh_model(logits, scale(plan))?;
        Ok(match self.choose(plan, logits, sum, None, history)? {
            Choice::Only(token) => (0..logits.len())
                .map(|other| f64::from(u8::from(other == token)))
                .collect(),
            Choice::Weighted(sum) => self
                .weights
                .iter()
                .map(|&weight| f64::from(weight) / sum)
                .collect(),
        })
    }

    /// Fills the weights with the model's own; returns the largest logit and the sum.
    fn weigh_model(&mut self, logits: &[f32], scale: f32) -> Result<(f32, f64), String> {
        let (max, sum) = self.weigh(logits, scale);
        if sum.is_finite() {
            return Ok((max, sum));
        }
        let token = logits
            .iter()
            .position(|logit| !logit.is_finite())
            .unwrap_or(0);
        let logit = logits[token];
        Err(format!(
            "the logit of token {token} is {logit}; the weights are not finite or too large"
        ))
    }

    /// `sum` is that of the weights, which are the model's own.
    fn choose(
        &mut self,
        plan: &DecodingPlan,
        logits: &[f32],
        sum: f64,
        edit: Option<&mut dyn FnMut(&mut [f32])>,
        history: &[u32],
    ) -> Result<Choice, String> {
        if edit.is_none() && plan.repetition_penalty == 1.0 && plan.logit_bias.is_empty() {
            if plan.is_greedy() {
                return Ok(Choice::Only(first_maximum(logits)));
            }
            return Ok(Choice::Weighted(self.truncate(plan, logits).unwrap_or(sum)));
        }
        let mut edited = std::mem::take(&mut self.logits);
        edited.clear();
        edited.extend_from_slice(logits);
        if let Some(edit) = edit {
            edit(&mut edited);
        }
        for (&token, bias) in &plan.logit_bias {
            edited[token as usize] += bias;
        }
        self.penalise(plan.repetition_penalty, history, &mut edited);
        let choice = self.choose_edited(plan, &edited);
        self.logits = edited;
        choice
    }

    fn choose_edited(&mut self, plan: &DecodingPlan, logits: &[f32]) -> Result<Choice, String> {
        if let Some(token) = logits
            .iter()
            .position(|logit| logit.is_nan() || *logit == f32::INFINITY)
        {
            return Err(format!(
                "the logits hook made the logit of token {token} {}; expected a finite number or minus infinity",
                logits[token]
            ));
        }
        let likeliest = first_maximum(logits);
        if logits[likeliest] == f32::NEG_INFINITY {
            return Err("the logits hook forbade every token; leave at least one".to_owned());
        }
        if plan.is_greedy() {
            return Ok(Choice::Only(likeliest));
        }
        let (_, sum) = self.weigh(logits, scale(plan));
        Ok(Choice::Weighted(self.truncate(plan, logits).unwrap_or(sum)))
    }

    /// Fills the weights; returns the largest logit and the sum of the weights.
    fn weigh(&mut self, logits: &[f32], scale: f32) -> (f32, f64) {
        self.weights.resize(logits.len(), 0.0);
        Arch::new().dispatch(Weigh {
            logits,
            scale,
            weights: &mut self.weights,
        })
    }

    fn penalise(&mut self, penalty: f32, history: &[u32], logits: &mut [f32]) {
        if penalty == 1.0 {
            return;
        }
        self.seen.resize(logits.len(), false);
        for &token in history {
            if let Some(seen) = self.seen.get_mut(token as usize)
                && !std::mem::replace(seen, true)
            {
                let logit = &mut logits[token as usize];
                *logit = if *logit < 0.0 {
                    *logit * penalty
                } else {
                    *logit / penalty
                };
            }
        }
        for &token in history {
            if let Some(seen) = self.seen.get_mut(token as usize) {
                *seen = false;
            }
        }
    }

    /// Sets the weight of every token that the plan cuts away to 0; the new sum, if anything may have been cut.
    fn truncate(&mut self, plan: &DecodingPlan, logits: &[f32]) -> Option<f64> {
        let top_k = plan.top_k > 0 && plan.top_k < logits.len();
        if !top_k && plan.top_p >= 1.0 && plan.min_p == 0.0 {
            return None;
        }
        if top_k {
            self.order.clear();
            self.order.extend(0..logits.len() as u32);
            let (_, &mut last, _) = self
                .order
                .select_nth_unstable_by(plan.top_k - 1, |&a, &b| likelier(logits, a, b));
            let threshold = logits[last as usize];
            for (weight, &logit) in self.weights.iter_mut().zip(logits) {
                if logit < threshold {
                    *weight = 0.0;
                }
            }
        }
        if plan.top_p < 1.0 {
            self.keep_nucleus(f64::from(plan.top_p), logits);
        }
        // The likeliest token has weight exactly 1.
        for weight in &mut self.weights {
            if *weight < plan.min_p {
                *weight = 0.0;
            }
        }
        Some(sum_in_blocks(&self.weights))
    }

    /// Keeps a token if the tokens before it, likeliest first, hold less than `top_p` of the probability.
    fn keep_nucleus(&mut self, top_p: f64, logits: &[f32]) {
        let weights = &mut self.weights;
        let target = top_p * sum_in_blocks(weights);
        self.order.clear();
        self.order
            .extend((0..logits.len() as u32).filter(|&token| weights[token as usize] > 0.0));
        // The nucleus is usually small, so the order is made only as far as it reaches.
        let (mut sorted, mut kept, mut mass) = (0, 0, 0.0);
        while kept < self.order.len() && mass < target {
            if kept == sorted {
                let next = (sorted * 4).max(64).min(self.order.len());
                if next < self.order.len() {
                    self.order[sorted..]
                        .select_nth_unstable_by(next - sorted, |&a, &b| likelier(logits, a, b));
                }
                self.order[sorted..next].sort_unstable_by(|&a, &b| likelier(logits, a, b));
                sorted = next;
            }
            mass += f64::from(weights[self.order[kept] as usize]);
            kept += 1;
        }
        for &token in &self.order[kept..] {
            weights[token as usize] = 0.0;
        }
    }

    /// The first token whose cumulative weight exceeds `uniform` of the sum.
    fn invert(&self, uniform: f64, sum: f64) -> usize {
        let target = uniform * sum;
        let mut before = 0.0;
        for (block, weights) in self.weights.chunks(BLOCK).enumerate() {
            let after = before + sum_of(weights);
            if after > target {
                let mut cumulative = before;
                for (index, &weight) in weights.iter().enumerate() {
                    cumulative += f64::from(weight);
                    if weight > 0.0 && cumulative > target {
                        return block * BLOCK + index;
                    }
                }
                // Inside the block the sum is made in another order; rounding may leave the target just above it.
                if let Some(last) = weights.iter().rposition(|&weight| weight > 0.0) {
                    return block * BLOCK + last;
                }
            }
            before = after;
        }
        self.weights
            .iter()
            .rposition(|&weight| weight > 0.0)
            .unwrap_or(0)
    }
}

/// Sums are made block by block in a fixed order, which lets the search skip whole blocks.
const BLOCK: usize = 256;

fn sum_in_blocks(weights: &[f32]) -> f64 {
    weights
        .chunks(BLOCK)
        .fold(0.0, |sum, block| sum + sum_of(block))
}

/// Eight running sums, because one would wait for each addition.
#[inline(always)]
fn sum_of(weights: &[f32]) -> f64 {
    let mut sums = [0.0f64; 8];
    let (eights, rest) = weights.as_chunks::<8>();
    for eight in eights {
        for (sum, &weight) in sums.iter_mut().zip(eight) {
            *sum += f64::from(weight);
        }
    }
    for (sum, &weight) in sums.iter_mut().zip(rest) {
        *sum += f64::from(weight);
    }
    ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]))
}

/// Logits are multiplied by it; greedy decoding reports log-probabilities at temperature 1.
fn scale(plan: &DecodingPlan) -> f32 {
    if plan.is_greedy() {
        1.0
    } else {
        1.0 / plan.temperature
    }
}

/// Likeliest first, the lowest id first among equals.
fn likelier(logits: &[f32], a: u32, b: u32) -> std::cmp::Ordering {
    logits[b as usize]
        .total_cmp(&logits[a as usize])
        .then(a.cmp(&b))
}

struct Weigh<'a> {
    logits: &'a [f32],
    scale: f32,
    weights: &'a mut [f32],
}

impl WithSimd for Weigh<'_> {
    type Output = (f32, f64);

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> (f32, f64) {
        let max = maximum(self.logits);
        for (weight, &logit) in self.weights.iter_mut().zip(self.logits) {
            *weight = exp((logit - max) * self.scale);
        }
        let sum = self
            .weights
            .chunks(BLOCK)
            .fold(0.0, |sum, block| sum + sum_of(block));
        (max, sum)
    }
}
