//! Tokenizers into a file and back: the same tokens for every text, or a refusal.

use std::path::PathBuf;

use candle_core::Device;
use farthing_engine::gguf::{WeightType, write};
use farthing_engine::{Architecture, EngineError, Message, Model, Tokenizer};
use serde_json::{Value as Json, json};

use crate::support::{fixture, small_config};

/// A model with room for the tokens of `tokenizer`, and a few more.
pub fn model_for(tokenizer: &Tokenizer, hidden_size: usize) -> Model {
    let mut config = small_config(Architecture::Llama, true);
    config.vocab_size = tokenizer.vocab_size() + 3;
    config.hidden_size = hidden_size;
    Model::init(config, 3, &Device::Cpu).unwrap()
}

pub fn character_model(hidden_size: usize) -> (Model, Tokenizer) {
    let tokenizer = characters();
    (model_for(&tokenizer, hidden_size), tokenizer)
}

fn characters() -> Tokenizer {
    let alphabet = "abcdefghijklmnopqrstuvwxyz 0123456789+-*/=()\n\t数🙂";
    Tokenizer::characters(alphabet, &["<think>", "</think>", "数="]).unwrap()
}

/// The tokenizer that comes back from a file, and the file's metadata as text to search in.
pub fn through_a_file(tokenizer: &Tokenizer) -> Result<(Tokenizer, Vec<u8>), EngineError> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("model.gguf");
    write(&path, &model_for(tokenizer, 24), tokenizer, WeightType::F16)?;
    Ok((Tokenizer::load(&path)?, std::fs::read(&path).unwrap()))
}

/// Texts that take every part of a tokenizer: runs of white space, digits, scripts, special tokens, all bytes.
fn texts() -> Vec<String> {
    let mut texts: Vec<String> = [
        "",
        " ",
        "a",
        "  leading and trailing  ",
        "the numbers 3*7=21, 1234567 and 12 345",
        "lines\n\n\n  and\r\n\ttabs\t\t .",
        "it's, we'LL, they'd; <think>no</think>",
        "naïve 数字字 привет Ünïcødé ß Ω \u{a0}x\u{2003}y",
        "emoji 🙂👩‍👩‍👧🏽 and e\u{301} against é, Å against \u{212b}",
        "<|im_start|>user\nhi <|im_end|>\n<|endoftext|><s> a</s>b",
        "def f(x):\n    return x ** 2  # comment\n",
    ]
    .map(str::to_owned)
    .to_vec();
    texts.push((0..=0x7f_u8).map(char::from).collect());
    texts.push((0x80..0x800_u32).filter_map(char::from_u32).collect());
    texts.push((0x2000..0x2400_u32).filter_map(char::from_u32).collect());
    texts
}

fn assert_same(what: &str, left: &Tokenizer, right: &Tokenizer, texts: &[String]) {
    for text in texts {
        let (found, expected) = (right.encode(text).unwrap(), left.encode(text).unwrap());
        assert_eq!(found, expected, "{what}: {text:?}");
        assert_eq!(
            right.encode_with_special_tokens(text).unwrap(),
            left.encode_with_special_tokens(text).unwrap(),
            "{what}, with special tokens: {text:?}"
        );
        assert_eq!(
            right.decode(&found).unwrap(),
            left.decode(&found).unwrap(),
            "{what}: {text:?}"
        );
        assert_eq!(
            right.decode_with_special_tokens(&found).unwrap(),
            left.decode_with_special_tokens(&found).unwrap(),
            "{what}: {text:?}"
        );
    }
    assert_eq!(right.eos_ids(), left.eos_ids(), "{what}");
    assert_eq!(right.bos_id(), left.bos_id(), "{what}");
    assert_eq!(right.pad_id(), left.pad_id(), "{what}");
    assert_eq!(right.vocab_size(), left.vocab_size(), "{what}");
}

/// A directory with a fixture's tokenizer, changed.
fn changed(name: &str, change: impl FnOnce(&mut Json)) -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let source = fixture("tokenizer").join(name);
    let text = std::fs::read_to_string(source.join("tokenizer.json")).unwrap();
    let mut tokenizer: Json = serde_json::from_str(&text).unwrap();
    change(&mut tokenizer);
    std::fs::write(
        directory.path().join("tokenizer.json"),
        tokenizer.to_string(),
    )
    .unwrap();
    let config = "tokenizer_config.json";
    std::fs::copy(source.join(config), directory.path().join(config)).unwrap();
    let path = directory.path().to_owned();
    (directory, path)
}

const LLAMA3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const QWEN2: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const TEKKEN: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";

fn split(regex: &str) -> Json {
    json!({ "type": "Sequence", "pretokenizers": [
        { "type": "Split", "pattern": { "Regex": regex }, "behavior": "Isolated", "invert": false },
        { "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false },
    ]})
}

#[test]
fn every_pre_tokenizer_comes_back_under_llama_cpps_name() {
    let byte_level = json!({ "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true });
    let digits = json!({ "type": "Sequence", "pretokenizers": [
        { "type": "Digits", "individual_digits": true },
        byte_level.clone(),
    ]});
    let composed = json!({ "type": "NFC" });
    let cases = [
        ("gpt-2", byte_level, Json::Null, false),
        ("smollm", digits, Json::Null, false),
        ("qwen2", split(QWEN2), composed, false),
        (
            "deepseek-r1-qwen",
            split(QWEN2),
            json!({ "type": "Sequence", "normalizers": [] }),
            false,
        ),
        ("llama-bpe", split(LLAMA3), Json::Null, true),
        ("smaug-bpe", split(LLAMA3), Json::Null, false),
        ("tekken", split(TEKKEN), Json::Null, true),
    ];
    for (name, pre_tokenizer, normalizer, ignore_merges) in cases {
        let (_directory, path) = changed("byte_level", |tokenizer| {
            tokenizer["pre_tokenizer"] = pre_tokenizer;
            tokenizer["normalizer"] = normalizer;
            tokenizer["model"]["ignore_merges"] = ignore_merges.into();
        });
        let tokenizer = Tokenizer::load(&path).unwrap();
        let (back, bytes) = through_a_file(&tokenizer).unwrap();
        let mut entry = Vec::new();
        crate::file::text(&mut entry, "tokenizer.ggml.pre");
        entry.extend(8_u32.to_le_bytes());
        crate::file::text(&mut entry, name);
        assert!(
            bytes.windows(entry.len()).any(|part| part == entry),
            "{name}"
        );
        assert_same(name, &tokenizer, &back, &texts());
    }
}

#[test]
fn a_sentence_piece_tokenizer_comes_back() {
    let (_directory, path) = changed("byte_fallback", complete_merges);
    let tokenizer = Tokenizer::load(&path).unwrap();
    let (back, _) = through_a_file(&tokenizer).unwrap();
    assert_same("byte_fallback", &tokenizer, &back, &texts());
    // Without a mark before the text, as newer Mistral tokenizers.
    let (_directory, path) = changed("byte_fallback", |tokenizer| {
        complete_merges(tokenizer);
        tokenizer["normalizer"] = tokenizer["normalizer"]["normalizers"][1].clone();
        tokenizer["decoder"]["decoders"]
            .as_array_mut()
            .unwrap()
            .pop();
    });
    let tokenizer = Tokenizer::load(&path).unwrap();
    let (back, _) = through_a_file(&tokenizer).unwrap();
    assert_same("without a mark", &tokenizer, &back, &texts());
}

/// Merges as converters of SentencePiece models list them: every way to cut a piece, best piece first. The fixture is a
/// trained list of pairs, which has one way for each piece.
fn complete_merges(tokenizer: &mut Json) {
    let vocabulary = tokenizer["model"]["vocab"].as_object().unwrap().clone();
    let known = |piece: &str| vocabulary.contains_key(piece);
    let merges = tokenizer["model"]["merges"].as_array().unwrap().clone();
    let mut complete = Vec::new();
    let mut done = std::collections::HashSet::new();
    for merge in merges {
        let piece = format!(
            "{}{}",
            merge[0].as_str().unwrap(),
            merge[1].as_str().unwrap()
        );
        if !done.insert(piece.clone()) {
            continue;
        }
        for (at, _) in piece.char_indices().skip(1) {
            let (left, right) = piece.split_at(at);
            if known(left) && known(right) {
                complete.push(json!([left, right]));
            }
        }
    }
    tokenizer["model"]["merges"] = complete.into();
}

#[test]
fn merges_that_scores_cannot_say_are_refused() {
    let (_directory, path) = changed("byte_fallback", |tokenizer| {
        complete_merges(tokenizer);
        let merges = tokenizer["model"]["merges"].as_array_mut().unwrap();
        merges.retain(|merge| merge != &json!(["t", "h"]));
    });
    let error = through_a_file(&Tokenizer::load(&path).unwrap())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("SentencePiece would join \"t\" and \"h\""),
        "{error}"
    );
}

#[test]
fn a_character_tokenizer_becomes_tokens_that_llama_cpp_matches_whole() {
    let tokenizer = characters();
    let (back, _) = through_a_file(&tokenizer).unwrap();
    let texts = [
        "",
        "3*(4+5)=27\n",
        "<think>a  b\t</think>\n",
        "数= 数🙂",
        "<|endoftext|>a<|pad|>",
    ];
    assert_same("characters", &tokenizer, &back, &texts.map(str::to_owned));
    let accented = Tokenizer::characters("abé", &["c="]).unwrap();
    let error = through_a_file(&accented).unwrap_err().to_string();
    assert!(error.contains("'é' also spells a byte"), "{error}");
    let overlapping = Tokenizer::characters("0123456789", &["12", "23"]).unwrap();
    let error = through_a_file(&overlapping).unwrap_err().to_string();
    assert!(
        error.contains("\"12\"") && error.contains("can overlap"),
        "{error}"
    );
}

#[test]
fn what_llama_cpp_has_no_word_for_is_refused() {
    type Change = fn(&mut Json);
    let cases: [(Change, &str); 6] = [
        (
            |json| json["pre_tokenizer"]["add_prefix_space"] = true.into(),
            "no name in llama.cpp",
        ),
        (
            |json| json["normalizer"] = json!({ "type": "Lowercase" }),
            "the normalizer",
        ),
        (
            |json| json["pre_tokenizer"] = split(r"\w+|\s+"),
            "no name in llama.cpp",
        ),
        (
            |json| json["model"]["end_of_word_suffix"] = "</w>".into(),
            "end_of_word_suffix",
        ),
        (
            |json| json["added_tokens"][1]["lstrip"] = true.into(),
            "<|im_start|>\" has lstrip",
        ),
        (
            |json| {
                let token = |id: &str| json!({ "SpecialToken": { "id": id, "type_id": 0 } });
                let text = json!({ "Sequence": { "id": "A", "type_id": 0 } });
                let (start, end) = (token("<|im_start|>"), token("<|im_end|>"));
                let entry =
                    |id: &str, number: u32| json!({ "id": id, "ids": [number], "tokens": [id] });
                json["post_processor"] = json!({
                    "type": "TemplateProcessing", "single": [start, end, text], "pair": [start, end, text],
                    "special_tokens": {
                        "<|im_start|>": entry("<|im_start|>", 1), "<|im_end|>": entry("<|im_end|>", 2),
                    },
                });
            },
            "more around a text",
        ),
    ];
    for (change, part) in cases {
        let (_directory, path) = changed("byte_level", change);
        let error = through_a_file(&Tokenizer::load(&path).unwrap())
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("cannot be written") && error.contains(part),
            "{part}: {error}"
        );
    }
}

#[test]
fn roles_chats_and_several_ends_survive() {
    let (_directory, path) = changed("byte_level", |json| {
        let think = json!({ "id": 320, "content": "<think>", "special": false, "normalized": false,
            "single_word": false, "lstrip": false, "rstrip": false });
        json["added_tokens"].as_array_mut().unwrap().push(think);
    });
    let write =
        |name: &str, value: Json| std::fs::write(path.join(name), value.to_string()).unwrap();
    write("generation_config.json", json!({ "eos_token_id": [2, 0] }));
    let template = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}{{ eos_token }}\n{% endfor %}";
    std::fs::write(path.join("chat_template.jinja"), template).unwrap();
    let tokenizer = Tokenizer::load(&path).unwrap();
    let (back, _) = through_a_file(&tokenizer).unwrap();
    assert_eq!(back.eos_ids(), [2, 0]);
    let chat = [Message::new("user", "hi")];
    assert_eq!(
        back.render_chat(&chat, false).unwrap(),
        tokenizer.render_chat(&chat, false).unwrap()
    );
    assert_same("chat", &tokenizer, &back, &texts());
    // Special tokens are left out of decoded text, others are not.
    let tokens = back.encode("<think>a<|im_end|>").unwrap();
    assert_eq!(back.decode(&tokens).unwrap(), "<think>a");
    // The files of a Hugging Face directory come out of it.
    let directory = tempfile::tempdir().unwrap();
    back.save(directory.path()).unwrap();
    assert_same(
        "saved",
        &tokenizer,
        &Tokenizer::load(directory.path()).unwrap(),
        &texts(),
    );
}
