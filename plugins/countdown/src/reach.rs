//! What a set of numbers can make, and in how many ways, without listing the ways.
//!
//! Listing a whole space of problems asks this of every set of numbers. So only distinct
//! values are kept, and those of all the numbers together are not even kept: they are many,
//! and few of them are targets.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::RangeInclusive,
};

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

/// In how many ways all the numbers can be combined, and how many of them make the target.
/// Exchanging the sides of a sum or a product is no other way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ways {
    pub all: f64,
    pub to_target: f64,
}

/// Counts the ways that the rules allow, without listing them.
pub fn ways(rules: &Solver, numbers: &[u64], target: u64) -> Ways {
    let all = (1_usize << numbers.len()) - 1;
    let target = Rational::from_integer(i128::from(target));
    // How often each value is made, by subset.
    let mut counts: Vec<BTreeMap<Rational, f64>> = vec![BTreeMap::new(); all];
    let mut ways = Ways {
        all: 0.0,
        to_target: 0.0,
    };
    for subset in 1..=all {
        let mut made = BTreeMap::new();
        if subset.is_power_of_two() {
            let number = numbers[subset.trailing_zeros() as usize];
            made.insert(Rational::from_integer(i128::from(number)), 1.0);
        }
        for (large, small) in splits(subset as u32) {
            for (&a, &a_ways) in &counts[large as usize] {
                for (&b, &b_ways) in &counts[small as usize] {
                    each_step(rules, a, b, |value| {
                        if subset < all {
                            *made.entry(value).or_default() += a_ways * b_ways;
                        } else {
                            ways.all += a_ways * b_ways;
                            ways.to_target +=
                                f64::from(u8::from(value == target)) * a_ways * b_ways;
                        }
                    });
                }
            }
        }
        if subset < all {
            counts[subset] = made;
        }
    }
    ways
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
                each_step(rules, a, b, &mut visit);
            }
        }
    }
}

/// Visits the value of each step that the rules allow between the two, either one on the left
/// where that is another step.
fn each_step(rules: &Solver, a: Rational, b: Rational, mut visit: impl FnMut(Rational)) {
    for &operation in rules.operations() {
        rules
            .apply(operation, a, b)
            .into_iter()
            .for_each(&mut visit);
        if !operation.commutes() && a != b {
            rules
                .apply(operation, b, a)
                .into_iter()
                .for_each(&mut visit);
        }
    }
}
