//! `math/equal` through the boundary's shims: gold, near misses, echoes, hedges, abstaining.

#![allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.

use farthing_math::Equal;
use farthing_sdk::{prelude::*, testing};

fn outcome(config: Value, facts: &Value, completion: &str) -> Outcome {
    let reward = testing::reward::<Equal>(config).unwrap();
    reward.score(facts, completion).unwrap()
}

fn score(config: Value, gold: &str, completion: &str) -> f64 {
    match outcome(config, &json!({ "answer": gold }), completion) {
        Outcome::Scored { value, .. } => value,
        Outcome::Abstain => panic!("abstained on {completion:?}"),
    }
}

fn part(outcome: &Outcome, name: &str) -> f64 {
    match outcome {
        Outcome::Scored { parts, .. } => parts.get(name).unwrap(),
        Outcome::Abstain => panic!("abstained"),
    }
}

fn answer(outcome: &Outcome) -> Option<&str> {
    match outcome {
        Outcome::Scored { answer, .. } => answer.as_deref(),
        Outcome::Abstain => None,
    }
}

#[test]
fn gold_is_accepted_and_near_misses_are_not() {
    let reward = testing::reward::<Equal>(json!({})).unwrap();
    reward
        .check(
            &json!({ "answer": "\\frac{1}{2}" }),
            &[
                r"\boxed{\frac{1}{2}}",
                r"so $x = \boxed{\dfrac12}$.",
                r"\boxed{0.5}",
                "<answer>1/2</answer>",
                "The answer is $1/2$.",
                "#### 0.50",
                "**1/2**",
                "1/2",
                r"\boxed{3} no: \boxed{1/2}",
            ],
            &[
                r"\boxed{\frac{1}{2}",
                r"\boxed{}",
                r"\boxed{\frac{1}{3}}",
                r"\boxed{0.5000001}",
                r"\boxed{-\frac12}",
                r"\boxed{1/2} no: \boxed{1/3}",
                r"\boxed{1/2} or \boxed{1/3}",
                r"\boxed{1/3} or \boxed{1/2}",
                r"\boxed{1/2 or 1/3}",
                "<answer>1/2 or 2</answer>",
                "The answer is 1/2, 1/3 or 1/4.",
                "<think>1/2",
                "Let me think about 1/2.\nHm.",
            ],
        )
        .unwrap();
    reward.check_missing_facts(r"\boxed{5}").unwrap();
}

#[test]
fn boxes_with_labels_are_one_answer() {
    let completion = r"So $x=\boxed{1}$, $y=\boxed{2}$.";
    assert_eq!(score(json!({}), "1,2", completion), 1.0);
    assert_eq!(score(json!({}), "2", completion), 0.0);
    assert_eq!(score(json!({}), "2,1", completion), 0.0);
    for hedge in [
        "\\boxed{1}\n\\boxed{2}",
        r"\boxed{1} or else \boxed{2}",
        r"\boxed{1} | \boxed{2}",
        r"\boxed{1} & \boxed{2}",
        r"\boxed{1} \lor \boxed{2}",
        r"\boxed{1} - \boxed{2}",
    ] {
        assert_eq!(score(json!({}), "2", hedge), 0.0, "{hedge:?}");
        assert_eq!(score(json!({}), r"1\text{ or }2", hedge), 1.0, "{hedge:?}");
    }
}

#[test]
fn letters_of_choice_with_what_they_stand_for() {
    for completion in [
        "Answer: B) 12",
        r"\boxed{\text{(B) }12}",
        "The answer is (B) 12.",
    ] {
        assert_eq!(
            score(json!({}), r"\text{(B)}", completion),
            1.0,
            "{completion:?}"
        );
        assert_eq!(score(json!({}), "12", completion), 1.0, "{completion:?}");
        assert_eq!(
            score(json!({}), r"\text{(C)}", completion),
            0.0,
            "{completion:?}"
        );
        assert_eq!(score(json!({}), "13", completion), 0.0, "{completion:?}");
    }
}

#[test]
fn conditions_are_not_paid() {
    for completion in [
        "If $x=5$ we stop.",
        "Assume $x=5$.",
        "I do not know whether the answer is 5.",
        "If the answer is 5 we stop.",
    ] {
        assert_eq!(score(json!({}), "5", completion), 0.0, "{completion:?}");
    }
    for completion in [
        "The answer is 5<|eot_id|>",
        "#### 5</s>",
        "<ANSWER>5</ANSWER>",
    ] {
        assert_eq!(score(json!({}), "5", completion), 1.0, "{completion:?}");
    }
}

#[test]
fn golds_come_in_many_clothes() {
    for gold in [
        json!("5"),
        json!(5),
        json!("$5$"),
        json!("\\boxed{5}"),
        json!("$\\boxed{5}$."),
        json!("  5.\n"),
    ] {
        let outcome = outcome(json!({}), &json!({ "answer": gold }), r"\boxed{5}");
        assert_eq!(part(&outcome, "correct"), 1.0, "{gold}");
    }
    let several = json!({ "answers": ["5", "five"] });
    assert_eq!(part(&outcome(json!({}), &several, "five"), "correct"), 1.0);
    assert_eq!(part(&outcome(json!({}), &several, "5"), "correct"), 1.0);
    assert_eq!(part(&outcome(json!({}), &several, "6"), "correct"), 0.0);
}

#[test]
fn parts_say_how_far_an_attempt_came() {
    let facts = json!({ "answer": "5" });
    for (completion, extracted, readable, correct) in [
        (r"\boxed{5}", 1.0, 1.0, 1.0),
        (r"\boxed{6}", 1.0, 1.0, 0.0),
        (r"\boxed{\frac{1}}", 1.0, 0.0, 0.0),
        ("I do not know.\nSorry.", 0.0, 0.0, 0.0),
    ] {
        let outcome = outcome(json!({}), &facts, completion);
        let parts = ["extracted", "readable", "correct"].map(|name| part(&outcome, name));
        assert_eq!(parts, [extracted, readable, correct], "{completion:?}");
    }
    let config = json!({ "format_score": 0.1 });
    assert_eq!(score(config.clone(), "5", r"\boxed{6}"), 0.1);
    assert_eq!(score(config.clone(), "5", r"\boxed{\frac{1}}"), 0.0);
    assert_eq!(score(config, "5", "I do not know.\nSorry."), 0.0);
}

/// Attempts vote in maj@k by what they answer, not by how they write it.
#[test]
fn right_answers_vote_together() {
    let facts = json!({ "answer": "\\frac{1}{2}" });
    let votes = [r"\boxed{0.5}", r"\boxed{\dfrac12}", "1/2"]
        .map(|completion| answer(&outcome(json!({}), &facts, completion)).map(str::to_owned));
    assert_eq!(votes[0].as_deref(), Some(r"\frac{1}{2}"));
    assert!(votes.iter().all(|vote| *vote == votes[0]), "{votes:?}");
    let wrong = outcome(json!({}), &facts, r"\boxed{7}");
    assert_eq!(answer(&wrong), Some("7"));
    assert_eq!(answer(&outcome(json!({}), &facts, "no idea.\nSorry")), None);
}

#[test]
fn wrong_answers_of_one_value_vote_together() {
    let vote = |config: Value, gold: &str, completion: &str| {
        let facts = json!({ "answer": gold });
        answer(&outcome(config, &facts, completion)).map(str::to_owned)
    };
    for wrong in ["0.75", r"\boxed{\frac34}", r"\boxed{\frac{6}{8}}"] {
        let vote = vote(json!({}), r"\frac{1}{2}", wrong);
        assert_eq!(vote.as_deref(), Some("3/4"), "{wrong}");
    }
    // A third is no 0.33, and a form that is refused does not vote with the gold.
    assert_ne!(
        vote(json!({}), "1/2", "1/3"),
        vote(json!({}), "1/2", "0.33")
    );
    let lowest_terms = json!({ "equivalence": { "reduced_fractions": true } });
    let refused = vote(lowest_terms, "1/2", r"\boxed{2/4}");
    assert!(
        refused.is_some() && refused != vote(json!({}), "1/2", "1/2"),
        "{refused:?}"
    );
}

/// A gold that nobody can meet says nothing about an attempt.
#[test]
fn an_unreadable_gold_makes_the_reward_abstain() {
    for gold in ["", "\\frac{1}", "{{{"] {
        for completion in [r"\boxed{5}", "no idea.\nSorry", gold] {
            let outcome = outcome(json!({}), &json!({ "answer": gold }), completion);
            assert_eq!(outcome, Outcome::Abstain, "{gold:?} {completion:?}");
        }
    }
    // One of several can still be met, and whether the other was is not known.
    let facts = json!({ "answers": ["5", "\\frac{1}"] });
    assert_eq!(part(&outcome(json!({}), &facts, "5"), "correct"), 1.0);
    assert_eq!(outcome(json!({}), &facts, "6"), Outcome::Abstain);
}

/// The value of a completion to a problem that is worded like this.
fn asked(config: Value, question: &str, gold: &str, completion: &str) -> f64 {
    let reward = Equal::new(serde_json::from_value(config).unwrap()).unwrap();
    let prompt = json!([
        { "role": "system", "content": "Put your final answer within \\boxed{}." },
        { "role": "user", "content": question },
    ]);
    let (prompt, facts) = (prompt.to_string(), json!({ "answer": gold }).to_string());
    let problem = ProblemView::new("asked", Vec::new(), &prompt, &facts);
    let attempt = Attempt {
        completion,
        tokens: 1,
        finished: true,
    };
    match reward.score(&problem, &attempt).unwrap() {
        Outcome::Scored { value, .. } => value,
        Outcome::Abstain => panic!("abstained on {completion:?}"),
    }
}

/// An answer that is equal to the gold and only says the question again is worth nothing.
#[test]
fn an_echo_of_the_question_is_wrong() {
    for (question, gold, echo) in [
        ("What is 3+4?", "7", "3+4"),
        ("Compute $3 + 4$.", "7", r"3\,+\,4"),
        ("3+4=", "7", "3+4"),
        (r"Compute $12 \cdot 5$.", "60", r"12 \times 5"),
        ("Simplify $\\frac{6}{8}$.", "\\frac34", "6/8"),
        ("Find $\\sqrt{144}$.", "12", "\\sqrt{144}"),
        ("Solve $2x - 3 > 3$.", "x > 3", "2x-3>3"),
    ] {
        for completion in [
            format!("\\boxed{{{echo}}}"),
            format!("<answer>{echo}</answer>"),
            format!("The answer is ${echo}$."),
        ] {
            assert_eq!(
                asked(json!({}), question, gold, &completion),
                0.0,
                "{completion}"
            );
        }
        let gold_answer = format!("\\boxed{{{gold}}}");
        assert_eq!(
            asked(json!({}), question, gold, &gold_answer),
            1.0,
            "{gold}"
        );
    }
    let lenient = json!({ "refuse_echo": false });
    assert_eq!(asked(lenient, "What is 3+4?", "7", r"\boxed{3+4}"), 1.0);
}

/// What a problem mentions is not for that reason a wrong answer to it.
#[test]
fn an_answer_that_the_question_mentions_is_no_echo() {
    for (question, gold, completion) in [
        (
            "Which is larger, $\\frac12$ or $\\frac13$?",
            "\\frac{1}{2}",
            r"\boxed{1/2}",
        ),
        ("Is it 7 or 8?", "7", r"\boxed{7}"),
        ("Is $x > 3$ or $x < 3$?", "x>3", r"\boxed{3 < x}"),
        (
            "Which of $x=3$ and $x=5$ solves $x+1=4$?",
            "3",
            r"\boxed{x=3}",
        ),
        ("Expand $x^2+2x+1-1$.", "x^2+2x", r"\boxed{x^2+2x}"),
        ("Find $13+4$ and then subtract 10.", "7", r"\boxed{3+4}"),
    ] {
        assert_eq!(
            asked(json!({}), question, gold, completion),
            1.0,
            "{completion}"
        );
    }
}

#[test]
fn work_that_is_left_is_refused_on_request() {
    let strict = json!({ "worked_out": true });
    for (gold, answer, value) in [
        ("4", "2+2", 0.0),
        ("4", "2(2)", 0.0),
        ("4", r"\sqrt{16}", 0.0),
        ("4", "4", 1.0),
        ("4", "x = 4", 1.0),
        ("4", "2+2 = 4", 1.0),
        ("-4", "-4", 1.0),
        (r"\frac12", "1/2", 1.0),
        ("0.5", "1/2", 1.0),
        (r"2\sqrt{3}", r"\sqrt{12}", 1.0),
    ] {
        let completion = format!("\\boxed{{{answer}}}");
        assert_eq!(
            score(strict.clone(), gold, &completion),
            value,
            "{answer} for {gold}"
        );
        assert_eq!(
            score(json!({}), gold, &completion),
            1.0,
            "{answer} for {gold}"
        );
    }
}

#[test]
fn several_answers_count_as_the_policy_says() {
    let refuse = json!({ "extraction": { "several": "refuse" } });
    for (completion, last, unanimous) in [
        (r"\boxed{3}. No, \boxed{5}", 1.0, 0.0),
        (r"\boxed{5}. No, \boxed{3}", 0.0, 0.0),
        (r"\boxed{5}. Again, \boxed{5.0}", 1.0, 1.0),
        (r"\boxed{5}", 1.0, 1.0),
        ("<answer>3</answer><answer>5</answer>", 1.0, 0.0),
    ] {
        assert_eq!(score(json!({}), "5", completion), last, "{completion}");
        assert_eq!(
            score(refuse.clone(), "5", completion),
            unanimous,
            "{completion}"
        );
    }
}

#[test]
fn configurations_that_cannot_work_are_refused() {
    for (config, says) in [
        (
            json!({ "format_score": 2.0 }),
            "`format_score` must be from 0 to 1",
        ),
        (
            json!({ "extraction": { "places": [] } }),
            "`places` is empty",
        ),
        (
            json!({ "extraction": { "tag": "<answer>" } }),
            "is no name of a tag",
        ),
        (json!({ "places": ["boxed"] }), "places"),
    ] {
        let refusal = testing::reward::<Equal>(config).err().unwrap().to_string();
        assert!(refusal.contains(says), "{refusal}");
    }
}
