//! A data set's worked solution as a completion to learn from.
//!
//! A model learns to end as the prompt asks, with a box: a solution without one gets it.

use crate::extraction::last_box;

/// The text of a completion that `math/equal` finds the gold in.
pub fn completion(solution: &str, gold: &str) -> String {
    let text = without_calculators(solution);
    let text = text.trim();
    if last_box(text).is_some_and(|content| content == gold) {
        return text.to_owned();
    }
    let worked = match text.rsplit_once("####") {
        // GSM8K's own way to end.
        Some((worked, _)) => worked.trim_end(),
        None => text,
    };
    format!("{worked}\nThe final answer is $\\boxed{{{gold}}}$.")
}

/// GSM8K writes `<<48/2=24>>` where its authors' model was to call a calculator.
fn without_calculators(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("<<") {
        match after.split_once(">>") {
            Some((_, later)) => {
                plain += before;
                rest = later;
            }
            None => break,
        }
    }
    plain + rest
}
