//! `text/tags` through the boundary's shims.

#![allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.

use farthing_sdk::{Parts, prelude::*, testing};
use farthing_text::Tags;

fn score(config: Value, completion: &str) -> (f64, Parts) {
    let reward = testing::reward::<Tags>(config).unwrap();
    match reward.score(&json!({}), completion).unwrap() {
        Outcome::Scored { value, parts, .. } => (value, parts),
        Outcome::Abstain => panic!("abstained on {completion:?}"),
    }
}

fn value(config: Value, completion: &str) -> f64 {
    score(config, completion).0
}

fn order() -> Value {
    json!({ "order": ["think", "answer"] })
}

#[test]
fn each_pair_once_in_order_and_nothing_outside() {
    let reward = testing::reward::<Tags>(order()).unwrap();
    reward
        .check(
            &json!({}),
            &[
                "<think>hm</think><answer>4</answer>",
                " <think>\n1 < 2, </b> </think>\n\n<answer>4</answer>\n",
            ],
            &[
                "",
                "4",
                "<think>hm</think>",
                "<answer>4</answer>",
                "<answer>4</answer><think>hm</think>",
                "<think>hm<answer>4</answer></think>",
                "<think>hm</think><answer>4</answer></answer></answer>",
                "<think>hm</think><think>hm</think><answer>4</answer>",
                "<think>hm</think><answer>4",
                "</think>hm<think><answer>4</answer>",
                "so <think>hm</think><answer>4</answer>",
                "<think>hm</think> so <answer>4</answer>",
                "<think>hm</think><answer>4</answer> so",
                "<think> </think><answer>4</answer>",
                "<Think>hm</Think><answer>4</answer>",
            ],
        )
        .unwrap();
}

#[test]
fn a_prompt_may_have_opened_the_first_tag() {
    let config = json!({ "order": ["think", "answer"], "prefix_open": true });
    assert_eq!(value(config.clone(), "hm</think>\n<answer>4</answer>"), 1.0);
    assert_eq!(
        value(config.clone(), "<think>hm</think>\n<answer>4</answer>"),
        0.0
    );
    assert_eq!(value(config.clone(), "</think><answer>4</answer>"), 0.0);
    assert_eq!(value(config, "hm</think> so <answer>4</answer>"), 0.0);
}

#[test]
fn text_outside_and_empty_pairs_are_allowed_on_request() {
    let outside = json!({ "order": ["answer"], "allow_outside": true });
    assert_eq!(value(outside.clone(), "so <answer>4</answer> it is"), 1.0);
    assert_eq!(value(outside, "so <answer>4</answer> it <answer>is"), 0.0);
    let empty = json!({ "order": ["answer"], "allow_empty": true });
    assert_eq!(value(empty, "<answer></answer>"), 1.0);
}

#[test]
fn partial_credit_is_the_share_of_conditions_met() {
    let config = json!({ "order": ["think", "answer"], "partial": true });
    assert_eq!(
        value(config.clone(), "<think>a</think><answer>4</answer>"),
        1.0
    );
    assert_eq!(
        value(config.clone(), "<think>a</think> so <answer>4</answer>"),
        0.75
    );
    // Both pairs are good; their order is not, so nothing can be outside it either.
    assert_eq!(
        value(config.clone(), "<answer>4</answer><think>a</think>"),
        0.5
    );
    assert_eq!(value(config.clone(), "<think>a</think>4"), 0.25);
    assert_eq!(value(config.clone(), "4"), 0.0);
    // Writing a tag often is not worth more than writing it once.
    let spam = "<answer>4</answer>".repeat(1000);
    assert_eq!(value(config, &spam), 0.0);
}

#[test]
fn parts_say_which_condition_failed() {
    let (_, parts) = score(order(), "<think></think><answer>4</answer> so");
    let expected = [
        ("think", 0.0),
        ("answer", 1.0),
        ("order", 1.0),
        ("outside", 0.0),
    ];
    assert_eq!(parts.iter().collect::<Vec<_>>(), expected);
}

#[test]
fn tags_that_cannot_be_are_refused() {
    let refusal = |order: Value| {
        let error = testing::reward::<Tags>(json!({ "order": order }))
            .err()
            .unwrap();
        error.to_string()
    };
    assert!(refusal(json!([])).contains("`order` is empty"));
    assert!(refusal(json!(["a", "a"])).contains("twice"));
    assert!(refusal(json!(["<think>"])).contains("without brackets"));
}
