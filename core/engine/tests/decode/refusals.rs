//! Plans and prompts that cannot be followed.

use farthing_engine::{Architecture, DecodeHooks, DecodingPlan, NoHooks, PromptGroup, decode};

use crate::{odd_model, tokenizer};

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
        (refusal(&[1], good.clone(), 0), "the budget allows nothing"),
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
                    logit_bias: [(29, 1.0)].into(),
                    ..good.clone()
                },
                1,
            ),
            "logit_bias = 1 for token 29",
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
