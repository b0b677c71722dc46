//! Pairs that somebody wrote who had not seen the engine.

use crate::table;
use farthing_math_equivalence::Policy;

#[test]
fn the_public_pairs_are_graded_as_their_author_graded_them() {
    let policy = Policy::default();
    let mut wrong = Vec::new();
    let mut graded = 0;
    for line in include_str!("../pairs/public.jsonl").lines() {
        let pair: serde_json::Value = serde_json::from_str(line).expect("each line is JSON");
        let text = |key: &str| pair[key].as_str().expect("golds and answers are texts");
        let equal = pair["equal"]
            .as_bool()
            .expect("the verdict is a truth value");
        let found = table::verdict(text("gold"), text("answer"), &policy);
        graded += 1;
        if (found == "equal") != equal || found.starts_with("undecided") {
            wrong.push(format!("{pair}: {found}"));
        }
    }
    assert!(graded > 600, "only {graded} pairs were read");
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn answers_of_one_pair_do_not_pass_for_another() {
    // All golds against each other: nothing that differs by its value may be equal. Pairs that
    // were called equal before, in either direction, are of one value.
    let policy = Policy::default();
    let values = [
        "integers",
        "fractions",
        "roots",
        "constants",
        "powers",
        "complex",
    ];
    let golds: Vec<String> = include_str!("../pairs/public.jsonl")
        .lines()
        .map(|line| serde_json::from_str(line).expect("each line is JSON"))
        .filter(|pair: &serde_json::Value| values.iter().any(|kind| pair["kind"] == *kind))
        .map(|pair| pair["gold"].as_str().expect("a text").to_owned())
        .collect();
    let mut asymmetric = Vec::new();
    for (place, gold) in golds.iter().enumerate() {
        for other in &golds[place + 1..] {
            let there = table::verdict(gold, other, &policy);
            let back = table::verdict(other, gold, &policy);
            if (there == "equal") != (back == "equal") {
                asymmetric.push(format!("{gold} and {other}: {there}, but back {back}"));
            }
        }
    }
    assert!(asymmetric.is_empty(), "\n{}", asymmetric.join("\n"));
}
