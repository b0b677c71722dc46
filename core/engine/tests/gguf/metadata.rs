//! What the metadata may say, and how it is refused.

use candle_core::Device;
use farthing_engine::{EngineError, Model, ModelConfig, RopeScaling, read_config};

use crate::file::{File, Value};

fn config(change: impl FnOnce(&mut File)) -> Result<ModelConfig, EngineError> {
    let mut file = File::llama(16);
    change(&mut file);
    let written = file.write();
    let config = read_config(&written.path);
    // The whole model says the same.
    match (&config, Model::load(&written.path, &Device::Cpu)) {
        (Ok(config), Ok(model)) => assert_eq!(model.config(), config),
        (Ok(_), Err(error)) => assert!(error.to_string().contains("do not fit"), "{error}"),
        (Err(error), Err(other)) => assert_eq!(error.to_string(), other.to_string()),
        (Err(error), Ok(_)) => panic!("the model was loaded in spite of {error}"),
    }
    config
}

#[track_caller]
fn refused(change: impl FnOnce(&mut File), part: &str) {
    let error = config(change).unwrap_err().to_string();
    assert!(
        error.contains("model.gguf: ") && error.contains(part),
        "{part}: {error}"
    );
}

#[test]
fn the_configuration_comes_from_the_metadata() {
    let plain = config(|_| ()).unwrap();
    assert_eq!(
        (plain.vocab_size, plain.hidden_size, plain.head_dim),
        (4, 16, 16)
    );
    assert_eq!(
        (plain.num_key_value_heads, plain.max_position_embeddings),
        (1, 64)
    );
    assert!(plain.tie_word_embeddings);
    assert_eq!((plain.rms_norm_eps, plain.rope_theta), (1e-5, 10_000.0));
    let other = config(|file| {
        file.set("llama.rope.freq_base", Value::F32(5e5));
        file.set("llama.rope.scaling.type", Value::Text("linear"));
        file.set("llama.rope.scaling.factor", Value::F32(4.0));
        file.set("llama.attention.head_count", Value::I32s(vec![1]));
        file.set(
            "general.tags",
            Value::Raw(9, [9_u32.to_le_bytes().to_vec(), vec![0; 8]].concat()),
        );
        let mut head = file.tensor("token_embd.weight").clone();
        head.name = "output.weight".to_owned();
        file.tensors.push(head);
    })
    .unwrap();
    assert!(!other.tie_word_embeddings);
    assert_eq!(other.rope_theta, 5e5);
    assert_eq!(other.rope_scaling, RopeScaling::Linear { factor: 4.0 });
}

#[test]
fn what_would_change_the_mathematics_is_refused() {
    refused(
        |file| file.set("general.architecture", Value::Text("gemma3")),
        "\"gemma3\"; expected \"llama\"",
    );
    refused(
        |file| file.unset("general.architecture"),
        "general.architecture is missing",
    );
    refused(
        |file| file.unset("llama.block_count"),
        "llama.block_count is missing; it holds the number of layers",
    );
    refused(
        |file| file.set("llama.block_count", Value::Text("many")),
        "found the text \"many\"",
    );
    refused(
        |file| file.set("llama.expert_count", Value::U32(8)),
        "llama.expert_count is 8",
    );
    refused(
        |file| file.set("llama.rope.dimension_count", Value::U32(8)),
        "a part of a head",
    );
    refused(
        |file| file.set("llama.attention.value_length", Value::U32(8)),
        "another width than keys",
    );
    refused(
        |file| file.set("llama.attention.sliding_window", Value::U32(8)),
        "sliding-window",
    );
    refused(
        |file| file.set("llama.rope.scaling.type", Value::Text("longrope")),
        "\"longrope\"; expected",
    );
    refused(
        |file| file.set("llama.attention.head_count", Value::I32s(vec![1, 2])),
        "one whole number for all layers",
    );
    refused(
        |file| file.set("llama.attention.head_count", Value::U32(0)),
        "0 heads",
    );
    refused(
        |file| file.set("split.count", Value::U32(3)),
        "one of 3 parts",
    );
    refused(
        |file| file.set("llama.embedding_length", Value::U32(u32::MAX)),
        "hidden_size",
    );
    refused(
        |file| file.set("llama.rope.freq_base", Value::F32(f32::NAN)),
        "rope",
    );
    refused(
        |file| {
            file.set(
                "tokenizer.ggml.tokens",
                Value::Texts((0..9).map(|id| id.to_string()).collect()),
            )
        },
        "lists 9 tokens, and token_embd.weight has 4 rows",
    );
    let divisors = |values: [f32; 8]| {
        move |file: &mut File| {
            let mut tensor = file.tensor("output_norm.weight").clone();
            tensor.name = "rope_freqs.weight".to_owned();
            tensor.shape = vec![8];
            tensor.bytes = values.into_iter().flat_map(f32::to_le_bytes).collect();
            file.tensors.push(tensor);
        }
    };
    assert_eq!(
        config(divisors([1.0; 8])).unwrap().rope_scaling,
        RopeScaling::None
    );
    refused(
        divisors([1.0, 2.0, 1.0, 2.0, 1.0, 2.0, 1.0, 2.0]),
        "rope_freqs.weight is not Llama 3's",
    );
    refused(
        divisors([f32::NAN; 8]),
        "rope_freqs.weight is not Llama 3's",
    );
}

#[test]
fn all_that_does_not_fit_is_said_at_once() {
    let mut file = File::llama(16);
    file.tensor("blk.0.attn_q.weight").kind = 10;
    file.tensor("blk.0.ffn_up.weight").shape = vec![16, 8];
    file.tensor("blk.0.ffn_norm.weight").name = "blk.0.post_ffw_norm.weight".to_owned();
    // After a type of unknown size, offsets can only be checked for being possible.
    let error = Model::load(&file.write().path, &Device::Cpu).unwrap_err();
    let EngineError::Weights { problems, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!(problems.len(), 4, "{error}");
    for part in [
        "blk.0.attn_q.weight: found type Q2_K; expected F32, F16",
        "blk.0.ffn_up.weight: expected shape [8, 16], found [16, 8]",
        "blk.0.ffn_norm.weight: missing; expected shape [16]",
        "blk.0.post_ffw_norm.weight: the model has no such parameter",
    ] {
        assert!(error.to_string().contains(part), "{part:?} not in {error}");
    }
}
