//! The rules of the game, and what can be asked of them: is this solvable, how, and what
//! else can be made?
//!
//! No step goes below zero, as in the game. Nothing is lost where both `+` and `-` are
//! allowed: a negative result can be exchanged for its opposite and the next step turned
//! round.

use std::{
    collections::BTreeSet,
    ops::{ControlFlow, RangeInclusive},
};

use farthing_sdk::prelude::*;
use num_traits::Signed;

use crate::{
    arithmetic::{Operation, Rational},
    expression::Expression,
    reach::{self, Ways},
    search::Search,
};

/// The rules that solutions keep to.
#[derive(Clone, Debug)]
pub struct Solver {
    operations: Vec<Operation>,
    fractions: bool,
}

impl Solver {
    /// A solver that uses these operations; without `fractions` every step is whole.
    pub fn new(operations: &[Operation], fractions: bool) -> Self {
        Self {
            operations: operations.to_vec(),
            fractions,
        }
    }

    /// Whether all the numbers, each used once, can make the target.
    pub fn solvable(&self, numbers: &[u64], target: u64) -> bool {
        !self.solutions(numbers, target, 1).is_empty()
    }

    /// Up to `limit` solutions that are written differently, in the order of the search.
    pub fn solutions(&self, numbers: &[u64], target: u64, limit: usize) -> Vec<Expression> {
        let mut written = BTreeSet::new();
        let mut found = Vec::new();
        let target = Rational::from_integer(i128::from(target));
        let mut search = Search::new(self, numbers);
        let _ = search.reach(search.all(), target, &mut |solution| {
            if found.len() < limit && written.insert(solution.to_string()) {
                found.push(solution);
            }
            if found.len() < limit {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        });
        found
    }

    /// Every target in the range that all the numbers, each used once, can make.
    pub fn targets(&self, numbers: &[u64], range: RangeInclusive<u64>) -> BTreeSet<u64> {
        reach::targets(self, numbers, range)
    }

    /// In how many ways all the numbers can be combined, and how many make the target.
    pub fn ways(&self, numbers: &[u64], target: u64) -> Ways {
        reach::ways(self, numbers, target)
    }

    /// The same rules with those of their operations that are among `operations`.
    pub fn only(&self, operations: &[Operation]) -> Self {
        let allowed = |operation: &&Operation| operations.contains(operation);
        Self {
            operations: self.operations.iter().filter(allowed).copied().collect(),
            fractions: self.fractions,
        }
    }

    /// The same rules with whole numbers at every step.
    pub fn whole(&self) -> Self {
        Self {
            fractions: false,
            ..self.clone()
        }
    }

    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// Whether steps may end in fractions.
    pub fn allows_fractions(&self) -> bool {
        self.fractions
    }

    /// Whether a step may end in this value.
    pub fn allows(&self, value: Rational) -> bool {
        !value.is_negative() && (self.fractions || value.is_integer())
    }

    /// `left op right` where the rules allow the result.
    pub fn apply(&self, operation: Operation, left: Rational, right: Rational) -> Option<Rational> {
        let whole = operation != Operation::Divide
            || self.fractions
            // Spares the common case the greatest common divisor of a fraction to discard.
            || left.numer().checked_rem(*right.numer()) == Some(0);
        let value = whole.then(|| operation.apply(left, right)).flatten()?;
        self.allows(value).then_some(value)
    }

    /// `left op right`, the larger side first where the order is free; `None` where the
    /// rules forbid it.
    pub fn combine(
        &self,
        operation: Operation,
        left: &Expression,
        right: &Expression,
    ) -> Option<Expression> {
        let (left, right) = if operation.commutes() && left.value() < right.value() {
            (right, left)
        } else {
            (left, right)
        };
        let value = self.apply(operation, left.value(), right.value())?;
        Some(Expression::binary(
            operation,
            left.clone(),
            right.clone(),
            value,
        ))
    }

    /// Visits every allowed way to combine the two, each once.
    pub fn combinations(&self, a: &Expression, b: &Expression, mut visit: impl FnMut(Expression)) {
        for &operation in &self.operations {
            self.combine(operation, a, b)
                .into_iter()
                .for_each(&mut visit);
            // Equal sides give the same twice, and so does an order that is free.
            if !operation.commutes() && a.value() != b.value() {
                self.combine(operation, b, a)
                    .into_iter()
                    .for_each(&mut visit);
            }
        }
    }

    /// All the numbers combined at random; `None` when the draw came to a step that the
    /// rules forbid.
    pub fn random_attempt(&self, numbers: &[u64], rng: &mut impl RngExt) -> Option<Expression> {
        let mut left: Vec<Expression> = numbers.iter().map(|&n| Expression::number(n)).collect();
        while left.len() > 1 {
            let a = left.swap_remove(rng.random_range(0..left.len()));
            let b = left.swap_remove(rng.random_range(0..left.len()));
            let operation = self.operations[rng.random_range(0..self.operations.len())];
            left.push(self.combine(operation, &a, &b)?);
        }
        left.pop()
    }
}
