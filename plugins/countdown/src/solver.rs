//! Finds every way to reach a target, exactly.
//!
//! The search works from both ends. The numbers are split in two; the smaller half's
//! values are listed once and kept, and each says which value the larger half would need:
//! to reach 24 with a half that makes 4, the other must make 20, 28, 6 or 96. So lists are
//! made for at most half of the numbers, and six numbers take milliseconds, not minutes.
//!
//! No step goes below zero, as in the game. Nothing is lost where both `+` and `-` are
//! allowed: a negative result can be exchanged for its opposite and the next step turned
//! round.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::ControlFlow,
    rc::Rc,
};

use farthing_sdk::prelude::*;
use num_traits::{Signed, Zero};

use crate::{
    arithmetic::{Operation, Rational},
    expression::Expression,
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

    /// Every value that all the numbers together can make.
    pub fn reachable(&self, numbers: &[u64]) -> BTreeSet<Rational> {
        let mut search = Search::new(self, numbers);
        let all = search.all();
        search.list(all).keys().copied().collect()
    }

    /// Whether a step may end in this value.
    pub fn allows(&self, value: Rational) -> bool {
        !value.is_negative() && (self.fractions || value.is_integer())
    }

    /// `left op right`, the larger side first where the order is free; `None` where the
    /// rules forbid it.
    pub fn combine(
        &self,
        operation: Operation,
        left: Expression,
        right: Expression,
    ) -> Option<Expression> {
        let commutes = matches!(operation, Operation::Add | Operation::Multiply);
        let (left, right) = if commutes && left.value() < right.value() {
            (right, left)
        } else {
            (left, right)
        };
        let expression = Expression::binary(operation, left, right)?;
        self.allows(expression.value()).then_some(expression)
    }

    /// All the numbers combined at random; `None` when the draw came to a step that the
    /// rules forbid.
    pub fn random_attempt(&self, numbers: &[u64], rng: &mut impl RngExt) -> Option<Expression> {
        let mut left: Vec<Expression> = numbers.iter().map(|&n| Expression::number(n)).collect();
        while left.len() > 1 {
            let a = left.swap_remove(rng.random_range(0..left.len()));
            let b = left.swap_remove(rng.random_range(0..left.len()));
            let operation = self.operations[rng.random_range(0..self.operations.len())];
            left.push(self.combine(operation, a, b)?);
        }
        left.pop()
    }
}

/// A subset of the numbers, one bit each.
type Subset = u32;

/// What a subset can make, with every way to make it. Ordered, so that the order of the
/// solutions never depends on a hash.
type List = BTreeMap<Rational, Vec<Expression>>;

type Visit<'a> = dyn FnMut(Expression) -> ControlFlow<()> + 'a;

/// One search: the numbers and what was listed of them so far.
struct Search<'a> {
    rules: &'a Solver,
    numbers: &'a [u64],
    lists: BTreeMap<Subset, Rc<List>>,
}

impl<'a> Search<'a> {
    fn new(rules: &'a Solver, numbers: &'a [u64]) -> Self {
        Self {
            rules,
            numbers,
            lists: BTreeMap::new(),
        }
    }

    fn all(&self) -> Subset {
        (1 << self.numbers.len()) - 1
    }

    /// Visits the expressions over `subset` that equal `target`.
    fn reach(
        &mut self,
        subset: Subset,
        target: Rational,
        visit: &mut Visit<'_>,
    ) -> ControlFlow<()> {
        if !self.rules.allows(target) {
            return ControlFlow::Continue(());
        }
        if subset.count_ones() <= 2 || self.lists.contains_key(&subset) {
            return match self.list(subset).get(&target) {
                Some(expressions) => expressions.iter().cloned().try_for_each(visit),
                None => ControlFlow::Continue(()),
            };
        }
        for (large, small) in splits(subset) {
            for (value, smalls) in self.list(small).iter() {
                self.reach_with(large, (*value, smalls), target, visit)?;
            }
        }
        ControlFlow::Continue(())
    }

    /// Visits the expressions whose one side makes `value` in one of the ways `smalls` and
    /// whose other side is over `large`.
    fn reach_with(
        &mut self,
        large: Subset,
        (value, smalls): (Rational, &[Expression]),
        target: Rational,
        visit: &mut Visit<'_>,
    ) -> ControlFlow<()> {
        let rules = self.rules;
        for &operation in &rules.operations {
            for (needed, small_is_left) in partners(operation, value, target) {
                let mut combined = |other: Expression| {
                    smalls.iter().try_for_each(|small| {
                        let (left, right) = if small_is_left {
                            (small.clone(), other.clone())
                        } else {
                            (other.clone(), small.clone())
                        };
                        rules
                            .combine(operation, left, right)
                            .map_or(ControlFlow::Continue(()), &mut *visit)
                    })
                };
                match needed {
                    Needed::Exactly(needed) => self.reach(large, needed, &mut combined)?,
                    Needed::Anything => {
                        let others = self.list(large);
                        others.values().flatten().cloned().try_for_each(&mut combined)?;
                    }
                }
            }
        }
        ControlFlow::Continue(())
    }

    /// The list of `subset`, made at the first call.
    fn list(&mut self, subset: Subset) -> Rc<List> {
        if let Some(list) = self.lists.get(&subset) {
            return Rc::clone(list);
        }
        let mut list = List::new();
        if subset.count_ones() == 1 {
            let number = Expression::number(self.numbers[subset.trailing_zeros() as usize]);
            list.insert(number.value(), vec![number]);
        }
        for (large, small) in splits(subset) {
            let (larges, smalls) = (self.list(large), self.list(small));
            for large in larges.values().flatten() {
                for small in smalls.values().flatten() {
                    self.rules.combinations(large, small, |expression| {
                        list.entry(expression.value()).or_default().push(expression);
                    });
                }
            }
        }
        let list = Rc::new(list);
        self.lists.insert(subset, Rc::clone(&list));
        list
    }
}

impl Solver {
    /// Every allowed way to combine the two, each once.
    fn combinations(&self, a: &Expression, b: &Expression, mut visit: impl FnMut(Expression)) {
        for &operation in &self.operations {
            let commutes = matches!(operation, Operation::Add | Operation::Multiply);
            let forward = self.combine(operation, a.clone(), b.clone());
            // Equal sides give the same twice, and so does an order that is free.
            let backward = (!commutes && a.value() != b.value())
                .then(|| self.combine(operation, b.clone(), a.clone()));
            forward.into_iter().chain(backward.flatten()).for_each(&mut visit);
        }
    }
}

enum Needed {
    Exactly(Rational),
    Anything,
}

/// What the other side must be, for `value` on one side of `operation` to give `target`;
/// with whether `value` is then the left side.
fn partners(operation: Operation, value: Rational, target: Rational) -> Vec<(Needed, bool)> {
    let exactly = |needed: Option<Rational>, left| needed.map(|n| (Needed::Exactly(n), left));
    let absorbs = value.is_zero() && target.is_zero();
    match operation {
        Operation::Add => exactly(Operation::Subtract.apply(target, value), false)
            .into_iter()
            .collect(),
        Operation::Subtract => {
            let left = exactly(Operation::Add.apply(target, value), false);
            // Where both orders need the same side, one of them is enough.
            let right = exactly(Operation::Subtract.apply(value, target), true)
                .filter(|_| !target.is_zero());
            left.into_iter().chain(right).collect()
        }
        Operation::Multiply if absorbs => vec![(Needed::Anything, false)],
        Operation::Multiply => exactly(Operation::Divide.apply(target, value), false)
            .into_iter()
            .collect(),
        // Zero divided by anything; what is zero itself has no value and is left out.
        Operation::Divide if absorbs => vec![(Needed::Anything, true)],
        Operation::Divide => {
            let left = exactly(Operation::Multiply.apply(target, value), false)
                .filter(|_| !value.is_zero());
            let right = exactly(Operation::Divide.apply(value, target), true)
                .filter(|_| !value.is_zero());
            left.into_iter().chain(right).collect()
        }
    }
}

/// The ways to split a subset in two non-empty parts, the larger first, each once.
fn splits(subset: Subset) -> impl Iterator<Item = (Subset, Subset)> {
    // Descends through the proper subsets of `subset`.
    let parts = std::iter::successors(Some((subset - 1) & subset), move |&part| {
        (part != 0).then(|| (part - 1) & subset)
    });
    parts
        .take_while(|&part| part != 0)
        .map(move |part| (part, subset ^ part))
        .filter(|&(part, rest)| {
            let (ones, others) = (part.count_ones(), rest.count_ones());
            ones > others || (ones == others && part > rest)
        })
}
