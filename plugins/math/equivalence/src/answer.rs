//! The kinds of things that an answer can be.

use dashu_ratio::RBig;

use crate::{
    expr::Expr,
    region::Region,
    token::{Bracket, Comparison},
    units::Unit,
};

/// A parsed answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The text without white space around it; equal texts need no mathematics.
    pub(crate) text: Box<str>,
    pub(crate) form: Form,
    /// The letter in front of it, in `B) 12`; see [`crate::choices`].
    pub(crate) choice: Option<Chosen>,
}

/// A letter of multiple choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chosen {
    pub letter: char,
    /// It can be nothing else, as the first term of a ratio.
    pub sure: bool,
}

impl Answer {
    /// One text for all answers that are the same rational number, however each was written: `1/2` for `0.5`,
    /// `\frac{2}{4}` and `2^{-1}`. A vote over many answers, as in maj@k, can group by it.
    ///
    /// Nothing where the writing is all there is to go by: for anything but a bare number, and for a number with a unit
    /// or a percent sign, of which the policy decides what they equal.
    pub fn canonical(&self) -> Option<String> {
        match &self.form {
            Form::Value(quantity) if quantity.unit.is_none() && !quantity.percent => {
                match &quantity.expr {
                    Expr::Number(number) => Some(number.to_string()),
                    _ => None,
                }
            }
            _ => None,
        }
    }
}

// Most answers are values, and few are held at a time: a pointer would cost more than it saves.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug)]
pub enum Form {
    Value(Quantity),
    Sequence(Sequence),
    Region(Region),
    /// `\mathbb{Z}` and other sets without ends.
    NumberSet(char),
    Labelled(Box<Labelled>),
    Relation(Relation),
    Matrix(Vec<Vec<Expr>>),
    Ratio(Vec<Expr>),
    Time(Time),
    Choice(char),
    Words(Box<str>),
    Conditional(Box<Conditional>),
    Family(Box<Family>),
}

/// A formula, perhaps with a unit.
#[derive(Clone, Debug)]
pub struct Quantity {
    pub expr: Expr,
    pub unit: Option<Unit>,
    /// It ends in a percent sign, which is a hundredth in `expr`.
    pub percent: bool,
    /// Some fraction in it is not in lowest terms.
    pub unreduced: bool,
    /// Some number in it was written as a decimal.
    pub decimal: bool,
    /// In `5 m` the letter may be a unit: the value and the unit then.
    pub otherwise: Option<(RBig, Unit)>,
}

#[derive(Clone, Debug)]
pub struct Sequence {
    pub order: Order,
    pub items: Vec<Form>,
}

/// How the elements belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// In brackets.
    Tuple(Bracket),
    /// Separated by commas or semicolons alone.
    List,
    /// Joined by "and", expanded from plus-minus, or several values of one variable.
    Any,
    /// Joined by "or".
    Either,
    /// In braces; how often an element is named does not matter.
    Set,
}

/// `x = 3`: a name and what it stands for.
#[derive(Clone, Debug)]
pub struct Labelled {
    pub label: Label,
    pub value: Form,
}

/// `9 \text{ at } x = 5`: a value, and when it is one.
#[derive(Clone, Debug)]
pub struct Conditional {
    pub value: Form,
    pub condition: Box<str>,
}

/// `\frac{\pi}{4} + k\pi, k \in \mathbb{Z}`: one value for each number of a set.
#[derive(Clone, Debug)]
pub struct Family {
    pub value: Form,
    pub parameter: Box<str>,
    /// `Z`, `N`, or `N*` for whole numbers from 1.
    pub set: &'static str,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Label {
    Variable(Box<str>),
    /// `f(x)`: the function's name and its argument's.
    Function(Box<str>, Box<str>),
    /// `(x, y)`.
    Names(Vec<Box<str>>),
    /// A quantity in signs, such as `P(X = 2)` or `\sin\theta`, as it is written but for spaces.
    Quantity(Box<str>),
    /// Words, or a formula in a chain of equations: it names nothing that could differ.
    Other,
}

/// Sides and what is said between them: `1 < x <= 3` has three and two.
#[derive(Clone, Debug)]
pub struct Relation {
    pub sides: Vec<Expr>,
    pub comparisons: Vec<Comparison>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time {
    pub hours: u32,
    pub minutes: u32,
    pub seconds: u32,
    /// Whether it is after noon, where it says so.
    pub afternoon: Option<bool>,
    /// Written so that it can be no ratio: `12:05`.
    pub sure: bool,
    /// Written without minutes, as `9 AM`: the mark may then be left out, as a unit may.
    pub hour_alone: bool,
}

impl Form {
    pub fn plain(expr: Expr) -> Self {
        Self::Value(Quantity {
            expr,
            unit: None,
            percent: false,
            unreduced: false,
            decimal: false,
            otherwise: None,
        })
    }

    /// The same with one variable renamed, in whatever has formulas.
    pub fn with_variable(&self, from: &str, to: &str) -> Self {
        let renamed = |expr: &Expr| expr.with_variable(from, to);
        match self {
            Self::Value(quantity) => Self::Value(Quantity {
                expr: renamed(&quantity.expr),
                ..quantity.clone()
            }),
            Self::Sequence(sequence) => Self::Sequence(Sequence {
                order: sequence.order,
                items: sequence
                    .items
                    .iter()
                    .map(|item| item.with_variable(from, to))
                    .collect(),
            }),
            Self::Labelled(labelled) => Self::Labelled(Box::new(Labelled {
                label: labelled.label.clone(),
                value: labelled.value.with_variable(from, to),
            })),
            Self::Relation(relation) => Self::Relation(Relation {
                sides: relation.sides.iter().map(renamed).collect(),
                comparisons: relation.comparisons.clone(),
            }),
            Self::Region(region) => {
                let mut region = region.clone();
                for interval in &mut region.intervals {
                    interval.low.at = renamed(&interval.low.at);
                    interval.high.at = renamed(&interval.high.at);
                }
                Self::Region(region)
            }
            other => other.clone(),
        }
    }

    /// Whether the question is true of a formula in it.
    pub fn any(&self, question: &impl Fn(&Expr) -> bool) -> bool {
        match self {
            Self::Value(quantity) => question(&quantity.expr),
            Self::Sequence(sequence) => sequence.items.iter().any(|item| item.any(question)),
            Self::Labelled(labelled) => labelled.value.any(question),
            Self::Relation(relation) => relation.sides.iter().any(question),
            Self::Matrix(rows) => rows.iter().flatten().any(question),
            Self::Ratio(terms) => terms.iter().any(question),
            Self::Conditional(conditional) => conditional.value.any(question),
            Self::Family(family) => family.value.any(question),
            Self::Region(region) => {
                let ends = |interval: &crate::region::Interval| {
                    [&interval.low.at, &interval.high.at]
                        .into_iter()
                        .any(|end| end.infinite().is_none() && question(end))
                };
                region.intervals.iter().any(ends)
            }
            Self::NumberSet(_) | Self::Time(_) | Self::Choice(_) | Self::Words(_) => false,
        }
    }

    /// Whether it is made of numbers alone.
    pub fn is_constant(&self) -> bool {
        match self {
            Self::Value(quantity) => quantity.expr.variables().is_empty(),
            Self::Sequence(sequence) => sequence.items.iter().all(Self::is_constant),
            Self::Labelled(labelled) => labelled.value.is_constant(),
            Self::Matrix(rows) => rows
                .iter()
                .flatten()
                .all(|cell| cell.variables().is_empty()),
            Self::Ratio(terms) => terms.iter().all(|term| term.variables().is_empty()),
            Self::Time(_) | Self::Choice(_) => true,
            _ => false,
        }
    }

    /// The formula of a value without a unit.
    pub fn expr(&self) -> Option<&Expr> {
        match self {
            Self::Value(quantity) => Some(&quantity.expr),
            _ => None,
        }
    }
}
