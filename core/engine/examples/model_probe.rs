//! Writes down what a model computes, so that another framework can be held beside it.
//!
//! `model_probe --model DIR --input FILE --output DIR` reads
//! `{"sequences": [[..]], "weights": [[..]], "prompts": [[..]], "new_tokens": 64, "chats": [[{"role": .., "content": ..}]],
//! "texts": [..]}` and writes `probe.safetensors` with `logits/<i>` (those after each token of sequence i) and
//! `gradient/<parameter>` (of the sum of `weights` times log-probabilities, from the second token of each sequence), and
//! `probe.json` with the greedy continuations, the rendered chats, and the texts' token ids. `--shard-bytes N` saves the
//! model once more, in shards, into `sharded`.

mod support;

use std::collections::HashMap;

use anyhow::{Context, Result};
use candle_core::Tensor;
use farthing_engine::{
    DecodeHooks, DecodingPlan, Device, Gradients, Message, Model, NoHooks, Packed, PromptGroup,
    Tokenizer, decode,
};
use serde::Deserialize;
use serde_json::json;

use support::Options;

#[derive(Deserialize)]
struct Input {
    sequences: Vec<Vec<u32>>,
    weights: Vec<Vec<f32>>,
    prompts: Vec<Vec<u32>>,
    new_tokens: usize,
    chats: Vec<Vec<Turn>>,
    texts: Vec<String>,
}

#[derive(Deserialize)]
struct Turn {
    role: String,
    content: String,
}

fn main() -> Result<()> {
    let options = Options::from_arguments(&["model", "input", "output", "shard-bytes"])?;
    let directory = options.path("model")?;
    let output = options.path("output")?;
    let text = std::fs::read_to_string(options.path("input")?)?;
    let input: Input = serde_json::from_str(&text).context("the input is not as expected")?;
    let model = Model::load(&directory, &Device::Cpu)?;
    let tokenizer = Tokenizer::load(&directory)?;

    let mut tensors = gradients(&model, &input)?;
    for (index, sequence) in input.sequences.iter().enumerate() {
        tensors.insert(
            format!("logits/{index}"),
            logits(&model, &tokenizer, sequence)?,
        );
    }
    candle_core::safetensors::save(&tensors, output.join("probe.safetensors"))?;

    let groups: Vec<PromptGroup<'_>> = input
        .prompts
        .iter()
        .map(|tokens| PromptGroup {
            tokens,
            seeds: &[0],
        })
        .collect();
    let plan = DecodingPlan {
        temperature: 0.0,
        max_new_tokens: input.new_tokens,
        ..DecodingPlan::default()
    };
    let greedy = decode(&model, &tokenizer, &groups, &plan, 64, &mut NoHooks)?;
    let greedy: Vec<&[u32]> = greedy
        .iter()
        .map(|group| group[0].tokens.as_slice())
        .collect();
    let chats = input
        .chats
        .iter()
        .map(|turns| {
            let messages: Vec<Message> = turns
                .iter()
                .map(|turn| Message::new(&turn.role, &turn.content))
                .collect();
            Ok(tokenizer.render_chat(&messages, true)?)
        })
        .collect::<Result<Vec<String>>>()?;
    let texts = input
        .texts
        .iter()
        .map(|text| Ok(tokenizer.encode_with_special_tokens(text)?))
        .collect::<Result<Vec<Vec<u32>>>>()?;
    let found =
        json!({ "greedy": greedy, "chats": chats, "texts": texts, "eos": tokenizer.eos_ids() });
    std::fs::write(output.join("probe.json"), found.to_string())?;

    let shard_bytes = options.number("shard-bytes", 0)?;
    if shard_bytes > 0 {
        let directory = output.join("sharded");
        std::fs::create_dir_all(&directory)?;
        tokenizer.save(&directory)?;
        model.save_in_shards(&directory, shard_bytes)?;
    }
    Ok(())
}

fn gradients(model: &Model, input: &Input) -> Result<HashMap<String, Tensor>> {
    let packed =
        Packed::from_sequences(input.sequences.iter().map(|tokens| (tokens.as_slice(), 1)));
    let mut gradients = Gradients::zeros(model)?;
    model
        .forward(&packed, 1.0)?
        .backward(&input.weights.concat(), None, &mut gradients)?;
    let named = gradients
        .iter()
        .map(|(name, tensor)| (format!("gradient/{name}"), tensor.clone()));
    Ok(named.collect())
}

/// Decodes the sequence again, keeping the logits and letting no other token be drawn.
fn logits(model: &Model, tokenizer: &Tokenizer, sequence: &[u32]) -> Result<Tensor> {
    struct Follow<'a> {
        sequence: &'a [u32],
        seen: Vec<f32>,
    }
    impl DecodeHooks for Follow<'_> {
        fn wants_logits(&self) -> bool {
            true
        }
        fn logits(&mut self, _: usize, _: usize, tokens: &[u32], logits: &mut [f32]) {
            self.seen.extend_from_slice(logits);
            // Any token will do after the last one.
            let next = self.sequence.get(tokens.len()).copied().unwrap_or(0);
            let kept = logits[next as usize];
            logits.fill(f32::NEG_INFINITY);
            logits[next as usize] = kept;
        }
    }
    let mut hooks = Follow {
        sequence,
        seen: Vec::new(),
    };
    let groups = [PromptGroup {
        tokens: &sequence[..1],
        seeds: &[0],
    }];
    let plan = DecodingPlan {
        max_new_tokens: sequence.len(),
        ..DecodingPlan::default()
    };
    decode(model, tokenizer, &groups, &plan, 1, &mut hooks)?;
    let shape = (sequence.len(), model.config().vocab_size);
    Ok(Tensor::from_vec(hooks.seen, shape, &Device::Cpu)?)
}
