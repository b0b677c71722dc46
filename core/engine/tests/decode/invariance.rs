//! An attempt depends on prompt, seed and plan alone, to the last bit.

use farthing_engine::{
    Architecture, Attempt, DecodeHooks, DecodingBudget, DecodingPlan, Model, NoHooks, PromptGroup,
    decode,
};

use crate::{large_model, odd_model, prompt, tokenizer};

/// Prompts that end before, at and after the borders of cache pages.
const PROMPT_LENGTHS: [usize; 7] = [1, 5, 16, 63, 64, 65, 130];

fn plan() -> DecodingPlan {
    DecodingPlan {
        temperature: 0.9,
        top_p: 0.95,
        repetition_penalty: 1.1,
        eos: vec![3],
        max_new_tokens: 70,
        ..DecodingPlan::default()
    }
}

fn seeds(group: usize) -> Vec<u64> {
    (0..3)
        .map(|attempt| (group * 10 + attempt) as u64)
        .collect()
}

/// Attempts by group, drawn with groups in the given order on a pool of `threads`.
fn draw(model: &Model, order: &[usize], max_rows: usize, threads: usize) -> Vec<Vec<Attempt>> {
    let prompts: Vec<Vec<u32>> = PROMPT_LENGTHS
        .iter()
        .map(|&length| prompt(length, length))
        .collect();
    let seeds: Vec<Vec<u64>> = (0..prompts.len()).map(seeds).collect();
    let groups: Vec<PromptGroup<'_>> = order
        .iter()
        .map(|&group| PromptGroup {
            tokens: &prompts[group],
            seeds: &seeds[group],
        })
        .collect();
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .unwrap();
    let drawn = pool
        .install(|| {
            decode(
                model,
                &tokenizer(),
                &groups,
                &plan(),
                max_rows,
                &mut NoHooks,
            )
        })
        .unwrap();
    let mut by_group = vec![Vec::new(); prompts.len()];
    for (&group, attempts) in order.iter().zip(drawn) {
        by_group[group] = attempts;
    }
    by_group
}

fn bits(attempts: &[Vec<Attempt>]) -> Vec<(Vec<u32>, Vec<u32>)> {
    let bits = |attempt: &Attempt| attempt.logp.iter().map(|logp| logp.to_bits()).collect();
    attempts
        .iter()
        .flatten()
        .map(|attempt| (attempt.tokens.clone(), bits(attempt)))
        .collect()
}

#[test]
fn attempts_do_not_depend_on_rows_order_or_threads() {
    for architecture in Architecture::ALL {
        let model = odd_model(architecture);
        let in_order: Vec<usize> = (0..PROMPT_LENGTHS.len()).collect();
        let reference = bits(&draw(&model, &in_order, 64, 1));
        let tokens: usize = reference.iter().map(|(tokens, _)| tokens.len()).sum();
        assert!(
            tokens > 300,
            "the attempts are too short to say much: {tokens}"
        );
        for max_rows in [1, 3, 64] {
            for threads in [1, 2, 3] {
                for order in [
                    in_order.clone(),
                    in_order.iter().rev().copied().collect(),
                    vec![3, 0, 6, 2, 5, 1, 4],
                ] {
                    let drawn = bits(&draw(&model, &order, max_rows, threads));
                    assert!(
                        drawn == reference,
                        "max_rows {max_rows}, threads {threads}, order {order:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn the_same_holds_for_weights_that_do_not_fit_the_caches() {
    let model = large_model(Architecture::Qwen3);
    let in_order: Vec<usize> = (0..PROMPT_LENGTHS.len()).collect();
    let reference = bits(&draw(&model, &in_order, 64, 1));
    let backwards: Vec<usize> = in_order.iter().rev().copied().collect();
    for (order, max_rows, threads) in [(&in_order, 4, 2), (&backwards, 64, 3)] {
        assert!(bits(&draw(&model, order, max_rows, threads)) == reference);
    }
}

/// Who drew a token, in order.
#[derive(Default)]
struct Draws(Vec<(usize, usize)>);

impl DecodeHooks for Draws {
    fn on_token(&mut self, group: usize, attempt: usize, _: u32) {
        self.0.push((group, attempt));
    }
}

#[test]
fn the_budget_bounds_what_is_in_flight_and_changes_no_attempt() {
    let model = odd_model(Architecture::Llama);
    let prompts = [prompt(40, 1), prompt(10, 2), prompt(90, 3)];
    let groups = prompts.each_ref().map(|tokens| PromptGroup {
        tokens,
        seeds: &[1, 2, 3, 4],
    });
    let plan = DecodingPlan {
        max_new_tokens: 20,
        ..DecodingPlan::default()
    };
    // The attempts in flight draw by turns, so those before the first one's second token are all that began together.
    let draw = |budget: DecodingBudget| {
        let mut hooks = Draws::default();
        let drawn = decode(&model, &tokenizer(), &groups, &plan, budget, &mut hooks).unwrap();
        let first = hooks.0[0];
        let in_flight = 1 + hooks.0[1..].iter().position(|&draw| draw == first).unwrap();
        (drawn, in_flight)
    };
    let (all, twelve) = draw(DecodingBudget::from(64));
    assert_eq!(twelve, 12);
    // The first prompt has 40 tokens, a completion 20; the second prompt has 10.
    for (tokens, rows, expected) in [
        (1, 64, 1),
        (60, 64, 1),
        (80, 64, 2),
        (120, 64, 4),
        (149, 64, 4),
        (150, 64, 5),
        (10_000, 3, 3),
    ] {
        let (drawn, in_flight) = draw(DecodingBudget { rows, tokens });
        assert_eq!(drawn, all, "{tokens} tokens, {rows} rows");
        assert_eq!(in_flight, expected, "{tokens} tokens, {rows} rows");
    }
    let nothing = DecodingBudget { rows: 1, tokens: 0 };
    assert!(decode(&model, &tokenizer(), &groups, &plan, nothing, &mut NoHooks).is_err());
}

#[test]
fn attempts_of_a_group_differ_by_their_seeds_alone() {
    let model = odd_model(Architecture::Llama);
    let tokens = prompt(9, 2);
    let seeds = [5, 6, 5];
    let groups = [PromptGroup {
        tokens: &tokens,
        seeds: &seeds,
    }];
    let drawn = decode(&model, &tokenizer(), &groups, &plan(), 2, &mut NoHooks)
        .unwrap()
        .remove(0);
    assert_eq!(drawn[0], drawn[2]);
    assert_ne!(drawn[0].tokens, drawn[1].tokens);
}

#[test]
fn groups_without_attempts_are_empty() {
    let model = odd_model(Architecture::Llama);
    let tokens = prompt(3, 1);
    let groups = [
        PromptGroup {
            tokens: &tokens,
            seeds: &[],
        },
        PromptGroup {
            tokens: &tokens,
            seeds: &[1],
        },
        PromptGroup {
            tokens: &tokens,
            seeds: &[],
        },
    ];
    let drawn = decode(&model, &tokenizer(), &groups, &plan(), 8, &mut NoHooks).unwrap();
    assert_eq!(drawn.iter().map(Vec::len).collect::<Vec<_>>(), [0, 1, 0]);
    assert!(
        decode(&model, &tokenizer(), &[], &plan(), 8, &mut NoHooks)
            .unwrap()
            .is_empty()
    );
}
