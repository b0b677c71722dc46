//! Finds every way to reach a target, from both ends.
//!
//! The numbers are split in two; the smaller half's values are listed once and kept, and
//! each says which value the larger half would need: to reach 24 with a half that makes 4,
//! the other must make 20, 28, 6 or 96. So lists are made for at most half of the numbers,
//! and six numbers take milliseconds where listing all their values takes minutes.

use std::{collections::BTreeMap, ops::ControlFlow, rc::Rc};

use num_traits::Zero;

use crate::{
    arithmetic::{Operation, Rational},
    expression::Expression,
    solver::Solver,
};

/// A subset of the numbers, one bit each.
pub type Subset = u32;

/// What a subset can make, with every way to make it. Ordered, so that the order of the
/// solutions never depends on a hash.
pub type List = BTreeMap<Rational, Vec<Expression>>;

pub type Visit<'a> = dyn FnMut(Expression) -> ControlFlow<()> + 'a;

/// One search: the numbers and what was listed of them so far.
pub struct Search<'a> {
    rules: &'a Solver,
    numbers: &'a [u64],
    lists: BTreeMap<Subset, Rc<List>>,
    /// Up to how many numbers are listed before they are searched.
    listed: u32,
}

impl<'a> Search<'a> {
    pub fn new(rules: &'a Solver, numbers: &'a [u64]) -> Self {
        Self {
            rules,
            numbers,
            lists: BTreeMap::new(),
            // The smaller half of a split has at most this many.
            listed: (numbers.len() as u32 / 2).max(2),
        }
    }

    /// All the numbers.
    pub fn all(&self) -> Subset {
        (1 << self.numbers.len()) - 1
    }

    /// Visits the expressions over `subset` that equal `target`.
    pub fn reach(
        &mut self,
        subset: Subset,
        target: Rational,
        visit: &mut Visit<'_>,
    ) -> ControlFlow<()> {
        if subset.count_ones() <= self.listed {
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
        for &operation in rules.operations() {
            for (needed, small_is_left) in partners(rules, operation, value, target) {
                let mut combined = |other: Expression| {
                    smalls.iter().try_for_each(|small| {
                        let (left, right) = if small_is_left {
                            (small, &other)
                        } else {
                            (&other, small)
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
                        others
                            .values()
                            .flatten()
                            .cloned()
                            .try_for_each(&mut combined)?;
                    }
                }
            }
        }
        ControlFlow::Continue(())
    }

    /// The list of `subset`, made at the first call.
    pub fn list(&mut self, subset: Subset) -> Rc<List> {
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

enum Needed {
    Exactly(Rational),
    Anything,
}

/// What the other side must be, for `value` on one side of `operation` to give `target`;
/// with whether `value` is then the left side.
fn partners(
    rules: &Solver,
    operation: Operation,
    value: Rational,
    target: Rational,
) -> impl Iterator<Item = (Needed, bool)> {
    let absorbs = value.is_zero() && target.is_zero();
    let needed = |inverse, left, right| rules.apply(inverse, left, right).map(Needed::Exactly);
    let anything = || Some(Needed::Anything);
    // The other side as the left one, and as the right one where that is another case.
    let (left, right) = match operation {
        Operation::Add => (needed(Operation::Subtract, target, value), None),
        Operation::Subtract if target.is_zero() => (needed(Operation::Add, target, value), None),
        Operation::Subtract => (
            needed(Operation::Add, target, value),
            needed(Operation::Subtract, value, target),
        ),
        Operation::Multiply if absorbs => (anything(), None),
        Operation::Multiply => (needed(Operation::Divide, target, value), None),
        // Zero divided by anything; what is zero itself makes no quotient and drops out.
        Operation::Divide if absorbs => (None, anything()),
        Operation::Divide if value.is_zero() => (None, None),
        Operation::Divide => (
            needed(Operation::Multiply, target, value),
            needed(Operation::Divide, value, target),
        ),
    };
    let left = left.map(|needed| (needed, false));
    left.into_iter().chain(right.map(|needed| (needed, true)))
}

/// The ways to split a subset in two non-empty parts, the larger first, each once.
pub fn splits(subset: Subset) -> impl Iterator<Item = (Subset, Subset)> {
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
