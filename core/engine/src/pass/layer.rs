//! One layer of a pass: forward with what has to be kept, and backward from it.

use candle_core::Tensor;

use super::Batch;
use crate::buffers::give_tensor;
use crate::error::Result;
use crate::gradients::Gradients;
use crate::ops::attention::{self, Attended};
use crate::ops::rms_norm::{self, Normed};
use crate::ops::rotary::{Direction, rotate};
use crate::ops::{linear, rows, swiglu};
use crate::parameters::{LayerParameters, Projection};

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

impl SavedLayer {
    /// Runs a layer; `only` names the tokens that go on after attention. Returns the feed-forward's result, which the
    /// next norm adds to `middle`.
    pub(super) fn forward(
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
        let (query, query_norm) = HeadNorm::forward(query, parameters.q_norm, eps)?;
        let (key, key_norm) = HeadNorm::forward(key, parameters.k_norm, eps)?;
        let turn = |x| rotate(&batch.rotary, x, &batch.positions, Direction::Forward);
        let (query, key) = (turn(query)?, turn(key)?);
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
    pub(super) fn backward(
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
        let turn_back = |x| rotate(&batch.rotary, x, &batch.positions, Direction::Backward);
        let dquery = turn_back(derivatives.query)?;
        let dkey = turn_back(derivatives.key)?;
        let dquery = HeadNorm::backward(
            query_norm,
            dquery,
            parameters.q_norm.zip(positions.q_norm),
            gradients,
        )?;
        let dkey = HeadNorm::backward(
            key_norm,
            dkey,
            parameters.k_norm.zip(positions.k_norm),
            gradients,
        )?;
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
    pub(super) fn release_but_middle(self) {
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
        .chain(
            [query_norm, key_norm]
                .into_iter()
                .flatten()
                .map(|norm| norm.x),
        )
        .for_each(give_tensor);
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

pub(super) fn zeros_like(tensor: &Tensor) -> Result<Tensor> {
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
