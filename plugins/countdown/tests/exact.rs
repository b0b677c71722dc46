//! `countdown/exact` through the boundary's shims: gold, near misses, exploits, hostile text.

#![allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.

use farthing_countdown::Exact;
use farthing_sdk::{Parts, prelude::*, testing};

/// What a well-formed answer that is wrong is worth in these tests: it tells "wrong" from
/// "malformed", which is worth nothing.
const WRONG: f64 = 0.5;

fn outcome(config: Value, facts: &Value, completion: &str) -> (f64, Option<String>) {
    let reward = testing::reward::<Exact>(config).unwrap();
    match reward.score(facts, completion).unwrap() {
        Outcome::Scored { value, answer, .. } => (value, answer),
        Outcome::Abstain => panic!("abstained on {completion:?}"),
    }
}

/// The score of this answer in its tags.
fn score(numbers: &[u64], target: i64, answer: &str) -> f64 {
    let facts = json!({ "numbers": numbers, "target": target });
    let completion = format!("<answer>{answer}</answer>");
    outcome(json!({ "format_score": WRONG }), &facts, &completion).0
}

fn sum() -> Value {
    json!({ "numbers": [44, 19, 35], "target": 98 })
}

#[test]
fn gold_is_accepted_and_near_misses_are_not() {
    let reward = testing::reward::<Exact>(json!({})).unwrap();
    reward
        .check(
            &sum(),
            &[
                "44 and 19 make 63.</think>\n<answer>44 + 19 + 35</answer>",
                "<answer>35+(19+44)</answer>",
                "<answer>\n(44 + 19 + 35) = 98\n</answer>\n",
                "<answer>1</answer> no: <answer>19+35+44</answer>",
                "<answer>19+35+44</answer><answer>",
                "<answer>19+35+44</answer></answer></answer>",
                "<answer>hm <answer>19+35+44</answer>",
            ],
            &[
                "44+19+35",
                "<answer>44+19+35",
                "44+19+35</answer>",
                "</answer>44+19+35<answer>",
                "<answer></answer>",
                "<answer>98</answer>",
                "<answer>44+19</answer>",
                "<answer>44+19+35+1</answer>",
                "<answer>44+19+35+35</answer>",
                "<answer>44+19+36</answer>",
                "<answer>44+19+35 = 99</answer>",
                "<answer>44+19+35</answer> or <answer>44+19-35</answer>",
                "<answer>44+19+35 is the answer</answer>",
                "<ANSWER>44+19+35</ANSWER>",
                "<answer>44+19+35</answer >",
            ],
        )
        .unwrap();
}

/// Scorers built on a regular expression and Python's `eval` pay 1 for the first three and
/// hang on the fourth.
#[test]
fn exploits_of_eval_score_nothing() {
    assert_eq!(score(&[4, 2, 5], 21, "4.2*5"), 0.0);
    assert_eq!(score(&[2, 3, 1], 9, "2**3+1"), 0.0);
    assert_eq!(score(&[7, 2, 5], 8, "7//2+5"), 0.0);
    assert_eq!(score(&[99, 98, 97], 1, "99**98**97"), 0.0);
}

/// And they pay 0 or the format score for these.
#[test]
fn right_answers_are_not_refused_for_their_looks() {
    let config = json!({});
    let gold = |text: &str| outcome(config.clone(), &sum(), text).0;
    assert_eq!(gold("<answer>44+19+35</answer>\n"), 1.0);
    assert_eq!(gold("<answer>\n44+19+35\n</answer>"), 1.0);
    assert_eq!(gold("<answer>44+19+35 = 98</answer>"), 1.0);
    assert_eq!(score(&[3, 4, 2], 6, "3 × 4 ÷ 2"), 1.0);
    assert_eq!(score(&[9, 4], 5, "9 − 4 = 5"), 1.0);
    assert_eq!(score(&[3, 4], 7, "((3)+((4)))"), 1.0);
}

#[test]
fn malformed_answers_score_nothing() {
    let malformed = [
        "",
        " ",
        "=",
        "= 7",
        "3+",
        "+3+4",
        "-3+4",
        "3+-4",
        "3-(-4)",
        "3 4",
        "3(4)",
        "(3)(4)",
        "(3+4",
        "3+4)",
        "()",
        "3++4",
        "3^4",
        "3%4",
        "3.0+4",
        "3,4",
        "3e0+4",
        "0x3+4",
        "03+4",
        "３+4",
        "3+4=",
        "3+4==7",
        "3+4=7=7",
        "7=3+4",
        "3+4=7.0",
        "3+4=+7",
        "3+4=(7)",
        "three+4",
        "3 plus 4",
        "$3+4$",
        "3\u{b7}4",
        "3+4;",
        "3+4\0",
        "3_0",
        "3+\u{a0}4",
    ];
    for answer in malformed {
        assert_eq!(score(&[3, 4], 7, answer), 0.0, "{answer:?}");
    }
}

#[test]
fn wrong_answers_score_the_format_score() {
    let wrong = [
        "3-4",
        "3*4",
        "3+3",
        "4+4",
        "3",
        "7",
        "3+4+0",
        "3+4+3",
        "34",
        "3+4=8",
        "3+4=-7",
        "3/(4-4)",
        "3/0",
        "99999999999999999999999999+3",
    ];
    for answer in wrong {
        assert_eq!(score(&[3, 4], 7, answer), WRONG, "{answer:?}");
    }
}

#[test]
fn fractions_on_the_way_are_exact() {
    assert_eq!(score(&[8, 8, 3, 3], 24, "8/(3-8/3)"), 1.0);
    assert_eq!(score(&[1, 3, 3, 1], 1, "1/3*3*1"), 1.0);
    assert_eq!(score(&[6, 4, 1, 3], 24, "6/(1-3/4)"), 1.0);
    // A comparison of floats with a tolerance of 1e-5 takes this for 1.
    assert_eq!(score(&[999_999, 1_000_000], 1, "999999/1000000"), WRONG);
}

#[test]
fn operations_bind_and_associate_as_usual() {
    assert_eq!(score(&[2, 3, 4], 14, "2+3*4"), 1.0);
    assert_eq!(score(&[2, 3, 4], 20, "(2+3)*4"), 1.0);
    assert_eq!(score(&[9, 3, 2], 4, "9-3-2"), 1.0);
    assert_eq!(score(&[9, 3, 2], 8, "9-(3-2)"), 1.0);
    assert_eq!(score(&[24, 4, 2], 3, "24/4/2"), 1.0);
    assert_eq!(score(&[24, 4, 2], 12, "24/4*2"), 1.0);
    assert_eq!(score(&[2, 5], -3, "2-5 = -3"), 1.0);
}

/// The numbers of a million are the largest that the task poses.
#[test]
fn nothing_that_the_task_can_pose_overflows() {
    let million = 1_000_000;
    // 10^36, and a product of that size as numerator and as denominator.
    assert_eq!(score(&[million; 6], 1, &["1000000"; 6].join("*")), WRONG);
    assert_eq!(
        score(
            &[million; 6],
            1,
            "1000000*1000000*1000000/1000000/1000000/1000000"
        ),
        1.0
    );
    let primes = [999_983, 999_979, 999_961, 999_959, 999_953, 999_931];
    assert_eq!(
        score(&primes, 1, "999983/999979+999961/999959-999953/999931"),
        WRONG
    );
}

/// Facts may come from elsewhere and be larger; an overflow is then a wrong answer.
#[test]
fn an_overflow_is_wrong_and_no_panic() {
    let huge = u64::MAX;
    assert_eq!(
        score(&[huge; 3], 1, &[huge.to_string().as_str(); 3].join("*")),
        WRONG
    );
    assert_eq!(
        score(&[huge; 4], 1, &[huge.to_string().as_str(); 4].join("/")),
        WRONG
    );
}

#[test]
fn long_and_deep_answers_are_malformed() {
    let nested = |depth: usize| format!("{}3+4{}", "(".repeat(depth), ")".repeat(depth));
    assert_eq!(score(&[3, 4], 7, &nested(30)), 1.0);
    assert_eq!(score(&[3, 4], 7, &nested(40)), 0.0);
    assert_eq!(score(&[3, 4], 7, &format!("3+4{}", " ".repeat(300))), 0.0);
    let config = json!({ "max_length": 400 });
    let facts = json!({ "numbers": [3, 4], "target": 7 });
    let spaced = format!("<answer>3+4{}</answer>", " ".repeat(300));
    assert_eq!(outcome(config, &facts, &spaced).0, 1.0);
}

#[test]
fn numbers_may_be_left_over_on_request() {
    let config = json!({ "use_all": false });
    let facts = json!({ "numbers": [3, 4, 5], "target": 7 });
    assert_eq!(
        outcome(config.clone(), &facts, "<answer>3+4</answer>").0,
        1.0
    );
    assert_eq!(outcome(config, &facts, "<answer>3+3+1</answer>").0, 0.0);
    assert_eq!(score(&[3, 4, 5], 7, "3+4"), WRONG);
}

#[test]
fn each_given_number_may_be_used_as_often_as_it_is_given() {
    assert_eq!(score(&[3, 3, 4], 10, "3+3+4"), 1.0);
    assert_eq!(score(&[3, 4], 10, "3+3+4"), WRONG);
    assert_eq!(score(&[12], 12, "12"), 1.0);
    assert_eq!(score(&[1, 2], 12, "12"), WRONG);
    assert_eq!(score(&[0, 4], 4, "0+4"), 1.0);
}

#[test]
fn parts_tell_format_from_correctness() {
    let reward = testing::reward::<Exact>(json!({})).unwrap();
    let parts = |completion: &str| match reward.score(&sum(), completion).unwrap() {
        Outcome::Scored { parts, .. } => parts,
        Outcome::Abstain => panic!("abstained on {completion:?}"),
    };
    let expected =
        |format: f64, correct: f64| Parts::from_iter([("format", format), ("correct", correct)]);
    assert_eq!(parts("<answer>44+19+35</answer>"), expected(1.0, 1.0));
    assert_eq!(parts("<answer>44+19</answer>"), expected(1.0, 0.0));
    assert_eq!(parts("44+19+35"), expected(0.0, 0.0));
}

/// Attempts vote with the value of what they wrote, if it kept to the numbers.
#[test]
fn the_answer_is_the_exact_value() {
    let answer = |text: &str| outcome(json!({}), &sum(), text).1;
    assert_eq!(answer("<answer>44+19+35</answer>").as_deref(), Some("98"));
    assert_eq!(answer("<answer>35+44+19</answer>").as_deref(), Some("98"));
    assert_eq!(
        answer("<answer>44*19/35</answer>").as_deref(),
        Some("836/35")
    );
    assert_eq!(answer("<answer>98</answer>"), None);
    assert_eq!(answer("98"), None);
}

#[test]
fn facts_that_cannot_be_read_are_an_error() {
    let reward = testing::reward::<Exact>(json!({})).unwrap();
    reward.check_missing_facts("<answer>1</answer>").unwrap();
    let broken = [
        json!({ "numbers": [1, 2] }),
        json!({ "target": 3 }),
        json!({ "numbers": [1, -2], "target": 3 }),
        json!({ "numbers": [1.5, 2], "target": 3 }),
        json!({ "numbers": "1 2", "target": 3 }),
        json!({ "numbers": vec![1; 65], "target": 3 }),
    ];
    for facts in broken {
        assert!(
            reward.score(&facts, "<answer>1+2</answer>").is_err(),
            "{facts}"
        );
    }
}

#[test]
fn a_format_score_outside_its_range_is_refused() {
    let error = testing::reward::<Exact>(json!({ "format_score": 2 }))
        .err()
        .unwrap();
    assert!(
        error
            .to_string()
            .contains("`format_score` must be from 0 to 1"),
        "{error}"
    );
    assert!(testing::reward::<Exact>(json!({ "formatscore": 0.1 })).is_err());
}

#[test]
fn one_solution_written_in_several_ways_is_one() {
    let reward = testing::reward::<Exact>(json!({})).unwrap();
    let solution = |numbers: &[u64], target: i64, answer: &str| {
        let facts = json!({ "numbers": numbers, "target": target });
        let completion = format!("<answer>{answer}</answer>");
        match reward.score(&facts, &completion).unwrap() {
            Outcome::Scored { solution, .. } => solution,
            Outcome::Abstain => panic!("abstained on {answer:?}"),
        }
    };
    let of_sum = |answer| solution(&[44, 19, 35], 98, answer);
    assert!(of_sum("44+19+35").is_some());
    for answer in ["19 + (35 + 44)", "(44+19)+35 = 98", "((35+19+44))"] {
        assert_eq!(of_sum(answer), of_sum("44+19+35"), "{answer}");
    }
    let of_two = |answer| solution(&[2, 2, 6], 2, answer);
    assert_ne!(of_two("6-2-2"), of_two("(6-2)/2"));
    assert_eq!(of_two("6-2-2"), of_two("6-(2+2)"));
    // What is wrong solves nothing.
    assert_eq!(of_sum("44+19-35"), None);
    assert_eq!(of_sum("44+19"), None);
}
