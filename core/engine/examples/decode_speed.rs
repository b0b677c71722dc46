//! How fast attempts are drawn on this machine.
//!
//! Qwen2 shapes with random weights; every completion is forced to its full length. Run it with
//! `cargo run -p farthing-engine --example decode_speed`, and with `RAYON_NUM_THREADS=1` for one core.

use std::time::Instant;

use candle_core::Device;
use farthing_engine::{
    Architecture, DecodingPlan, Model, ModelConfig, NoHooks, PromptGroup, RopeScaling, Tokenizer,
    decode,
};

struct Shape {
    name: &'static str,
    hidden: usize,
    inner: usize,
    new_tokens: usize,
}

const GROUPS: usize = 8;
const ATTEMPTS: usize = 8;
const PROMPT: usize = 32;
const REPEATS: usize = 7;

fn main() -> anyhow::Result<()> {
    let alphabet: String = (33u8..123).map(char::from).collect();
    let tokenizer = Tokenizer::characters::<&str>(&alphabet, &[])?;
    for shape in [
        Shape {
            name: "1.0 M",
            hidden: 128,
            inner: 512,
            new_tokens: 64,
        },
        Shape {
            name: "4.0 M",
            hidden: 256,
            inner: 1024,
            new_tokens: 128,
        },
    ] {
        measure(&shape, &tokenizer)?;
    }
    Ok(())
}

fn measure(shape: &Shape, tokenizer: &Tokenizer) -> anyhow::Result<()> {
    let config = ModelConfig {
        architecture: Architecture::Qwen2,
        vocab_size: 92,
        hidden_size: shape.hidden,
        intermediate_size: shape.inner,
        num_hidden_layers: 4,
        num_attention_heads: 4,
        num_key_value_heads: 2,
        head_dim: shape.hidden / 4,
        rms_norm_eps: 1e-6,
        rope_theta: 10_000.0,
        rope_scaling: RopeScaling::None,
        max_position_embeddings: 512,
        tie_word_embeddings: true,
        attention_bias: false,
        mlp_bias: false,
        sliding_window: None,
        initializer_range: 0.02,
        bos_token_id: None,
        eos_token_id: Vec::new(),
        pad_token_id: None,
    };
    let model = Model::init(config, 1, &Device::Cpu)?;
    let prompts: Vec<Vec<u32>> = (0..GROUPS)
        .map(|group| {
            (0..PROMPT)
                .map(|at| ((group * 7 + at * 5) % 92) as u32)
                .collect()
        })
        .collect();
    let seeds: Vec<Vec<u64>> = (0..GROUPS)
        .map(|group| {
            (0..ATTEMPTS)
                .map(|at| (group * ATTEMPTS + at) as u64)
                .collect()
        })
        .collect();
    let groups: Vec<PromptGroup<'_>> = prompts
        .iter()
        .zip(&seeds)
        .map(|(tokens, seeds)| PromptGroup { tokens, seeds })
        .collect();
    let plan = DecodingPlan {
        max_new_tokens: shape.new_tokens,
        ..DecodingPlan::default()
    };
    let mut seconds: Vec<f64> = (0..REPEATS)
        .map(|_| {
            let start = Instant::now();
            let attempts = decode(
                &model,
                tokenizer,
                &groups,
                &plan,
                GROUPS * ATTEMPTS,
                &mut NoHooks,
            )?;
            assert!(
                attempts
                    .iter()
                    .flatten()
                    .all(|attempt| attempt.tokens.len() == shape.new_tokens)
            );
            Ok(start.elapsed().as_secs_f64())
        })
        .collect::<anyhow::Result<_>>()?;
    seconds.sort_by(f64::total_cmp);
    let median = seconds[REPEATS / 2];
    let tokens = GROUPS * ATTEMPTS * shape.new_tokens;
    // Two operations for each weight and token; attention is left out.
    let operations = 2.0 * model.parameter_count() as f64 * (tokens + GROUPS * PROMPT) as f64;
    println!(
        "{}: {} attempts x {} tokens in {median:.3} s (fastest {:.3}): {:.0} tokens/s, {:.0} GFLOP/s",
        shape.name,
        GROUPS * ATTEMPTS,
        shape.new_tokens,
        seconds[0],
        tokens as f64 / median,
        operations / median / 1e9
    );
    Ok(())
}
