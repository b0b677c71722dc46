//! Whether two answers mean the same, kind by kind.
//!
//! The two sides are not alike: the gold answer says in which form the answer is wanted. So
//! an interval takes an inequality that is solved for its variable, but no inequality that is
//! only equivalent: that would be the question, given back.

use crate::{
    Policy,
    answer::{Form, Relation},
    equality::{Decision, Undecided},
    expr::{Expr, Fault, integer},
    inequality::{around, solved},
    limits,
    policy::Units,
    region::Region,
    sets::as_region,
};

mod collections;
mod quantities;
mod ratios;
mod relations;

use collections::{lone, matrices};
use ratios::{as_ratio, ratios, same_time};
use relations::{are_of_others, equation_of, expanded};

pub struct Comparer<'p> {
    pub policy: &'p Policy,
    /// Comparisons of elements so far.
    pub pairs: usize,
}

impl Comparer<'_> {
    pub fn same(&mut self, gold: &Form, given: &Form) -> Decision {
        self.pairs += 1;
        if self.pairs > limits::PAIRS {
            return Err(Undecided(format!(
                "comparing the elements takes more than {} comparisons",
                limits::PAIRS
            )));
        }
        match (gold, given) {
            (Form::Value(gold), Form::Value(given)) => self.quantities(gold, given),
            (Form::Conditional(gold), Form::Conditional(given)) => {
                Ok(gold.condition == given.condition && self.same(&gold.value, &given.value)?)
            }
            // When a number is the answer is not the answer, but of a formula it is half of it.
            (Form::Conditional(gold), given) => {
                Ok(gold.value.is_constant() && self.same(&gold.value, given)?)
            }
            (gold, Form::Conditional(given)) => {
                Ok(given.value.is_constant() && self.same(gold, &given.value)?)
            }
            (Form::Family(gold), Form::Family(given)) => {
                let renamed = given.value.with_variable(&given.parameter, &gold.parameter);
                Ok(gold.set == given.set && self.same(&gold.value, &renamed)?)
            }
            (Form::Family(gold), given) => self.same(&gold.value, given),
            (gold, Form::Family(given)) => self.same(gold, &given.value),
            // `(x, y) = (1, 2)` has the names of its values, as `x = 1, y = 2` has.
            (Form::Labelled(point), Form::Sequence(values)) if expanded(point).is_some() => {
                let point = expanded(point);
                point.map_or(Ok(false), |point| self.sequences(&point, values))
            }
            (Form::Sequence(values), Form::Labelled(point)) if expanded(point).is_some() => {
                let point = expanded(point);
                point.map_or(Ok(false), |point| self.sequences(values, &point))
            }
            (Form::Labelled(one), Form::Sequence(values))
            | (Form::Sequence(values), Form::Labelled(one))
                if are_of_others(one, values) =>
            {
                Ok(false)
            }
            (Form::Labelled(gold), Form::Labelled(given)) => self.labelled(gold, given),
            (Form::Labelled(gold), Form::Relation(given)) => self.against_equation(gold, given),
            (Form::Relation(gold), Form::Labelled(given)) => match equation_of(given) {
                Some(given) => self.relations(gold, &given),
                // `x \in (1, 2)` says what `1 < x < 2` does.
                None => match numbers(gold) {
                    Some(region) => self.regions(&region, &given.value),
                    None => Ok(false),
                },
            },
            (Form::Labelled(gold), given) if self.policy.drop_labels => {
                self.same(&gold.value, given)
            }
            (gold, Form::Labelled(given)) if self.policy.drop_labels => {
                self.same(gold, &given.value)
            }
            (Form::Sequence(gold), Form::Sequence(given)) => self.sequences(gold, given),
            (Form::Relation(gold), Form::Relation(given)) => self.relations(gold, given),
            (Form::Region(gold), given) => self.regions(gold, given),
            (Form::Relation(gold), given) => match numbers(gold) {
                Some(gold) => self.regions(&gold, given),
                None => Ok(false),
            },
            (gold, Form::Region(given)) => match as_region(gold) {
                Some(gold) => gold.same(given),
                None => Ok(false),
            },
            (gold @ Form::Sequence(_), Form::Relation(_)) => match as_region(gold) {
                Some(gold) if is_interval_like(&gold) => self.regions(&gold, given),
                _ => Ok(false),
            },
            (Form::NumberSet(gold), Form::NumberSet(given)) => Ok(gold == given),
            (Form::Matrix(gold), Form::Matrix(given)) => matrices(gold, given),
            (Form::Matrix(rows), Form::Sequence(tuple))
            | (Form::Sequence(tuple), Form::Matrix(rows)) => self.vector(rows, tuple),
            (Form::Ratio(gold), Form::Ratio(given)) => ratios(gold, given),
            (Form::Ratio(terms), Form::Value(value)) | (Form::Value(value), Form::Ratio(terms)) => {
                self.ratio_and_quotient(terms, value)
            }
            (Form::Time(gold), Form::Time(given)) => Ok(same_time(gold, given)),
            (Form::Time(time), Form::Ratio(terms)) | (Form::Ratio(terms), Form::Time(time)) => {
                match as_ratio(time) {
                    Some(time) => ratios(&time, terms),
                    None => Ok(false),
                }
            }
            (Form::Time(time), Form::Value(value)) | (Form::Value(value), Form::Time(time))
                if time.hour_alone =>
            {
                let may_be_left_out =
                    self.policy.units != Units::Required || matches!(gold, Form::Value(_));
                Ok(may_be_left_out
                    && value.unit.is_none()
                    && value.expr == integer(i64::from(time.hours)))
            }
            (Form::Time(time), Form::Value(value)) | (Form::Value(value), Form::Time(time)) => {
                match as_ratio(time) {
                    Some(time) => self.ratio_and_quotient(&time, value),
                    None => Ok(false),
                }
            }
            (Form::Choice(gold), Form::Choice(given)) => {
                Ok(gold == given
                    || (!self.policy.case_of_words && gold.eq_ignore_ascii_case(given)))
            }
            (Form::Choice(letter), Form::Value(value))
            | (Form::Value(value), Form::Choice(letter)) => Ok(value.unit.is_none()
                && matches!(&value.expr, Expr::Variable(name)
                        if name.chars().eq(std::iter::once(*letter)))),
            (Form::Words(gold), Form::Words(given)) => Ok(gold == given),
            // {5} is 5 where one number is asked for.
            (Form::Sequence(sequence), other @ Form::Value(_)) if self.pairs == 1 => {
                match lone(sequence) {
                    Some(item) => self.same(item, other),
                    None => Ok(false),
                }
            }
            (other @ Form::Value(_), Form::Sequence(sequence)) if self.pairs == 1 => {
                match lone(sequence) {
                    Some(item) => self.same(other, item),
                    None => Ok(false),
                }
            }
            _ => Ok(false),
        }
    }
}

fn is_interval_like(region: &Region) -> bool {
    !region.intervals.is_empty()
}

fn too_large(fault: Fault) -> Undecided {
    Undecided(
        match fault {
            Fault::DivisionByZero => "a division by zero",
            Fault::TooMuchWork => "the numbers are too large to work out",
        }
        .to_owned(),
    )
}

/// The numbers that a gold answer leaves, where that can be told.
fn numbers(gold: &Relation) -> Option<Region> {
    solved(&gold.sides, &gold.comparisons).or_else(|| around(&gold.sides, &gold.comparisons))
}
