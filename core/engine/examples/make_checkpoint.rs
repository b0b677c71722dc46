//! Writes a checkpoint with random weights in the Hugging Face layout, for measurements that need a shape and no skill.
//!
//! `make_checkpoint --out DIR --hidden 128 --inner 512 [--layers 4] [--heads 4] [--kv-heads 2] [--seed 1]`: a Qwen2
//! decoder with tied embeddings over 92 tokens (90 characters from the space to `y`, end of text, padding).

mod support;

use anyhow::{Context, Result};
use farthing_engine::{Architecture, Device, Model, Tokenizer};

use support::{Options, Sizes, plain_config};

fn main() -> Result<()> {
    let options = Options::from_arguments(&[
        "out", "hidden", "inner", "layers", "heads", "kv-heads", "seed",
    ])?;
    let out = options.path("out")?;
    let sizes = Sizes {
        hidden: options.number("hidden", 128)?,
        inner: options.number("inner", 512)?,
        layers: options.number("layers", 4)?,
        heads: options.number("heads", 4)?,
        kv_heads: options.number("kv-heads", 2)?,
    };
    let alphabet: String = (b' '..=b'y').map(char::from).collect();
    let tokenizer = Tokenizer::characters::<&str>(&alphabet, &[])?;
    let config = plain_config(Architecture::Qwen2, tokenizer.vocab_size(), sizes);
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
