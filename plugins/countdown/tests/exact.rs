//! `countdown/exact` through the boundary's shims: gold, near misses, exploits, hostile text.

use farthing_countdown::Exact;
use farthing_sdk::{prelude::*, testing};

fn facts() -> Value {
    json!({ "numbers": [44, 19, 35], "target": 98 })
}

fn value(config: Value, facts: &Value, completion: &str) -> f64 {
    let reward = testing::reward::<Exact>(config).unwrap();
    match reward.score(facts, completion).unwrap() {
        Outcome::Scored { value, .. } => value,
        Outcome::Abstain => panic!("abstained on {completion:?}"),
    }
}

/// The score of this answer, in its tags, with a format score that tells "malformed" (0)
/// from "wrong" (0.5).
fn answer(numbers: &[u64], target: i64, answer: &str) -> f64 {
    let facts = json!({ "numbers": numbers, "target": target });
    value(json!({ "format_score": 0.5 }), &facts, &format!("<answer>{answer}</answer>"))
}

#[test]
fn gold_is_accepted_and_near_misses_are_not() {
    let reward = testing::reward::<Exact>(json!({})).unwrap();
    reward
        .check(
            &facts(),
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
    reward.check_missing_facts("<answer>1</answer>").unwrap();
}

#[test]
fn known_exploits_of_eval_score_nothing() {
    assert_eq!(answer(&[4, 2, 5], 21, "4.2*5"), 0.0);
    assert_eq!(answer(&[2, 3, 1], 9, "2**3+1"), 0.0);
    assert_eq!(answer(&[7, 2, 5], 8, "7//2+5"), 0.0);
    assert_eq!(answer(&[99, 98, 97], 1, "99**98**97"), 0.0);
}

#[test]
fn fractions_on_the_way_are_exact() {
    assert_eq!(answer(&[8, 8, 3, 3], 24, "8/(3-8/3)"), 1.0);
    assert_eq!(answer(&[1, 3, 3, 1], 1, "1/3*3*1"), 1.0);
    // A float comparison with a tolerance of 1e-5 takes this for 1.
    assert_eq!(answer(&[999_999, 1_000_000], 1, "999999/1000000"), 0.5);
}
