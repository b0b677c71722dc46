//! The gradient-bearing pass through a decoder: layers forward in order, then backward by hand.
//!
//! A layer keeps its inputs to norms, projections and attention, and nothing that one element-wise operation makes
//! again. What nobody reads is not computed: beginnings that sequences share are there once, the last token of a
//! sequence not at all, and in the last layer only the tokens that predict something go on after attention.

mod adapters;
mod batch;
mod layer;
pub(crate) mod projection;

use candle_core::Tensor;

use crate::buffers::give_tensor;
use crate::error::{EngineError, Result};
use crate::gradients::Gradients;
use crate::model::Model;
use crate::ops::embedding;
use crate::ops::head::{self, Predicted};
use crate::ops::rms_norm::{self, Normed};
use crate::packed::Packed;
use adapters::Adapters;
use batch::Batch;
use layer::{Layer, SavedLayer, zeros_like};

/// What a model gives to each predicted token, in nats, under softmax(logits / temperature).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scores {
    /// The log-probability of the token that stands there.
    pub logp: Vec<f32>,
    /// The entropy of the distribution it came from.
    pub entropy: Vec<f32>,
}

/// How a pass is made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PassOptions {
    /// Divides the logits.
    pub temperature: f64,
    /// The first so many layers keep their input alone, and run again for the backward: less memory for a third more
    /// arithmetic, and the same numbers.
    pub recomputed_layers: usize,
    /// Seeds the dropout of adapters; without a seed nothing is dropped.
    pub dropout_seed: Option<u64>,
}

impl From<f64> for PassOptions {
    /// Every activation is kept and nothing is dropped.
    fn from(temperature: f64) -> Self {
        Self {
            temperature,
            recomputed_layers: 0,
            dropout_seed: None,
        }
    }
}

/// A forward pass with what its backward needs.
#[derive(Debug)]
pub struct Pass<'m> {
    model: &'m Model,
    batch: Batch,
    temperature: f32,
    adapters: Adapters,
    layers: Vec<Kept>,
    /// The hidden states that predict, before and after the last norm.
    last: Tensor,
    normed: Normed,
    predicted: Predicted,
    scores: Scores,
}

/// What the backward of one layer begins with.
#[derive(Debug)]
enum Kept {
    Whole(SavedLayer),
    /// The residual stream before the layer.
    Input(Tensor),
}

impl Model {
    /// Log-probabilities and entropies without what a backward would need.
    pub fn score(&self, packed: &Packed, temperature: f64) -> Result<Scores> {
        let pass = self.run(packed, temperature.into(), false)?;
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
    pub fn forward(&self, packed: &Packed, options: impl Into<PassOptions>) -> Result<Pass<'_>> {
        self.run(packed, options.into(), true)
    }

    fn run(&self, packed: &Packed, options: PassOptions, keep: bool) -> Result<Pass<'_>> {
        let temperature = options.temperature;
        if !(temperature.is_finite() && temperature > 0.0) {
            return Err(EngineError::Argument(format!(
                "the temperature is {temperature}; expected a number above 0"
            )));
        }
        let config = self.config();
        packed.validate(config)?;
        let adapters = Adapters::new(self, options.dropout_seed);
        let batch = Batch::new(self, packed, adapters.drop_inputs());
        let eps = config.rms_norm_eps;

        // The residual stream is `stream + delta`; the sum is made by the norm that reads it.
        let mut stream = embedding::forward(self.embed_tokens(), &batch.tokens)?;
        let mut delta = None;
        // Whether `stream` is nobody else's, so that its memory can be given back once it is read.
        let mut stream_is_free = false;
        let mut layers = Vec::new();
        for index in 0..config.num_hidden_layers {
            let layer = self.pass_layer(index, &batch, &adapters);
            let gain = layer.parameters.input_layernorm;
            let (x, normed) = match delta.take() {
                None => (stream.clone(), rms_norm::forward(&stream, gain, eps)?),
                Some(delta) => rms_norm::forward_sum(&stream, delta, gain, eps)?,
            };
            if stream_is_free {
                give_tensor(stream);
            }
            let (saved, down) = layer.forward(x, normed)?;
            stream = saved.middle.clone();
            delta = Some(down);
            stream_is_free = !keep || index < options.recomputed_layers;
            if !stream_is_free {
                layers.push(Kept::Whole(saved));
                continue;
            }
            let x = saved.release_all_but_stream();
            match keep {
                true => layers.push(Kept::Input(x)),
                false => give_tensor(x),
            }
        }
        let delta = delta.expect("a configuration has at least one layer");
        let (last, normed) = rms_norm::forward_sum(&stream, delta, self.norm(), eps)?;
        if stream_is_free {
            give_tensor(stream);
        }
        let temperature = temperature as f32;
        let predicted = head::forward(&normed.y, self.lm_head(), &batch.targets, temperature)?;
        let scores = Scores {
            logp: predicted.logp.clone(),
            entropy: predicted.entropy.clone(),
        };
        Ok(Pass {
            model: self,
            batch,
            temperature,
            adapters,
            layers,
            last,
            normed,
            predicted,
            scores,
        })
    }

    fn pass_layer<'a>(
        &'a self,
        index: usize,
        batch: &'a Batch,
        adapters: &'a Adapters,
    ) -> Layer<'a> {
        let config = self.config();
        let is_last = index + 1 == config.num_hidden_layers;
        Layer {
            index,
            parameters: self.layer(index),
            batch,
            adapters,
            eps: config.rms_norm_eps,
            only: is_last.then_some(batch.predicting.as_slice()),
        }
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
            adapters,
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
        while let Some(kept) = layers.pop() {
            let index = layers.len();
            let layer = model.pass_layer(index, &batch, &adapters);
            let saved = match kept {
                Kept::Whole(saved) => saved,
                Kept::Input(x) => {
                    let normed =
                        rms_norm::forward(&x, layer.parameters.input_layernorm, layer.eps)?;
                    let (saved, down) = layer.forward(x, normed)?;
                    give_tensor(down);
                    saved
                }
            };
            dstream = layer.backward(saved, &layout.layers[index], dstream, gradients)?;
        }
        if let Some(dweight) = gradients.tensor_mut(layout.embed_tokens) {
            let padding = model.config().pad_token_id;
            embedding::backward(&batch.tokens, padding, &dstream, dweight)?;
        }
        give_tensor(dstream);
        Ok(())
    }
}
