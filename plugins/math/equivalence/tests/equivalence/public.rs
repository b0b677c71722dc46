//! Pairs that somebody wrote who had not seen the engine.

use crate::table;
use farthing_math_equivalence::Policy;

#[test]
fn the_public_pairs_are_graded_as_their_author_graded_them() {
    let policy = Policy::default();
    let mut wrong = Vec::new();
    let mut graded = 0;
    for pair in pairs() {
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
    let policy = Policy::default();
    let known: Vec<(Fraction, String, String)> = pairs()
        .filter(|pair| pair["equal"] == true)
        .filter_map(|pair| {
            let text = |key: &str| pair[key].as_str().expect("a text").to_owned();
            Some((plain_value(&text("gold"))?, text("gold"), text("answer")))
        })
        .collect();
    let mut wrong = Vec::new();
    let mut crossed = 0;
    for (value, gold, _) in &known {
        for (other, _, answer) in &known {
            if value.0 * other.1 == other.0 * value.1 {
                continue;
            }
            crossed += 1;
            let found = table::verdict(gold, answer, &policy);
            if !found.starts_with("different") {
                wrong.push(format!("{gold} and {answer}: {found}"));
            }
        }
    }
    assert!(crossed > 3000, "only {crossed} pairs were crossed");
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn of_two_values_it_does_not_matter_which_is_the_gold_one() {
    let policy = Policy::default();
    let kinds = [
        "integers",
        "fractions",
        "roots",
        "constants",
        "powers",
        "complex",
    ];
    let golds: Vec<String> = pairs()
        .filter(|pair| kinds.iter().any(|kind| pair["kind"] == *kind))
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

fn pairs() -> impl Iterator<Item = serde_json::Value> {
    include_str!("../pairs/public.jsonl")
        .lines()
        .map(|line| serde_json::from_str(line).expect("each line is JSON"))
}

/// Numerator and denominator.
type Fraction = (i128, i128);

/// What a gold answer is worth where anybody can see it, so that nothing of the engine is asked which values differ:
/// `-12`, `2.50`, `-\frac{3}{4}`.
fn plain_value(gold: &str) -> Option<Fraction> {
    let (sign, size) = match gold.strip_prefix('-') {
        Some(size) => (-1, size),
        None => (1, gold),
    };
    let number = |digits: &str| {
        let digits = digits
            .bytes()
            .all(|byte| byte.is_ascii_digit())
            .then_some(digits)?;
        digits.parse::<i128>().ok()
    };
    let fraction = ["\\frac{", "\\dfrac{"].iter().find_map(|command| {
        size.strip_prefix(command)?
            .strip_suffix('}')?
            .split_once("}{")
    });
    if let Some((above, below)) = fraction {
        return Some((sign * number(above)?, number(below)?));
    }
    let (whole, decimals) = size.split_once('.').unwrap_or((size, ""));
    let below = 10_i128.pow(u32::try_from(decimals.len()).ok()?);
    Some((sign * number(&format!("{whole}{decimals}"))?, below))
}
