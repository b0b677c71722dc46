//! Tuples, lists, sets and matrices: in their order, or in any.

use super::Comparer;
use crate::{
    answer::{Form, Label, Order, Sequence},
    equality::{Decision, equal},
    expr::Expr,
    policy::ListOrder,
    token::Bracket,
};

impl Comparer<'_> {
    pub(super) fn sequences(&mut self, gold: &Sequence, given: &Sequence) -> Decision {
        use Order::{Any, Either, List, Set, Tuple};
        // One of two numbers may be either; of two statements, `x = 1 or y = 2` is less than both.
        let either = |sequence: &Sequence| sequence.order == Either;
        if either(gold) != either(given) && (are_statements(gold) || are_statements(given)) {
            return Ok(false);
        }
        let any = |order| if order == Either { Any } else { order };
        match (any(gold.order), any(given.order)) {
            (Tuple(a), Tuple(b)) => {
                let vectors = self.policy.vectors_are_tuples;
                let plain = |one| {
                    if one == Bracket::Angle && vectors {
                        Bracket::Paren
                    } else {
                        one
                    }
                };
                // Of two numbers, [1, 2] may be an interval, which (1, 2) is not.
                let same = plain(a) == plain(b) || (vectors && gold.items.len() > 2);
                Ok(same && self.in_order(gold, given)?)
            }
            // Parentheses may be left out, but not put around a list of answers.
            (Tuple(bracket), List) => {
                let interval = bracket == Bracket::Square && gold.items.len() == 2;
                Ok(!interval && self.in_order(gold, given)?)
            }
            // `x = 1, y = 2` is the point (1, 2).
            (Tuple(Bracket::Paren), Any) => {
                Ok(is_labelled(given) && self.in_order(gold, &by_name(given))?)
            }
            (Any, Tuple(Bracket::Paren)) => {
                Ok(is_labelled(gold) && self.in_order(&by_name(gold), given)?)
            }
            (Tuple(_), _) | (_, Tuple(_)) => Ok(false),
            (List, List)
                if self.policy.list_order == ListOrder::Kept && !points(gold) && !choices(gold) =>
            {
                self.in_order(gold, given)
            }
            (Set, _) | (_, Set) => self.as_sets(gold, given),
            (Any | List | Either, Any | List | Either) => {
                if is_labelled(gold) != is_labelled(given) && labelled_apart(gold, given) {
                    return self.in_order(&by_name(gold), &by_name(given));
                }
                self.as_sets(gold, given)
            }
        }
    }

    fn in_order(&mut self, gold: &Sequence, given: &Sequence) -> Decision {
        if gold.items.len() != given.items.len() {
            return Ok(false);
        }
        for (gold, given) in gold.items.iter().zip(&given.items) {
            if !self.same(gold, given)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Each element of either is in the other.
    fn as_sets(&mut self, gold: &Sequence, given: &Sequence) -> Decision {
        // Without repetition in a set; a list that repeats has a reason to.
        let sets = gold.order == Order::Set || given.order == Order::Set;
        if !sets && gold.items.len() != given.items.len() {
            return Ok(false);
        }
        let mut matched = vec![false; given.items.len()];
        for item in &gold.items {
            let mut found = false;
            for (place, other) in given.items.iter().enumerate() {
                if (sets || !matched[place]) && self.same(item, other)? {
                    matched[place] = true;
                    found = true;
                    if !sets {
                        break;
                    }
                }
            }
            if !found {
                return Ok(false);
            }
        }
        Ok(matched.iter().all(|matched| *matched))
    }

    /// A matrix against a vector, or against the rows of `[[1, 2], [3, 4]]`.
    pub(super) fn vector(&mut self, rows: &[Vec<Expr>], tuple: &Sequence) -> Decision {
        if let Some(written) = rows_of(tuple) {
            if written.len() != rows.len() {
                return Ok(false);
            }
            for (row, written) in rows.iter().zip(written) {
                if !self.cells(row, written)? {
                    return Ok(false);
                }
            }
            return Ok(true);
        }
        let vector = rows.len() == 1 || rows[0].len() == 1;
        let brackets = matches!(tuple.order, Order::Tuple(_));
        if !self.policy.vectors_are_tuples || !vector || !brackets {
            return Ok(false);
        }
        self.cells(rows.iter().flatten(), &tuple.items)
    }

    fn cells<'e>(&mut self, cells: impl IntoIterator<Item = &'e Expr>, items: &[Form]) -> Decision {
        let mut items = items.iter();
        for cell in cells {
            match items.next() {
                Some(item) if self.same(&Form::plain(cell.clone()), item)? => {}
                _ => return Ok(false),
            }
        }
        Ok(items.next().is_none())
    }
}

pub(super) fn is_labelled(sequence: &Sequence) -> bool {
    let mut items = sequence.items.iter();
    items.all(|item| matches!(item, Form::Labelled(_)))
}

/// Whether the elements are something that is true or not, or words, of which "or" leaves a choice.
fn are_statements(sequence: &Sequence) -> bool {
    let statement = |item: &Form| {
        matches!(
            item,
            Form::Relation(_) | Form::Region(_) | Form::Words(_) | Form::Choice(_)
        ) || choice(item)
    };
    sequence.items.iter().any(statement)
        || (is_labelled(sequence) && labelled_apart(sequence, sequence))
}

/// The values of neighbours in the alphabet, in its order: `y = 3, x = 4` is (4, 3). Other names, such as m and b,
/// have no order of their own.
fn by_name(sequence: &Sequence) -> Sequence {
    let letter = |item: &Form| match item {
        Form::Labelled(labelled) => match &labelled.label {
            Label::Variable(name) if name.len() == 1 => Some(name.as_bytes()[0]),
            _ => None,
        },
        _ => None,
    };
    let letters: Option<Vec<u8>> = sequence.items.iter().map(letter).collect();
    let mut sorted = sequence.clone();
    if let Some(letters) = letters
        && let (Some(low), Some(high)) = (letters.iter().min(), letters.iter().max())
        && high - low <= 3
    {
        sorted.items.sort_by_key(letter);
    }
    sorted
}

/// The rows of a matrix that is written as lists in square brackets.
fn rows_of(tuple: &Sequence) -> Option<Vec<&[Form]>> {
    if tuple.order != Order::Tuple(Bracket::Square) {
        return None;
    }
    let rows = tuple.items.iter().map(|item| match item {
        Form::Sequence(Sequence {
            order: Order::Tuple(Bracket::Square),
            items,
        }) => Some(items.as_slice()),
        _ => None,
    });
    rows.collect()
}

/// Points, such as solutions of a system: a list of them has no order of its own.
fn points(sequence: &Sequence) -> bool {
    sequence.items.iter().all(|item| {
        matches!(
            item,
            Form::Sequence(Sequence {
                order: Order::Tuple(_),
                ..
            })
        )
    })
}

/// Letters of multiple choice: all that apply, in any order.
fn choices(sequence: &Sequence) -> bool {
    sequence.items.iter().all(choice)
}

fn choice(item: &Form) -> bool {
    match item {
        Form::Choice(_) => true,
        Form::Value(value) => matches!(&value.expr, Expr::Variable(name)
            if name.len() == 1 && matches!(name.as_bytes()[0], b'A'..=b'J')),
        _ => false,
    }
}

/// Whether different names on one side keep its values apart, so that their order counts.
fn labelled_apart(gold: &Sequence, given: &Sequence) -> bool {
    let labels = |sequence: &Sequence| {
        let mut seen: Vec<Label> = Vec::new();
        for item in &sequence.items {
            if let Form::Labelled(labelled) = item
                && !seen.contains(&labelled.label)
            {
                seen.push(labelled.label.clone());
            }
        }
        seen.len()
    };
    labels(gold).max(labels(given)) > 1
}

pub(super) fn lone(sequence: &Sequence) -> Option<&Form> {
    match (sequence.order, sequence.items.as_slice()) {
        (Order::Set, [item]) => Some(item),
        _ => None,
    }
}

pub(super) fn matrices(gold: &[Vec<Expr>], given: &[Vec<Expr>]) -> Decision {
    if gold.len() != given.len() {
        return Ok(false);
    }
    for (gold, given) in gold.iter().zip(given) {
        if gold.len() != given.len() {
            return Ok(false);
        }
        for (gold, given) in gold.iter().zip(given) {
            if !equal(gold, given)? {
                return Ok(false);
            }
        }
    }
    Ok(true)
}
