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
    pub lm_head: Linear,
}

pub(super) struct DecodingLayer {
    pub input_layernorm: Vec<f32>,
    /// Output columns: queries, keys, values.
    pub query_key_value: Linear,
    /// Gains of the norms of each head's query and key, in families that have them.
    pub q_norm: Option<Vec<f32>>,
    pub k_norm: Option<Vec<f32>>,
    pub o_proj: Linear,
    pub post_attention_layernorm: Vec<f32>,
    /// Output columns: gate, up.
    pub gate_up: Linear,
    pub down_proj: Linear,
}

/// y = x W^T + b.
pub(super) struct Linear {
    /// W^T, `(in, out)`.
    pub weights: PackedMatrix,
    /// `(out)`; empty without a bias.
    pub bias: Vec<f32>,
}

/// Weights up to this size are taken to stay in the caches while each thread reads all of them for every token.
const LARGEST_IN_CACHE: usize = 24 << 20;

impl DecodingWeights {
    pub fn pack(model: &Model) -> Result<Self> {
        let layers = (0..model.config().num_hidden_layers)
            .into_par_iter()
            .map(|index| {
                let layer = model.layer(index);
                let linear = |projections: &[&_]| Linear::of(model, projections);
                Ok(DecodingLayer {
                    input_layernorm: layer.input_layernorm.to_vec1()?,
                    query_key_value: linear(&[&layer.q_proj, &layer.k_proj, &layer.v_proj])?,
                    q_norm: layer.q_norm.map(Tensor::to_vec1).transpose()?,
                    k_norm: layer.k_norm.map(Tensor::to_vec1).transpose()?,
                    o_proj: linear(&[&layer.o_proj])?,
                    post_attention_layernorm: layer.post_attention_layernorm.to_vec1()?,
                    gate_up: linear(&[&layer.gate_proj, &layer.up_proj])?,
                    down_proj: linear(&[&layer.down_proj])?,
                })
            })
            .collect::<Result<_>>()?;
        Ok(Self {
            layers,
            norm: model.norm().to_vec1()?,
            lm_head: Linear {
                weights: pack(&[model.lm_head()])?,
                bias: Vec::new(),
            },
        })
    }

    /// Whether the weights stay in the caches while each thread reads all of them for every token.
    pub fn are_in_cache(&self) -> bool {
        self.bytes() <= LARGEST_IN_CACHE
    }

    fn bytes(&self) -> usize {
        let of_layer = |layer: &DecodingLayer| {
            [
                &layer.query_key_value,
                &layer.o_proj,
                &layer.gate_up,
                &layer.down_proj,
            ]
            .map(|linear| linear.weights.bytes())
            .iter()
            .sum::<usize>()
        };
        self.layers.iter().map(of_layer).sum::<usize>() + self.lm_head.weights.bytes()
    }
}

impl Linear {
    /// Projections of one input, side by side. Adapters are added to their weights: what is drawn is the same, at no cost for
    /// each token.
    fn of(model: &Model, projections: &[&Projection<&Tensor>]) -> Result<Self> {
        let weights = projections
            .iter()
            .map(|projection| model.effective_weight(projection))
            .collect::<Result<Vec<_>>>()?;
        let mut bias = Vec::new();
        for part in projections.iter().filter_map(|projection| projection.bias) {
            bias.extend(part.to_vec1::<f32>()?);
        }
        Ok(Self {
            weights: pack(&weights.iter().collect::<Vec<_>>())?,
            bias,
        })
    }

    pub fn inputs(&self) -> usize {
        self.weights.view().rows()
    }

    pub fn outputs(&self) -> usize {
        self.weights.view().columns()
    }
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
