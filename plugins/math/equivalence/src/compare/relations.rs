//! Equations and inequalities: as what they name, as the numbers they leave, or as they stand.

use super::{Comparer, too_large};
use crate::{
    answer::{Form, Label, Labelled, Order, Relation, Sequence},
    equality::{Decision, equal, proportional},
    expr::{Builder, Expr, integer},
    inequality::{around, solved},
    region::{Region, is_numeric},
    sets::as_region,
    token::Comparison,
};

impl Comparer<'_> {
    pub(super) fn labelled(&mut self, gold: &Labelled, given: &Labelled) -> Decision {
        match (&gold.label, &given.label) {
            (Label::Variable(a), Label::Variable(b)) if a == b => {
                self.same(&gold.value, &given.value)
            }
            // y = 2x + 1 is x = (y - 1)/2, the same line; x = 3 is not y = 3.
            (Label::Variable(_), Label::Variable(_)) => {
                match (equation_of(gold), equation_of(given)) {
                    (Some(gold), Some(given)) => self.relations(&gold, &given),
                    _ => Ok(false),
                }
            }
            (Label::Function(f, x), Label::Function(g, y)) => {
                if f != g {
                    return Ok(false);
                }
                if x == y {
                    return self.same(&gold.value, &given.value);
                }
                match &given.value {
                    // `f(t) = x^2` is no function of t.
                    Form::Value(quantity) if quantity.expr.variables().contains(&&**x) => Ok(false),
                    Form::Value(quantity) => {
                        let renamed = quantity.expr.with_variable(y, x);
                        self.same(&gold.value, &Form::plain(renamed))
                    }
                    _ => Ok(false),
                }
            }
            (Label::Function(function, _), Label::Variable(name))
            | (Label::Variable(name), Label::Function(function, _)) => {
                Ok((&**name == "y" || name == function) && self.same(&gold.value, &given.value)?)
            }
            (Label::Names(names), Label::Names(others)) if names == others => {
                self.same(&gold.value, &given.value)
            }
            (Label::Names(_), Label::Names(_)) => match (expanded(gold), expanded(given)) {
                (Some(gold), Some(given)) => self.sequences(&gold, &given),
                _ => Ok(false),
            },
            // P(2) is not P(3).
            (Label::Quantity(a), Label::Quantity(b)) => {
                Ok(a == b && self.same(&gold.value, &given.value)?)
            }
            // |AB| is AB, and \sin A is not A.
            (Label::Quantity(signs), Label::Variable(name))
            | (Label::Variable(name), Label::Quantity(signs)) => {
                let letters = signs.replace("\\overline", "");
                let letters = letters.trim_matches(|one: char| !one.is_alphanumeric());
                Ok(letters == &**name && self.same(&gold.value, &given.value)?)
            }
            (Label::Quantity(_), Label::Function(..))
            | (Label::Function(..), Label::Quantity(_)) => Ok(false),
            // P is a point, and so is (x, y); z is none.
            (Label::Names(_), Label::Variable(name)) | (Label::Variable(name), Label::Names(_)) => {
                let point = name.bytes().all(|byte| byte.is_ascii_uppercase());
                Ok(point && self.same(&gold.value, &given.value)?)
            }
            _ => self.same(&gold.value, &given.value),
        }
    }

    /// A labelled gold answer against an equation that is not solved for anything.
    pub(super) fn against_equation(&mut self, gold: &Labelled, given: &Relation) -> Decision {
        let constant = gold
            .value
            .expr()
            .is_none_or(|value| value.variables().is_empty());
        if constant {
            // `x = 3` asks for the solution, so `2x = 6` is the question.
            return match (&gold.value, solved(&given.sides, &given.comparisons)) {
                (Form::Region(region), Some(given)) => region.same(&given),
                _ => Ok(false),
            };
        }
        match equation_of(gold) {
            Some(gold) => self.relations(&gold, given),
            None => Ok(false),
        }
    }

    pub(super) fn relations(&self, gold: &Relation, given: &Relation) -> Decision {
        let regions = [gold, given].map(|one| solved(&one.sides, &one.comparisons));
        match &regions {
            [Some(gold), Some(given)] if is_numeric(gold) && is_numeric(given) => {
                return gold.same(given);
            }
            // `x > 2` takes `2x > 4` and `x - 2 > 0`, but no `3x + 1 > 7`, which asks for it.
            [Some(gold), None] if is_numeric(gold) && !is_scaled(given) => return Ok(false),
            // `|x| < 3` as the gold answer takes `-3 < x < 3`.
            [None, Some(given)] if is_numeric(given) => {
                if let Some(gold) = around(&gold.sides, &gold.comparisons) {
                    return gold.same(given);
                }
            }
            _ => {}
        }
        let (Some(gold), Some(given)) = (oriented(gold), oriented(given)) else {
            return Ok(false);
        };
        if gold.comparisons != given.comparisons {
            return Ok(false);
        }
        // 2 > 1 and 3 > 2 are true, and say different things.
        let says = |one: &Relation| one.sides.iter().any(|side| !side.variables().is_empty());
        if !says(&gold) || !says(&given) {
            return Ok(false);
        }
        // Of what is not positive at any real point, such as `\Im z`, the sign below is unknown.
        let mut sides = gold.sides.iter().zip(&given.sides);
        if sides.all(|(a, b)| equal(a, b) == Ok(true)) {
            return Ok(true);
        }
        let differences = |one: &Relation| {
            one.sides
                .windows(2)
                .map(|pair| difference(&pair[0], &pair[1]))
                .collect::<Decision<Vec<_>>>()
        };
        for ((a, b), comparison) in differences(&gold)?
            .iter()
            .zip(&differences(&given)?)
            .zip(&gold.comparisons)
        {
            match proportional(a, b)? {
                None => return Ok(false),
                Some(sign) if comparison.is_order() && sign <= 0 => return Ok(false),
                Some(_) => {}
            }
        }
        Ok(true)
    }

    pub(super) fn regions(&self, gold: &Region, given: &Form) -> Decision {
        match as_region(given) {
            Some(given) if is_numeric(gold) == is_numeric(&given) => gold.same(&given),
            _ => Ok(false),
        }
    }
}

/// Whether these values are of something else than this name is: `x = 1, y = 2` is more than the values of x.
pub(super) fn are_of_others(labelled: &Labelled, values: &Sequence) -> bool {
    let Label::Variable(name) = &labelled.label else {
        return false;
    };
    values.items.iter().any(|item| match item {
        Form::Labelled(item) => matches!(&item.label, Label::Variable(other) if other != name),
        _ => false,
    })
}

/// `(x, y) = (1, 2)` as `x = 1` and `y = 2`.
pub(super) fn expanded(labelled: &Labelled) -> Option<Sequence> {
    let (Label::Names(names), Form::Sequence(tuple)) = (&labelled.label, &labelled.value) else {
        return None;
    };
    if !matches!(tuple.order, Order::Tuple(_)) || tuple.items.len() != names.len() {
        return None;
    }
    let items = names.iter().zip(&tuple.items).map(|(name, value)| {
        Form::Labelled(Box::new(Labelled {
            label: Label::Variable(name.clone()),
            value: value.clone(),
        }))
    });
    Some(Sequence {
        order: Order::Any,
        items: items.collect(),
    })
}

/// `y = 2x + 1` as an equation of two formulas.
pub(super) fn equation_of(labelled: &Labelled) -> Option<Relation> {
    let name = match &labelled.label {
        Label::Variable(name) => name.clone(),
        Label::Function(name, _) if matches!(&**name, "x" | "z") => name.clone(),
        Label::Function(..) => "y".into(),
        Label::Names(_) | Label::Quantity(_) | Label::Other => return None,
    };
    Some(Relation {
        sides: vec![Expr::Variable(name), labelled.value.expr()?.clone()],
        comparisons: vec![Comparison::Equal],
    })
}

/// A number times a variable on one side and a number on the other, or a zero on one side.
fn is_scaled(relation: &Relation) -> bool {
    let monomial = |side: &Expr| match side {
        Expr::Variable(_) => true,
        Expr::Product(factors) => {
            matches!(factors.as_slice(), [Expr::Number(_), Expr::Variable(_)])
        }
        _ => false,
    };
    let constant = |side: &Expr| side.variables().is_empty();
    let ordered = relation.comparisons.iter().all(|one| one.is_order());
    if ordered && relation.sides.len() == 2 && relation.sides.contains(&integer(0)) {
        return true;
    }
    ordered
        && relation.sides.iter().filter(|side| monomial(side)).count() == 1
        && relation.sides.iter().filter(|side| constant(side)).count() == relation.sides.len() - 1
}

/// With "less" rather than "greater"; nothing for a chain that turns.
fn oriented(relation: &Relation) -> Option<Relation> {
    let greater = |one: &Comparison| matches!(one, Comparison::Greater | Comparison::GreaterEqual);
    let less = |one: &Comparison| matches!(one, Comparison::Less | Comparison::LessEqual);
    let mut oriented = relation.clone();
    if relation.comparisons.iter().any(greater) {
        if relation.comparisons.iter().any(less) {
            return None;
        }
        oriented.sides.reverse();
        oriented.comparisons = relation
            .comparisons
            .iter()
            .rev()
            .map(|one| one.flipped())
            .collect();
    }
    Some(oriented)
}

fn difference(a: &Expr, b: &Expr) -> Decision<Expr> {
    Builder::default()
        .difference(a.clone(), b.clone())
        .map_err(too_large)
}
