//! Lists what a set of numbers can make, without how.
//!
//! Listing a whole space of problems asks this of every set of numbers. So only distinct
//! values are kept, and those of all the numbers together are not even kept: they are many,
//! and few of them are targets.

use std::{collections::BTreeSet, ops::RangeInclusive};

use crate::{arithmetic::Rational, search::splits, solver::Solver};

/// The targets in `range` that all the numbers can make.
pub fn targets(rules: &Solver, numbers: &[u64], range: RangeInclusive<u64>) -> BTreeSet<u64> {
    let all = (1_usize << numbers.len()) - 1;
    // Distinct values by subset; a subset's parts are smaller numbers than itself.
    let mut values: Vec<Vec<Rational>> = vec![Vec::new(); all];
    for subset in 1..all {
        let mut made = Vec::new();
        if subset.is_power_of_two() {
            let number = numbers[subset.trailing_zeros() as usize];
            made.push(Rational::from_integer(i128::from(number)));
        }
        each_value(rules, &values, subset, |value| made.push(value));
        made.sort_unstable();
        made.dedup();
        values[subset] = made;
    }
    let mut targets = BTreeSet::new();
    let mut add = |value: Rational| {
        let whole = value
            .is_integer()
            .then(|| u64::try_from(*value.numer()).ok());
        targets.extend(whole.flatten().filter(|target| range.contains(target)));
    };
    match numbers {
        [number] => add(Rational::from_integer(i128::from(*number))),
        _ => each_value(rules, &values, all, add),
    }
    targets
}

/// Visits every value of a last step over `subset`.
fn each_value(
    rules: &Solver,
    values: &[Vec<Rational>],
    subset: usize,
    mut visit: impl FnMut(Rational),
) {
    for (large, small) in splits(subset as u32) {
        for &a in &values[large as usize] {
            for &b in &values[small as usize] {
                for &operation in rules.operations() {
                    rules
                        .apply(operation, a, b)
                        .into_iter()
                        .for_each(&mut visit);
                    if !operation.commutes() {
                        rules
                            .apply(operation, b, a)
                            .into_iter()
                            .for_each(&mut visit);
                    }
                }
            }
        }
    }
}
