//! Worked solutions: right in every style, template and variant, and written as a model can
//! learn to write them.

#![allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.

use std::collections::BTreeSet;

use farthing_countdown::{Countdown, Exact};
use farthing_sdk::{
    prelude::*,
    testing,
    testing::{RewardKit, TaskKit},
};

fn correct(reward: &RewardKit, problem: &Problem, completion: &str) -> bool {
    match reward.score(&problem.facts, completion).unwrap() {
        Outcome::Scored {
            value,
            parts,
            answer,
            solution,
        } => {
            let whole = ["format", "correct"].map(|part| parts.get(part)) == [Some(1.0); 2];
            let target = problem.facts["target"].to_string();
            value == 1.0 && whole && answer == Some(target) && solution.is_some()
        }
        Outcome::Abstain => false,
    }
}

fn solutions(kit: &TaskKit, problem: &Problem, variants: u64) -> Vec<String> {
    (0..variants)
        .map(|variant| {
            kit.solution(problem, variant)
                .unwrap()
                .expect("it can be solved")
        })
        .collect()
}

#[test]
fn every_style_template_and_variant_is_worth_one() {
    let reward = testing::reward::<Exact>(json!({})).unwrap();
    for template in ["tiny", "base", "chat", "{numbers} to {target}, please."] {
        for style in ["steps", "search"] {
            for fractions in [false, true] {
                let config = json!({
                    "numbers": { "from": 2, "to": 4 }, "max_number": 20, "template": template,
                    "style": style, "fractions": fractions,
                });
                let kit = testing::task::<Countdown>(config).unwrap();
                for index in 0..50 {
                    let problem = kit.problem(Split::Train, index, 5).unwrap();
                    for completion in solutions(&kit, &problem, 4) {
                        assert!(correct(&reward, &problem, &completion), "{completion}");
                    }
                }
            }
        }
    }
}

/// Thousands of problems of each count are posed, solved and checked.
#[test]
fn every_problem_can_be_solved() {
    let reward = testing::reward::<Exact>(json!({})).unwrap();
    for (count, problems) in [(2, 2000), (3, 2000), (4, 1000), (5, 100), (6, 5)] {
        let kit = testing::task::<Countdown>(json!({ "numbers": count })).unwrap();
        for index in 0..problems {
            let split = [Split::Train, Split::Test][index as usize % 2];
            let problem = kit.problem(split, index, 11).unwrap();
            let completion = kit
                .solution(&problem, 0)
                .unwrap()
                .expect("it can be solved");
            assert!(correct(&reward, &problem, &completion), "{completion}");
        }
    }
}

fn tiny(style: &str) -> TaskKit {
    let config = json!({
        "numbers": 3, "max_number": 10, "max_target": 30, "template": "tiny", "style": style,
    });
    testing::task::<Countdown>(config).unwrap()
}

/// One token for each character and one for each tag.
fn tokens(terse: &str) -> usize {
    terse
        .replace("<answer>", "T")
        .replace("</answer>", "T")
        .len()
}

/// Every line of working is true, starts from numbers that are there, and leaves its result
/// for the next; attempts that missed end beside the target, the last one on it.
fn check_terse(problem: &Problem, completion: &str) {
    let (working, _) = completion.split_once("<answer>").unwrap();
    let target = problem.facts["target"].as_i64().unwrap();
    let (missed, solution) = working.rsplit_once('!').unwrap_or(("", working));
    let solution = solution.strip_suffix(';').unwrap();
    let missed = missed.split('!').filter(|attempt| !attempt.is_empty());
    for (attempt, hits) in missed
        .map(|attempt| (attempt, false))
        .chain([(solution, true)])
    {
        let mut left: Vec<i64> = serde_json::from_value(problem.facts["numbers"].clone()).unwrap();
        for step in attempt.split(';') {
            let (sides, result) = step.split_once('=').unwrap();
            let at = sides.find(['+', '-', '*', '/']).unwrap();
            let (a, b): (i64, i64) = (
                sides[..at].parse().unwrap(),
                sides[at + 1..].parse().unwrap(),
            );
            for side in [a, b] {
                let place = left.iter().position(|&number| number == side);
                left.remove(place.unwrap_or_else(|| panic!("{side} is not there: {completion}")));
            }
            let expected = match &sides[at..=at] {
                "+" => a + b,
                "-" => a - b,
                "*" => a * b,
                _ => {
                    assert_eq!(a % b, 0, "{completion}");
                    a / b
                }
            };
            assert_eq!(result.parse(), Ok(expected), "{completion}");
            left.push(expected);
        }
        assert_eq!(left.len(), 1, "{completion}");
        assert_eq!(left[0] == target, hits, "{completion}");
    }
}

#[test]
fn terse_working_is_true_and_short() {
    let kit = tiny("steps");
    let size = kit.size(Split::Train).unwrap().unwrap();
    let mut longest = 0;
    for index in 0..size {
        let problem = kit.problem(Split::Train, index, 1).unwrap();
        for completion in solutions(&kit, &problem, 3) {
            check_terse(&problem, &completion);
            assert!(!completion.contains('!'));
            longest = longest.max(tokens(&completion));
        }
    }
    assert!(longest <= 32, "{longest} tokens");
}

#[test]
fn terse_text_keeps_to_its_alphabet() {
    let kit = tiny("search");
    for index in 0..300 {
        let problem = kit.problem(Split::Train, index, 1).unwrap();
        let Prompt::Text(prompt) = &problem.prompt else {
            panic!("the tiny prompt is raw text");
        };
        for completion in solutions(&kit, &problem, 3) {
            let text = format!("{prompt}{completion}");
            let text = text.replace("<answer>", "").replace("</answer>", "");
            let foreign = text
                .chars()
                .find(|&c| !"0123456789+-*/()= >:;!".contains(c));
            assert_eq!(foreign, None, "{text}");
        }
    }
}

#[test]
fn a_search_misses_before_it_hits() {
    let kit = tiny("search");
    let mut misses = BTreeSet::new();
    for index in 0..300 {
        let problem = kit.problem(Split::Train, index, 1).unwrap();
        for completion in solutions(&kit, &problem, 4) {
            check_terse(&problem, &completion);
            misses.insert(completion.matches('!').count());
        }
    }
    assert_eq!(misses, BTreeSet::from([0, 1, 2, 3]));
}

#[test]
fn words_open_and_close_the_tags_that_the_prompt_left_to_them() {
    let completion = |template: &str| {
        let config = json!({ "numbers": 3, "template": template });
        let kit = testing::task::<Countdown>(config).unwrap();
        let problem = kit.problem(Split::Train, 0, 1).unwrap();
        kit.solution(&problem, 0).unwrap().unwrap()
    };
    let count = |text: &str, tag: &str| text.matches(tag).count();
    for (template, opens) in [
        ("base", 0),
        ("chat", 1),
        ("{numbers} {target}", 1),
        ("{numbers} {target} <think>\n", 0),
    ] {
        let text = completion(template);
        assert_eq!(count(&text, "<think>"), opens, "{text}");
        for tag in ["</think>", "<answer>", "</answer>"] {
            assert_eq!(count(&text, tag), 1, "{text}");
        }
        assert!(text.find("</think>") < text.find("<answer>"), "{text}");
    }
}

#[test]
fn variants_differ_where_a_problem_has_several_solutions() {
    let kit = tiny("steps");
    let mut problem = kit.problem(Split::Train, 0, 1).unwrap();
    problem.facts = json!({ "numbers": [2, 2, 6], "target": 2 });
    let written: BTreeSet<String> = solutions(&kit, &problem, 4).into_iter().collect();
    let expected = [
        "2*2=4;6-4=2;<answer>6-2*2</answer>",
        "2+2=4;6-4=2;<answer>6-(2+2)</answer>",
        "6-2=4;4/2=2;<answer>(6-2)/2</answer>",
    ];
    assert_eq!(written, expected.map(String::from).into());
}

#[test]
fn one_solution_may_be_taught_alone() {
    let config = json!({ "numbers": 3, "template": "tiny", "solutions": 1 });
    let kit = testing::task::<Countdown>(config).unwrap();
    let mut problem = kit.problem(Split::Train, 0, 1).unwrap();
    problem.facts = json!({ "numbers": [2, 2, 6], "target": 2 });
    let written: BTreeSet<String> = solutions(&kit, &problem, 4).into_iter().collect();
    // The one without a product or quotient.
    assert_eq!(
        written,
        ["2+2=4;6-4=2;<answer>6-(2+2)</answer>".to_owned()].into()
    );
}

#[test]
fn fractions_are_written_without_ambiguity() {
    let config = json!({ "numbers": 4, "fractions": true, "template": "tiny" });
    let kit = testing::task::<Countdown>(config).unwrap();
    let mut problem = kit.problem(Split::Train, 0, 1).unwrap();
    problem.facts = json!({ "numbers": [3, 3, 8, 8], "target": 24 });
    let written = kit.solution(&problem, 0).unwrap().unwrap();
    assert_eq!(
        written,
        "8/3=8/3;3-(8/3)=1/3;8/(1/3)=24;<answer>8/(3-8/3)</answer>"
    );
}

#[test]
fn what_cannot_be_solved_has_no_solution() {
    let kit = tiny("steps");
    let mut problem = kit.problem(Split::Train, 0, 1).unwrap();
    problem.facts = json!({ "numbers": [3, 3, 8, 8], "target": 24 });
    assert_eq!(kit.solution(&problem, 0).unwrap(), None);
    problem.facts = json!({ "numbers": [1, 2, 3, 4, 5, 6, 7], "target": 24 });
    assert!(kit.solution(&problem, 0).is_err());
    problem.facts = json!({ "target": 24 });
    assert!(kit.solution(&problem, 0).is_err());
}
