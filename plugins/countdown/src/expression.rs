//! Expression trees, and how they are written.

use std::{cmp::Reverse, fmt};

use crate::arithmetic::{Operation, Rational};

/// An expression with its exact value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expression {
    value: Rational,
    node: Node,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Node {
    Number,
    Binary(Operation, Box<(Expression, Expression)>),
}

/// One line of working: `left op right = result`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    pub left: Rational,
    pub operation: Operation,
    pub right: Rational,
    pub result: Rational,
}

impl Expression {
    /// One of the given numbers.
    pub fn number(number: u64) -> Self {
        Self {
            value: Rational::from_integer(i128::from(number)),
            node: Node::Number,
        }
    }

    /// `left op right`, which the caller has worked out to be `value`.
    pub fn binary(operation: Operation, left: Self, right: Self, value: Rational) -> Self {
        debug_assert_eq!(operation.apply(left.value, right.value), Some(value));
        Self {
            value,
            node: Node::Binary(operation, Box::new((left, right))),
        }
    }

    pub fn value(&self) -> Rational {
        self.value
    }

    /// The operation at the top and its two sides; `None` for a number.
    pub fn parts(&self) -> Option<(Operation, &Self, &Self)> {
        match &self.node {
            Node::Number => None,
            Node::Binary(operation, sides) => Some((*operation, &sides.0, &sides.1)),
        }
    }

    /// The lines of working, innermost first.
    pub fn steps(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        self.collect_steps(&mut steps);
        steps
    }

    fn collect_steps(&self, steps: &mut Vec<Step>) {
        let Some((operation, left, right)) = self.parts() else {
            return;
        };
        left.collect_steps(steps);
        right.collect_steps(steps);
        steps.push(Step {
            left: left.value,
            operation,
            right: right.value,
            result: self.value,
        });
    }

    /// How hard it is to find and to compute: products and quotients first, then the
    /// largest value on the way.
    pub fn difficulty(&self) -> (usize, Rational) {
        let steps = self.steps();
        let hard = |step: &&Step| matches!(step.operation, Operation::Multiply | Operation::Divide);
        let largest = steps.iter().map(|step| step.result.max(step.left)).max();
        (
            steps.iter().filter(hard).count(),
            largest.unwrap_or(self.value),
        )
    }

    /// The same text for expressions that differ only in order and grouping, such as
    /// `a-b+c` and `c-(b-a)`.
    pub fn essence(&self) -> String {
        let additive = match self.parts() {
            None => return self.value.to_string(),
            Some((operation, ..)) => is_additive(operation),
        };
        let mut terms = Vec::new();
        self.collect_terms(additive, false, &mut terms);
        terms.sort_by(|a, b| (Reverse(a.0), &a.1).cmp(&(Reverse(b.0), &b.1)));
        let (plain, inverse) = if additive { ('+', '-') } else { ('*', '/') };
        let written = terms.iter().flat_map(|(inverted, term)| {
            [
                if *inverted { inverse } else { plain }.to_string(),
                term.clone(),
            ]
        });
        format!("({})", written.collect::<String>())
    }

    /// The terms of a sum (or factors of a product), with whether each is subtracted
    /// (divided by).
    fn collect_terms(&self, additive: bool, inverted: bool, terms: &mut Vec<(bool, String)>) {
        match self.parts() {
            Some((operation, left, right)) if is_additive(operation) == additive => {
                let inverts = matches!(operation, Operation::Subtract | Operation::Divide);
                left.collect_terms(additive, inverted, terms);
                right.collect_terms(additive, inverted != inverts, terms);
            }
            _ => {
                // Dividing by one is no other way than multiplying by it.
                let neutral = Rational::from_integer(i128::from(!additive));
                terms.push((inverted && self.value != neutral, self.essence()));
            }
        }
    }
}

/// With the parentheses that it needs and no others.
impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((operation, left, right)) = self.parts() else {
            return write!(f, "{}", self.value);
        };
        let side = |f: &mut fmt::Formatter<'_>, side: &Self, parenthesised: bool| {
            if parenthesised {
                write!(f, "({side})")
            } else {
                write!(f, "{side}")
            }
        };
        let is_sum = |side: &Self| side.parts().is_some_and(|(inner, ..)| is_additive(inner));
        let is_compound = |side: &Self| side.parts().is_some();
        let (left_needs, right_needs) = match operation {
            Operation::Add => (false, false),
            Operation::Subtract => (false, is_sum(right)),
            Operation::Multiply => (is_sum(left), is_sum(right)),
            Operation::Divide => (is_sum(left), is_compound(right)),
        };
        side(f, left, left_needs)?;
        write!(f, "{}", operation.symbol())?;
        side(f, right, right_needs)
    }
}

fn is_additive(operation: Operation) -> bool {
    matches!(operation, Operation::Add | Operation::Subtract)
}
