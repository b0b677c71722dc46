//! The layers of a decoder for decoding: nothing is kept but keys and values.

use candle_core::{DType, Tensor};

use crate::error::Result;
use crate::lora::LoraConfig;
use crate::model::Model;
use crate::ops::precision::{Softmax, rounded_as, widened};
use crate::ops::rotary::turn;
use crate::ops::{rms_norm, swiglu};
use crate::parameters::Projection;
use crate::pass::projection::{self, Site};

/// Keys and values of one layer, `(rows, key_value_heads, positions, head_dim)` each.
#[derive(Clone)]
pub struct KeysValues {
    pub keys: Tensor,
    pub values: Tensor,
}

/// Where the tokens of a forward pass stand and what they see. There are `rows` sequences with `queries` tokens each.
pub struct Place {
    pub rows: usize,
    pub queries: usize,
    /// `(rows, 1, queries, head_dim / 2)`, in the type of [`wide`](crate::ops::precision::wide).
    pub cosines: Tensor,
    pub sines: Tensor,
    /// `(rows, 1, queries, keys)` of the same type, 0 where a query sees a key and minus infinity elsewhere.
    pub mask: Tensor,
}

/// The hidden states of `tokens`, `(tokens, hidden_size)`.
pub fn embed(model: &Model, tokens: &[u32]) -> Result<Tensor> {
    let ids = Tensor::new(tokens, model.device())?;
    Ok(model.embed_tokens().index_select(&ids, 0)?)
}

/// f32, `(rows, vocab_size)`.
pub fn logits(model: &Model, hidden: &Tensor) -> Result<Tensor> {
    let normed = norm(model, hidden, model.norm())?;
    Ok(normed.matmul(&model.lm_head().t()?)?.to_dtype(DType::F32)?)
}

/// One layer on `hidden`, `(rows * queries, hidden_size)`. `see` takes the new keys and values and gives those that the
/// queries see.
pub fn layer(
    model: &Model,
    index: usize,
    hidden: Tensor,
    place: &Place,
    see: impl FnOnce(KeysValues) -> Result<KeysValues>,
) -> Result<Tensor> {
    let config = model.config();
    let layer = model.layer(index);
    let normed = norm(model, &hidden, layer.input_layernorm)?;
    let heads = |projection: &Projection<&Tensor>, heads: usize, gain: Option<&Tensor>| {
        let x = project(model, &normed, projection)?;
        let x = x.reshape((place.rows * place.queries * heads, config.head_dim))?;
        let x = match gain {
            Some(gain) => norm(model, &x, gain)?,
            None => x,
        };
        let x = x.reshape((place.rows, place.queries, heads, config.head_dim))?;
        Ok::<_, crate::error::EngineError>(x.transpose(1, 2)?.contiguous()?)
    };
    let kv = config.num_key_value_heads;
    let query = heads(&layer.q_proj, config.num_attention_heads, layer.q_norm)?;
    let key = heads(&layer.k_proj, kv, layer.k_norm)?;
    let value = heads(&layer.v_proj, kv, None)?;
    let turned = |x: &Tensor| turn(x, &place.cosines, &place.sines);
    let seen = see(KeysValues {
        keys: turned(&key)?,
        values: value,
    })?;
    let attended = attend(model, &turned(&query)?, &seen, place)?;
    let hidden = (hidden + project(model, &attended, &layer.o_proj)?)?;
    let normed = norm(model, &hidden, layer.post_attention_layernorm)?;
    let gate = project(model, &normed, &layer.gate_proj)?;
    let up = project(model, &normed, &layer.up_proj)?;
    let inner = swiglu::forward(&gate, &up)?;
    Ok((hidden + project(model, &inner, &layer.down_proj)?)?)
}

fn norm(model: &Model, x: &Tensor, gain: &Tensor) -> Result<Tensor> {
    Ok(rms_norm::forward(x, gain, model.config().rms_norm_eps)?.y)
}

fn project(model: &Model, x: &Tensor, projection: &Projection<&Tensor>) -> Result<Tensor> {
    let site = Site {
        scale: model.lora().map_or(0.0, LoraConfig::scale),
        mask: None,
    };
    projection::forward(x, projection, site)
}

/// `query`: `(rows, heads, queries, head_dim)`; the result is `(rows * queries, heads * head_dim)`.
fn attend(model: &Model, query: &Tensor, seen: &KeysValues, place: &Place) -> Result<Tensor> {
    let config = model.config();
    let (dim, kv, heads) = (
        config.head_dim,
        config.num_key_value_heads,
        config.num_attention_heads,
    );
    let (rows, queries) = (place.rows, place.queries);
    let keys = seen.keys.dim(2)?;
    // Query heads that share a key and value head stand side by side, so they are more rows of one product.
    let query = query.reshape((rows, kv, heads / kv * queries, dim))?;
    let scores = widened(&query.matmul(&seen.keys.t()?)?)?;
    let scores = (scores * (1.0 / (dim as f64).sqrt()))?
        .reshape((rows, heads, queries, keys))?
        .broadcast_add(&place.mask)?;
    let weights = rounded_as(Softmax::of(&scores)?.p, &query)?;
    let attended = weights
        .reshape((rows, kv, heads / kv * queries, keys))?
        .matmul(&seen.values)?
        .reshape((rows, heads, queries, dim))?;
    Ok(attended
        .transpose(1, 2)?
        .contiguous()?
        .reshape((rows * queries, heads * dim))?)
}
