//! Hooks: text that is injected, attempts that go on, logits that are changed.

use farthing_engine::{
    Architecture, Attempt, DecodeHooks, DecodingPlan, Finish, PromptGroup, Steer, decode,
    decode_by_composition,
};

use crate::script::{Script, text, write};
use crate::{draw_one, odd_model, prompt, tokenizer};

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
