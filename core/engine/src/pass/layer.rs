//! One layer of a pass: forward with what has to be kept, and backward from it.

use candle_core::Tensor;

use super::adapters::Adapters;
use super::batch::Batch;
use super::projection::{self, Site};
use crate::buffers::give_tensor;
use crate::error::Result;
use crate::gradients::Gradients;
use crate::lora::LoraTarget;
use crate::ops::attention::{self, Attended};
use crate::ops::rms_norm::{self, Normed};
use crate::ops::rotary::Direction;
use crate::ops::{rows, swiglu};
use crate::parameters::LayerParameters;

/// What one layer keeps. In the last layer everything from `out` on has the predicting tokens only.
#[derive(Debug)]
pub(super) struct SavedLayer {
    /// The residual stream before the layer, and after the first norm.
    pub(super) x: Tensor,
    pub(super) normed: Normed,
    /// What the norms of heads took in, in families that have them.
    query_norm: Option<HeadNorm>,
    key_norm: Option<HeadNorm>,
    /// After rotation.
    pub(super) query: Tensor,
    pub(super) key: Tensor,
    pub(super) value: Tensor,
    pub(super) attended: Attended,
    /// The input of the output projection: the attention's result, or the part of it that is used.
    pub(super) chosen: Option<Tensor>,
    /// The residual stream between attention and feed-forward, and after the second norm.
    pub(super) middle: Tensor,
    pub(super) middle_normed: Normed,
    pub(super) gate: Tensor,
    pub(super) up: Tensor,
}

/// One layer of a pass: its parameters and what they are applied to.
#[derive(Clone, Copy)]
pub(super) struct Layer<'a> {
    pub index: usize,
    pub parameters: LayerParameters<&'a Tensor>,
    pub batch: &'a Batch,
    pub adapters: &'a Adapters,
    pub eps: f64,
    /// The tokens that go on after attention, in the last layer.
    pub only: Option<&'a [u32]>,
}

impl Layer<'_> {
    /// The rows after attention are fewer in the last layer.
    fn site(&self, target: LoraTarget) -> Site<'_> {
        let after_attention = !matches!(
            target,
            LoraTarget::Query | LoraTarget::Key | LoraTarget::Value
        );
        let chosen = after_attention && self.only.is_some();
        self.adapters.site(self.index, target, self.batch, chosen)
    }

    fn project(&self, x: &Tensor, target: LoraTarget) -> Result<Tensor> {
        projection::forward(x, self.parameters.projection(target), self.site(target))
    }

    fn turn(&self, x: Tensor, direction: Direction) -> Result<Tensor> {
        self.batch.turns.rotate(x, direction)
    }

    /// Runs the layer. Returns the feed-forward's result, which the next norm adds to `middle`.
    pub fn forward(&self, x: Tensor, normed: Normed) -> Result<(SavedLayer, Tensor)> {
        let Self {
            parameters,
            batch,
            eps,
            only,
            ..
        } = *self;
        let query = self.project(&normed.y, LoraTarget::Query)?;
        let key = self.project(&normed.y, LoraTarget::Key)?;
        let value = self.project(&normed.y, LoraTarget::Value)?;
        let (query, query_norm) = HeadNorm::forward(query, parameters.q_norm, eps)?;
        let (key, key_norm) = HeadNorm::forward(key, parameters.k_norm, eps)?;
        let query = self.turn(query, Direction::Forward)?;
        let key = self.turn(key, Direction::Forward)?;
        let attended = attention::forward(&query, &key, &value, &batch.segments)?;
        let chosen = only
            .map(|only| rows::gather(&attended.out, only))
            .transpose()?;
        let read = chosen.as_ref().unwrap_or(&attended.out);
        let out = self.project(read, LoraTarget::Output)?;
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
        let gate = self.project(&middle_normed.y, LoraTarget::Gate)?;
        let up = self.project(&middle_normed.y, LoraTarget::Up)?;
        let activation = swiglu::forward(&gate, &up)?;
        let down = self.project(&activation, LoraTarget::Down)?;
        give_tensor(activation);
        let saved = SavedLayer {
            x,
            normed,
            query_norm,
            key_norm,
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
    pub fn backward(
        &self,
        saved: SavedLayer,
        positions: &LayerParameters<usize>,
        dstream: Tensor,
        gradients: &mut Gradients,
    ) -> Result<Tensor> {
        let SavedLayer {
            x,
            normed,
            query_norm,
            key_norm,
            query,
            key,
            value,
            attended,
            chosen,
            middle,
            middle_normed,
            gate,
            up,
        } = saved;
        let Self {
            parameters: p,
            batch,
            ..
        } = *self;

        // Feed-forward: stream = middle + down(silu(gate) * up).
        let dactivation = self.pull(&dstream, LoraTarget::Down, None)?;
        let swiglu::Backward {
            dgate,
            dup,
            activation,
        } = swiglu::backward(gate, up, dactivation)?;
        let (dnormed, ()) = self.both(
            || {
                let dnormed = self.pull(&dgate, LoraTarget::Gate, None)?;
                self.pull(&dup, LoraTarget::Up, Some(dnormed))
            },
            || {
                [
                    (&activation, &dstream, LoraTarget::Down),
                    (&middle_normed.y, &dgate, LoraTarget::Gate),
                    (&middle_normed.y, &dup, LoraTarget::Up),
                ]
                .into_iter()
                .try_for_each(|(x, dy, target)| self.learn(x, dy, target, positions, gradients))
            },
        )?;
        let dstream = rms_norm::backward(
            &middle,
            p.post_attention_layernorm,
            &middle_normed.inverse_rms,
            &dnormed,
            dstream,
            gradients.tensor_mut(positions.post_attention_layernorm),
        )?;
        [dgate, dup, activation, dnormed, middle, middle_normed.y]
            .into_iter()
            .for_each(give_tensor);

        // Attention: middle = x + o(attention(...)).
        let read = chosen.as_ref().unwrap_or(&attended.out);
        let (mut dout, ()) = self.both(
            || self.pull(&dstream, LoraTarget::Output, None),
            || self.learn(read, &dstream, LoraTarget::Output, positions, gradients),
        )?;
        let mut dstream = dstream;
        if let Some(only) = self.only {
            let tokens = batch.tokens.len();
            for part in [&mut dout, &mut dstream] {
                let spread = rows::scatter(part, only, tokens)?;
                give_tensor(std::mem::replace(part, spread));
            }
        }
        let derivatives =
            attention::backward(&query, &key, &value, &attended, &dout, &batch.segments)?;
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
        let dquery = HeadNorm::backward(
            query_norm,
            self.turn(derivatives.query, Direction::Backward)?,
            p.q_norm.zip(positions.q_norm),
            gradients,
        )?;
        let dkey = HeadNorm::backward(
            key_norm,
            self.turn(derivatives.key, Direction::Backward)?,
            p.k_norm.zip(positions.k_norm),
            gradients,
        )?;
        let derivatives = [
            (dquery, LoraTarget::Query),
            (dkey, LoraTarget::Key),
            (derivatives.value, LoraTarget::Value),
        ];
        let (dnormed, ()) = self.both(
            || {
                derivatives.iter().try_fold(None, |dnormed, (dy, target)| {
                    self.pull(dy, *target, dnormed).map(Some)
                })
            },
            || {
                derivatives.iter().try_for_each(|(dy, target)| {
                    self.learn(&normed.y, dy, *target, positions, gradients)
                })
            },
        )?;
        let dnormed = dnormed.expect("three projections made it");
        derivatives.into_iter().for_each(|(dy, _)| give_tensor(dy));
        let dstream = rms_norm::backward(
            &x,
            p.input_layernorm,
            &normed.inverse_rms,
            &dnormed,
            dstream,
            gradients.tensor_mut(positions.input_layernorm),
        )?;
        [dnormed, x, normed.y].into_iter().for_each(give_tensor);
        Ok(dstream)
    }

    /// Two parts of the work that do not need each other. On the CPU threads that find nothing left to do in the one help
    /// with the other.
    fn both<A: Send, B: Send>(
        &self,
        a: impl FnOnce() -> Result<A> + Send,
        b: impl FnOnce() -> Result<B> + Send,
    ) -> Result<(A, B)> {
        let (a, b) = match self.parameters.input_layernorm.device().is_cpu() {
            true => rayon::join(a, b),
            false => (a(), b()),
        };
        Ok((a?, b?))
    }

    /// From the derivative of a projection's output to that of its input, added to `onto`.
    fn pull(&self, dy: &Tensor, target: LoraTarget, onto: Option<Tensor>) -> Result<Tensor> {
        let projection = self.parameters.projection(target);
        projection::backward_input(dy, projection, self.site(target), onto)
    }

    /// Adds the derivatives of a projection's parameters, from its input and the derivative of its output.
    fn learn(
        &self,
        x: &Tensor,
        dy: &Tensor,
        target: LoraTarget,
        positions: &LayerParameters<usize>,
        gradients: &mut Gradients,
    ) -> Result<()> {
        projection::backward_parameters(
            x,
            dy,
            self.parameters.projection(target),
            self.site(target),
            positions.projection(target),
            gradients,
        )
    }
}

impl SavedLayer {
    /// Gives back the memory of everything but `x`, which is returned, and `middle`, which the next layer reads.
    pub(super) fn release_all_but_stream(self) -> Tensor {
        let Self {
            x,
            normed,
            query_norm,
            key_norm,
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
        .chain(
            [query_norm, key_norm]
                .into_iter()
                .flatten()
                .map(|norm| norm.x),
        )
        .for_each(give_tensor);
        x
    }
}

/// The norm of each head's query or key: its input, (tokens * heads, dim), and 1 / rms.
#[derive(Debug)]
struct HeadNorm {
    x: Tensor,
    inverse_rms: Tensor,
}

impl HeadNorm {
    /// `x`: (tokens, heads * dim). Without a gain it is given back as it is.
    fn forward(x: Tensor, gain: Option<&Tensor>, eps: f64) -> Result<(Tensor, Option<Self>)> {
        let Some(gain) = gain else {
            return Ok((x, None));
        };
        let shape = x.dims2()?;
        let x = heads_as_rows(x, gain)?;
        let Normed { y, inverse_rms } = rms_norm::forward(&x, gain, eps)?;
        Ok((y.reshape(shape)?, Some(Self { x, inverse_rms })))
    }

    fn backward(
        saved: Option<Self>,
        dy: Tensor,
        gain: Option<(&Tensor, usize)>,
        gradients: &mut Gradients,
    ) -> Result<Tensor> {
        let (Some(Self { x, inverse_rms }), Some((gain, at))) = (saved, gain) else {
            return Ok(dy);
        };
        let shape = dy.dims2()?;
        let dy = heads_as_rows(dy, gain)?;
        let onto = zeros_like(&dy)?;
        let dgain = gradients.tensor_mut(at);
        let dx = rms_norm::backward(&x, gain, &inverse_rms, &dy, onto, dgain)?;
        [x, dy].into_iter().for_each(give_tensor);
        Ok(dx.reshape(shape)?)
    }
}

/// (tokens, heads * dim) as (tokens * heads, dim).
fn heads_as_rows(x: Tensor, gain: &Tensor) -> Result<Tensor> {
    let dim = gain.elem_count();
    let rows = x.elem_count() / dim;
    Ok(x.reshape((rows, dim))?)
}

pub(super) fn zeros_like(tensor: &Tensor) -> Result<Tensor> {
    use crate::ops::slices;
    let (tokens, features) = tensor.dims2()?;
    match slices::on_cpu(&[tensor]) {
        true => crate::buffers::take_zeroed(tokens * features).into_tensor(tokens, features),
        false => Ok(tensor.zeros_like()?),
    }
}
