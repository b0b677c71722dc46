//! How much work each phase is, so that a time can be held against the machine's two limits.
//!
//! Arithmetic counts what has to be computed; bytes count what has to move if nothing but what is used next stays in a
//! cache. Both are floors, and the larger one is the limit. A small model's weights do stay in the cache, so there the
//! bytes' floor is too high to be one.
//!
//! The engine's `device_check` counts by itself, because this program is built without the engine.

use anyhow::{Result, bail};
use serde::Serialize;
use serde_json::Value;

use super::results::Limits;

const FLOAT: f64 = 4.0;

/// The sizes of a decoder.
#[derive(Clone, Copy, Debug)]
pub struct Decoder {
    parameters: f64,
    /// Weights that turn a hidden state into logits.
    head: f64,
    hidden: f64,
    inner: f64,
    layers: f64,
    /// Heads x head dimension, of queries and of keys.
    width: f64,
    key_width: f64,
}

/// The size of the batches.
#[derive(Clone, Copy, Debug)]
pub struct Batch {
    pub sequences: f64,
    pub prompt: f64,
    pub new_tokens: f64,
    pub groups: f64,
    pub micro_batches: f64,
}

impl Decoder {
    /// Reads `config.json`.
    pub fn read(config: &Value, parameters: u64) -> Result<Self> {
        let number = |key: &str| config[key].as_u64().map(|number| number as f64);
        let (
            Some(hidden),
            Some(inner),
            Some(vocabulary),
            Some(layers),
            Some(heads),
            Some(key_heads),
        ) = (
            number("hidden_size"),
            number("intermediate_size"),
            number("vocab_size"),
            number("num_hidden_layers"),
            number("num_attention_heads"),
            number("num_key_value_heads"),
        )
        else {
            bail!(
                "config.json: expected hidden_size, intermediate_size, vocab_size, num_hidden_layers, \
                 num_attention_heads and num_key_value_heads, found {config}"
            );
        };
        let dim = number("head_dim").unwrap_or(hidden / heads);
        Ok(Self {
            parameters: parameters as f64,
            head: vocabulary * hidden,
            hidden,
            inner,
            layers,
            width: heads * dim,
            key_width: key_heads * dim,
        })
    }

    /// Floats that the backward pass needs of one token's forward pass: in each layer the residual twice, two normed
    /// copies, queries, keys, values, attention's output, gate and up.
    fn kept_of_a_token(&self) -> f64 {
        self.layers
            * (4.0 * self.hidden + 2.0 * self.width + 2.0 * self.key_width + 2.0 * self.inner)
    }
}

/// The floating-point operations of forward and backward over a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Work {
    /// What has to be computed: 6 for each weight of a layer and token, 6 for each weight of the head and *predicted*
    /// token, and causal attention, 6 * L^2 * width for each layer and sequence of length L.
    pub useful: f64,
    /// The convention: 6 x parameters x tokens.
    pub by_convention: f64,
}

impl Work {
    /// Of sequences all of whose tokens but the prompt's are predicted. The embedding is looked up, which is no
    /// arithmetic, and counts once, as the head.
    pub fn of_pass(decoder: &Decoder, batch: &Batch) -> Self {
        let length = batch.prompt + batch.new_tokens;
        let tokens = batch.sequences * length;
        // A product of queries and keys, and one of probabilities and values, each over half of L x L; the backward
        // pass has two for each.
        let attention = 6.0 * length * length * decoder.width * decoder.layers * batch.sequences;
        Self {
            useful: 6.0 * (decoder.parameters - decoder.head) * tokens
                + 6.0 * decoder.head * batch.sequences * batch.new_tokens
                + attention,
            by_convention: 6.0 * decoder.parameters * tokens,
        }
    }
}

/// One phase with its floors.
#[derive(Clone, Debug, Serialize)]
pub struct Phase {
    pub name: &'static str,
    pub flop: f64,
    pub bytes: f64,
    /// The fastest of all repetitions.
    pub fastest_seconds: Option<f64>,
}

impl Phase {
    /// Seconds that arithmetic and bytes take at least.
    pub fn floors(&self, limits: &Limits) -> [f64; 2] {
        [
            self.flop / limits.flops(),
            self.bytes / limits.read_bytes_per_second,
        ]
    }
}

/// The fastest of what was measured, by phase.
#[derive(Clone, Copy, Debug, Default)]
pub struct PhaseSeconds {
    pub decode: Option<f64>,
    pub forward: Option<f64>,
    pub backward: Option<f64>,
    pub update: Option<f64>,
    pub row_token: Option<f64>,
}

/// The phases of a step, and a token of a single row.
pub fn phases(decoder: &Decoder, batch: &Batch, seconds: PhaseSeconds) -> Vec<Phase> {
    let weights = decoder.parameters * FLOAT;
    let tokens = batch.sequences * (batch.prompt + batch.new_tokens);
    let useful = Work::of_pass(decoder, batch).useful;
    // Every new token attends to all before it, half of its own completion on average.
    let attended = batch.sequences * batch.new_tokens * (batch.prompt + batch.new_tokens / 2.0);
    let kept = tokens * decoder.kept_of_a_token() * FLOAT;
    vec![
        Phase {
            name: "decoding",
            flop: 2.0 * decoder.parameters * batch.sequences * batch.new_tokens
                + 2.0 * (decoder.parameters - decoder.head) * batch.groups * batch.prompt
                + 4.0 * decoder.width * decoder.layers * attended,
            // All weights for each token of all rows, and each row's keys and values.
            bytes: weights * batch.new_tokens
                + 2.0 * decoder.key_width * decoder.layers * attended * FLOAT,
            fastest_seconds: seconds.decode,
        },
        Phase {
            name: "forward",
            flop: useful / 3.0,
            bytes: weights * batch.micro_batches + kept,
            fastest_seconds: seconds.forward,
        },
        Phase {
            name: "backward",
            flop: useful * 2.0 / 3.0,
            // Weights read, gradients read and written, what was kept read.
            bytes: 3.0 * weights * batch.micro_batches + kept,
            fastest_seconds: seconds.backward,
        },
        Phase {
            name: "update",
            flop: 12.0 * decoder.parameters,
            // The gradient for its norm; gradient, weight and two moments read; weight and moments written; the
            // gradient cleared.
            bytes: 9.0 * weights,
            fastest_seconds: seconds.update,
        },
        Phase {
            name: "a token of a single row",
            flop: 2.0 * decoder.parameters,
            bytes: weights,
            fastest_seconds: seconds.row_token,
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn decoder() -> Decoder {
        let config = json!({
            "hidden_size": 4, "intermediate_size": 8, "vocab_size": 10, "num_hidden_layers": 2,
            "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 2,
        });
        Decoder::read(&config, 100).expect("the configuration is whole")
    }

    const BATCH: Batch = Batch {
        sequences: 3.0,
        prompt: 2.0,
        new_tokens: 6.0,
        groups: 1.0,
        micro_batches: 1.0,
    };

    #[test]
    fn work_counts_the_head_for_predicted_tokens_only() {
        let work = Work::of_pass(&decoder(), &BATCH);
        let attention = 6.0 * 64.0 * 4.0 * 2.0 * 3.0;
        assert_eq!(
            work.useful,
            6.0 * 60.0 * 24.0 + 6.0 * 40.0 * 18.0 + attention
        );
        assert_eq!(work.by_convention, 6.0 * 100.0 * 24.0);
        assert!(Decoder::read(&json!({}), 100).is_err());
    }

    #[test]
    fn forward_and_backward_are_all_of_the_work() {
        let phases = phases(&decoder(), &BATCH, PhaseSeconds::default());
        let useful = Work::of_pass(&decoder(), &BATCH).useful;
        assert_eq!(phases[1].flop + phases[2].flop, useful);
        let limits = Limits {
            gemm_crate: 100.0,
            torch_mm: 200.0,
            read_bytes_per_second: 40.0,
        };
        // A token of a single row: 200 FLOP and 400 bytes.
        assert_eq!(phases[4].floors(&limits), [1.0, 10.0]);
    }
}
