//! Ratios and times of day, which are written alike.

use super::Comparer;
use crate::{
    answer::{Quantity, Time},
    equality::{Decision, equal},
    expr::{Expr, fraction, integer},
};

impl Comparer<'_> {
    pub(super) fn ratio_and_quotient(&self, terms: &[Expr], value: &Quantity) -> Decision {
        let [above, below] = terms else {
            return Ok(false);
        };
        if !self.policy.ratios_are_quotients || value.unit.is_some() {
            return Ok(false);
        }
        let quotient = Expr::Quotient(Box::new([above.clone(), below.clone()]));
        equal(&quotient, &value.expr)
    }
}

/// `a : b : c` and `x : y : z` are the same when all `a y = b x` and so on; zero to zero is
/// no ratio.
pub(super) fn ratios(gold: &[Expr], given: &[Expr]) -> Decision {
    if gold.len() != given.len() {
        return Ok(false);
    }
    let zero = integer(0);
    for one in [gold, given] {
        for term in one {
            if equal(term, &zero)? {
                return Ok(false);
            }
        }
    }
    for (gold_pair, given_pair) in gold.windows(2).zip(given.windows(2)) {
        let crossed = |a: &Expr, b: &Expr| Expr::Product(vec![a.clone(), b.clone()]);
        let first = crossed(&gold_pair[0], &given_pair[1]);
        let second = crossed(&gold_pair[1], &given_pair[0]);
        if !equal(&first, &second)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A time that may have been meant as a ratio.
pub(super) fn as_ratio(time: &Time) -> Option<[Expr; 2]> {
    let possible = !time.sure && time.seconds == 0;
    possible.then(|| {
        [time.hours, time.minutes].map(|number| Expr::Number(fraction(i64::from(number), 1)))
    })
}

pub(super) fn same_time(a: &Time, b: &Time) -> bool {
    let written = |time: &Time| (time.hours, time.minutes, time.seconds);
    let of_day = |time: &Time| match time.afternoon {
        None => written(time),
        Some(false) => (time.hours % 12, time.minutes, time.seconds),
        Some(true) => (time.hours % 12 + 12, time.minutes, time.seconds),
    };
    match (a.afternoon, b.afternoon) {
        (None, None) => written(a) == written(b),
        (Some(_), Some(_)) => of_day(a) == of_day(b),
        _ => written(a) == written(b) || of_day(a) == of_day(b),
    }
}
