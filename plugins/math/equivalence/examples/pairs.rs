//! Grades pairs and says which verdicts are wrong:
//! `cargo run --package farthing-math-equivalence --example pairs < pairs.jsonl`, with lines
//! such as `{"gold": "1/2", "answer": "0.5", "equal": true}`.

use std::{
    io::{self, BufRead},
    time::{Duration, Instant},
};

use farthing_math_equivalence::{Policy, Verdict, compare, parse};

fn main() -> io::Result<()> {
    let policy = Policy::default();
    let (mut right, mut accepted, mut rejected) = (0, 0, 0);
    let mut slowest = (Duration::ZERO, String::new());
    let mut times = Vec::new();
    for line in io::stdin().lock().lines() {
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        let pair: serde_json::Value = serde_json::from_str(&line)?;
        let text = |key: &str| pair[key].as_str().unwrap_or_default();
        let start = Instant::now();
        let found = grade(text("gold"), text("answer"), &policy);
        let time = start.elapsed();
        times.push(time);
        slowest = slowest.max((time, line.clone()));
        let equal = pair["equal"].as_bool().unwrap_or_default();
        if (found == "equal") == equal {
            right += 1;
            continue;
        }
        if equal {
            rejected += 1;
        } else {
            accepted += 1;
        }
        println!(
            "{}: {} | {} should be {equal}, is {found}",
            text("kind"),
            text("gold"),
            text("answer")
        );
    }
    times.sort_unstable();
    let median = times.get(times.len() / 2).copied().unwrap_or_default();
    println!(
        "{right} right, {accepted} falsely accepted, {rejected} falsely rejected; median \
         {median:?}, slowest {:?}: {}",
        slowest.0, slowest.1
    );
    Ok(())
}

fn grade(gold: &str, answer: &str, policy: &Policy) -> String {
    let read = |text| parse(text, policy);
    match (read(gold), read(answer)) {
        (Ok(gold), Ok(answer)) => match compare(&gold, &answer, policy) {
            Verdict::Equal => "equal".to_owned(),
            Verdict::Different => "different".to_owned(),
            Verdict::Undecided(why) => format!("undecided: {why}"),
        },
        (Err(why), _) => format!("gold unreadable: {why}"),
        (_, Err(why)) => format!("unreadable: {why}"),
    }
}
