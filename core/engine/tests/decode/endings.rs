//! What ends an attempt: end-of-text tokens, stop strings, limits.

use farthing_engine::{Architecture, DecodingPlan, Finish, PromptGroup, Tokenizer, decode};

use crate::script::{Script, text, write};
use crate::{draw_plain, odd_model, prompt, tokenizer};

#[test]
fn every_id_in_eos_ends_an_attempt() {
    let z = tokenizer().encode("z").unwrap()[0];
    let plan = DecodingPlan {
        eos: vec![0, z],
        max_new_tokens: 20,
        ..DecodingPlan::default()
    };
    for (written, ends) in [
        ("abc<|endoftext|>def", "abc<|endoftext|>"),
        ("abzcd", "abz"),
    ] {
        let (attempt, _) = write(written, &plan, Vec::new());
        assert_eq!(
            (text(&attempt).as_str(), attempt.finish),
            (ends, Finish::Eos)
        );
    }
}

#[test]
fn stop_strings_end_an_attempt_across_tokens() {
    let stop = vec!["stop".to_owned(), "the end".to_owned()];
    let plan = DecodingPlan {
        stop,
        max_new_tokens: 30,
        ..DecodingPlan::default()
    };
    for (written, ends) in [
        ("now stop here", "now stop"),
        ("sto stostop", "sto stostop"),
        ("the en the end of it", "the en the end"),
    ] {
        let (attempt, _) = write(written, &plan, Vec::new());
        assert_eq!(
            (text(&attempt).as_str(), attempt.finish),
            (ends, Finish::Stop),
            "{written}"
        );
    }
    let (attempt, _) = write("never here because it is long", &plan, Vec::new());
    assert_eq!(attempt.finish, Finish::Length);
}

/// The stop string ends inside a token of several characters, and one character takes several tokens.
#[test]
fn stop_strings_do_not_respect_tokens() {
    let byte_level = crate::fixtures().join("tokenizer/byte_level");
    let tokenizer = Tokenizer::load(&byte_level).unwrap();
    let mut config = crate::odd_config(Architecture::Llama);
    config.vocab_size = tokenizer.vocab_size();
    let model = farthing_engine::Model::init(config, 1, &candle_core::Device::Cpu).unwrap();
    let prompt = prompt(4, 3);
    for (written, stop) in [
        ("and again the numbers", "the n"),
        ("a 🙂 b", "🙂"),
        ("a<|im_end|>b", "<|im_end|>"),
    ] {
        let ids = tokenizer.encode(written).unwrap();
        let mut script = Script {
            text: ids,
            prompt_length: prompt.len(),
            ..Script::default()
        };
        let plan = DecodingPlan {
            stop: vec![stop.to_owned()],
            max_new_tokens: 40,
            ..DecodingPlan::default()
        };
        let groups = [PromptGroup {
            tokens: &prompt,
            seeds: &[1],
        }];
        let drawn = decode(&model, &tokenizer, &groups, &plan, 1, &mut script).unwrap();
        let attempt = &drawn[0][0];
        let text = tokenizer
            .decode_with_special_tokens(&attempt.tokens)
            .unwrap();
        assert_eq!(attempt.finish, Finish::Stop, "{text:?}");
        assert!(text.contains(stop), "{text:?}");
        let before = tokenizer
            .decode_with_special_tokens(&attempt.tokens[..attempt.tokens.len() - 1])
            .unwrap();
        assert!(!before.contains(stop), "{before:?} went on");
    }
}

#[test]
fn limits_end_an_attempt() {
    let model = odd_model(Architecture::Llama);
    let limit = |max_new_tokens, max_completion_tokens| DecodingPlan {
        max_new_tokens,
        max_completion_tokens,
        ..DecodingPlan::default()
    };
    for (plan, prompt_length, expected) in [
        (limit(1, None), 4, 1),
        (limit(9, Some(5)), 4, 5),
        (limit(9, Some(50)), 4, 9),
        // The model has 256 positions.
        (limit(1000, None), 250, 6),
    ] {
        let attempt = draw_plain(&model, &prompt(prompt_length, 1), 1, &plan);
        assert_eq!(
            (attempt.tokens.len(), attempt.finish),
            (expected, Finish::Length)
        );
    }
}
