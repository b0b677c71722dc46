//! Which part of a completion is the answer: tables of completions and what is read in them.

#![allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.

use farthing_math::{Extraction, Place, Several};

fn read(completion: &str) -> Option<(Place, String)> {
    read_by(&Extraction::default(), completion, true)
}

fn read_by(policy: &Extraction, completion: &str, finished: bool) -> Option<(Place, String)> {
    let found = policy.read(completion, finished)?;
    Some((found.place, found.last().to_owned()))
}

/// Each line is a completion and the answer that is read in it; "-" for none.
fn check(place: Place, table: &[(&str, &str)]) {
    for (completion, expected) in table {
        let expected = match *expected {
            "-" => None,
            answer => Some((place, answer.to_owned())),
        };
        assert_eq!(read(completion), expected, "in {completion:?}");
    }
}

#[test]
fn boxes() {
    check(
        Place::Boxed,
        &[
            (r"\boxed{5}", "5"),
            (r"so \boxed{\frac{1}{2}}.", r"\frac{1}{2}"),
            (
                r"$\boxed{\left\{1, \{2\}\right\}}$",
                r"\left\{1, \{2\}\right\}",
            ),
            (r"\fbox{7}", "7"),
            (r"\framebox{7}", "7"),
            (r"\boxed {7}", "7"),
            (r"$\boxed 5$", "5"),
            (r"\boxed 42 and no more", "42"),
            (r"\boxed{\boxed{5}}", "5"),
            (r"\boxed{x = \fbox{5}}", r"x = \fbox{5}"),
            (r"\boxed{$5$}", "5"),
            (r"\boxed{\text{(A)}}", r"\text{(A)}"),
            (r"\boxed{5.}", "5"),
            // The last one counts.
            (r"\boxed{1}, wait: \boxed{2}", "2"),
            (r"\boxed{2} as before. <answer>3</answer> Answer: 4", "2"),
            // Braces elsewhere take no part.
            (r"f(x) = { 1 \boxed{5}", "5"),
            (r"} } \boxed{5} {", "5"),
            (r"\\boxed{5}", "5"),
        ],
    );
}

#[test]
fn boxes_that_are_no_answer() {
    check(
        Place::Boxed,
        &[
            (r"\boxed{5", "-"),
            (r"\boxed{5\}", "-"),
            (r"\boxed{\frac{1}{2}", "-"),
            (r"The answer is 5: \boxed{", "-"),
            (r"The answer is $\boxed{5$.", "-"),
            (r"\boxed{}", "-"),
            (r"\boxed{ $ $ }", "-"),
            (r"\boxed", "-"),
            // They take nothing back from one that was closed.
            (r"\boxed{5} or rather \boxed{6", "5"),
            (r"\boxed{5} \boxed{}", "5"),
            (r"I shall write \boxed{}. It is \boxed{5}.", "5"),
        ],
    );
    // Another command of a similar name is none.
    assert_eq!(
        read(r"\boxedminus 5 = $7$"),
        Some((Place::Math, "7".into()))
    );
}

#[test]
fn answers_that_a_conjunction_joins_are_one() {
    check(
        Place::Boxed,
        &[
            (r"\boxed{2} or \boxed{3}", "2 or 3"),
            (r"$\boxed{2}$ or $\boxed{3}$ or $\boxed{4}$", "2 or 3 or 4"),
            (r"\boxed{2} and \boxed{3}", "2, 3"),
            (r"$x = \boxed{2}, \boxed{3}$", "2, 3"),
            (r"\boxed{2}\text{ or }\boxed{3}", "2 or 3"),
            (r"\boxed{2} or maybe \boxed{3}", "2 or 3"),
            (r"\boxed{2} \boxed{3}", "2, 3"),
            (r"\boxed{2} \boxed{2}", "2"),
            ("\\boxed{2}\n\\boxed{3}", "2, 3"),
            ("$$\\boxed{2}$$\n\n$$\\boxed{3}$$", "2, 3"),
            (r"\boxed{2} or else \boxed{3}", "2 or 3"),
            (r"\boxed{2} | \boxed{3}", "2 or 3"),
            (r"\boxed{2} & \boxed{3}", "2, 3"),
            (r"\boxed{2} \lor \boxed{3}", "2 or 3"),
            (r"\boxed{2} - \boxed{3}", "2 or 3"),
            (r"$x=\boxed{1}$, $y=\boxed{2}$", "1, 2"),
            (r"$x_1=\boxed{1}$ and $x_2=\boxed{2}$", "1, 2"),
            (r"\boxed{\frac12} = \boxed{0.5}", "0.5"),
            ("\\boxed{2}.\n\\boxed{3}", "3"),
            ("\\boxed{2}\nNo, it is \\boxed{3}", "3"),
            (r"\boxed{2}, so that $y=\boxed{3}$", "3"),
            (r"\boxed{2}. And so, by symmetry, \boxed{3}", "3"),
        ],
    );
    check(
        Place::Math,
        &[
            ("It is $2$ or $3$.", "2 or 3"),
            ("$x=1$, $x=2$, and $x=3$", "x=1, x=2, x=3"),
            ("From $a=2$ we get $3$.", "3"),
        ],
    );
}

#[test]
fn tags() {
    check(
        Place::Tag,
        &[
            ("<answer>5</answer>", "5"),
            ("<answer> $5$ </answer> bye", "5"),
            ("<answer>1</answer> no <answer>2</answer>", "2"),
            ("<ANSWER>5</ANSWER>", "5"),
            ("<Answer>5</answer>", "5"),
            ("<answer>The answer is 5</answer>", "5"),
            ("<answer>The final answer is $5$ cm.</answer>", "5 cm"),
            (
                "<answer>I do not think the answer is 5</answer>",
                "I do not think the answer is 5",
            ),
            ("<answer>1</answer><answer>", "1"),
            ("<answer>1</answer><answer></answer>", "1"),
            ("<answer>hm <answer>2</answer>", "2"),
            ("<answer>5", "-"),
            ("5</answer>", "-"),
            ("</answer>5<answer>", "-"),
            ("<answer></answer>", "-"),
            ("<answer> \n</answer> The answer is 5", "-"),
            ("The answer is 5 <answer>", "-"),
        ],
    );
    let policy = Extraction {
        tag: "final".into(),
        ..Extraction::default()
    };
    let found = read_by(&policy, "<final>5</final><answer>6</answer>", true);
    assert_eq!(found, Some((Place::Tag, "5".into())));
}

#[test]
fn lines_that_say_so() {
    check(
        Place::Phrase,
        &[
            ("Answer: 5", "5"),
            ("answer = 5", "5"),
            ("ANSWER: 5\nThank you.", "5"),
            ("So the answer is 5.", "5"),
            ("So the answer is: $\\frac12$.", "\\frac12"),
            ("The final answer is $5$. I hope it is correct.", "5"),
            ("The answer is 3.14.", "3.14"),
            ("The answer is 3.14. I am sure.", "3.14"),
            ("The answer is 3:30 p.m. as I said.", "3:30 p.m."),
            (
                r"The answer is \text{none for any x}.",
                r"\text{none for any x}",
            ),
            ("The answer is $5$ cm because $2+3=5$.", "5 cm"),
            ("The answer is 5, since 2+3 is.", "5"),
            ("The answers are 2 and 3", "2 and 3"),
            ("The answer to the second question is 5", "5"),
            ("The answer is 2 or 3", "2 or 3"),
            ("The answer is not 5", "not 5"),
            ("**Answer:** 5", "5"),
            ("**Answer: 5**", "5"),
            ("Answer: **5**", "5"),
            ("The answer is **5**.", "5"),
            ("Answer:\n\n5\n", "5"),
            ("The answer is\n\\[\n5\n\\]\nas said.", "5"),
            ("The answer is 1. No, the answer is 2.", "2"),
            ("The answer is 5<|eot_id|>", "5"),
            ("The answer is 5.<|im_end|>\n<|endoftext|>", "5"),
            ("#### 5</s>", "5"),
            ("The answer is a</s> b", "a</s> b"),
            ("The answer is probably 5.", "5"),
            ("The answer is therefore 5.", "5"),
            ("The answer is, therefore, $5$.", "5"),
            ("The answer is sometimes 5.", "sometimes 5"),
            ("The answer is so", "so"),
            ("If we add them, the answer is 5.", "5"),
            ("I was not sure. The answer is 5.", "5"),
            ("It is not prime so the answer is 4.", "4"),
            ("With the numbers provided the answer is 4.", "4"),
            ("Answer: B) 12", "B) 12"),
            ("#### 18", "18"),
            ("6+12=18\n#### 1,800\n", "1,800"),
            ("Answer: (C)", "(C)"),
            ("Answer:", "-"),
            ("The answer is", "-"),
        ],
    );
    // None of these announces an answer.
    for text in [
        "I cannot answer 5 of them at once, it would take too many words and lines of text to do.\nSorry.",
        "answering: 5\n.",
        "The answer isn't 5\n.",
        "##### 5\n.",
        "The answer island\n.",
    ] {
        assert_eq!(read(text), None, "{text:?}");
    }
}

#[test]
fn places_that_nothing_marks_count_in_the_last_paragraph() {
    check(
        Place::Bold,
        &[
            ("We get **5**.", "5"),
            ("**Step 1** first\n\n**Result**\nIt is **$5$**", "5"),
            ("**2** or **3**", "2 or 3"),
        ],
    );
    check(
        Place::Math,
        &[
            ("Therefore $x = 5$.", "x = 5"),
            ("If we add them, we get $5$.", "5"),
            ("If $n=2$, then $x = 5$.", "x = 5"),
            ("Therefore \\(5\\).", "5"),
            ("Therefore\n\\[ 5 \\]", "5"),
            ("Therefore $$5$$", "5"),
            ("Let $x$ be it.\n\nThen $x=2$ and so $2x$ is $4$.\n", "4"),
            ("It costs \\$3, so $5$ in all", "5"),
        ],
    );
    // An earlier paragraph, money, an open mark.
    for text in [
        "**5**\n\nI hope that this helps you, and wish you a nice day.\nBye.",
        "It is $5$.\n\nI hope that this helps you.\nBye.",
        "I paid between $5 and $6 for it.\nBye.",
        "It is $5 for now.\nBye.",
        "It is \\(5 for now.\nBye.",
        // Nobody claims these.
        "Bye.\nIt is not $5$.",
        "Bye.\nIt isn't **5**.",
        "Bye.\nIs it $5$?",
        "Bye.\nSuppose $x = 5$.",
        "If $x=5$ we stop.",
        "If $x=5$, then we stop.",
        "Assume $x=5$.",
        "Unless $x=5$ it goes on.",
        "Unless **5** is meant it goes on.",
        "I do not know whether the answer is 5.",
        "I do not think that the answer is 5.\nBye.",
        "If the answer is 5 we stop.\nBye.",
        "Suppose the answer is 5.\nBye.",
    ] {
        assert_eq!(read(text), None, "{text:?}");
    }
}

#[test]
fn a_completion_that_is_nothing_but_an_answer() {
    check(
        Place::Whole,
        &[
            ("5", "5"),
            (" 42.\n", "42"),
            ("x = 3", "x = 3"),
            (r"\frac{1}{2}", r"\frac{1}{2}"),
            ("", "-"),
            (" \n\t", "-"),
            ("5\n6", "-"),
            ("What is 5?", "-"),
        ],
    );
    assert_eq!(read(&"5+".repeat(200)), None, "too long for an answer");
}

#[test]
fn the_last_number_is_an_answer_only_on_request() {
    let policy = Extraction {
        places: vec![Place::Number],
        ..Extraction::default()
    };
    for (completion, expected) in [
        ("First 3, then -1,234.5 in all!", Some("-1,234.5")),
        ("it is 3/4.", Some("3/4")),
        ("3-4", Some("-4")),
        ("none", None),
    ] {
        let found = read_by(&policy, completion, true);
        let expected = expected.map(|answer| (Place::Number, answer.to_owned()));
        assert_eq!(found, expected, "{completion:?}");
    }
    assert_eq!(read("First 3,\nthen 5."), None);
}

#[test]
fn thoughts_are_no_answers() {
    assert_eq!(read(r"<think>\boxed{5}"), None);
    assert_eq!(read(r"<think>\boxed{5}</think>"), None);
    assert_eq!(
        read(r"<think>\boxed{5}</think> \boxed{6}"),
        Some((Place::Boxed, "6".into()))
    );
    // The prompt may have opened the thought.
    assert_eq!(
        read(r"\boxed{5}</think> 6"),
        Some((Place::Whole, "6".into()))
    );
    let policy = Extraction {
        thoughts: true,
        ..Extraction::default()
    };
    let found = read_by(&policy, r"<think>\boxed{5}", true);
    assert_eq!(found, Some((Place::Boxed, "5".into())));
}

/// `12` may have been on its way to 123.
#[test]
fn a_completion_that_was_cut_off_answers_where_the_answer_ends() {
    let policy = Extraction::default();
    for (completion, expected) in [
        (r"\boxed{12}", Some((Place::Boxed, "12"))),
        ("<answer>12</answer> which", Some((Place::Tag, "12"))),
        ("Answer: 12\nwhich", Some((Place::Phrase, "12"))),
        ("Answer: 12", None),
        ("It is **12", None),
        ("It is $12$", None),
        ("12", None),
    ] {
        let found = read_by(&policy, completion, false);
        let expected = expected.map(|(place, answer)| (place, answer.to_owned()));
        assert_eq!(found, expected, "{completion:?}");
    }
}

#[test]
fn the_order_of_places_is_the_policys() {
    let completion = r"\boxed{1} <answer>2</answer>";
    let tags_first = Extraction {
        places: vec![Place::Tag, Place::Boxed],
        ..Extraction::default()
    };
    assert_eq!(
        read_by(&tags_first, completion, true),
        Some((Place::Tag, "2".into()))
    );
    let only_phrases = Extraction {
        places: vec![Place::Phrase],
        several: Several::Refuse,
        ..Extraction::default()
    };
    assert_eq!(read_by(&only_phrases, completion, true), None);
}
