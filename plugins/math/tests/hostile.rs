//! Completions that are made to hang a grader, to crash it, or to pass it.
//!
//! The texts are so long that quadratic work on them would take minutes.

#![allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.

use farthing_math::{Equal, Extraction};
use farthing_sdk::{prelude::*, testing};

/// About a megabyte of each.
fn texts() -> Vec<String> {
    let filled = |unit: &str| unit.repeat(1_000_000 / unit.len());
    let mut texts: Vec<String> = [
        "\\",
        "{",
        "}",
        "$",
        "$$ ",
        "\\[",
        "\\(",
        "*",
        "**",
        "#",
        "####\n",
        "\n",
        "\n\n",
        "`",
        "\\{",
        "\\boxed",
        "\\boxed{",
        "\\boxed{}",
        "\\boxed 5 ",
        "\\boxed{1}",
        "\\boxed{1} or ",
        "\\fbox{\\boxed{",
        "\\boxed{\\",
        "<answer>",
        "</answer>",
        "<answer></answer>",
        "<",
        "<think>",
        "<think></think>",
        "answer",
        "answer is ",
        "Answer:",
        "Answer: \n",
        "answer to ",
        "the answer to it is 1 ",
        "answer is answer to ",
        "**1** ",
        "$1$ or ",
        "1,",
        "1/",
        "9",
        "\u{202e}\u{0}",
        "é",
        "𝟙",
        "\u{200b}",
    ]
    .map(filled)
    .to_vec();
    texts.push("\\boxed{".repeat(10_000) + &"}".repeat(10_000));
    texts.push("\\boxed{".repeat(100_000) + "5" + &"}".repeat(100_000));
    texts.push(format!(
        "\\boxed{{{}}}",
        "{".repeat(10_000) + &"}".repeat(10_000)
    ));
    texts.push(format!(
        "\\boxed{{{}5{}}}",
        "\\frac{1}{".repeat(10_000),
        "}".repeat(10_000)
    ));
    texts.push(format!("\\boxed{{{}}}", "\\".repeat(100_000)));
    texts.push(format!("\\boxed{{{}}}", "(".repeat(100_000)));
    texts.push(format!("<answer>{}</answer>", "1+".repeat(100_000)));
    texts.push(format!("The answer is {}.", "$1$ or ".repeat(100_000)));
    texts.push("\\boxed{9^{9^{9^{9}}}}".to_owned());
    texts.push("\\boxed{1000000!}".to_owned());
    texts
}

#[test]
fn hostile_completions_neither_hang_nor_pass() {
    let reward = testing::reward::<Equal>(json!({})).unwrap();
    let facts = json!({ "answer": "17" });
    for text in texts() {
        let head: String = text.chars().take(40).collect();
        // Failing is honest where the work limit is met; passing is not.
        if let Ok(Outcome::Scored { value, .. }) = reward.score(&facts, &text) {
            assert_eq!(value, 0.0, "{head}");
        }
    }
}

/// The answer at the end of a hostile text is found all the same.
#[test]
fn an_answer_after_hostile_text_counts() {
    let policy = Extraction::default();
    for text in texts() {
        let head: String = text.chars().take(40).collect();
        let completion = format!("{text}\n</think>\n\n\\boxed{{17}}");
        let found = policy.read(&completion, true).unwrap();
        assert_eq!(found.last(), "17", "{head}");
    }
}

#[test]
fn as_a_gold_such_texts_make_the_reward_abstain_or_fail() {
    let reward = testing::reward::<Equal>(json!({})).unwrap();
    for text in [
        "{".repeat(10_000),
        "\\".repeat(100_000),
        "\\frac{1}{".repeat(10_000),
    ] {
        let outcome = reward.score(&json!({ "answer": text }), "\\boxed{17}");
        assert!(
            matches!(outcome, Ok(Outcome::Abstain) | Err(_)),
            "{outcome:?}"
        );
    }
}
