//! `code/one-liners`: problems are passed by their solutions and by nothing that is almost one.

#![allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.

use farthing_code::{OneLiners, TestsReward};
use farthing_sdk::{
    prelude::*,
    testing::{self, RewardKit, TaskKit},
};

fn value(reward: &RewardKit, problem: &Problem, completion: &str) -> f64 {
    match reward.score(&problem.facts, completion).unwrap() {
        Outcome::Scored { value, .. } => value,
        Outcome::Abstain => panic!("abstained on {}", problem.id),
    }
}

fn one_liners(config: Value) -> TaskKit {
    testing::task::<OneLiners>(config).unwrap()
}

#[test]
fn one_liners_are_solved_by_their_solutions() {
    let reward = testing::reward::<TestsReward>(json!({
        "calls_per_process": 20, "limits": { "wall_seconds": 60, "total_seconds": 300 },
    }))
    .unwrap();
    for (template, steps) in [("tiny", 1), ("tiny", 3), ("chat", 2), ("chat", 4)] {
        let task = one_liners(
            json!({ "min_steps": steps, "max_steps": steps, "tests": 20, "template": template }),
        );
        task.check(Split::Train, 300).unwrap();
        task.check(Split::Test, 300).unwrap();
        for index in 0..12 {
            let problem = task.problem(Split::Train, index, 5).unwrap();
            for variant in [0, 1, 0b110] {
                let solution = task.solution(&problem, variant).unwrap().unwrap();
                assert_eq!(
                    value(&reward, &problem, &solution),
                    1.0,
                    "{}: {solution}",
                    problem.id
                );
            }
            // A near miss: off by one.
            let wrong =
                task.solution(&problem, 0)
                    .unwrap()
                    .unwrap()
                    .replacen("return ", "return 1+", 1);
            assert_eq!(
                value(&reward, &problem, &wrong),
                0.0,
                "{}: {wrong}",
                problem.id
            );
        }
    }
}

#[test]
fn brackets_stand_where_python_needs_them() {
    let task = one_liners(json!({ "template": "tiny" }));
    let written = |id: &str, variant| {
        let problem = Problem {
            id: id.to_owned(),
            prompt: Prompt::Text(String::new()),
            facts: json!({}),
            tags: vec![],
        };
        task.solution(&problem, variant).unwrap().unwrap()
    };
    for (id, variant, expression) in [
        ("double, add 3", 0, "x*2+3"),
        ("double, add 3", 3, "3+2*x"),
        ("add 3, double", 0, "(x+3)*2"),
        ("modulo 5, double", 0, "x%5*2"),
        ("modulo 5, double", 2, "2*(x%5)"),
        ("modulo 5, negate", 0, "-(x%5)"),
        ("square, negate", 0, "-x**2"),
        ("negate, square", 0, "(-x)**2"),
        ("square, square", 0, "(x**2)**2"),
        ("negate, modulo 5", 0, "-x%5"),
        ("add 1, modulo 5, subtract 2", 0, "(x+1)%5-2"),
    ] {
        assert_eq!(
            written(id, variant),
            format!("def f(x):return {expression}"),
            "{id}"
        );
    }
    let stranger = Problem {
        id: "halve".into(),
        prompt: Prompt::Text(String::new()),
        facts: json!({}),
        tags: vec![],
    };
    assert!(task.solution(&stranger, 0).is_err());
}

/// Users compare evaluations across versions, so the problems stay where they are.
#[test]
fn the_first_one_liners_never_change() {
    let task = one_liners(json!({ "template": "tiny", "min_steps": 1, "max_steps": 2 }));
    let ids: Vec<String> = (0..3)
        .map(|index| task.problem(Split::Test, index, 0).unwrap().id)
        .collect();
    assert_eq!(ids, FIRST);
    assert_eq!(task.problem(Split::Test, 0, 9).unwrap().id, FIRST[0]);
    assert_ne!(
        task.problem(Split::Train, 0, 1).unwrap(),
        task.problem(Split::Train, 0, 2).unwrap()
    );
    let problem = task.problem(Split::Test, 0, 0).unwrap();
    assert_eq!(problem.prompt, Prompt::Text(format!("{}>", FIRST[0])));
    assert_eq!(problem.tags.len(), 1);
}

const FIRST: [&str; 3] = [
    "subtract 7, double",
    "times 7, subtract 3",
    "times 6, subtract 8",
];
