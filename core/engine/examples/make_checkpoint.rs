//! Writes a checkpoint with random weights in the Hugging Face layout, for measurements that need a shape and no skill.
//!
//! `make_checkpoint --out DIR --hidden 128 --inner 512 [--layers 4] [--heads 4] [--kv-heads 2] [--seed 1]`: a Qwen2
//! decoder with tied embeddings over 92 tokens (90 characters from the space to `y`, end of text, padding).

mod support;

use anyhow::{Context, Result};
use farthing_engine::{Architecture, Device, Model, ModelConfig, RopeScaling, Tokenizer};

use support::Options;

fn main() -> Result<()> {
    let options = Options::from_arguments(&[
        "out", "hidden", "inner", "layers", "heads", "kv-heads", "seed",
    ])?;
    let out = options.path("out")?;
    let hidden = options.number("hidden", 128)?;
    let heads = options.number("heads", 4)?;
    let alphabet: String = (b' '..=b'y').map(char::from).collect();
    let tokenizer = Tokenizer::characters::<&str>(&alphabet, &[])?;
    let config = ModelConfig {
        architecture: Architecture::Qwen2,
        vocab_size: tokenizer.vocab_size(),
        hidden_size: hidden,
        intermediate_size: options.number("inner", 512)?,
        num_hidden_layers: options.number("layers", 4)?,
        num_attention_heads: heads,
        num_key_value_heads: options.number("kv-heads", 2)?,
        head_dim: hidden / heads,
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
    let model = Model::init(config, options.number("seed", 1)?, &Device::Cpu)?;
    std::fs::create_dir_all(&out).with_context(|| format!("cannot make {}", out.display()))?;
    model.save(&out)?;
    tokenizer.save(&out)?;
    println!(
        "{} parameters in {}",
        model.parameter_count(),
        out.display()
    );
    Ok(())
}
