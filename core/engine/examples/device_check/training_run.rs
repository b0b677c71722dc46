//! What a short training run on the device shows: that it learns, and that decoding and training agree.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::precision::Precision;

/// Supervised steps begin at a uniform guess and have to at least halve it.
const LARGEST_LOSS_SHARE: f64 = 0.5;
/// Twice the standard error of an evaluation of 384 problems with four attempts each.
const SMALLEST_RISE: f64 = 0.03;

const MEAN_DIFFERENCE: &str = "sampling/sampling_logp_difference/mean";
const LARGEST_DIFFERENCE: &str = "sampling/sampling_logp_difference/max";
const SOLVED: &str = "eval_pass@1";

/// The facts of a run's `metrics.jsonl`, with what is wrong with them.
pub fn facts(metrics: &str, precision: Precision) -> Result<Value> {
    let allowed = precision.tolerance().decoding_mean;
    let rows: Vec<Value> = metrics
        .lines()
        .map(|line| serde_json::from_str(line).context("metrics.jsonl: a row is not JSON"))
        .collect::<Result<_>>()?;
    let all = |key: &str, stage: &str| -> Vec<f64> {
        let rows = rows.iter().filter(|row| row["stage"] == stage);
        rows.filter_map(|row| row[key].as_f64()).collect()
    };
    let (losses, solved) = (all("loss", "sft"), all(SOLVED, "rl"));
    let differences = all(MEAN_DIFFERENCE, "rl");
    let largest = |values: &[f64]| values.iter().copied().fold(0.0, f64::max);
    let difference = largest(&differences);
    let mut failures = Vec::new();
    match (losses.first(), losses.last()) {
        (Some(first), Some(last)) if *last <= LARGEST_LOSS_SHARE * first => {}
        _ => failures.push(format!(
            "supervised loss: expected to fall to {LARGEST_LOSS_SHARE} of the first, found {:?} and then {:?}",
            losses.first(),
            losses.last()
        )),
    }
    match (solved.first(), solved.last()) {
        (Some(first), Some(last)) if last - first >= SMALLEST_RISE => {}
        _ => failures.push(format!(
            "problems solved: expected a rise of {SMALLEST_RISE} by reinforcement, found {solved:?}"
        )),
    }
    if differences.is_empty() || difference > allowed {
        failures.push(format!(
            "decoding against training: expected a mean difference of at most {allowed} nats, found {difference:.1e} \
             in {} steps",
            differences.len()
        ));
    }
    Ok(json!({
        "precision": precision.name(),
        "allowed_difference": allowed,
        "supervised_steps": losses.len(),
        "reinforcement_steps": differences.len(),
        "first_loss": losses.first(),
        "last_loss": losses.last(),
        "solved": solved,
        "decoding_difference": difference,
        "decoding_difference_of_a_token": largest(&all(LARGEST_DIFFERENCE, "rl")),
        "failures": failures,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"step":0,"stage":"sft","loss":4.0}
{"step":1,"stage":"sft","loss":1.0}
{"step":2,"stage":"rl","eval_pass@1":0.4}
{"step":2,"stage":"rl","loss":0.0,"sampling/sampling_logp_difference/mean":1e-6}
{"step":3,"stage":"rl","loss":0.0,"sampling/sampling_logp_difference/mean":3e-6,"sampling/sampling_logp_difference/max":5e-4}
{"step":4,"stage":"rl","eval_pass@1":0.5}
"#;

    #[test]
    fn a_run_that_learns_has_nothing_wrong() {
        let facts = facts(GOOD, Precision::F32).expect("rows are JSON");
        assert_eq!(facts["failures"], json!([]));
        assert_eq!(facts["decoding_difference"], 3e-6);
        assert_eq!(facts["decoding_difference_of_a_token"], 5e-4);
        assert_eq!(facts["solved"], json!([0.4, 0.5]));
    }

    #[test]
    fn what_a_run_lacks_is_named() {
        let bad = GOOD
            .replace("1.0}", "3.0}")
            .replace("0.5}", "0.41}")
            .replace("3e-6", "0.2");
        for (rows, parts) in [
            (bad.as_str(), ["Some(3.0)", "[0.4, 0.41]", "2.0e-1"]),
            ("", ["None", "[]", "0 steps"]),
        ] {
            let facts = facts(rows, Precision::F32).expect("rows are JSON");
            let failures = facts["failures"].to_string();
            for part in parts {
                assert!(failures.contains(part), "{part}: {failures}");
            }
        }
    }
}
