//! Tokenizers in files that others wrote: read as their tokens mean, or refused with the place.

use std::path::Path;

use candle_core::Device;
use farthing_engine::{Model, Tokenizer};

use crate::file::{File, Value};
use crate::support::fixture;

/// A SentencePiece vocabulary of bytes and a few pieces with their scores.
fn pieces() -> File {
    let mut file = File::llama(8);
    let mut tokens: Vec<String> = ["<unk>", "<s>", "</s>"].map(str::to_owned).to_vec();
    tokens.extend((0..256).map(|byte| format!("<0x{byte:02X}>")));
    tokens.extend(["▁", "a", "b", "ab", "▁a", "▁ab", "ba", "<x>"].map(str::to_owned));
    let mut types = vec![2, 3, 3];
    types.extend([6; 256]);
    types.extend([1, 1, 1, 1, 1, 1, 1, 4]);
    let mut scores = vec![0.0; 259];
    scores.extend([-9.0, -9.0, -9.0, -2.0, -1.0, -3.0, -0.5, 0.0]);
    let embedding = file.tensor("token_embd.weight");
    embedding.shape = vec![tokens.len() as u64, 8];
    embedding.bytes = vec![0; tokens.len() * 32];
    file.set("tokenizer.ggml.model", Value::Text("llama"));
    file.set("tokenizer.ggml.tokens", Value::Texts(tokens));
    file.set("tokenizer.ggml.token_type", Value::I32s(types));
    file.set("tokenizer.ggml.scores", Value::F32s(scores));
    file
}

#[test]
fn pieces_are_joined_best_score_first() {
    let mut file = pieces();
    let tokenizer = Tokenizer::load(&file.write().path).unwrap();
    let names = |tokenizer: &Tokenizer, text: &str| -> Vec<String> {
        let tokens = tokenizer.encode_with_special_tokens(text).unwrap();
        tokens
            .into_iter()
            .map(|id| tokenizer.id_to_token(id).unwrap())
            .collect()
    };
    // "ba" has the best score, then "▁a"; "ab" is joined where neither takes its letters.
    assert_eq!(names(&tokenizer, "ab"), ["<s>", "▁ab"]);
    assert_eq!(names(&tokenizer, "aba"), ["<s>", "▁a", "ba"]);
    assert_eq!(names(&tokenizer, "bab"), ["<s>", "▁", "ba", "b"]);
    assert_eq!(names(&tokenizer, "bbab"), ["<s>", "▁", "b", "ba", "b"]);
    assert_eq!(names(&tokenizer, "aab"), ["<s>", "▁a", "ab"]);
    // A character without a token is its bytes, and a user's token is found inside a word.
    assert_eq!(names(&tokenizer, "é"), ["<s>", "▁", "<0xC3>", "<0xA9>"]);
    assert_eq!(names(&tokenizer, "a<x>a"), ["<s>", "▁a", "<x>", "▁a"]);
    assert_eq!(
        (tokenizer.bos_id(), tokenizer.eos_ids()),
        (Some(1), [2].as_slice())
    );
    assert_eq!(
        tokenizer
            .decode(&tokenizer.encode("ab é").unwrap())
            .unwrap(),
        "ab é"
    );

    file.set("tokenizer.ggml.add_bos_token", Value::Bool(false));
    file.set("tokenizer.ggml.add_eos_token", Value::Bool(true));
    file.set("tokenizer.ggml.add_space_prefix", Value::Bool(false));
    let tokenizer = Tokenizer::load(&file.write().path).unwrap();
    assert_eq!(names(&tokenizer, "ab a"), ["ab", "▁a", "</s>"]);
}

#[test]
fn ends_that_the_file_does_not_name_are_found_among_control_tokens() {
    let mut file = File::llama(8);
    let tokens = ["<|endoftext|>", "<|im_end|>", "<|eot_id|>", "a"];
    file.set("tokenizer.ggml.model", Value::Text("gpt2"));
    file.set("tokenizer.ggml.pre", Value::Text("gpt-2"));
    file.set(
        "tokenizer.ggml.tokens",
        Value::Texts(tokens.map(str::to_owned).to_vec()),
    );
    file.set("tokenizer.ggml.token_type", Value::I32s(vec![3, 3, 1, 1]));
    file.set("tokenizer.ggml.merges", Value::Texts(Vec::new()));
    file.set("tokenizer.ggml.eos_token_id", Value::U32(1));
    let tokenizer = Tokenizer::load(&file.write().path).unwrap();
    assert_eq!(tokenizer.eos_ids(), [1, 0]);
    let model = Model::load(&file.write().path, &Device::Cpu).unwrap();
    assert_eq!(model.config().eos_token_id, [1, 0]);
}

#[test]
fn a_vocabulary_that_is_wrong_says_where() {
    let load = |change: &dyn Fn(&mut File)| {
        let mut file = pieces();
        change(&mut file);
        let error = Tokenizer::load(&file.write().path).unwrap_err().to_string();
        assert!(error.contains("model.gguf"), "{error}");
        error
    };
    let cases: [(&dyn Fn(&mut File), &str); 10] = [
        (
            &|file| file.unset("tokenizer.ggml.tokens"),
            "tokenizer.ggml.tokens is missing",
        ),
        (
            &|file| file.unset("tokenizer.ggml.model"),
            "tokenizer.ggml.model is missing",
        ),
        (
            &|file| file.unset("tokenizer.ggml.scores"),
            "tokenizer.ggml.scores is missing",
        ),
        (
            &|file| file.set("tokenizer.ggml.model", Value::Text("t5")),
            "\"t5\"; expected",
        ),
        (
            &|file| file.set("tokenizer.ggml.tokens", Value::U32(3)),
            "expected a list of texts, found the number 3",
        ),
        (
            &|file| file.set("tokenizer.ggml.token_type", Value::I32s(vec![1])),
            "has 1 entries for 267 tokens",
        ),
        (
            &|file| file.set("tokenizer.ggml.scores", Value::F32s(vec![f32::NAN; 267])),
            "is NaN",
        ),
        (
            &|file| file.set("tokenizer.ggml.eos_token_id", Value::U32(999)),
            "eos_token_id is 999, and there are 267",
        ),
        (
            &|file| file.set("tokenizer.ggml.merges", Value::Texts(vec!["ab".to_owned()])),
            "merges[0] is \"ab\"",
        ),
        (
            &|file| {
                file.set("tokenizer.ggml.model", Value::Text("gpt2"));
                file.set("tokenizer.ggml.pre", Value::Text("new-cut"));
            },
            "tokenizer.ggml.pre is \"new-cut\", which is not implemented; expected one of gpt-2",
        ),
    ];
    for (change, part) in cases {
        let error = load(change);
        assert!(error.contains(part), "{part}: {error}");
    }
    let twice = load(&|file| {
        let tokens = vec!["a".to_owned(); 267];
        file.set("tokenizer.ggml.tokens", Value::Texts(tokens));
    });
    assert!(twice.contains("in the vocabulary twice"), "{twice}");
    let strange_merge = load(&|file| {
        file.set(
            "tokenizer.ggml.merges",
            Value::Texts(vec!["a q".to_owned()]),
        );
    });
    assert!(
        strange_merge.contains("not a tokenizer this version can read"),
        "{strange_merge}"
    );
}

#[test]
fn a_directory_that_ends_in_gguf_is_a_directory() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("model.gguf");
    std::fs::create_dir(&path).unwrap();
    for file in ["tokenizer.json", "tokenizer_config.json"] {
        std::fs::copy(fixture("tokenizer/byte_level").join(file), path.join(file)).unwrap();
    }
    assert!(!farthing_engine::gguf::is_gguf(&path));
    Tokenizer::load(&path).unwrap();
    assert!(farthing_engine::gguf::is_gguf(Path::new("MODEL.GGUF")));
}
