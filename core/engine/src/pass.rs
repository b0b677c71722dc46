//! The gradient-bearing pass through a decoder: layers forward in order, then backward by hand.
//!
//! A layer keeps its inputs to norms, projections and attention, and nothing that one element-wise operation makes
//! again. In the last layer only the tokens that predict something go on after attention: nobody reads the others.

mod layer;

use candle_core::Tensor;

use crate::buffers::give_tensor;
use crate::error::{EngineError, Result};
use crate::gradients::Gradients;
use crate::model::Model;
use crate::ops::attention::Heads;
use crate::ops::embedding;
use crate::ops::head::{self, Predicted};
use crate::ops::rms_norm::{self, Normed};
use crate::packed::Packed;
use crate::rotary::RotaryTable;
use layer::{SavedLayer, zeros_like};

/// What a model gives to each predicted token, in nats, under softmax(logits / temperature).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scores {
    /// The log-probability of the token that stands there.
    pub logp: Vec<f32>,
    /// The entropy of the distribution it came from.
    pub entropy: Vec<f32>,
}

/// A forward pass with what its backward needs.
#[derive(Debug)]
pub struct Pass<'m> {
    model: &'m Model,
    batch: Batch,
    temperature: f32,
    layers: Vec<SavedLayer>,
    /// The hidden states that predict, before and after the last norm.
    last: Tensor,
    normed: Normed,
    predicted: Predicted,
    scores: Scores,
}

impl Model {
    /// Log-probabilities and entropies without what a backward would need.
    pub fn score(&self, packed: &Packed, temperature: f64) -> Result<Scores> {
        let pass = self.run(packed, temperature, false)?;
        let Pass {
            last,
            normed,
            scores,
            ..
        } = pass;
        [last, normed.y].into_iter().for_each(give_tensor);
        Ok(scores)
    }

    /// Log-probabilities and entropies, ready for [`Pass::backward`].
    pub fn forward(&self, packed: &Packed, temperature: f64) -> Result<Pass<'_>> {
        self.run(packed, temperature, true)
    }

    fn run(&self, packed: &Packed, temperature: f64, keep: bool) -> Result<Pass<'_>> {
        if !(temperature.is_finite() && temperature > 0.0) {
            return Err(EngineError::Argument(format!(
                "the temperature is {temperature}; expected a number above 0"
            )));
        }
        let config = self.config();
        packed.validate(config.vocab_size, config.max_sequence_length())?;
        let batch = Batch::new(self, packed);
        let eps = config.rms_norm_eps;

        // The residual stream is `stream + delta`; the sum is made by the norm that reads it.
        let mut stream = embedding::forward(self.embed_tokens(), &batch.tokens)?;
        let mut delta = None;
        let mut layers: Vec<SavedLayer> = Vec::new();
        for index in 0..config.num_hidden_layers {
            let parameters = self.layer(index);
            let (x, normed) = match delta.take() {
                None => (
                    stream.clone(),
                    rms_norm::forward(&stream, parameters.input_layernorm, eps)?,
                ),
                Some(delta) => {
                    rms_norm::forward_sum(&stream, delta, parameters.input_layernorm, eps)?
                }
            };
            if !keep && index > 0 {
                give_tensor(stream);
            }
            let only =
                (index + 1 == config.num_hidden_layers).then_some(batch.predicting.as_slice());
            let (saved, down) = SavedLayer::forward(&parameters, x, normed, &batch, eps, only)?;
            stream = saved.middle.clone();
            delta = Some(down);
            match keep {
                true => layers.push(saved),
                false => saved.release_but_middle(),
            }
        }
        let delta = delta.expect("a configuration has at least one layer");
        let (last, normed) = rms_norm::forward_sum(&stream, delta, self.norm(), eps)?;
        let temperature = temperature as f32;
        let predicted = head::forward(&normed.y, self.lm_head(), &batch.targets, temperature)?;
        let scores = Scores {
            logp: predicted.logp.clone(),
            entropy: predicted.entropy.clone(),
        };
        if !keep {
            give_tensor(stream);
        }
        Ok(Pass {
            model: self,
            batch,
            temperature,
            layers,
            last,
            normed,
            predicted,
            scores,
        })
    }
}

impl Pass<'_> {
    pub fn scores(&self) -> &Scores {
        &self.scores
    }

    /// Adds to `gradients` the derivative of `sum(dlogp * logp) + sum(dentropy * entropy)`. Both arrays have one
    /// value for each predicted token, in the order of [`Scores`].
    pub fn backward(
        self,
        dlogp: &[f32],
        dentropy: Option<&[f32]>,
        gradients: &mut Gradients,
    ) -> Result<()> {
        let Pass {
            model,
            batch,
            temperature,
            mut layers,
            last,
            normed,
            predicted,
            ..
        } = self;
        let count = batch.targets.len();
        for (name, values) in [("dlogp", Some(dlogp)), ("dentropy", dentropy)] {
            if let Some(length) = values.map(<[f32]>::len).filter(|&length| length != count) {
                let problem =
                    format!("{name} has {length} values, but the batch predicts {count} tokens");
                return Err(EngineError::Argument(problem));
            }
        }
        let layout = model.layout();
        let dnormed = head::backward(
            &normed.y,
            model.lm_head(),
            &batch.targets,
            temperature,
            &predicted,
            dlogp,
            dentropy,
            gradients.tensor_mut(layout.lm_head),
        )?;
        let onto = zeros_like(&dnormed)?;
        let dnorm = gradients.tensor_mut(layout.norm);
        let mut dstream = rms_norm::backward(
            &last,
            model.norm(),
            &normed.inverse_rms,
            &dnormed,
            onto,
            dnorm,
        )?;
        [dnormed, last, normed.y].into_iter().for_each(give_tensor);
        for index in (0..layers.len()).rev() {
            let saved = layers.pop().expect("one saved layer for each layer");
            let only = (index + 1 == layout.layers.len()).then_some(batch.predicting.as_slice());
            let positions = &layout.layers[index];
            dstream = saved.backward(
                &model.layer(index),
                positions,
                &batch,
                only,
                dstream,
                gradients,
            )?;
        }
        embedding::backward(
            &batch.tokens,
            &dstream,
            gradients.tensor_mut(layout.embed_tokens),
        )?;
        give_tensor(dstream);
        Ok(())
    }
}

/// A batch in the form in which the layers use it.
#[derive(Debug)]
struct Batch {
    tokens: Vec<u32>,
    offsets: Vec<usize>,
    positions: Vec<u32>,
    /// The tokens that predict another one, and the tokens they predict.
    predicting: Vec<u32>,
    targets: Vec<u32>,
    heads: Heads,
    rotary: RotaryTable,
}

impl Batch {
    fn new(model: &Model, packed: &Packed) -> Self {
        let config = model.config();
        let mut positions = Vec::with_capacity(packed.tokens.len());
        let mut predicting = Vec::new();
        let mut targets = Vec::new();
        for (bounds, &prompt) in packed.offsets.windows(2).zip(&packed.prompt_lengths) {
            positions.extend(0..(bounds[1] - bounds[0]) as u32);
            for target in bounds[0] + prompt..bounds[1] {
                predicting.push(target as u32 - 1);
                targets.push(packed.tokens[target]);
            }
        }
        let longest = positions
            .iter()
            .max()
            .map_or(0, |&position| position as usize + 1);
        let mut rotary = RotaryTable::new(config);
        rotary.reserve(longest);
        Self {
            tokens: packed.tokens.clone(),
            offsets: packed.offsets.clone(),
            positions,
            predicting,
            targets,
            heads: Heads {
                query: config.num_attention_heads,
                key_value: config.num_key_value_heads,
                dim: config.head_dim,
            },
            rotary,
        }
    }
}
