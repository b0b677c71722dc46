//! What an inequality says of its variable, as a set of numbers.

use crate::{
    equality,
    expr::{Builder, Expr, Function, integer},
    region::{Interval, Region, infinity},
    token::Comparison,
};

/// What an inequality says of a variable that stands alone on one of its sides.
pub fn solved(sides: &[Expr], comparisons: &[Comparison]) -> Option<Region> {
    let named = |side: &Expr| match side {
        Expr::Variable(name) => Some(name.clone()),
        _ => None,
    };
    let variable = sides.iter().find_map(named)?;
    let constant = |side: &Expr| side.variables().is_empty();
    let lone = sides.iter().filter(|side| !constant(side)).count() == 1;
    if !lone {
        return None;
    }
    let mut region = match (sides, comparisons) {
        ([a, b], [comparison]) => {
            let (end, comparison) = if named(a).is_some() {
                (b, *comparison)
            } else {
                (a, comparison.flipped())
            };
            half_line(end, comparison)?
        }
        ([low, Expr::Variable(_), high], [first, second]) => {
            let below = half_line(low, first.flipped())?;
            let above = half_line(high, *second)?;
            // `1 < x > 3` says nothing that people say.
            let (a, b) = (&below.intervals[0], &above.intervals[0]);
            let ascending = a.high.at.infinite().is_some() && b.low.at.infinite().is_some();
            let descending = a.low.at.infinite().is_some() && b.high.at.infinite().is_some();
            let (low, high) = match (ascending, descending) {
                (true, _) => (a.low.clone(), b.high.clone()),
                (_, true) => (b.low.clone(), a.high.clone()),
                _ => return None,
            };
            Region::of(vec![Interval { low, high }])
        }
        _ => return None,
    };
    region.variable = Some(variable);
    Some(region)
}

/// What an inequality leaves that a distance or a square decides: `|x - 2| < 3`, `x^2 >= 4`.
///
/// Of gold answers only, which may be written so; given back, it may be the question.
pub fn around(sides: &[Expr], comparisons: &[Comparison]) -> Option<Region> {
    let ([left, right], [comparison]) = (sides, comparisons) else {
        return None;
    };
    let (distance, reach, comparison) = match left.variables().is_empty() {
        false => (left, right, *comparison),
        true => (right, left, comparison.flipped()),
    };
    if !comparison.is_order() || equality::sign(reach) != Ok(Some(1)) {
        return None;
    }
    let mut builder = Builder::default();
    let (inside, reach) = match distance {
        Expr::Call(Function::Abs, arguments) => (&arguments[0], reach.clone()),
        Expr::Power(parts) if parts[1] == integer(2) => {
            (&parts[0], builder.root(reach.clone(), integer(2)).ok()?)
        }
        _ => return None,
    };
    let (variable, centre) = match inside {
        Expr::Variable(name) => (name, integer(0)),
        Expr::Sum(terms) => match terms.as_slice() {
            [Expr::Variable(name), Expr::Number(shift)] => (name, Expr::Number(-shift)),
            _ => return None,
        },
        _ => return None,
    };
    // Of a complex number the distance leaves a disc.
    if matches!(&**variable, "z" | "w") {
        return None;
    }
    let low = builder.difference(centre.clone(), reach.clone()).ok()?;
    let high = builder.sum(vec![centre, reach]).ok()?;
    let closed = matches!(comparison, Comparison::LessEqual | Comparison::GreaterEqual);
    let mut region = match comparison {
        Comparison::Less | Comparison::LessEqual => {
            Region::of(vec![Interval::new((low, closed), (high, closed))])
        }
        _ => half_line(&low, comparison.flipped())?.union(half_line(&high, comparison)?),
    };
    region.variable = Some(variable.clone());
    Some(region)
}

fn half_line(end: &Expr, comparison: Comparison) -> Option<Region> {
    let up = |closed| Interval::new((end.clone(), closed), (infinity(1), false));
    let down = |closed| Interval::new((infinity(-1), false), (end.clone(), closed));
    Some(Region::of(match comparison {
        Comparison::Less => vec![down(false)],
        Comparison::LessEqual => vec![down(true)],
        Comparison::Greater => vec![up(false)],
        Comparison::GreaterEqual => vec![up(true)],
        Comparison::NotEqual => vec![down(false), up(false)],
        Comparison::Equal | Comparison::About => return None,
    }))
}
