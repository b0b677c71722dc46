//! `math/arithmetic` through the boundary's shims: exercises are right, solved, and held out.

#![allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.

use std::collections::{BTreeMap, BTreeSet};

use farthing_math::{Arithmetic, Equal};
use farthing_sdk::{prelude::*, testing, testing::TaskKit};

const KINDS: [&str; 5] = [
    "integers",
    "fractions",
    "percentages",
    "equations",
    "algebra",
];

fn task(config: Value) -> TaskKit {
    testing::task::<Arithmetic>(config).unwrap()
}

fn problems(kit: &TaskKit, split: Split, count: u64) -> Vec<Problem> {
    (0..count)
        .map(|index| kit.problem(split, index, 1).unwrap())
        .collect()
}

#[test]
fn the_kit_finds_nothing_wrong() {
    for template in ["tiny", "chat"] {
        let kit = task(json!({ "template": template }));
        kit.check(Split::Train, 500).unwrap();
        kit.check(Split::Test, 500).unwrap();
    }
}

/// Every kind at every level has worked solutions that the reward accepts, also where it wants
/// answers worked out.
#[test]
fn worked_solutions_are_right() {
    let reward = testing::reward::<Equal>(json!({ "worked_out": true })).unwrap();
    for template in ["tiny", "chat", "Q: {question} A:"] {
        for kind in KINDS {
            for level in 1..=3 {
                let kit = task(json!({ "kinds": [kind], "levels": [level], "template": template }));
                for problem in problems(&kit, Split::Train, 40) {
                    let solution = kit.solution(&problem, 0).unwrap().unwrap();
                    let outcome = reward.score(&problem.facts, &solution).unwrap();
                    assert!(
                        matches!(outcome, Outcome::Scored { value: 1.0, .. }),
                        "{:?}: {solution}",
                        problem.id
                    );
                    assert_eq!(problem.tags, [kind.to_owned(), format!("level-{level}")]);
                }
            }
        }
    }
}

/// Whole numbers are checked with an evaluator that knows nothing of how they were made.
#[test]
fn gold_answers_of_integers_are_right() {
    let kit = task(json!({ "kinds": ["integers"], "template": "tiny" }));
    for problem in problems(&kit, Split::Train, 500) {
        let formula = problem.id.strip_suffix('=').unwrap();
        let gold: i64 = problem.facts["answer"].as_str().unwrap().parse().unwrap();
        assert_eq!(sum(&mut formula.chars().peekable()), gold, "{formula}");
    }
}

type Characters<'a> = std::iter::Peekable<std::str::Chars<'a>>;

fn sum(text: &mut Characters<'_>) -> i64 {
    let mut value = product(text);
    while let Some(sign) = text.next_if(|c| matches!(c, '+' | '-')) {
        let next = product(text);
        value += if sign == '+' { next } else { -next };
    }
    value
}

fn product(text: &mut Characters<'_>) -> i64 {
    let mut value = atom(text);
    while text.next_if_eq(&'*').is_some() {
        value *= atom(text);
    }
    value
}

fn atom(text: &mut Characters<'_>) -> i64 {
    if text.next_if_eq(&'(').is_some() {
        let value = sum(text);
        assert_eq!(text.next(), Some(')'));
        return value;
    }
    let digits: String = std::iter::from_fn(|| text.next_if(char::is_ascii_digit)).collect();
    digits.parse().unwrap()
}

/// Each step of a solution holds, as the reward's own engine sees it.
#[test]
fn steps_hold() {
    let reward = testing::reward::<Equal>(json!({})).unwrap();
    let kit =
        task(json!({ "kinds": ["integers", "fractions", "percentages"], "template": "tiny" }));
    let mut checked = 0;
    for problem in problems(&kit, Split::Train, 300) {
        for step in problem.facts["steps"].as_array().unwrap() {
            let (left, right) = step.as_str().unwrap().rsplit_once('=').unwrap();
            let facts = json!({ "answer": right });
            let outcome = reward.score(&facts, &format!("\\boxed{{{left}}}")).unwrap();
            assert!(
                matches!(outcome, Outcome::Scored { value: 1.0, .. }),
                "{step}"
            );
            checked += 1;
        }
    }
    assert!(checked > 300);
}

/// Whatever the seed and the other settings: which split an exercise is in depends on its text.
#[test]
fn no_exercise_is_in_both_splits() {
    let mut split_of: BTreeMap<String, Split> = BTreeMap::new();
    for config in [
        json!({}),
        json!({ "kinds": ["percentages"], "levels": [1] }),
        json!({ "kinds": ["equations", "algebra"], "levels": [2, 3], "template": "tiny" }),
    ] {
        let kit = task(config);
        for split in [Split::Train, Split::Test] {
            for seed in [1, 2] {
                for index in 0..400 {
                    let id = kit.problem(split, index, seed).unwrap().id;
                    assert_eq!(*split_of.entry(id.clone()).or_insert(split), split, "{id}");
                }
            }
        }
    }
}

#[test]
fn the_test_split_is_the_same_under_every_seed() {
    let kit = task(json!({}));
    let ids = |split: Split, seed: u64| -> Vec<String> {
        (0..50)
            .map(|index| kit.problem(split, index, seed).unwrap().id)
            .collect()
    };
    assert_eq!(ids(Split::Test, 1), ids(Split::Test, 2));
    assert_ne!(ids(Split::Train, 1), ids(Split::Train, 2));
}

#[test]
fn kinds_and_levels_come_as_configured() {
    let kit = task(json!({ "kinds": ["fractions", "algebra"], "levels": [2, 3] }));
    let tags: BTreeSet<Vec<String>> = problems(&kit, Split::Train, 200)
        .into_iter()
        .map(|problem| problem.tags)
        .collect();
    let expected = ["fractions", "algebra"]
        .iter()
        .flat_map(|kind| [2, 3].map(|level| vec![kind.to_string(), format!("level-{level}")]));
    assert_eq!(tags, expected.collect());
}

#[test]
fn tiny_exercises_are_formulas_alone() {
    let kit = task(json!({ "template": "tiny" }));
    for problem in problems(&kit, Split::Train, 500) {
        let solution = kit.solution(&problem, 0).unwrap().unwrap();
        let Prompt::Text(prompt) = &problem.prompt else {
            panic!("{:?}", problem.prompt);
        };
        let written = format!("{prompt}{}", solution.replace("\\boxed{", "}"));
        let known = |c: char| "0123456789+-*/^=()%,:;xy}".contains(c);
        assert!(written.chars().all(known), "{written}");
    }
}

#[test]
fn configurations_that_cannot_work_are_refused() {
    for (config, says) in [
        (json!({ "kinds": [] }), "must each have one element"),
        (
            json!({ "levels": [7] }),
            "`levels` must be from 1 to 3, found 7",
        ),
        (
            json!({ "test_share": -1.0 }),
            "`test_share` must be from 0 to 1",
        ),
        (json!({ "template": "huge" }), "unknown template \"huge\""),
        (
            json!({ "kinds": ["percentages"], "levels": [1], "test_share": 1e-9 }),
            "no percentages exercise of level 1 in the test split",
        ),
    ] {
        let refusal = testing::task::<Arithmetic>(config)
            .err()
            .unwrap()
            .to_string();
        assert!(refusal.contains(says), "{refusal}");
    }
}
