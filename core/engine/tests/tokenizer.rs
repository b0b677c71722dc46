//! Tokenizers and chat templates against transformers, and on files that nobody should trust.

#![allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.

use std::path::{Path, PathBuf};

use farthing_engine::{ChatOptions, Message, Tokenizer};
use proptest::prelude::*;
use serde::Deserialize;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tokenizer")
}

fn load(name: &str) -> Tokenizer {
    Tokenizer::load(&fixtures().join(name)).unwrap()
}

#[derive(Deserialize)]
struct TextCase {
    text: String,
    ids: Vec<u32>,
    ids_with_special: Vec<u32>,
    decoded: String,
    decoded_with_special: String,
}

#[test]
fn texts_and_tokens_equal_transformers() {
    for name in ["byte_level", "byte_fallback"] {
        let tokenizer = load(name);
        let cases = std::fs::read_to_string(fixtures().join(name).join("cases.json")).unwrap();
        let cases: Vec<TextCase> = serde_json::from_str(&cases).unwrap();
        for case in cases {
            let what = format!("{name}: {:?}", case.text);
            assert_eq!(tokenizer.encode(&case.text).unwrap(), case.ids, "{what}");
            assert_eq!(
                tokenizer.encode_with_special_tokens(&case.text).unwrap(),
                case.ids_with_special,
                "{what}"
            );
            assert_eq!(tokenizer.decode(&case.ids).unwrap(), case.decoded, "{what}");
            assert_eq!(
                tokenizer.decode_with_special_tokens(&case.ids).unwrap(),
                case.decoded_with_special,
                "{what}"
            );
        }
    }
}

#[derive(Deserialize)]
struct ChatFixture {
    unix_time: i64,
    templates: std::collections::BTreeMap<String, String>,
    cases: Vec<ChatCase>,
}

#[derive(Deserialize)]
struct ChatCase {
    template: String,
    messages: Vec<ChatMessage>,
    variables: serde_json::Map<String, serde_json::Value>,
    add_generation_prompt: bool,
    /// None where the template raises an exception.
    rendered: Option<String>,
}

#[derive(Deserialize)]
struct ChatMessage {
    role: String,
    content: String,
}

#[test]
fn chats_are_rendered_as_by_transformers() {
    let fixture = std::fs::read_to_string(fixtures().join("chat_templates.json")).unwrap();
    let fixture: ChatFixture = serde_json::from_str(&fixture).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let vocabulary = fixtures().join("byte_level/tokenizer.json");
    std::fs::copy(vocabulary, directory.path().join("tokenizer.json")).unwrap();
    for case in fixture.cases {
        let config = serde_json::json!({
            "chat_template": fixture.templates[&case.template],
            "bos_token": "<|endoftext|>",
            "eos_token": { "content": "<|im_end|>", "lstrip": false },
            "pad_token": "<|endoftext|>",
        });
        std::fs::write(
            directory.path().join("tokenizer_config.json"),
            config.to_string(),
        )
        .unwrap();
        let tokenizer = Tokenizer::load(directory.path()).unwrap();
        let messages: Vec<Message> = case
            .messages
            .into_iter()
            .map(|message| Message::new(message.role, message.content))
            .collect();
        let options = ChatOptions {
            add_generation_prompt: case.add_generation_prompt,
            variables: case.variables,
            unix_time: Some(fixture.unix_time),
        };
        let rendered = tokenizer.render_chat_with(&messages, &options);
        match case.rendered {
            Some(expected) => assert_eq!(rendered.unwrap(), expected, "{}", case.template),
            None => {
                let error = rendered.unwrap_err().to_string();
                assert!(error.contains("roles must alternate"), "{error}");
            }
        }
    }
}

#[test]
fn a_template_file_wins_and_named_templates_have_a_default() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    std::fs::copy(
        fixtures().join("byte_level/tokenizer.json"),
        at("tokenizer.json"),
    )
    .unwrap();
    let chat = [Message::new("user", "x")];
    let error = Tokenizer::load(directory.path())
        .unwrap()
        .render_chat(&chat, false)
        .unwrap_err()
        .to_string();
    assert!(error.contains("no chat template"), "{error}");

    let named = r#"{"chat_template": [{"name": "tool_use", "template": "tools"},
                                      {"name": "default", "template": "default"}]}"#;
    std::fs::write(at("tokenizer_config.json"), named).unwrap();
    assert_eq!(
        Tokenizer::load(directory.path())
            .unwrap()
            .render_chat(&chat, false)
            .unwrap(),
        "default"
    );
    std::fs::write(at("chat_template.jinja"), "file {{ bos_token }}").unwrap();
    assert_eq!(
        Tokenizer::load(directory.path())
            .unwrap()
            .render_chat(&chat, false)
            .unwrap(),
        "file "
    );

    // A template that cannot be parsed, or that never ends, is an error of who renders it.
    for (template, expected) in [
        ("{% if %}", "chat:1"),
        (
            "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
            "fuel",
        ),
        ("{{ raise_exception('no') }}", "refused the chat: no"),
    ] {
        std::fs::write(at("chat_template.jinja"), template).unwrap();
        let tokenizer = Tokenizer::load(directory.path()).unwrap();
        let error = tokenizer.render_chat(&chat, false).unwrap_err().to_string();
        assert!(error.contains(expected), "{template}: {error}");
    }
}

#[test]
fn all_ids_that_end_a_sequence_are_known() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    std::fs::copy(
        fixtures().join("byte_level/tokenizer.json"),
        at("tokenizer.json"),
    )
    .unwrap();
    let ids = || {
        Tokenizer::load(directory.path())
            .unwrap()
            .eos_ids()
            .to_vec()
    };
    assert_eq!(ids(), [0u32; 0]);
    std::fs::write(
        at("tokenizer_config.json"),
        r#"{"eos_token": "<|im_end|>", "bos_token": null}"#,
    )
    .unwrap();
    assert_eq!(ids(), [2]);
    std::fs::write(at("config.json"), r#"{"eos_token_id": 5}"#).unwrap();
    assert_eq!(ids(), [5, 2]);
    std::fs::write(at("generation_config.json"), r#"{"eos_token_id": [2, 0]}"#).unwrap();
    assert_eq!(ids(), [2, 0, 5]);
    std::fs::write(at("generation_config.json"), r#"{"eos_token_id": 7}"#).unwrap();
    assert_eq!(ids(), [7, 5, 2]);
    std::fs::write(at("generation_config.json"), r#"{"eos_token_id": -1}"#).unwrap();
    assert_eq!(ids(), [5, 2]);
    assert_eq!(Tokenizer::load(directory.path()).unwrap().bos_id(), None);

    std::fs::write(at("generation_config.json"), r#"{"eos_token_id": "two"}"#).unwrap();
    let error = Tokenizer::load(directory.path()).unwrap_err().to_string();
    assert!(
        error.contains("generation_config.json") && error.contains("expected token ids"),
        "{error}"
    );
}

#[test]
fn a_character_tokenizer_survives_saving() {
    let alphabet = "0123456789+-*/()=; \né🙂";
    let made = Tokenizer::characters(alphabet, &["<think>", "</think>", "<answer>"]).unwrap();
    let directory = tempfile::tempdir().unwrap();
    made.save(directory.path()).unwrap();
    let loaded = Tokenizer::load(directory.path()).unwrap();
    let text = "<think>3*7=21; é🙂\n</think><answer>(2)<|endoftext|>";
    for tokenizer in [&made, &loaded] {
        let ids = tokenizer.encode(text).unwrap();
        assert_eq!(ids.len(), 3 + 11 + 3 + 1);
        assert_eq!(ids.last(), Some(&0));
        assert_eq!(tokenizer.decode_with_special_tokens(&ids).unwrap(), text);
        assert_eq!(
            tokenizer.decode(&ids).unwrap(),
            text.trim_end_matches("<|endoftext|>")
        );
        assert_eq!(tokenizer.eos_ids(), [0]);
        assert_eq!(tokenizer.pad_id(), Some(1));
        assert_eq!(tokenizer.bos_id(), None);
        assert_eq!(tokenizer.vocab_size(), 2 + alphabet.chars().count() + 3);
        assert_eq!(tokenizer.token_to_id("0"), Some(2));
        let error = tokenizer.encode("12 x").unwrap_err().to_string();
        assert!(
            error.contains("'x' at byte 3 is not in the vocabulary"),
            "{error}"
        );
    }
    // Saving what was loaded changes no byte.
    let again = tempfile::tempdir().unwrap();
    loaded.save(again.path()).unwrap();
    for name in [
        "tokenizer.json",
        "tokenizer_config.json",
        "generation_config.json",
    ] {
        let bytes = |directory: &Path| std::fs::read(directory.join(name)).unwrap();
        assert_eq!(bytes(directory.path()), bytes(again.path()), "{name}");
    }
}

#[test]
fn an_impossible_alphabet_is_refused() {
    for (alphabet, tokens, expected) in [
        ("", &[][..], "alphabet is empty"),
        ("abca", &[], "lists \"a\" twice"),
        ("ab", &["<x>", "<x>"], "\"<x>\" exists already"),
        ("ab", &["a"], "\"a\" exists already"),
        ("ab", &[""], "a token is empty"),
        ("ab", &["<|endoftext|>"], "exists already"),
    ] {
        let error = Tokenizer::characters(alphabet, tokens)
            .unwrap_err()
            .to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn the_longest_token_from_the_left_is_taken() {
    let numbers: Vec<String> = (10..100).map(|number| number.to_string()).collect();
    let tokenizer = Tokenizer::characters("0123456789=", &numbers).unwrap();
    let split = |text: &str| -> Vec<String> {
        let ids = tokenizer.encode(text).unwrap();
        assert_eq!(tokenizer.decode(&ids).unwrap(), text);
        ids.iter()
            .map(|&id| tokenizer.id_to_token(id).unwrap())
            .collect()
    };
    assert_eq!(split("7=12"), ["7", "=", "12"]);
    assert_eq!(split("128=07"), ["12", "8", "=", "0", "7"]);
}

#[test]
fn text_streams_in_whole_characters() {
    for name in ["byte_level", "byte_fallback"] {
        let tokenizer = load(name);
        let text = "größer 🙂👩‍👩‍👧 数字 end";
        let ids = tokenizer.encode(text).unwrap();
        let mut decoder = tokenizer.streaming_decoder(true);
        let mut pieces: Vec<String> = ids.iter().map(|&id| decoder.push(id).unwrap()).collect();
        assert!(
            pieces.iter().any(String::is_empty),
            "{name}: a character spans several tokens"
        );
        pieces.push(decoder.finish().unwrap());
        assert!(
            pieces.iter().all(|piece| !piece.contains('\u{FFFD}')),
            "{name}: {pieces:?}"
        );
        assert_eq!(pieces.concat(), tokenizer.decode(&ids).unwrap(), "{name}");
    }
}

fn stream(tokenizer: &Tokenizer, ids: &[u32]) -> String {
    let mut decoder = tokenizer.streaming_decoder(true);
    let mut text: String = ids.iter().map(|&id| decoder.push(id).unwrap()).collect();
    text += &decoder.finish().unwrap();
    text
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Any tokens at all, broken UTF-8 and special tokens among them.
    #[test]
    fn streamed_text_is_the_text(ids in proptest::collection::vec(0u32..320, 0..40)) {
        let tokenizer = load("byte_level");
        let whole = tokenizer.decode_with_special_tokens(&ids).unwrap();
        prop_assert_eq!(stream(&tokenizer, &ids), whole);
    }

    /// Byte fallback takes characters back when a later byte breaks their run, which a stream cannot: it shows more of
    /// the text, never less.
    #[test]
    fn nothing_is_lost_after_broken_bytes(ids in proptest::collection::vec(0u32..320, 0..40)) {
        let tokenizer = load("byte_fallback");
        let whole = tokenizer.decode_with_special_tokens(&ids).unwrap();
        let streamed = stream(&tokenizer, &ids);
        let mut rest = streamed.chars();
        for character in whole.chars().filter(|&character| character != '\u{FFFD}') {
            prop_assert!(rest.any(|shown| shown == character), "{whole:?} {streamed:?}");
        }
    }

    #[test]
    fn texts_over_the_alphabet_come_back(text in "[0-9+*/()=; \né🙂-]{0,60}") {
        let tokenizer = Tokenizer::characters("0123456789+-*/()=; \né🙂", &["<think>"]).unwrap();
        let ids = tokenizer.encode(&text).unwrap();
        prop_assert_eq!(ids.len(), text.chars().count());
        prop_assert_eq!(tokenizer.decode(&ids).unwrap(), text);
    }

    /// Crafted files give errors, never a panic.
    #[test]
    fn damaged_tokenizers_are_errors(cut in 0usize..4000, at in 0usize..4000, byte: u8, key in 0usize..12) {
        let whole = std::fs::read(fixtures().join("byte_level/tokenizer.json")).unwrap();
        let mut bytes = whole.clone();
        bytes.truncate(bytes.len() - cut.min(bytes.len()));
        if let Some(damaged) = bytes.get_mut(at) {
            *damaged = byte;
        }
        let mut document: serde_json::Value = serde_json::from_slice(&whole).unwrap();
        let keys: Vec<String> = document.as_object().unwrap().keys().cloned().collect();
        document[&keys[key % keys.len()]] = serde_json::json!([{ "type": "WordPiece", "id": 4_000_000_000u32 }]);
        for content in [bytes, document.to_string().into_bytes()] {
            let directory = tempfile::tempdir().unwrap();
            std::fs::write(directory.path().join("tokenizer.json"), content).unwrap();
            match Tokenizer::load(directory.path()) {
                Ok(tokenizer) => {
                    if let Ok(ids) = tokenizer.encode("the numbers 3*7=21 数") {
                        let _ = tokenizer.decode(&ids);
                    }
                }
                Err(error) => prop_assert!(error.to_string().contains("tokenizer.json"), "{error}"),
            }
        }
    }
}

#[test]
fn a_missing_tokenizer_names_the_remedy() {
    let directory = tempfile::tempdir().unwrap();
    let error = Tokenizer::load(directory.path()).unwrap_err().to_string();
    assert!(error.contains("tokenizer.json: no such file"), "{error}");
    std::fs::write(directory.path().join("tokenizer.model"), "x").unwrap();
    let error = Tokenizer::load(directory.path()).unwrap_err().to_string();
    assert!(error.contains("save_pretrained"), "{error}");
}
