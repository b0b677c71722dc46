//! The solver against an exhaustive search that pairs numbers off in every order.

#![allow(clippy::unwrap_used)] // A test that meets an error should stop there and show it.

use std::collections::BTreeSet;

use farthing_countdown::{Operation, Rational, Solver};
use proptest::prelude::*;

/// Every value that all of `left` can make, without a step below zero.
fn exhaustive(left: &[Rational], fractions: bool, values: &mut BTreeSet<Rational>) {
    if let [value] = left {
        values.insert(*value);
        return;
    }
    for i in 0..left.len() {
        for j in 0..left.len() {
            if i == j {
                continue;
            }
            let rest = (0..left.len())
                .filter(|&k| k != i && k != j)
                .map(|k| left[k]);
            let (a, b) = (left[i], left[j]);
            let mut results = vec![a + b, a - b, a * b];
            if b != Rational::from_integer(0) {
                results.push(a / b);
            }
            results.retain(|value| *value.numer() >= 0 && (fractions || value.is_integer()));
            for result in results {
                let next: Vec<Rational> = rest.clone().chain([result]).collect();
                exhaustive(&next, fractions, values);
            }
        }
    }
}

fn rationals(numbers: &[u64]) -> Vec<Rational> {
    numbers
        .iter()
        .map(|&n| Rational::from_integer(i128::from(n)))
        .collect()
}

/// Whether the solver agrees on what can be made, target by target.
fn check(numbers: &[u64], fractions: bool) {
    let solver = Solver::new(&Operation::ALL, fractions);
    let mut values = BTreeSet::new();
    exhaustive(&rationals(numbers), fractions, &mut values);
    let whole = values.iter().filter(|value| value.is_integer());
    let all: BTreeSet<u64> = whole
        .map(|value| u64::try_from(*value.numer()).unwrap())
        .collect();
    assert_eq!(solver.targets(numbers, 0..=u64::MAX), all, "{numbers:?}");
    let some = all.range(10..=20).copied().collect();
    assert_eq!(solver.targets(numbers, 10..=20), some, "{numbers:?}");
    for target in 0..60 {
        let possible = values.contains(&Rational::from_integer(i128::from(target)));
        assert_eq!(
            solver.solvable(numbers, target),
            possible,
            "{numbers:?} -> {target}"
        );
    }
}

/// Every tree over `left`, written with the sides in one order where exchanging them changes nothing.
fn trees(left: &[(String, Rational)], found: &mut BTreeSet<(String, Rational)>) {
    if let [tree] = left {
        found.insert(tree.clone());
        return;
    }
    for i in 0..left.len() {
        for j in (0..left.len()).filter(|&j| j != i) {
            let rest = (0..left.len()).filter(|&k| k != i && k != j);
            let rest: Vec<_> = rest.map(|k| left[k].clone()).collect();
            let (a, b) = (&left[i], &left[j]);
            let mut steps = vec![('+', a.1 + b.1), ('-', a.1 - b.1), ('*', a.1 * b.1)];
            if b.1 != Rational::from_integer(0) {
                steps.push(('/', a.1 / b.1));
            }
            steps.retain(|(_, value)| *value.numer() >= 0 && value.is_integer());
            for (operation, value) in steps {
                let mut sides = [&a.0, &b.0];
                if matches!(operation, '+' | '*') || a.1 == b.1 {
                    sides.sort();
                }
                let tree = format!("({}{operation}{})", sides[0], sides[1]);
                let mut next = rest.clone();
                next.push((tree, value));
                trees(&next, found);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn ways_are_counted_as_if_they_were_listed(
        numbers in proptest::collection::vec(1_u64..14, 2..5),
        target in 1_u64..40,
    ) {
        // Equal numbers are told apart by their place.
        let named = rationals(&numbers).into_iter().enumerate();
        let named: Vec<_> = named.map(|(place, n)| (format!("{n}@{place}"), n)).collect();
        let mut found = BTreeSet::new();
        trees(&named, &mut found);
        let hits = found.iter().filter(|(_, value)| *value == Rational::from_integer(target.into()));
        let ways = Solver::new(&Operation::ALL, false).ways(&numbers, target);
        prop_assert_eq!(ways.all, found.len() as f64);
        prop_assert_eq!(ways.to_target, hits.count() as f64);
    }

    #[test]
    fn up_to_four_numbers_are_solved_exhaustively(
        numbers in proptest::collection::vec(1_u64..14, 1..5),
        fractions: bool,
    ) {
        check(&numbers, fractions);
    }
}

/// With zeros and equal numbers, where a step may absorb or cancel what came before.
#[test]
fn degenerate_numbers_are_solved_exhaustively() {
    for numbers in [
        [0, 0, 0, 0],
        [0, 0, 5, 7],
        [0, 3, 3, 5],
        [1, 1, 1, 1],
        [4, 4, 4, 4],
        [2, 2, 4, 8],
    ] {
        check(&numbers, false);
        check(&numbers, true);
    }
}

#[test]
fn five_numbers_are_solved_as_exhaustively_as_four() {
    let numbers = [2, 3, 5, 7, 11];
    let solver = Solver::new(&Operation::ALL, false);
    let mut values = BTreeSet::new();
    exhaustive(&rationals(&numbers), false, &mut values);
    for target in (0..3000).step_by(7) {
        let possible = values.contains(&Rational::from_integer(i128::from(target)));
        assert_eq!(solver.solvable(&numbers, target), possible, "{target}");
    }
}

#[test]
fn famous_problems() {
    let whole = Solver::new(&Operation::ALL, false);
    let exact = Solver::new(&Operation::ALL, true);
    assert!(!whole.solvable(&[3, 3, 8, 8], 24));
    let written: Vec<String> = exact
        .solutions(&[3, 3, 8, 8], 24, 10)
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(written, ["8/(3-8/3)"]);
    // The round of the television game that made 952 famous.
    assert!(whole.solvable(&[25, 50, 75, 100, 3, 6], 952));
    assert!(!Solver::new(&[Operation::Add], false).solvable(&[1, 2, 3], 7));
    assert!(Solver::new(&[Operation::Multiply], false).solvable(&[2, 3, 7], 42));
}

#[test]
fn solutions_are_distinct_correct_and_the_same_every_time() {
    let solver = Solver::new(&Operation::ALL, false);
    let numbers = [2, 4, 6, 8, 10];
    let solutions = solver.solutions(&numbers, 24, 300);
    assert_eq!(solutions.len(), 300);
    let written: BTreeSet<String> = solutions.iter().map(ToString::to_string).collect();
    assert_eq!(written.len(), 300);
    for solution in &solutions {
        assert_eq!(solution.value(), Rational::from_integer(24), "{solution}");
        assert_eq!(solution.steps().len(), 4, "{solution}");
    }
    assert_eq!(solver.solutions(&numbers, 24, 300), solutions);
}

/// Order and grouping make no new solution; another way of calculating does.
#[test]
fn the_essence_of_a_solution_is_free_of_order_and_grouping() {
    let solver = Solver::new(&Operation::ALL, false);
    let essences = |numbers: &[u64], target| {
        let solutions = solver.solutions(numbers, target, 1000);
        solutions
            .iter()
            .map(|solution| solution.essence())
            .collect::<BTreeSet<String>>()
    };
    assert_eq!(essences(&[1, 5, 9], 15).len(), 1);
    // 9-(5-1), 9-5+1 and 9+1-5 are one; 9*1-5 is not 5.
    assert_eq!(essences(&[1, 5, 9], 5).len(), 1);
    // 2*3*4 and 4*(2*3), and 4/(...) has no other way.
    assert_eq!(essences(&[2, 3, 4], 24).len(), 1);
    // 6-2*2, 6-(2+2) and (6-2)/2.
    assert_eq!(essences(&[2, 2, 6], 2).len(), 3);
    // 7*5*1 and 7*5/1.
    assert_eq!(essences(&[1, 5, 7], 35).len(), 1);
}
