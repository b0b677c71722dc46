//! Sets of real numbers: unions of intervals, which inequalities (see [`crate::inequality`])
//! and set differences become.

use crate::{
    equality::{self, Decision, Undecided},
    expr::{Constant, Expr, integer},
};

/// A union of intervals, of a variable where one is named.
#[derive(Clone, Debug)]
pub struct Region {
    pub variable: Option<Box<str>>,
    pub intervals: Vec<Interval>,
}

#[derive(Clone, Debug)]
pub struct Interval {
    pub low: End,
    pub high: End,
}

#[derive(Clone, Debug)]
pub struct End {
    pub at: Expr,
    pub closed: bool,
}

pub fn infinity(sign: i64) -> Expr {
    let infinity = Expr::Constant(Constant::Infinity);
    if sign < 0 {
        Expr::Product(vec![integer(-1), infinity])
    } else {
        infinity
    }
}

impl Interval {
    pub fn new(low: (Expr, bool), high: (Expr, bool)) -> Self {
        // `(1, \infty]` stays closed where nothing is, and so equals no interval that is right.
        let end = |(at, closed): (Expr, bool)| End { at, closed };
        Self {
            low: end(low),
            high: end(high),
        }
    }

    pub fn everything() -> Self {
        Self::new((infinity(-1), false), (infinity(1), false))
    }

    fn point(at: &Expr) -> Self {
        Self::new((at.clone(), true), (at.clone(), true))
    }

    fn is_empty(&self) -> Decision {
        let both = self.low.closed && self.high.closed;
        Ok(match order(&self.low.at, &self.high.at)? {
            -1 => false,
            0 => !both,
            _ => true,
        })
    }

    fn intersection(&self, other: &Self) -> Decision<Self> {
        let low = match order(&self.low.at, &other.low.at)? {
            1 => self.low.clone(),
            -1 => other.low.clone(),
            _ => End {
                at: self.low.at.clone(),
                closed: self.low.closed && other.low.closed,
            },
        };
        let high = match order(&self.high.at, &other.high.at)? {
            -1 => self.high.clone(),
            1 => other.high.clone(),
            _ => End {
                at: self.high.at.clone(),
                closed: self.high.closed && other.high.closed,
            },
        };
        Ok(Self { low, high })
    }

    fn same(&self, other: &Self) -> Decision {
        Ok(self.low.closed == other.low.closed
            && self.high.closed == other.high.closed
            && equality::equal(&self.low.at, &other.low.at)?
            && equality::equal(&self.high.at, &other.high.at)?)
    }
}

/// -1, 0 or 1, as `a` is below, at or above `b`.
fn order(a: &Expr, b: &Expr) -> Decision<i8> {
    if let (Expr::Number(a), Expr::Number(b)) = (a, b) {
        return Ok(a.cmp(b) as i8);
    }
    match (a.infinite(), b.infinite()) {
        (Some(a), Some(b)) => return Ok((a - b).signum()),
        (Some(a), None) => return Ok(a),
        (None, Some(b)) => return Ok(-b),
        (None, None) => {}
    }
    if a == b {
        return Ok(0);
    }
    let negative = Expr::Product(vec![integer(-1), b.clone()]);
    let difference = Expr::Sum(vec![a.clone(), negative]);
    equality::sign(&difference)?
        .ok_or_else(|| Undecided("the ends of an interval cannot be ordered".to_owned()))
}

impl Region {
    pub fn empty() -> Self {
        Self {
            variable: None,
            intervals: Vec::new(),
        }
    }

    pub fn of(intervals: Vec<Interval>) -> Self {
        Self {
            variable: None,
            intervals,
        }
    }

    /// The numbers in a list.
    pub fn points<'e>(at: impl IntoIterator<Item = &'e Expr>) -> Self {
        Self::of(at.into_iter().map(Interval::point).collect())
    }

    pub fn union(mut self, other: Self) -> Self {
        self.variable = self.variable.or(other.variable);
        self.intervals.extend(other.intervals);
        self
    }

    pub fn intersection(&self, other: &Self) -> Decision<Self> {
        let mut intervals = Vec::new();
        for a in &self.intervals {
            for b in &other.intervals {
                let common = a.intersection(b)?;
                if !common.is_empty()? {
                    intervals.push(common);
                }
            }
        }
        Ok(Self {
            variable: self.variable.clone().or_else(|| other.variable.clone()),
            intervals,
        })
    }

    /// Everything that is not inside.
    pub fn complement(&self) -> Decision<Self> {
        let mut rest = Self::of(vec![Interval::everything()]);
        for interval in &self.intervals {
            let outside = Self::of(vec![
                Interval::new(
                    (infinity(-1), false),
                    (interval.low.at.clone(), !interval.low.closed),
                ),
                Interval::new(
                    (interval.high.at.clone(), !interval.high.closed),
                    (infinity(1), false),
                ),
            ]);
            rest = rest.intersection(&outside)?;
        }
        rest.variable.clone_from(&self.variable);
        Ok(rest)
    }

    /// Disjoint intervals in ascending order that do not touch.
    fn normal(&self) -> Decision<Vec<Interval>> {
        let mut sorted: Vec<Interval> = Vec::new();
        for interval in &self.intervals {
            if interval.is_empty()? {
                continue;
            }
            let mut place = sorted.len();
            while place > 0 {
                let before = &sorted[place - 1].low;
                let order = order(&before.at, &interval.low.at)?;
                let later = order > 0 || (order == 0 && interval.low.closed && !before.closed);
                if !later {
                    break;
                }
                place -= 1;
            }
            sorted.insert(place, interval.clone());
        }
        let mut merged: Vec<Interval> = Vec::new();
        for interval in sorted {
            let Some(last) = merged.last_mut() else {
                merged.push(interval);
                continue;
            };
            let gap = order(&last.high.at, &interval.low.at)?;
            if gap < 0 || (gap == 0 && !last.high.closed && !interval.low.closed) {
                merged.push(interval);
                continue;
            }
            match order(&last.high.at, &interval.high.at)? {
                -1 => last.high = interval.high,
                0 => last.high.closed |= interval.high.closed,
                _ => {}
            }
        }
        Ok(merged)
    }

    pub fn same(&self, other: &Self) -> Decision {
        if let (Some(a), Some(b)) = (&self.variable, &other.variable)
            && a != b
        {
            return Ok(false);
        }
        let backwards = |region: &Self| {
            let mut intervals = region.intervals.iter();
            intervals.try_fold(false, |found, one| {
                Ok::<_, Undecided>(found || order(&one.low.at, &one.high.at)? > 0)
            })
        };
        let lone = |region: &Self| region.intervals.len() == 1;
        if lone(self) && lone(other) && self.intervals[0].same(&other.intervals[0])? {
            return Ok(true);
        }
        // `[5, 2)` is a slip or a point, and no way to write the empty set.
        if backwards(self)? || backwards(other)? {
            return Ok(false);
        }
        let (a, b) = (self.normal()?, other.normal()?);
        if a.len() != b.len() {
            return Ok(false);
        }
        for (a, b) in a.iter().zip(&b) {
            if !a.same(b)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Whether the ends are numbers, or infinite; a region of formulas has no order.
pub fn is_numeric(region: &Region) -> bool {
    let number = |end: &End| end.at.infinite().is_some() || end.at.variables().is_empty();
    region
        .intervals
        .iter()
        .all(|interval| number(&interval.low) && number(&interval.high))
}
