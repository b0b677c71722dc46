//! Ends of attempts, hooks, and plans that cannot be followed.

use farthing_engine::{
    Architecture, Attempt, DecodeHooks, DecodingPlan, Finish, NoHooks, Pause, PromptGroup, Steer,
    Tokenizer, decode, decode_by_composition,
};

use crate::{draw_one, draw_plain, odd_model, prompt, tokenizer};

/// Makes attempts write a text, token by token, by forbidding all others, and steers by a list of answers.
#[derive(Default)]
struct Script {
    /// What each attempt writes; after the end of it everything is free.
    text: Vec<u32>,
    prompt_length: usize,
    answers: Vec<Steer>,
    pauses: Vec<(String, usize, Finish, usize)>,
    seen: Vec<u32>,
}

impl DecodeHooks for Script {
    fn wants_logits(&self) -> bool {
        !self.text.is_empty()
    }

    fn logits(&mut self, _: usize, _: usize, tokens: &[u32], logits: &mut [f32]) {
        if let Some(&next) = self.text.get(tokens.len() - self.prompt_length) {
            let kept = logits[next as usize];
            logits.fill(f32::NEG_INFINITY);
            logits[next as usize] = kept;
        }
    }

    fn wants_steer(&self) -> bool {
        !self.answers.is_empty()
    }

    fn steer(&mut self, _: usize, _: usize, pause: &Pause<'_>) -> Steer {
        self.pauses.push((
            pause.text.to_owned(),
            pause.tokens.len(),
            pause.finish,
            pause.steered,
        ));
        if self.answers.len() > 1 {
            self.answers.remove(0)
        } else {
            self.answers[0].clone()
        }
    }

    fn on_token(&mut self, _: usize, _: usize, token: u32) {
        self.seen.push(token);
    }
}

fn write(text: &str, plan: &DecodingPlan, answers: Vec<Steer>) -> (Attempt, Script) {
    let prompt = prompt(4, 3);
    let text = tokenizer().encode(text).unwrap();
    let mut script = Script {
        text,
        prompt_length: prompt.len(),
        answers,
        ..Script::default()
    };
    let model = odd_model(Architecture::Llama);
    let attempt = draw_one(&model, &prompt, 3, plan, &mut script);
    assert_eq!(
        script.seen, attempt.tokens,
        "on_token sees what the attempt keeps"
    );
    assert_eq!(attempt.tokens.len(), attempt.logp.len());
    (attempt, script)
}

fn text(attempt: &Attempt) -> String {
    tokenizer()
        .decode_with_special_tokens(&attempt.tokens)
        .unwrap()
}

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

#[test]
fn injected_text_replaces_the_end_and_is_marked() {
    let plan = DecodingPlan {
        eos: vec![0],
        max_new_tokens: 8,
        ..DecodingPlan::default()
    };
    let answers = vec![Steer::Inject(" wait".to_owned()), Steer::Finish];
    let (attempt, script) = write("abc<|endoftext|>q", &plan, Vec::new());
    assert_eq!(
        (text(&attempt).as_str(), attempt.injected.len()),
        ("abc<|endoftext|>", 0)
    );
    assert!(script.pauses.is_empty());

    // The script names the token at each place, so it goes on after the injected ones.
    let (attempt, script) = write("abc<|endoftext|>qqqqxyz<|endoftext|>", &plan, answers);
    assert_eq!(text(&attempt), "abc waitxyz<|endoftext|>");
    assert_eq!(attempt.injected.len(), 1);
    assert_eq!(
        (&attempt.injected[0], attempt.finish),
        (&(3..8), Finish::Eos)
    );
    assert_eq!(attempt.logp[3..8], [0.0; 5]);
    assert!(
        attempt.logp[..3]
            .iter()
            .chain(&attempt.logp[8..])
            .all(|&logp| logp < 0.0)
    );
    assert_eq!(
        script.pauses,
        [
            ("abc".to_owned(), 3, Finish::Eos, 0),
            ("abc waitxyz".to_owned(), 11, Finish::Eos, 1)
        ]
    );
}

#[test]
fn an_attempt_may_be_steered_past_its_limit() {
    let plan = DecodingPlan {
        eos: vec![0],
        max_new_tokens: 4,
        ..DecodingPlan::default()
    };
    let answers = vec![
        Steer::Inject(" so ".to_owned()),
        Steer::Inject("x".to_owned()),
        Steer::Finish,
    ];
    let (attempt, script) = write("abcdqqqqefghqijkl", &plan, answers);
    assert_eq!(text(&attempt), "abcd so efghxijkl");
    assert_eq!(
        (attempt.injected, attempt.finish),
        (vec![4..8, 12..13], Finish::Length)
    );
    assert_eq!(script.pauses.len(), 3);
    // The whole completion has a limit of its own, which is not asked about.
    let plan = DecodingPlan {
        max_completion_tokens: Some(10),
        ..plan
    };
    let (attempt, script) = write(
        "abcdqqqqefgh",
        &plan,
        vec![Steer::Inject(" so ".to_owned())],
    );
    assert_eq!((attempt.tokens.len(), attempt.finish), (10, Finish::Length));
    assert_eq!(script.pauses.len(), 1);
}

#[test]
fn injected_text_may_end_an_attempt() {
    let plan = DecodingPlan {
        eos: vec![0],
        stop: vec!["bc".to_owned()],
        ..DecodingPlan::default()
    };
    let inject = |text: &str| vec![Steer::Inject(text.to_owned())];
    let (attempt, _) = write("abcd", &plan, inject(" done<|endoftext|>"));
    assert_eq!(
        (text(&attempt).as_str(), attempt.finish),
        ("abc done<|endoftext|>", Finish::Steered)
    );
    let plan = DecodingPlan {
        max_completion_tokens: Some(6),
        ..plan
    };
    let (attempt, _) = write("abcd", &plan, inject(" and a long text"));
    assert_eq!(
        (text(&attempt).as_str(), attempt.finish),
        ("abc an", Finish::Steered)
    );
    // Injecting nothing would draw the same end again and again.
    let (attempt, script) = write("abcd", &plan, inject(""));
    assert_eq!(
        (text(&attempt).as_str(), attempt.finish),
        ("abc", Finish::Stop)
    );
    assert_eq!(script.pauses.len(), 1);
}

/// The injected text does not stop the attempt, and what follows it does not complete a stop string with it.
#[test]
fn stop_strings_do_not_match_injected_text() {
    let plan = DecodingPlan {
        stop: vec!["halt".to_owned()],
        max_new_tokens: 12,
        ..DecodingPlan::default()
    };
    let answers = vec![Steer::Inject(" halt ha".to_owned()), Steer::Finish];
    let (attempt, _) = write("a halt        lt b halt c", &plan, answers);
    assert_eq!(
        (text(&attempt).as_str(), attempt.finish),
        ("a halt halt halt b halt", Finish::Stop)
    );
}

#[test]
fn steering_goes_the_same_way_on_the_composition() {
    let model = odd_model(Architecture::Llama);
    let tokens = prompt(4, 3);
    let plan = DecodingPlan {
        eos: vec![4, 5, 6],
        max_new_tokens: 30,
        ..DecodingPlan::default()
    };
    let groups = [PromptGroup {
        tokens: &tokens,
        seeds: &[1, 2, 3, 4],
    }];
    let answers = vec![Steer::Inject("wait".to_owned()); 9]
        .into_iter()
        .chain([Steer::Finish])
        .collect::<Vec<_>>();
    let hooks = || Script {
        answers: answers.clone(),
        ..Script::default()
    };
    let fast = decode(&model, &tokenizer(), &groups, &plan, 3, &mut hooks()).unwrap();
    let composed =
        decode_by_composition(&model, &tokenizer(), &groups, &plan, 3, &mut hooks()).unwrap();
    let tokens = |drawn: &[Vec<Attempt>]| -> Vec<Vec<u32>> {
        drawn
            .iter()
            .flatten()
            .map(|attempt| attempt.tokens.clone())
            .collect()
    };
    assert_eq!(tokens(&fast), tokens(&composed));
    assert_eq!(
        fast.iter()
            .flatten()
            .map(|attempt| attempt.injected.len())
            .sum::<usize>(),
        9
    );
}

#[test]
fn a_logits_hook_leaves_the_log_probability_to_the_model() {
    struct Halve;
    impl DecodeHooks for Halve {
        fn wants_logits(&self) -> bool {
            true
        }
        fn logits(&mut self, _: usize, _: usize, _: &[u32], logits: &mut [f32]) {
            logits.iter_mut().for_each(|logit| *logit *= 0.5);
        }
    }
    let model = odd_model(Architecture::Llama);
    let tokens = prompt(4, 3);
    let plan = DecodingPlan {
        max_new_tokens: 20,
        ..DecodingPlan::default()
    };
    let attempt = draw_one(&model, &tokens, 1, &plan, &mut Halve);
    let sequence = [tokens.as_slice(), &attempt.tokens].concat();
    let packed = farthing_engine::Packed::from_sequences([(sequence.as_slice(), tokens.len())]);
    let scores = model.score(&packed, 1.0).unwrap();
    for (drawn, scored) in attempt.logp.iter().zip(&scores.logp) {
        assert!(
            (drawn - scored).abs() < 1e-5 * scored.abs().max(1.0),
            "{drawn} {scored}"
        );
    }
}

#[test]
fn what_cannot_be_drawn_is_refused() {
    let model = odd_model(Architecture::Llama);
    let good = DecodingPlan::default();
    let refusal = |tokens: &[u32], plan: DecodingPlan, max_rows: usize| {
        let groups = [PromptGroup {
            tokens,
            seeds: &[1],
        }];
        decode(&model, &tokenizer(), &groups, &plan, max_rows, &mut NoHooks)
            .unwrap_err()
            .to_string()
    };
    for (error, expected) in [
        (
            refusal(&[], good.clone(), 1),
            "the prompt of group 0 has no tokens",
        ),
        (
            refusal(&[1, 29], good.clone(), 1),
            "token 29, outside the model's vocabulary of 29",
        ),
        (
            refusal(&[1; 256], good.clone(), 1),
            "leaves no room for a completion in the model's 256 positions",
        ),
        (refusal(&[1], good.clone(), 0), "max_rows is 0"),
        (
            refusal(
                &[1],
                DecodingPlan {
                    temperature: -1.0,
                    ..good.clone()
                },
                1,
            ),
            "temperature = -1",
        ),
        (
            refusal(
                &[1],
                DecodingPlan {
                    temperature: f32::NAN,
                    ..good.clone()
                },
                1,
            ),
            "temperature = NaN",
        ),
        (
            refusal(
                &[1],
                DecodingPlan {
                    top_p: 0.0,
                    ..good.clone()
                },
                1,
            ),
            "top_p = 0",
        ),
        (
            refusal(
                &[1],
                DecodingPlan {
                    min_p: 1.0,
                    ..good.clone()
                },
                1,
            ),
            "min_p = 1",
        ),
        (
            refusal(
                &[1],
                DecodingPlan {
                    repetition_penalty: 0.0,
                    ..good.clone()
                },
                1,
            ),
            "repetition_penalty = 0",
        ),
        (
            refusal(
                &[1],
                DecodingPlan {
                    max_new_tokens: 0,
                    ..good.clone()
                },
                1,
            ),
            "allows no new token",
        ),
        (
            refusal(
                &[1],
                DecodingPlan {
                    stop: vec![String::new()],
                    ..good
                },
                1,
            ),
            "empty stop string",
        ),
    ] {
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn forbidding_every_token_is_an_error() {
    let groups = [PromptGroup {
        tokens: &[1, 2],
        seeds: &[1],
    }];
    struct ForbidAll;
    impl DecodeHooks for ForbidAll {
        fn wants_logits(&self) -> bool {
            true
        }
        fn logits(&mut self, _: usize, _: usize, _: &[u32], logits: &mut [f32]) {
            logits.fill(f32::NEG_INFINITY);
        }
    }
    let model = odd_model(Architecture::Llama);
    let drawn = decode(
        &model,
        &tokenizer(),
        &groups,
        &DecodingPlan::default(),
        1,
        &mut ForbidAll,
    );
    let error = drawn.unwrap_err().to_string();
    assert!(error.contains("forbade every token"), "{error}");
}
