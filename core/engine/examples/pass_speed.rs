//! Prints how fast a training pass runs on this machine, for two shapes whose PyTorch times are known.
//!
//! `cargo run -p farthing-engine --example pass_speed -- [1m|4m|all] [repetitions]`
//!
//! FLOP/s counts 6 per parameter and token (2 forward, 4 backward), the usual convention, so attention comes on top.

use std::time::Instant;

use candle_core::Device;
use farthing_engine::{
    AdamW, AdamWConfig, Architecture, Gradients, Model, ModelConfig, Packed, Result, RopeScaling,
};

struct Shape {
    name: &'static str,
    hidden: usize,
    intermediate: usize,
    sequences: usize,
    length: usize,
}

const SHAPES: [Shape; 2] = [
    Shape {
        name: "1m",
        hidden: 128,
        intermediate: 512,
        sequences: 64,
        length: 96,
    },
    Shape {
        name: "4m",
        hidden: 256,
        intermediate: 1024,
        sequences: 64,
        length: 160,
    },
];

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let wanted = arguments.next().unwrap_or_else(|| "all".to_owned());
    let repetitions = arguments
        .next()
        .and_then(|count| count.parse().ok())
        .unwrap_or(5);
    for shape in SHAPES
        .iter()
        .filter(|shape| wanted == "all" || wanted == shape.name)
    {
        measure(shape, repetitions)?;
    }
    Ok(())
}

fn measure(shape: &Shape, repetitions: usize) -> Result<()> {
    let config = ModelConfig {
        architecture: Architecture::Qwen2,
        vocab_size: 92,
        hidden_size: shape.hidden,
        intermediate_size: shape.intermediate,
        num_hidden_layers: 4,
        num_attention_heads: 4,
        num_key_value_heads: 2,
        head_dim: shape.hidden / 4,
        rms_norm_eps: 1e-6,
        rope_theta: 10_000.0,
        rope_scaling: RopeScaling::None,
        max_position_embeddings: 1024,
        tie_word_embeddings: true,
        attention_bias: false,
        mlp_bias: false,
        sliding_window: None,
        initializer_range: 0.02,
        bos_token_id: None,
        eos_token_id: Vec::new(),
        pad_token_id: None,
    };
    let mut model = Model::init(config, 1, &Device::Cpu)?;
    let tokens: Vec<u32> = (0..shape.length as u32)
        .map(|token| token * 31 % 92)
        .collect();
    let packed = Packed::from_sequences((0..shape.sequences).map(|_| (tokens.as_slice(), 1)));
    let coefficients = vec![-1.0 / packed.predicted_count() as f32; packed.predicted_count()];
    let mut gradients = Gradients::zeros(&model)?;
    let mut rule = AdamW::new(AdamWConfig::default(), &model)?;

    // [score, forward, backward, update], the fastest of each.
    let mut best = [f64::INFINITY; 4];
    let mut fastest_pass = f64::INFINITY;
    for _ in 0..=repetitions {
        let start = Instant::now();
        model.score(&packed, 1.0)?;
        let scored = start.elapsed().as_secs_f64();
        let start = Instant::now();
        let pass = model.forward(&packed, 1.0)?;
        let forward = start.elapsed().as_secs_f64();
        pass.backward(&coefficients, None, &mut gradients)?;
        let both = start.elapsed().as_secs_f64();
        let start = Instant::now();
        rule.step(&mut model, &gradients, 1e-4)?;
        gradients.zero()?;
        let update = start.elapsed().as_secs_f64();
        for (best, time) in best
            .iter_mut()
            .zip([scored, forward, both - forward, update])
        {
            *best = best.min(time);
        }
        fastest_pass = fastest_pass.min(both);
    }
    let token_count = packed.tokens.len();
    let flop = 6.0 * model.parameter_count() as f64 * token_count as f64;
    println!(
        "{}: {} parameters, {} x {} tokens: forward+backward {:.3} s, {:.0} tokens/s, {:.1} GFLOP/s \
         (score {:.3}, forward {:.3}, backward {:.3}, update {:.4})",
        shape.name,
        model.parameter_count(),
        shape.sequences,
        shape.length,
        fastest_pass,
        token_count as f64 / fastest_pass,
        flop / fastest_pass / 1e9,
        best[0],
        best[1],
        best[2],
        best[3],
    );
    Ok(())
}
