//! What each model counts in each tensor of a merge.

use super::{MergeInput, MergeMethod, for_each_piece};
use crate::error::{EngineError, Result};
use crate::weights::Entry;

/// The inputs' weights divided by their sum.
pub(super) fn shares(inputs: &[MergeInput], method: &MergeMethod) -> Result<Vec<f64>> {
    let refuse = |problem: String| Err(EngineError::Argument(problem));
    if inputs.is_empty() {
        return refuse("a merge of no model; give at least one".to_owned());
    }
    if let Some(input) = inputs
        .iter()
        .find(|input| !input.weight.is_finite() || input.weight <= 0.0)
    {
        return refuse(format!(
            "the weight of {} in the merge is {}; expected a number above 0",
            input.path.display(),
            input.weight
        ));
    }
    match method {
        MergeMethod::Slerp if inputs.len() != 2 => {
            return refuse(format!(
                "slerp goes from one model to another, and there are {}; give two, or merge linearly",
                inputs.len()
            ));
        }
        MergeMethod::TaskArithmetic { scale, .. } if !scale.is_finite() => {
            return refuse(format!("the merge's scale is {scale}; expected a number"));
        }
        _ => {}
    }
    let total: f64 = inputs.iter().map(|input| input.weight).sum();
    Ok(inputs.iter().map(|input| input.weight / total).collect())
}

/// What each entry counts: the inputs' in their order, then the base's.
pub(super) fn of(method: &MergeMethod, shares: &[f64], entries: &[&Entry]) -> Result<Vec<f64>> {
    Ok(match method {
        MergeMethod::Linear => shares.to_vec(),
        MergeMethod::TaskArithmetic { scale, .. } => {
            let inputs = shares.iter().map(|share| scale * share);
            inputs.chain([1.0 - scale]).collect()
        }
        MergeMethod::Slerp => slerp(shares, entries)?,
    })
}

/// Above this cosine the arc is a straight line to f32, and the formula divides by its vanishing sine.
const PARALLEL: f64 = 0.9995;

/// `sin((1-t) a) / sin a` and `sin(t a) / sin a` with the angle `a` between the two and `t` the share of the second.
fn slerp(shares: &[f64], entries: &[&Entry]) -> Result<Vec<f64>> {
    let (mut product, mut first, mut second) = (0.0, 0.0, 0.0);
    for_each_piece(entries, |pieces| {
        for (&x, &y) in pieces[0].iter().zip(&pieces[1]) {
            let (x, y) = (f64::from(x), f64::from(y));
            product += x * y;
            first += x * x;
            second += y * y;
        }
        Ok(())
    })?;
    let cosine = product / (first * second).sqrt();
    // Also where one of the two is zero and there is no angle.
    if cosine.is_nan() || cosine.abs() > PARALLEL {
        return Ok(shares.to_vec());
    }
    let angle = cosine.acos();
    Ok(shares
        .iter()
        .map(|share| (share * angle).sin() / angle.sin())
        .collect())
}
