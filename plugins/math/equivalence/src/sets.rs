//! Sets of numbers in an answer: `\mathbb{R}`, unions, differences, `\{x \mid x > 2\}`, and
//! conditions that leave one.

use crate::{
    answer::{Family, Form, Label, Labelled, Order, Sequence},
    conditions::parameter,
    equality,
    expr::{Expr, integer},
    grammar::{self, Parsed},
    inequality::solved,
    lexer::unreadable,
    naming,
    reading::{Joint, Reader},
    region::{Interval, Region, infinity},
    slicing::{last_outermost, outermost, ungrouped},
    token::{Bracket, Kind, Token},
};

impl Reader<'_> {
    /// `x \in S`.
    pub(crate) fn membership(&self, name: &[Token], set: &[Token], depth: usize) -> Parsed<Form> {
        let value = match self.joined(set, depth + 1)? {
            Form::Sequence(Sequence {
                order: Order::Tuple(bracket),
                items,
            }) => match as_interval(bracket, &items) {
                Some(interval) => Form::Region(Region::of(vec![interval])),
                None => return Err(unreadable(set[0].at, "expected a set")),
            },
            set @ (Form::Region(_) | Form::NumberSet(_) | Form::Sequence(_)) => set,
            _ => return Err(unreadable(set[0].at, "expected a set")),
        };
        let label = match grammar::formula(name, true) {
            Ok(Expr::Variable(name)) => Label::Variable(name),
            Err(_) if name.is_empty() || naming::is_words(name) => Label::Other,
            // What `2k` being a whole number says of k is not worked out.
            _ => return Err(unreadable(set[0].at, "expected a variable before the set")),
        };
        Ok(Form::Labelled(Box::new(Labelled { label, value })))
    }

    /// Unions, intersections and differences of sets.
    pub(crate) fn set_operation(&self, tokens: &[Token], depth: usize) -> Parsed<Option<Form>> {
        // A difference binds like a product, a union like a sum.
        let operation = |kind: &Kind| matches!(kind, Kind::Union | Kind::Intersection);
        let place = last_outermost(tokens, operation)
            .or_else(|| last_outermost(tokens, |kind| *kind == Kind::SetMinus))
            .or_else(|| {
                // `R - {0}`.
                let set = matches!(tokens[0].kind, Kind::NumberSet(_));
                set.then(|| outermost(tokens, |kind| *kind == Kind::Minus))
                    .flatten()
            });
        let Some(place) = place else {
            return Ok(None);
        };
        let left = self.set(&tokens[..place], depth)?;
        let right = self.set(&tokens[place + 1..], depth)?;
        let undecided = |undecided: equality::Undecided| unreadable(tokens[place].at, undecided.0);
        Ok(Some(Form::Region(match tokens[place].kind {
            Kind::Union => left.union(right),
            Kind::Intersection => left.intersection(&right).map_err(undecided)?,
            _ => {
                let outside = right.complement().map_err(undecided)?;
                left.intersection(&outside).map_err(undecided)?
            }
        })))
    }

    pub(crate) fn set(&self, tokens: &[Token], depth: usize) -> Parsed<Region> {
        let at = tokens.first().map_or(0, |token| token.at);
        let form = self.item(tokens, depth + 1)?;
        as_region(&form).ok_or_else(|| unreadable(at, "expected an interval or a set"))
    }

    pub(crate) fn named_set(&self, tokens: &[Token]) -> Option<Form> {
        match tokens {
            [only] if only.kind == Kind::EmptySet => Some(Form::Region(Region::empty())),
            [only] => match only.kind {
                Kind::NumberSet('R') => {
                    Some(Form::Region(Region::of(vec![Interval::everything()])))
                }
                Kind::NumberSet(letter) => Some(Form::NumberSet(letter)),
                _ => None,
            },
            [set, mark, rest @ ..] if set.kind == Kind::NumberSet('R') => {
                if !matches!(mark.kind, Kind::Caret | Kind::Underscore) {
                    return None;
                }
                let sign = ungrouped(rest);
                let half = match sign.as_slice() {
                    [Kind::Plus] => Interval::new((integer(0), false), (infinity(1), false)),
                    [Kind::Minus] => Interval::new((infinity(-1), false), (integer(0), false)),
                    _ => return None,
                };
                Some(Form::Region(Region::of(vec![half])))
            }
            _ => None,
        }
    }

    /// `\{x \mid x > 2\}` and `\{x \in \mathbb{R} : x \ne 0\}`.
    pub(crate) fn set_builder(
        &self,
        name: &[Token],
        condition: &[Token],
        depth: usize,
    ) -> Option<Form> {
        if let Some((parameter, set)) = parameter(condition) {
            let value = self.joined(name, depth + 1).ok()?;
            return Some(Form::Family(Box::new(Family {
                value,
                parameter,
                set,
            })));
        }
        let name = match outermost(name, |kind| *kind == Kind::In) {
            Some(place)
                if matches!(
                    name.get(place + 1).map(|token| &token.kind),
                    Some(Kind::NumberSet('R'))
                ) =>
            {
                &name[..place]
            }
            Some(_) => return None,
            None => name,
        };
        let Ok(Expr::Variable(name)) = grammar::formula(name, true) else {
            return None;
        };
        match self.joined(condition, depth + 1).ok()? {
            Form::Region(region) if region.variable.as_ref() == Some(&name) => {
                Some(Form::Region(Region {
                    variable: None,
                    ..region
                }))
            }
            Form::Relation(relation) => {
                let region = solved(&relation.sides, &relation.comparisons)?;
                (region.variable.as_ref() == Some(&name)).then_some(Form::Region(Region {
                    variable: None,
                    ..region
                }))
            }
            _ => None,
        }
    }
}

/// Several conditions on one variable, as the numbers that they leave.
pub fn conditions(items: &[Form], joint: Joint) -> Option<Region> {
    let ordered = items.iter().any(|item| matches!(item, Form::Relation(_)));
    let regions = items
        .iter()
        .map(|item| match item {
            Form::Region(region) => Some(region.clone()),
            Form::Relation(relation) => solved(&relation.sides, &relation.comparisons),
            // `0 < x < 1 or x = 2`.
            Form::Labelled(labelled) if ordered => match (&labelled.label, &labelled.value) {
                (Label::Variable(name), Form::Value(value)) => Some(Region {
                    variable: Some(name.clone()),
                    ..Region::points([&value.expr])
                }),
                _ => None,
            },
            _ => None,
        })
        .collect::<Option<Vec<_>>>()?;
    let variable = &regions.first()?.variable;
    if !regions.iter().all(|region| region.variable == *variable) {
        return None;
    }
    let inequalities = variable.is_some();
    let union = || regions.iter().cloned().reduce(Region::union);
    if joint == Joint::Or || !inequalities {
        return union();
    }
    let mut common = regions[0].clone();
    for region in &regions[1..] {
        common = common.intersection(region).ok()?;
    }
    if joint == Joint::Comma && common.intervals.is_empty() {
        // `x < 1, x > 5` can only mean "or".
        return union();
    }
    Some(common)
}

/// `(1, 2)` and `[1, 2]` as intervals.
pub fn as_interval(bracket: Bracket, items: &[Form]) -> Option<Interval> {
    let [low, high] = items else {
        return None;
    };
    let closed = match bracket {
        Bracket::Paren => false,
        Bracket::Square => true,
        _ => return None,
    };
    let (low, high) = (low.expr()?.clone(), high.expr()?.clone());
    Some(Interval::new((low, closed), (high, closed)))
}

/// A set of real numbers, in whatever form.
pub fn as_region(form: &Form) -> Option<Region> {
    match form {
        Form::Region(region) => Some(region.clone()),
        Form::Relation(relation) => solved(&relation.sides, &relation.comparisons),
        Form::Sequence(Sequence {
            order: Order::Tuple(bracket),
            items,
        }) => {
            let interval = as_interval(*bracket, items)?;
            // `(0, 0)` is a point of the plane, and no way to write the empty set.
            let point = *bracket == Bracket::Paren && interval.low.at == interval.high.at;
            (!point).then(|| Region::of(vec![interval]))
        }
        Form::Sequence(Sequence {
            order: Order::Set,
            items,
        }) => {
            let points = items.iter().map(Form::expr).collect::<Option<Vec<_>>>()?;
            Some(Region::points(points))
        }
        // Several intervals; conditions on several variables are no set of numbers.
        Form::Sequence(Sequence { items, .. }) => {
            let regions = items.iter().map(as_region).collect::<Option<Vec<_>>>()?;
            let named = regions.iter().any(|region| region.variable.is_some());
            (!named).then(|| regions.into_iter().reduce(Region::union))?
        }
        _ => None,
    }
}
