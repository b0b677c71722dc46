//! The gradient-bearing pass through a decoder: layers forward in order, then backward by hand.
//!
//! A layer keeps its inputs to norms, projections and attention, and nothing that one element-wise operation makes
//! again. In the last layer only the tokens that predict something go on after attention: nobody reads the others.

use candle_core::Tensor;

use crate::buffers::give_tensor;
use crate::error::{EngineError, Result};
use crate::gradients::Gradients;
use crate::model::Model;
use crate::ops::attention::{self, Attended, Heads};
use crate::ops::head::{self, Predicted};
use crate::ops::rms_norm::{self, Normed};
use crate::ops::rotary::{Direction, Rotary};
use crate::ops::{embedding, linear, rows, swiglu};
use crate::packed::Packed;
use crate::parameters::{LayerParameters, Projection};

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
        packed.validate(config.vocab_size, config.max_position_embeddings)?;
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
    rotary: Rotary,
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
            rotary: Rotary::new(config, longest),
        }
    }
}

/// What one layer keeps. In the last layer everything from `out` on has the predicting tokens only.
#[derive(Debug)]
struct SavedLayer {
    /// The residual stream before the layer, and after the first norm.
    x: Tensor,
    normed: Normed,
    /// After rotation.
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attended: Attended,
    /// The input of the output projection: the attention's result, or the part of it that is used.
    chosen: Option<Tensor>,
    /// The residual stream between attention and feed-forward, and after the second norm.
    middle: Tensor,
    middle_normed: Normed,
    gate: Tensor,
    up: Tensor,
}

impl SavedLayer {
    /// Runs a layer; `only` names the tokens that go on after attention. Returns the feed-forward's result, which the
    /// next norm adds to `middle`.
    fn forward(
        parameters: &LayerParameters<&Tensor>,
        x: Tensor,
        normed: Normed,
        batch: &Batch,
        eps: f64,
        only: Option<&[u32]>,
    ) -> Result<(Self, Tensor)> {
        let project = |x: &Tensor, projection: &Projection<&Tensor>| {
            linear::forward(x, projection.weight, projection.bias)
        };
        let query = project(&normed.y, &parameters.q_proj)?;
        let key = project(&normed.y, &parameters.k_proj)?;
        let value = project(&normed.y, &parameters.v_proj)?;
        let query = batch
            .rotary
            .rotate(query, &batch.positions, Direction::Forward)?;
        let key = batch
            .rotary
            .rotate(key, &batch.positions, Direction::Forward)?;
        let attended = attention::forward(&query, &key, &value, &batch.offsets, batch.heads)?;
        let chosen = only
            .map(|only| rows::gather(&attended.out, only))
            .transpose()?;
        let out = project(chosen.as_ref().unwrap_or(&attended.out), &parameters.o_proj)?;
        let residual = only.map(|only| rows::gather(&x, only)).transpose()?;
        let (middle, middle_normed) = rms_norm::forward_sum(
            residual.as_ref().unwrap_or(&x),
            out,
            parameters.post_attention_layernorm,
            eps,
        )?;
        if let Some(residual) = residual {
            give_tensor(residual);
        }
        let gate = project(&middle_normed.y, &parameters.gate_proj)?;
        let up = project(&middle_normed.y, &parameters.up_proj)?;
        let activation = swiglu::forward(&gate, &up)?;
        let down = project(&activation, &parameters.down_proj)?;
        give_tensor(activation);
        let saved = Self {
            x,
            normed,
            query,
            key,
            value,
            attended,
            chosen,
            middle,
            middle_normed,
            gate,
            up,
        };
        Ok((saved, down))
    }

    /// From the derivative of the stream after the layer to the one before it; adds the parameters' derivatives.
    fn backward(
        self,
        parameters: &LayerParameters<&Tensor>,
        positions: &LayerParameters<usize>,
        batch: &Batch,
        only: Option<&[u32]>,
        dstream: Tensor,
        gradients: &mut Gradients,
    ) -> Result<Tensor> {
        let Self {
            x,
            normed,
            query,
            key,
            value,
            attended,
            chosen,
            middle,
            middle_normed,
            gate,
            up,
        } = self;

        // Feed-forward: stream = middle + down(silu(gate) * up).
        let dactivation = linear::backward_input(&dstream, parameters.down_proj.weight, None)?;
        let swiglu::Backward {
            dgate,
            dup,
            activation,
        } = swiglu::backward(gate, up, dactivation)?;
        accumulate(&activation, &dstream, &positions.down_proj, gradients)?;
        accumulate(&middle_normed.y, &dgate, &positions.gate_proj, gradients)?;
        accumulate(&middle_normed.y, &dup, &positions.up_proj, gradients)?;
        let dnormed = linear::backward_input(&dgate, parameters.gate_proj.weight, None)?;
        let dnormed = linear::backward_input(&dup, parameters.up_proj.weight, Some(dnormed))?;
        let dstream = rms_norm::backward(
            &middle,
            parameters.post_attention_layernorm,
            &middle_normed.inverse_rms,
            &dnormed,
            dstream,
            gradients.tensor_mut(positions.post_attention_layernorm),
        )?;
        [dgate, dup, activation, dnormed, middle, middle_normed.y]
            .into_iter()
            .for_each(give_tensor);

        // Attention: middle = x + o(attention(...)).
        let mut dout = linear::backward_input(&dstream, parameters.o_proj.weight, None)?;
        accumulate(
            chosen.as_ref().unwrap_or(&attended.out),
            &dstream,
            &positions.o_proj,
            gradients,
        )?;
        let mut dstream = dstream;
        if let Some(only) = only {
            let tokens = batch.tokens.len();
            for part in [&mut dout, &mut dstream] {
                let spread = rows::scatter(part, only, tokens)?;
                give_tensor(std::mem::replace(part, spread));
            }
        }
        let derivatives = attention::backward(
            &query,
            &key,
            &value,
            &attended,
            &dout,
            &batch.offsets,
            batch.heads,
        )?;
        [
            query,
            key,
            value,
            attended.out,
            attended.log_normaliser,
            dout,
        ]
        .into_iter()
        .chain(chosen)
        .for_each(give_tensor);
        let dquery =
            batch
                .rotary
                .rotate(derivatives.query, &batch.positions, Direction::Backward)?;
        let dkey = batch
            .rotary
            .rotate(derivatives.key, &batch.positions, Direction::Backward)?;
        let dvalue = derivatives.value;
        accumulate(&normed.y, &dquery, &positions.q_proj, gradients)?;
        accumulate(&normed.y, &dkey, &positions.k_proj, gradients)?;
        accumulate(&normed.y, &dvalue, &positions.v_proj, gradients)?;
        let dnormed = linear::backward_input(&dquery, parameters.q_proj.weight, None)?;
        let dnormed = linear::backward_input(&dkey, parameters.k_proj.weight, Some(dnormed))?;
        let dnormed = linear::backward_input(&dvalue, parameters.v_proj.weight, Some(dnormed))?;
        let dstream = rms_norm::backward(
            &x,
            parameters.input_layernorm,
            &normed.inverse_rms,
            &dnormed,
            dstream,
            gradients.tensor_mut(positions.input_layernorm),
        )?;
        [dquery, dkey, dvalue, dnormed, x, normed.y]
            .into_iter()
            .for_each(give_tensor);
        Ok(dstream)
    }

    /// Gives back the memory of everything but `middle`, which the next layer reads.
    fn release_but_middle(self) {
        let Self {
            x,
            normed,
            query,
            key,
            value,
            attended,
            chosen,
            middle_normed,
            gate,
            up,
            ..
        } = self;
        [
            x,
            normed.y,
            query,
            key,
            value,
            attended.out,
            attended.log_normaliser,
            middle_normed.y,
            gate,
            up,
        ]
        .into_iter()
        .chain(chosen)
        .for_each(give_tensor);
    }
}

/// Adds the derivatives of a projection's weight and bias.
fn accumulate(
    x: &Tensor,
    dy: &Tensor,
    at: &Projection<usize>,
    gradients: &mut Gradients,
) -> Result<()> {
    match at.bias {
        None => linear::backward_parameters(x, dy, gradients.tensor_mut(at.weight), None),
        Some(bias) => {
            let [dweight, dbias] = gradients.tensors_mut([at.weight, bias]);
            linear::backward_parameters(x, dy, dweight, Some(dbias))
        }
    }
}

fn zeros_like(tensor: &Tensor) -> Result<Tensor> {
    use crate::ops::slices;
    let (tokens, features) = tensor.dims2()?;
    match slices::on_cpu(&[tensor]) {
        true => slices::tensor(
            crate::buffers::take_zeroed(tokens * features),
            tokens,
            features,
        ),
        false => Ok(tensor.zeros_like()?),
    }
}
