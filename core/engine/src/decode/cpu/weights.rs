//! A model's weights, laid out for decoding.
//!
//! Weights do not change while attempts are drawn. Small ones, which stay in the caches, are packed once per call, which
//! every token pays back; large ones are read where they are. Matrices that share their input are one: query, key and
//! value; gate and up.

use candle_core::Tensor;
use rayon::prelude::*;

use super::in_place::{InPlaceMatrix, Part};
use super::matmul::{PackedMatrix, contiguous};
use crate::error::Result;
use crate::model::Model;
use crate::parameters::{LowRank, Projection};

pub(super) struct DecodingWeights {
    pub layers: Vec<DecodingLayer>,
    pub norm: Vec<f32>,
    pub lm_head: DecodingMatrix,
}

pub(super) struct DecodingLayer {
    pub input_layernorm: Vec<f32>,
    /// Output columns: queries, keys, values.
    pub query_key_value: DecodingMatrix,
    /// In the order of those columns; empty without biases.
    pub query_key_value_bias: Vec<f32>,
    /// Gains of the norms of each head's query and key, in families that have them.
    pub q_norm: Option<Vec<f32>>,
    pub k_norm: Option<Vec<f32>>,
    pub o_proj: DecodingMatrix,
    /// Empty without a bias; the same holds for those below.
    pub o_proj_bias: Vec<f32>,
    pub post_attention_layernorm: Vec<f32>,
    /// Output columns: gate, up.
    pub gate_up: DecodingMatrix,
    pub gate_up_bias: Vec<f32>,
    pub down_proj: DecodingMatrix,
    pub down_proj_bias: Vec<f32>,
}

/// Matrices with the same input, side by side, in one of the two layouts.
pub(super) enum DecodingMatrix {
    Packed(PackedMatrix),
    InPlace(InPlaceMatrix),
}

impl DecodingMatrix {
    /// Length of an input row.
    pub fn inputs(&self) -> usize {
        match self {
            Self::Packed(matrix) => matrix.inputs(),
            Self::InPlace(matrix) => matrix.inputs(),
        }
    }

    /// Length of an output row.
    pub fn stride(&self) -> usize {
        match self {
            Self::Packed(matrix) => matrix.stride(),
            Self::InPlace(matrix) => matrix.stride(),
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Packed(matrix) => matrix.bytes(),
            Self::InPlace(matrix) => matrix.bytes(),
        }
    }
}

/// Weights up to this size are taken to stay in the caches while each thread reads all of them for every token.
const LARGEST_IN_CACHE: usize = 24 << 20;

impl DecodingWeights {
    pub fn new(model: &Model) -> Result<Self> {
        let in_cache = model.parameter_count() * size_of::<f32>() <= LARGEST_IN_CACHE;
        let matrix = |projections: &[&Projection<&Tensor>]| match in_cache {
            true => pack(model, projections),
            false => leave(model, projections),
        };
        let layers = (0..model.config().num_hidden_layers)
            .into_par_iter()
            .map(|index| {
                let layer = model.layer(index);
                let attention = [&layer.q_proj, &layer.k_proj, &layer.v_proj];
                Ok(DecodingLayer {
                    input_layernorm: numbers(layer.input_layernorm)?,
                    query_key_value: matrix(&attention)?,
                    query_key_value_bias: biases(&attention)?,
                    q_norm: layer.q_norm.map(numbers).transpose()?,
                    k_norm: layer.k_norm.map(numbers).transpose()?,
                    o_proj: matrix(&[&layer.o_proj])?,
                    o_proj_bias: biases(&[&layer.o_proj])?,
                    post_attention_layernorm: numbers(layer.post_attention_layernorm)?,
                    gate_up: matrix(&[&layer.gate_proj, &layer.up_proj])?,
                    gate_up_bias: biases(&[&layer.gate_proj, &layer.up_proj])?,
                    down_proj: matrix(&[&layer.down_proj])?,
                    down_proj_bias: biases(&[&layer.down_proj])?,
                })
            })
            .collect::<Result<_>>()?;
        let lm_head = matrix(&[&Projection {
            weight: model.lm_head(),
            bias: None,
            lora: None,
        }])?;
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
fn pack(model: &Model, projections: &[&Projection<&Tensor>]) -> Result<DecodingMatrix> {
    let weights = projections
        .iter()
        .map(|projection| model.effective_weight(projection))
        .collect::<Result<Vec<_>>>()?;
    let weights: Vec<&Tensor> = weights.iter().collect();
    Ok(DecodingMatrix::Packed(PackedMatrix::pack(&weights)?))
}

/// Adapters stay beside their weights, which would have to be copied.
fn leave(model: &Model, projections: &[&Projection<&Tensor>]) -> Result<DecodingMatrix> {
    let scale = model.lora().map_or(0.0, |lora| f64::from(lora.scale()));
    let parts = projections
        .iter()
        .map(|projection| {
            let lora = match &projection.lora {
                None => None,
                Some(LowRank { a, b }) => Some(((*a).clone(), (*b * scale)?)),
            };
            Ok(Part {
                weight: projection.weight.clone(),
                lora,
            })
        })
        .collect::<Result<_>>()?;
    Ok(DecodingMatrix::InPlace(InPlaceMatrix::new(parts)?))
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
    let (storage, layout) = tensor.storage_and_layout();
    Ok(contiguous(&storage, layout)?.to_vec())
}
