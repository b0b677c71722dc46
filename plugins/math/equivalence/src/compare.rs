//! Whether two answers mean the same, kind by kind.
//!
//! The two sides are not alike: the gold answer says in which form the answer is wanted. So
//! an interval takes an inequality that is solved for its variable, but no inequality that is
//! only equivalent: that would be the question, given back.

use dashu_ratio::RBig;

use crate::{
    Policy,
    answer::{Form, Label, Labelled, Order, Quantity, Relation, Sequence, Time},
    equality::{self, Decision, Undecided, equal, proportional},
    expr::{Builder, Constant, Expr, Fault, Function, fraction, integer},
    limits,
    policy::{ListOrder, Percent, Units},
    region::{Region, is_numeric, solved},
    sets::as_region,
    token::{Bracket, Comparison},
    units::Unit,
};

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
            (Form::Labelled(gold), Form::Labelled(given)) => self.labelled(gold, given),
            (Form::Labelled(gold), Form::Relation(given)) => self.against_equation(gold, given),
            (Form::Relation(gold), Form::Labelled(given)) => match equation_of(given) {
                Some(given) => self.relations(gold, &given),
                // `x \in (1, 2)` says what `1 < x < 2` does.
                None => match (solved(&gold.sides, &gold.comparisons), given) {
                    (Some(region), given) => self.regions(&region, &given.value),
                    _ => Ok(false),
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
            (Form::Relation(gold), given) => match solved(&gold.sides, &gold.comparisons) {
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
            | (Form::Value(value), Form::Choice(letter)) => {
                Ok(matches!(&value.expr, Expr::Variable(name)
                    if name.chars().eq(std::iter::once(*letter))))
            }
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

    fn quantities(&self, gold: &Quantity, given: &Quantity) -> Decision {
        if self.policy.reduced_fractions && given.unreduced && !gold.unreduced {
            return Ok(false);
        }
        let (gold, given) = (&reread(gold, given), &reread(given, gold));
        let two_signs = |a: &Quantity, b: &Quantity| a.percent && named(&b.unit).is_some();
        if two_signs(gold, given) || two_signs(given, gold) {
            return Ok(false);
        }
        if self.policy.units != Units::Ignored {
            if self.policy.units == Units::Required && gold.unit.is_some() && given.unit.is_none() {
                return Ok(false);
            }
            if let (Some(a), Some(b)) = (named(&gold.unit), named(&given.unit)) {
                if !same_kind(a, b) {
                    return match (in_radians(gold)?, in_radians(given)?) {
                        (Some(a), Some(b)) => equal(&a, &b),
                        _ => Ok(false),
                    };
                }
                if a.scale != b.scale {
                    let a = scaled(&gold.expr, &a.scale)?;
                    let b = scaled(&given.expr, &b.scale)?;
                    return self.near(&a, &b, gold, given);
                }
            }
        }
        if self.near(&gold.expr, &given.expr, gold, given)? {
            return Ok(true);
        }
        // A bare multiple of pi is an angle in radians.
        if let (Some(gold), Some(given)) = (in_radians(gold)?, in_radians(given)?) {
            return equal(&gold, &given);
        }
        if self.policy.percent == Percent::Either && gold.percent != given.percent {
            let hundredfold = |of: &Quantity| match of.percent {
                true => scaled(&of.expr, &RBig::from(100)),
                false => Ok(of.expr.clone()),
            };
            return self.near(&hundredfold(gold)?, &hundredfold(given)?, gold, given);
        }
        Ok(false)
    }

    /// Equality, or nearness where the policy allows it.
    fn near(&self, a: &Expr, b: &Expr, gold: &Quantity, given: &Quantity) -> Decision {
        if equal(a, b)? {
            return Ok(true);
        }
        let tolerance = self.policy.decimal_tolerance;
        let decimal = gold.decimal || given.decimal;
        let numbers = a.variables().is_empty() && b.variables().is_empty();
        if tolerance <= 0.0 || !decimal || !numbers {
            return Ok(false);
        }
        let Ok(tolerance) = RBig::try_from(tolerance) else {
            return Ok(false);
        };
        let Some(sign) = equality::sign(a)? else {
            return Ok(false);
        };
        // |a| t - |a - b| >= 0, as two inequalities without absolute values.
        let reach = scaled(a, &(tolerance * RBig::from(i64::from(sign))))?;
        let mut builder = Builder::default();
        for (from, to) in [(a, b), (b, a)] {
            let room = builder
                .difference(to.clone(), from.clone())
                .and_then(|gap| builder.sum(vec![reach.clone(), gap]))
                .map_err(too_large)?;
            if equality::sign(&room)?.is_none_or(|sign| sign < 0) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn labelled(&mut self, gold: &Labelled, given: &Labelled) -> Decision {
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
                    Form::Value(quantity) => {
                        let renamed = quantity.expr.with_variable(y, x);
                        self.same(&gold.value, &Form::plain(renamed))
                    }
                    _ => Ok(false),
                }
            }
            (Label::Function(..), Label::Variable(name))
            | (Label::Variable(name), Label::Function(..)) => {
                Ok(&**name == "y" && self.same(&gold.value, &given.value)?)
            }
            _ => self.same(&gold.value, &given.value),
        }
    }

    /// A labelled gold answer against an equation that is not solved for anything.
    fn against_equation(&mut self, gold: &Labelled, given: &Relation) -> Decision {
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

    fn relations(&self, gold: &Relation, given: &Relation) -> Decision {
        let regions = [gold, given].map(|one| solved(&one.sides, &one.comparisons));
        match &regions {
            [Some(gold), Some(given)] if is_numeric(gold) && is_numeric(given) => {
                return gold.same(given);
            }
            // `x > 2` takes `2x > 4` and `x - 2 > 0`, but no `3x + 1 > 7`, which asks for it.
            [Some(gold), None] if is_numeric(gold) && !is_scaled(given) => return Ok(false),
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

    fn regions(&self, gold: &Region, given: &Form) -> Decision {
        match as_region(given) {
            Some(given) if is_numeric(gold) == is_numeric(&given) => gold.same(&given),
            _ => Ok(false),
        }
    }

    fn sequences(&mut self, gold: &Sequence, given: &Sequence) -> Decision {
        use Order::{Any, List, Set, Tuple};
        let labelled = |sequence: &Sequence| {
            let mut items = sequence.items.iter();
            items.all(|item| matches!(item, Form::Labelled(_)))
        };
        match (gold.order, given.order) {
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
            (Tuple(Bracket::Paren), Any) => Ok(labelled(given) && self.in_order(gold, given)?),
            (Any, Tuple(Bracket::Paren)) => Ok(labelled(gold) && self.in_order(gold, given)?),
            (Tuple(_), _) | (_, Tuple(_)) => Ok(false),
            (List, List)
                if self.policy.list_order == ListOrder::Kept && !points(gold) && !choices(gold) =>
            {
                self.in_order(gold, given)
            }
            (Set, _) | (_, Set) => self.as_sets(gold, given),
            (Any | List, Any | List) => {
                if labelled(gold) != labelled(given) && labelled_apart(gold, given) {
                    return self.in_order(gold, given);
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

    fn vector(&mut self, rows: &[Vec<Expr>], tuple: &Sequence) -> Decision {
        let line: Vec<&Expr> = rows.iter().flatten().collect();
        let vector = rows.len() == 1 || rows[0].len() == 1;
        let brackets = matches!(tuple.order, Order::Tuple(_));
        if !self.policy.vectors_are_tuples || !vector || !brackets {
            return Ok(false);
        }
        if line.len() != tuple.items.len() {
            return Ok(false);
        }
        for (cell, item) in line.into_iter().zip(&tuple.items) {
            if !self.same(&Form::plain(cell.clone()), item)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn ratio_and_quotient(&self, terms: &[Expr], value: &Quantity) -> Decision {
        let [above, below] = terms else {
            return Ok(false);
        };
        if !self.policy.ratios_are_quotients || value.unit.is_some() {
            return Ok(false);
        }
        let quotient = Expr::Quotient(Box::new([above.clone(), below.clone()]));
        equal(&quotient, &value.expr)
    }
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
    sequence.items.iter().all(|item| match item {
        Form::Choice(_) => true,
        Form::Value(value) => matches!(&value.expr, Expr::Variable(name)
            if name.len() == 1 && matches!(name.as_bytes()[0], b'A'..=b'J')),
        _ => false,
    })
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

fn lone(sequence: &Sequence) -> Option<&Form> {
    match (sequence.order, sequence.items.as_slice()) {
        (Order::Set, [item]) => Some(item),
        _ => None,
    }
}

fn is_interval_like(region: &Region) -> bool {
    !region.intervals.is_empty()
}

/// A quantity whose letters are its unit, where the other one has that unit.
fn reread(quantity: &Quantity, other: &Quantity) -> Quantity {
    let mut read = quantity.clone();
    let is_plain = |expr: &Expr| expr.variables().is_empty();
    if let Some((value, unit)) = &quantity.otherwise
        && other.otherwise.is_none()
    {
        let agrees = match &other.unit {
            Some(others) => same_kind(unit, others),
            None => false,
        };
        if agrees && is_plain(&other.expr) {
            read.expr = Expr::Number(value.clone());
            read.unit = Some(unit.clone());
            read.otherwise = None;
        }
    }
    read
}

/// The unit, unless it only says "units".
fn named(unit: &Option<Unit>) -> Option<&Unit> {
    unit.as_ref()
        .filter(|unit| unit.powers.iter().any(|(base, _)| &**base != "unit"))
}

fn same_kind(a: &Unit, b: &Unit) -> bool {
    let temperature = |unit: &Unit| {
        matches!(unit.powers.as_slice(), [(base, 1)]
            if matches!(&**base, "celsius" | "fahrenheit"))
    };
    let degrees =
        |unit: &Unit| matches!(unit.powers.as_slice(), [(base, 1)] if &**base == "degree");
    let lone =
        |unit: &Unit, name: &str| matches!(unit.powers.as_slice(), [(base, 1)] if &**base == name);
    // Pounds are money or a weight.
    let pounds = (lone(a, "gbp") && lone(b, "lb")) || (lone(a, "lb") && lone(b, "gbp"));
    pounds
        || a.powers == b.powers
        || (temperature(a) && degrees(b))
        || (degrees(a) && temperature(b))
}

/// An angle, from degrees or as it is; nothing for what need not be one.
fn in_radians(quantity: &Quantity) -> Decision<Option<Expr>> {
    let circular = |node: &Expr| {
        use Function::{Arccos, Arccot, Arccsc, Arcsec, Arcsin, Arctan};
        matches!(
            node,
            Expr::Constant(Constant::Pi)
                | Expr::Call(Arcsin | Arccos | Arctan | Arccot | Arcsec | Arccsc, _)
        )
    };
    let unit = quantity.unit.as_ref().map(|unit| unit.powers.as_slice());
    match unit {
        None if quantity.expr.any(circular) => Ok(Some(quantity.expr.clone())),
        Some([(base, 1)]) if &**base == "radian" => Ok(Some(quantity.expr.clone())),
        Some([(base, 1)]) if &**base == "degree" => {
            let in_degrees = scaled(&quantity.expr, &fraction(1, 180))?;
            let pi = Expr::Constant(Constant::Pi);
            Ok(Some(Expr::Product(vec![in_degrees, pi])))
        }
        _ => Ok(None),
    }
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

fn scaled(expr: &Expr, by: &RBig) -> Decision<Expr> {
    Builder::default()
        .product(vec![Expr::Number(by.clone()), expr.clone()])
        .map_err(too_large)
}

fn difference(a: &Expr, b: &Expr) -> Decision<Expr> {
    Builder::default()
        .difference(a.clone(), b.clone())
        .map_err(too_large)
}

/// `y = 2x + 1` as an equation of two formulas.
fn equation_of(labelled: &Labelled) -> Option<Relation> {
    let name = match &labelled.label {
        Label::Variable(name) => name.clone(),
        Label::Function(..) => "y".into(),
        Label::Other => return None,
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

fn matrices(gold: &[Vec<Expr>], given: &[Vec<Expr>]) -> Decision {
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

/// `a : b : c` and `x : y : z` are the same when all `a y = b x` and so on; zero to zero is
/// no ratio.
fn ratios(gold: &[Expr], given: &[Expr]) -> Decision {
    if gold.len() != given.len() {
        return Ok(false);
    }
    let zero = integer(0);
    for one in [gold, given] {
        for term in one {
            if equal(term, &zero)? {
                return Ok(false);
            }
        }
    }
    for (gold_pair, given_pair) in gold.windows(2).zip(given.windows(2)) {
        let crossed = |a: &Expr, b: &Expr| Expr::Product(vec![a.clone(), b.clone()]);
        let first = crossed(&gold_pair[0], &given_pair[1]);
        let second = crossed(&gold_pair[1], &given_pair[0]);
        if !equal(&first, &second)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A time that may have been meant as a ratio.
fn as_ratio(time: &Time) -> Option<[Expr; 2]> {
    let possible = !time.sure && time.seconds == 0;
    possible.then(|| {
        [time.hours, time.minutes].map(|number| Expr::Number(fraction(i64::from(number), 1)))
    })
}

fn same_time(a: &Time, b: &Time) -> bool {
    let written = |time: &Time| (time.hours, time.minutes, time.seconds);
    let of_day = |time: &Time| match time.afternoon {
        None => written(time),
        Some(false) => (time.hours % 12, time.minutes, time.seconds),
        Some(true) => (time.hours % 12 + 12, time.minutes, time.seconds),
    };
    match (a.afternoon, b.afternoon) {
        (None, None) => written(a) == written(b),
        (Some(_), Some(_)) => of_day(a) == of_day(b),
        _ => written(a) == written(b) || of_day(a) == of_day(b),
    }
}
