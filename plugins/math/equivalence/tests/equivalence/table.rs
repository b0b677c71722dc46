//! What the tables of pairs share: each line is a gold answer, an answer, and whether they
//! mean the same.

use farthing_math_equivalence::{Policy, Verdict, compare, parse};

/// What the engine makes of a pair, in a word, or why it makes nothing of it.
pub fn verdict(gold: &str, answer: &str, policy: &Policy) -> String {
    let gold = match parse(gold, policy) {
        Ok(gold) => gold,
        Err(why) => return format!("the gold answer is unreadable: {why}"),
    };
    assert_eq!(compare(&gold, &gold, policy), Verdict::Equal);
    match parse(answer, policy) {
        Err(why) => format!("different, as {why}"),
        Ok(answer) => match compare(&gold, &answer, policy) {
            Verdict::Equal => "equal".to_owned(),
            Verdict::Different => "different".to_owned(),
            Verdict::Undecided(why) => format!("undecided: {why}"),
        },
    }
}

/// Grades a table under the default policy and reports all wrong lines at once.
#[track_caller]
pub fn check(pairs: &[(&str, &str, bool)]) {
    check_with(&Policy::default(), pairs);
}

#[track_caller]
pub fn check_with(policy: &Policy, pairs: &[(&str, &str, bool)]) {
    let mut wrong = Vec::new();
    for &(gold, answer, equal) in pairs {
        let found = verdict(gold, answer, policy);
        let right = match equal {
            true => found == "equal",
            false => found.starts_with("different"),
        };
        if !right {
            wrong.push(format!("{gold}  |  {answer}  should be {equal}: {found}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
