//! A model's weights, laid out for decoding.
//!
//! Weights do not change while attempts are drawn, so packing them once per call is paid back by every token. Matrices
//! that share their input are packed as one: query, key and value; gate and up. (Reading large weights where they are
//! would save the copy, and takes twice as long for 16 rows: dot products along the checkpoint's rows load ten cache
//! lines, unaligned, for 24 multiply-adds, where packed ones load four.)

use candle_core::Tensor;
use rayon::prelude::*;

use crate::error::Result;
use crate::model::Model;
use crate::ops::slices::{Slice, read};
use crate::parameters::Projection;
use crate::product::{Matrix, PackedMatrix};

pub(super) struct DecodingWeights {
    pub layers: Vec<DecodingLayer>,
    pub norm: Vec<f32>,
    pub lm_head: PackedMatrix,
}

pub(super) struct DecodingLayer {
    pub input_layernorm: Vec<f32>,
    /// Output columns: queries, keys, values.
    pub query_key_value: PackedMatrix,
    /// In the order of those columns; empty without biases.
    pub query_key_value_bias: Vec<f32>,
    /// Gains of the norms of each head's query and key, in families that have them.
    pub q_norm: Option<Vec<f32>>,
    pub k_norm: Option<Vec<f32>>,
    pub o_proj: PackedMatrix,
    /// Empty without a bias; the same holds for those below.
    pub o_proj_bias: Vec<f32>,
    pub post_attention_layernorm: Vec<f32>,
    /// Output columns: gate, up.
    pub gate_up: PackedMatrix,
    pub gate_up_bias: Vec<f32>,
    pub down_proj: PackedMatrix,
    pub down_proj_bias: Vec<f32>,
}

/// Weights up to this size are taken to stay in the caches while each thread reads all of them for every token.
const LARGEST_IN_CACHE: usize = 24 << 20;

impl DecodingWeights {
    pub fn pack(model: &Model) -> Result<Self> {
        let layers = (0..model.config().num_hidden_layers)
            .into_par_iter()
            .map(|index| {
                let layer = model.layer(index);
                let attention = [&layer.q_proj, &layer.k_proj, &layer.v_proj];
                Ok(DecodingLayer {
                    input_layernorm: numbers(layer.input_layernorm)?,
                    query_key_value: pack_side_by_side(model, &attention)?,
                    query_key_value_bias: biases(&attention)?,
                    q_norm: layer.q_norm.map(numbers).transpose()?,
                    k_norm: layer.k_norm.map(numbers).transpose()?,
                    o_proj: pack_side_by_side(model, &[&layer.o_proj])?,
                    o_proj_bias: biases(&[&layer.o_proj])?,
                    post_attention_layernorm: numbers(layer.post_attention_layernorm)?,
                    gate_up: pack_side_by_side(model, &[&layer.gate_proj, &layer.up_proj])?,
                    gate_up_bias: biases(&[&layer.gate_proj, &layer.up_proj])?,
                    down_proj: pack_side_by_side(model, &[&layer.down_proj])?,
                    down_proj_bias: biases(&[&layer.down_proj])?,
                })
            })
            .collect::<Result<_>>()?;
        let lm_head = pack(&[model.lm_head()])?;
        Ok(Self {
            layers,
            norm: numbers(model.norm())?,
            lm_head,
        })
    }

    /// Whether the weights stay in the caches while each thread reads all of them for every token.
    pub fn are_in_cache(&self) -> bool {
        self.bytes() <= LARGEST_IN_CACHE
    }

    fn bytes(&self) -> usize {
        let layer = |layer: &DecodingLayer| {
            layer.query_key_value.bytes()
                + layer.o_proj.bytes()
                + layer.gate_up.bytes()
                + layer.down_proj.bytes()
        };
        self.layers.iter().map(layer).sum::<usize>() + self.lm_head.bytes()
    }
}

/// Adapters are added to their weights: what is drawn is the same, at no cost for each token.
fn pack_side_by_side(model: &Model, projections: &[&Projection<&Tensor>]) -> Result<PackedMatrix> {
    let weights = projections
        .iter()
        .map(|projection| model.effective_weight(projection))
        .collect::<Result<Vec<_>>>()?;
    pack(&weights.iter().collect::<Vec<_>>())
}

/// `weights`: each `(out, in)`. The result is `(in, out)`, for products with tokens on the left.
fn pack(weights: &[&Tensor]) -> Result<PackedMatrix> {
    let slices: Vec<Slice<'_>> = weights.iter().map(|weight| read(weight)).collect();
    let matrices = weights
        .iter()
        .zip(&slices)
        .map(|(weight, values)| {
            let (out, into) = weight.dims2()?;
            Ok(Matrix::new(values, out, into).transposed())
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(PackedMatrix::side_by_side(&matrices))
}

/// The biases of projections side by side; empty if they have none.
fn biases(projections: &[&Projection<&Tensor>]) -> Result<Vec<f32>> {
    let mut together = Vec::new();
    for bias in projections.iter().filter_map(|projection| projection.bias) {
        together.extend(numbers(bias)?);
    }
    Ok(together)
}

fn numbers(tensor: &Tensor) -> Result<Vec<f32>> {
    Ok(tensor.to_vec1()?)
}
