//! Operations that look at positions: the rotary embedding and attention over packed sequences.

use candle_core::Tensor;

use super::{Operation, check};
use crate::config::{Architecture, ModelConfig, RopeScaling};
use crate::error::Result;
use crate::ops::attention::{self, Attended, Heads, Segment, Segments};
use crate::ops::rotary::{Direction, Turns};
use crate::rotary::RotaryTable;

impl Operation for Turns {
    fn forward(&self, inputs: &[Tensor]) -> Result<Vec<Tensor>> {
        Ok(vec![self.rotate(inputs[0].clone(), Direction::Forward)?])
    }

    fn backward(&self, _: &[Tensor], doutputs: &[Tensor]) -> Result<Vec<Tensor>> {
        Ok(vec![self.rotate(doutputs[0].clone(), Direction::Backward)?])
    }
}

#[test]
fn rotary() {
    let config = ModelConfig {
        architecture: Architecture::Llama,
        vocab_size: 8,
        hidden_size: 8,
        intermediate_size: 8,
        num_hidden_layers: 1,
        num_attention_heads: 3,
        num_key_value_heads: 1,
        head_dim: 10,
        rms_norm_eps: 1e-5,
        rope_theta: 100.0,
        rope_scaling: RopeScaling::None,
        max_position_embeddings: 64,
        tie_word_embeddings: false,
        attention_bias: false,
        mlp_bias: false,
        sliding_window: None,
        initializer_range: 0.02,
        bos_token_id: None,
        eos_token_id: Vec::new(),
        pad_token_id: None,
    };
    let turns = Turns::new(RotaryTable::new(&config), vec![0, 1, 2, 49]);
    check(&turns, &[(4, 30)]);
}

impl Operation for Segments {
    fn forward(&self, inputs: &[Tensor]) -> Result<Vec<Tensor>> {
        Ok(vec![attend(self, inputs)?.out])
    }

    fn backward(&self, inputs: &[Tensor], doutputs: &[Tensor]) -> Result<Vec<Tensor>> {
        let attended = attend(self, inputs)?;
        let [query, key, value] = inputs else {
            panic!("three inputs")
        };
        let derivatives = attention::backward(query, key, value, &attended, &doutputs[0], self)?;
        Ok(vec![derivatives.query, derivatives.key, derivatives.value])
    }
}

fn attend(segments: &Segments, inputs: &[Tensor]) -> Result<Attended> {
    attention::forward(&inputs[0], &inputs[1], &inputs[2], segments)
}

/// Segments that share nothing.
fn apart(offsets: &[usize]) -> Vec<Segment> {
    let segment = |bounds: &[usize]| Segment {
        rows: bounds[0]..bounds[1],
        prefix: 0..0,
    };
    offsets.windows(2).map(segment).collect()
}

#[test]
fn attention_over_shared_beginnings() {
    let heads = Heads {
        query: 2,
        key_value: 1,
        dim: 4,
    };
    let segment = |rows, prefix| Segment { rows, prefix };
    let segments = vec![
        segment(0..5, 0..0),
        segment(5..8, 0..5),
        segment(8..8, 0..5),
        segment(8..70, 0..5),
        segment(70..72, 0..0),
        segment(72..75, 70..72),
    ];
    check(
        &Segments::new(segments, heads),
        &[(75, 8), (75, 4), (75, 4)],
    );
}

#[test]
fn attention_over_packed_sequences() {
    let heads = Heads {
        query: 4,
        key_value: 2,
        dim: 6,
    };
    let segments = apart(&[0, 3, 3, 4, 12]);
    check(
        &Segments::new(segments, heads),
        &[(12, 24), (12, 12), (12, 12)],
    );
}

#[test]
fn attention_over_more_than_one_block_of_queries() {
    let heads = Heads {
        query: 1,
        key_value: 1,
        dim: 4,
    };
    check(
        &Segments::new(apart(&[0, 110]), heads),
        &[(110, 4), (110, 4), (110, 4)],
    );
}
