//! From tokens to what an answer is: a value, a list, a set, an interval, an equation.
//!
//! Only the outermost structure is found here, from the outside in: separators, then
//! relations, then brackets and signs of sets; what is left is a formula with a unit, which
//! [`crate::grammar`] and [`crate::units`] read.

use dashu_ratio::RBig;

use crate::{
    Policy, Unreadable,
    answer::{Form, Label, Labelled, Order, Quantity, Relation, Sequence, Time},
    equality,
    expr::{Builder, Built, Constant, Expr, Function, integer},
    grammar::{self, Parsed},
    lexer::unreadable,
    limits,
    region::{Interval, Region, infinity, solved},
    token::{Bracket, Comparison, Kind, Literal, Token},
    units::{self, Unit},
    words,
};

pub struct Reader<'t> {
    pub text: &'t str,
    pub policy: &'t Policy,
}

/// How elements are joined.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Joint {
    Comma,
    And,
    Or,
}

impl Reader<'_> {
    /// Reads all of an answer.
    pub fn answer(&self, tokens: &[Token]) -> Parsed<Form> {
        let tokens = trimmed(tokens);
        if tokens.is_empty() {
            return Err(unreadable(0, "the answer is empty"));
        }
        self.joined(tokens, 0)
            .or_else(|why| words::fallback(tokens, self.text, self.policy).ok_or(why))
    }

    /// Elements that are joined by commas or words, or one element.
    fn joined(&self, tokens: &[Token], depth: usize) -> Parsed<Form> {
        let tokens = unwrapped(trimmed(tokens));
        check_depth(tokens, depth)?;
        if let Some(form) =
            words::read_choice(tokens).or_else(|| words::read(tokens, self.text, self.policy))
        {
            return Ok(form);
        }
        let (parts, joint) = split(tokens);
        let Some(joint) = joint else {
            return self.item(tokens, depth);
        };
        if parts.len() > limits::ELEMENTS {
            return Err(too_many(tokens));
        }
        let items = parts
            .into_iter()
            .map(|part| self.item(part, depth + 1))
            .collect::<Parsed<Vec<_>>>()?;
        self.combined(items, joint)
    }

    /// What a list of elements means as a whole.
    fn combined(&self, items: Vec<Form>, joint: Joint) -> Parsed<Form> {
        if let Some(region) = conditions(&items, joint) {
            return Ok(Form::Region(region));
        }
        let labels: Vec<Option<&Label>> = items
            .iter()
            .map(|item| match item {
                Form::Labelled(labelled) => Some(&labelled.label),
                _ => None,
            })
            .collect();
        let first = labels.first().copied().flatten().cloned();
        let all = labels.iter().all(Option::is_some);
        let distinct = all && labels.iter().any(|label| *label != first.as_ref());
        let order = match joint {
            _ if all => Order::Any,
            Joint::Comma => Order::List,
            Joint::And | Joint::Or => Order::Any,
        };
        // `x = 1, x = 2` and `x = 1 or 2` name several values of one unknown.
        let shared = first.filter(|_| !distinct && labels[1..].iter().all(|l| all || l.is_none()));
        let Some(label) = shared else {
            return Ok(sequence(order, items));
        };
        let values = items
            .into_iter()
            .map(|item| match item {
                Form::Labelled(labelled) => labelled.value,
                other => other,
            })
            .collect();
        let order = if all { Order::Any } else { order };
        let value = sequence(order, values);
        Ok(Form::Labelled(Box::new(Labelled { label, value })))
    }

    /// One element: no separator outside of brackets.
    fn item(&self, tokens: &[Token], depth: usize) -> Parsed<Form> {
        let tokens = unwrapped(trimmed(tokens));
        check_depth(tokens, depth)?;
        let Some(first) = tokens.first() else {
            return Err(unreadable(0, "an element is empty"));
        };
        if let Some(form) =
            words::read_choice(tokens).or_else(|| words::read(tokens, self.text, self.policy))
        {
            return Ok(form);
        }
        if is_date(tokens) {
            let first = tokens[0].at;
            let last = tokens[tokens.len() - 1].end;
            return Ok(Form::Words(self.text[first..last].into()));
        }
        if let Some(place) = outermost(tokens, |kind| *kind == Kind::In) {
            return self.membership(&tokens[..place], &tokens[place + 1..], depth);
        }
        if outermost(tokens, |kind| matches!(kind, Kind::Compare(_))).is_some() {
            return self.relation(tokens, depth);
        }
        let brace = matches!(first.kind, Kind::Open(Bracket::Brace | Bracket::Group));
        if brace && close_of(tokens) == Some(tokens.len() - 1) {
            return self.bracketed(tokens, depth);
        }
        if tokens.iter().any(|token| is_plus_minus(&token.kind)) {
            let both = [true, false].map(|plus| self.item(&chosen(tokens, plus), depth + 1));
            let [plus, minus] = both;
            return Ok(sequence(Order::Any, vec![plus?, minus?]));
        }
        if let Some(form) = self.set_operation(tokens, depth)? {
            return Ok(form);
        }
        if let Some(form) = self.named_set(tokens) {
            return Ok(form);
        }
        let enclosed = close_of(tokens) == Some(tokens.len() - 1);
        let bracket = matches!(
            first.kind,
            Kind::Open(Bracket::Paren | Bracket::Square | Bracket::Angle)
        );
        if enclosed && bracket {
            return self.bracketed(tokens, depth);
        }
        if let Some(place) = tokens
            .iter()
            .position(|token| matches!(token.kind, Kind::Begin(_)))
        {
            return self.matrix(&tokens[..place], &tokens[place..]);
        }
        if let Some(form) = self.ratio_or_time(tokens)? {
            return Ok(form);
        }
        self.quantity(tokens).map(Form::Value)
    }

    /// `x \in S`.
    fn membership(&self, name: &[Token], set: &[Token], depth: usize) -> Parsed<Form> {
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
            // What `2k` being a whole number says of k is not worked out.
            Ok(_) => return Err(unreadable(name[0].at, "expected a variable")),
            Err(_) => Label::Other,
        };
        Ok(Form::Labelled(Box::new(Labelled { label, value })))
    }

    fn relation(&self, tokens: &[Token], depth: usize) -> Parsed<Form> {
        let mut sides = Vec::new();
        let mut comparisons = Vec::new();
        let mut rest = tokens;
        while let Some(place) = outermost(rest, |kind| matches!(kind, Kind::Compare(_))) {
            if let Kind::Compare(comparison) = rest[place].kind {
                comparisons.push(comparison);
            }
            sides.push(&rest[..place]);
            rest = &rest[place + 1..];
        }
        sides.push(rest);
        if comparisons.iter().all(|one| *one == Comparison::Equal) {
            return self.equation(&sides, depth);
        }
        // A sign in front, as in `> 5`, or nothing behind one, leaves a side empty.
        let sides = sides
            .into_iter()
            .map(single_formula)
            .collect::<Parsed<Vec<_>>>()?;
        Ok(Form::Relation(Relation { sides, comparisons }))
    }

    fn equation(&self, sides: &[&[Token]], depth: usize) -> Parsed<Form> {
        let (first, last) = (sides[0], sides[sides.len() - 1]);
        if sides.len() == 2 && first.is_empty() {
            return self.item(last, depth + 1);
        }
        let formulas: Vec<Option<Expr>> = sides
            .iter()
            .map(|side| single_formula(trimmed(side)).ok())
            .collect();
        check_true(&formulas, first)?;
        let label = label(first, formulas[0].as_ref());
        if sides.len() == 2 {
            match (&formulas[0], &formulas[1]) {
                // `3 = x` is `x = 3`.
                (Some(number), Some(Expr::Variable(name))) if number.variables().is_empty() => {
                    return Ok(labelled(
                        Label::Variable(name.clone()),
                        self.item(first, depth + 1)?,
                    ));
                }
                // `0 = 0` says nothing, so it is no way to write 0.
                (Some(left), Some(right))
                    if label.is_none() && (has_variables(left, right) || same(first, last)) =>
                {
                    return Ok(Form::Relation(Relation {
                        sides: vec![left.clone(), right.clone()],
                        comparisons: vec![Comparison::Equal],
                    }));
                }
                _ => {}
            }
        }
        let value = self.item(last, depth + 1)?;
        Ok(labelled(label.unwrap_or(Label::Other), value))
    }

    /// Unions, intersections and differences of sets.
    fn set_operation(&self, tokens: &[Token], depth: usize) -> Parsed<Option<Form>> {
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

    fn set(&self, tokens: &[Token], depth: usize) -> Parsed<Region> {
        let at = tokens.first().map_or(0, |token| token.at);
        let form = self.item(tokens, depth + 1)?;
        as_region(&form).ok_or_else(|| unreadable(at, "expected an interval or a set"))
    }

    fn named_set(&self, tokens: &[Token]) -> Option<Form> {
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
                let sign: Vec<&Kind> = rest
                    .iter()
                    .map(|token| &token.kind)
                    .filter(|kind| {
                        !matches!(
                            kind,
                            Kind::Open(Bracket::Group) | Kind::Close(Bracket::Group)
                        )
                    })
                    .collect();
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

    /// Something inside one pair of brackets.
    fn bracketed(&self, tokens: &[Token], depth: usize) -> Parsed<Form> {
        let inside = &tokens[1..tokens.len() - 1];
        let (Kind::Open(open), Kind::Close(close)) =
            (&tokens[0].kind, &tokens[tokens.len() - 1].kind)
        else {
            return Err(unreadable(tokens[0].at, "expected brackets"));
        };
        let brace = matches!(open, Bracket::Brace | Bracket::Group);
        if inside.is_empty() {
            if *open == Bracket::Brace {
                return Ok(Form::Region(Region::empty()));
            }
            return Err(unreadable(tokens[0].at, "the brackets are empty"));
        }
        if brace
            && let Some(place) = outermost(inside, |kind| {
                matches!(kind, Kind::Mid | Kind::Bar | Kind::Colon)
            })
        {
            if let Some(form) = self.set_builder(&inside[..place], &inside[place + 1..], depth) {
                return Ok(form);
            }
            if inside[place].kind != Kind::Bar {
                return Err(unreadable(
                    inside[place].at,
                    "the condition is not worked out",
                ));
            }
        }
        let parts = elements(inside);
        if parts.len() > limits::ELEMENTS {
            return Err(too_many(tokens));
        }
        if parts.len() == 1 && !brace && open == close {
            return self.joined(inside, depth + 1);
        }
        let mut items = Vec::with_capacity(parts.len());
        for part in parts {
            match self.item(part, depth + 1)? {
                // The elements of {±1, ±2} are four.
                Form::Sequence(Sequence {
                    order: Order::Any,
                    items: several,
                }) if brace => items.extend(several),
                item => items.push(item),
            }
        }
        if brace {
            return Ok(Form::Sequence(Sequence {
                order: Order::Set,
                items,
            }));
        }
        if open != close {
            let end = |item: &Form| item.expr().cloned();
            return match items.as_slice() {
                [low, high] => match (end(low), end(high)) {
                    (Some(low), Some(high)) => Ok(Form::Region(Region::of(vec![Interval::new(
                        (low, *open == Bracket::Square),
                        (high, *close == Bracket::Square),
                    )]))),
                    _ => Err(unreadable(
                        tokens[0].at,
                        "the ends of an interval are values",
                    )),
                },
                _ => Err(unreadable(tokens[0].at, "an interval has two ends")),
            };
        }
        if let Some(interval) = as_interval(*open, &items)
            && (interval.low.at.infinite().is_some() || interval.high.at.infinite().is_some())
        {
            return Ok(Form::Region(Region::of(vec![interval])));
        }
        Ok(Form::Sequence(Sequence {
            order: Order::Tuple(*open),
            items,
        }))
    }

    /// `\{x \mid x > 2\}` and `\{x \in \mathbb{R} : x \ne 0\}`.
    fn set_builder(&self, name: &[Token], condition: &[Token], depth: usize) -> Option<Form> {
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

    /// A matrix, perhaps with a factor before it.
    fn matrix(&self, factor: &[Token], tokens: &[Token]) -> Parsed<Form> {
        let at = tokens[0].at;
        let Kind::Begin(name) = &tokens[0].kind else {
            return Err(unreadable(at, "expected a matrix"));
        };
        let known = [
            "pmatrix",
            "bmatrix",
            "Bmatrix",
            "matrix",
            "smallmatrix",
            "array",
            "psmallmatrix",
        ];
        let determinant = &**name == "vmatrix";
        if !known.contains(&&**name) && !determinant {
            return Err(unreadable(
                at,
                format!("the environment {name} is not read"),
            ));
        }
        if close_of(tokens) != Some(tokens.len() - 1) {
            return Err(unreadable(at, "expected nothing behind the matrix"));
        }
        let scale = match trimmed(factor) {
            [] => None,
            factor => Some(grammar::formula(factor, true)?),
        };
        let inside = &tokens[1..tokens.len() - 1];
        let mut rows = Vec::new();
        for row in parts(inside, |kind| *kind == Kind::Row) {
            if row.is_empty() {
                continue;
            }
            let cells = parts(row, |kind| *kind == Kind::Ampersand);
            let cells = cells.into_iter().map(|cell| {
                let cell = grammar::formula(cell, true)?;
                match &scale {
                    None => Ok(cell),
                    Some(scale) => Builder::default()
                        .product(vec![scale.clone(), cell])
                        .map_err(|_| unreadable(at, "the factor cannot be multiplied in")),
                }
            });
            rows.push(cells.collect::<Parsed<Vec<_>>>()?);
        }
        let even = rows.windows(2).all(|pair| pair[0].len() == pair[1].len());
        if rows.is_empty() || !even {
            return Err(unreadable(at, "the rows of a matrix are equally long"));
        }
        if rows.len() * rows[0].len() > limits::ELEMENTS {
            return Err(too_many(tokens));
        }
        if determinant {
            let columns: Vec<usize> = (0..rows.len()).collect();
            if rows[0].len() != rows.len() || rows.len() > 4 {
                return Err(unreadable(
                    at,
                    "a determinant is of two to four rows and columns",
                ));
            }
            return minor(&rows, &columns, &mut Builder::default())
                .map(Form::plain)
                .map_err(|_| unreadable(at, "the determinant is too large"));
        }
        Ok(Form::Matrix(rows))
    }

    fn ratio_or_time(&self, tokens: &[Token]) -> Parsed<Option<Form>> {
        let is_to = |kind: &Kind| match kind {
            Kind::Colon => true,
            Kind::Letters(word) | Kind::Text(word) => &**word == "to",
            _ => false,
        };
        if outermost(tokens, is_to).is_none() {
            return Ok(None);
        }
        if let Some(time) = self.time(tokens) {
            return Ok(Some(Form::Time(time)));
        }
        let terms = parts(tokens, is_to)
            .into_iter()
            .map(|part| grammar::formula(trimmed(part), true))
            .collect::<Parsed<Vec<_>>>()?;
        Ok(Some(Form::Ratio(terms)))
    }

    /// `3:45`, `12:00 p.m.`
    fn time(&self, tokens: &[Token]) -> Option<Time> {
        let end = tokens
            .iter()
            .position(|token| !matches!(token.kind, Kind::Number(..) | Kind::Colon))
            .unwrap_or(tokens.len());
        let (clock, behind) = tokens.split_at(end);
        let mut numbers = Vec::new();
        let mut sure = false;
        for (place, token) in clock.iter().enumerate() {
            match &token.kind {
                Kind::Number(value, Literal::Whole) if place % 2 == 0 => {
                    let digits = token.end - token.at;
                    if place > 0 && digits != 2 {
                        return None;
                    }
                    sure |= place > 0 && self.text[token.at..].starts_with('0');
                    numbers.push(u32::try_from(value.numerator()).ok()?);
                }
                Kind::Colon if place % 2 == 1 => {}
                _ => return None,
            }
        }
        let (hours, minutes, seconds) = match numbers.as_slice() {
            [hours, minutes] => (*hours, *minutes, 0),
            [hours, minutes, seconds] => (*hours, *minutes, *seconds),
            _ => return None,
        };
        if hours > 24 || minutes > 59 || seconds > 59 {
            return None;
        }
        let half: String = behind
            .iter()
            .filter_map(|token| match &token.kind {
                Kind::Letters(word) | Kind::Text(word) => Some(word.to_lowercase()),
                _ => None,
            })
            .collect();
        let afternoon = match half.as_str() {
            "" if behind.is_empty() => None,
            "am" => Some(false),
            "pm" => Some(true),
            _ => return None,
        };
        Some(Time {
            hours,
            minutes,
            seconds,
            afternoon,
            sure: sure || afternoon.is_some(),
        })
    }

    /// A formula with its unit.
    fn quantity(&self, tokens: &[Token]) -> Parsed<Quantity> {
        let at = tokens[0].at;
        let mut unit = None;
        let mut left: Vec<Token> = Vec::with_capacity(tokens.len());
        for token in tokens {
            match token.kind {
                Kind::Currency(name) if unit.is_none() => unit = Some(units::currency(name)),
                Kind::Currency(_) => return Err(unreadable(token.at, "a second currency")),
                _ => left.push(token.clone()),
            }
        }
        let trigonometry = left.iter().any(|token| {
            matches!(&token.kind, Kind::Function(function)
                if !matches!(function, Function::Sqrt | Function::Cbrt))
        });
        let angle = !trigonometry && left.iter().any(|token| token.kind == Kind::Degree);
        // `45/2%` are 22.5 hundredths: the sign is of all that is before it.
        let percent = matches!(left.last().map(|token| &token.kind), Some(Kind::Percent));
        if percent {
            left.pop();
        }
        let leading = grammar::leading_formula(&left, true)?;
        let mut expr = leading.expr;
        if percent {
            let built = Builder::default().quotient(expr, integer(100));
            expr = built.map_err(|_| unreadable(at, "the number is too large"))?;
        }
        let mut rest = trimmed(leading.rest);
        if let Some((factor, behind)) = multiplier(rest) {
            let built = Builder::default().product(vec![expr, factor]);
            expr = built.map_err(|_| unreadable(at, "the number is too large"))?;
            rest = behind;
        }
        if angle {
            // The formula has it in radians.
            let degrees = Expr::Quotient(Box::new([
                Expr::Product(vec![integer(180), expr]),
                Expr::Constant(Constant::Pi),
            ]));
            expr = simplified_degrees(&degrees);
            unit = Some(Unit::named("degree"));
            if let [scale] = rest
                && let Kind::Letters(name) | Kind::Text(name) = &scale.kind
                && matches!(&**name, "C" | "F")
            {
                unit = Some(Unit::named(if &**name == "C" {
                    "celsius"
                } else {
                    "fahrenheit"
                }));
                rest = &[];
            }
        }
        if !rest.is_empty() {
            let read = units::read(rest).ok_or_else(|| {
                unreadable(rest[0].at, "expected the end of the formula, or a unit")
            })?;
            // `$5 dollars` says it twice.
            if unit.as_ref().is_some_and(|unit| *unit != read) && !read.powers.is_empty() {
                let mut both = unit.unwrap_or_else(Unit::none);
                both.multiply(&read, 1);
                unit = Some(both);
            } else {
                unit = Some(read);
            }
        }
        Ok(Quantity {
            unreduced: leading.unreduced,
            percent,
            decimal: left
                .iter()
                .any(|token| matches!(token.kind, Kind::Number(_, Literal::Decimal))),
            otherwise: if unit.is_none() {
                letters_as_unit(&left)
            } else {
                None
            },
            unit,
            expr,
        })
    }
}

/// Degrees in a formula are a fraction of pi; times 180 and over pi again they are numbers.
fn simplified_degrees(degrees: &Expr) -> Expr {
    let number = |expr: &Expr| match expr {
        Expr::Product(factors) => match factors.as_slice() {
            [Expr::Number(number), Expr::Constant(Constant::Pi)] => Some(number.clone()),
            [Expr::Constant(Constant::Pi)] => Some(RBig::ONE),
            _ => None,
        },
        Expr::Constant(Constant::Pi) => Some(RBig::ONE),
        _ => None,
    };
    if let Expr::Quotient(parts) = degrees
        && let Expr::Product(factors) = &parts[0]
        && let Some(of_pi) = factors.get(1).and_then(number)
    {
        return Expr::Number(of_pi * RBig::from(180));
    }
    degrees.clone()
}

/// The determinant of the last rows and some columns, by its first row.
fn minor(rows: &[Vec<Expr>], columns: &[usize], builder: &mut Builder) -> Built {
    let Some((first, rest)) = rows.split_first() else {
        return Ok(integer(1));
    };
    let mut terms = Vec::with_capacity(columns.len());
    for (place, &column) in columns.iter().enumerate() {
        let others: Vec<usize> = columns.iter().copied().filter(|&c| c != column).collect();
        let sign = if place % 2 == 0 { 1 } else { -1 };
        let below = minor(rest, &others, builder)?;
        terms.push(builder.product(vec![integer(sign), first[column].clone(), below])?);
    }
    builder.sum(terms)
}

/// `2024-01-02` and `1/2/2024`.
fn is_date(tokens: &[Token]) -> bool {
    let [first, sign, second, other, third] = tokens else {
        return false;
    };
    let digits = [first, second, third].map(|token| match token.kind {
        Kind::Number(_, Literal::Whole) if !token.spaced => token.end - token.at,
        _ => 0,
    });
    let signs = sign.kind == other.kind && !sign.spaced && !other.spaced;
    signs
        && match sign.kind {
            Kind::Minus => digits == [4, 2, 2] || digits == [2, 2, 4],
            Kind::Slash => matches!(digits, [1..=2, 1..=2, 4]),
            _ => false,
        }
}

/// `million` behind a number.
fn multiplier(rest: &[Token]) -> Option<(Expr, &[Token])> {
    let (Kind::Letters(word) | Kind::Text(word)) = &rest.first()?.kind else {
        return None;
    };
    let factor = match word.to_lowercase().as_str() {
        "hundred" => 100,
        "thousand" => 1000,
        "million" => 1_000_000,
        "billion" => 1_000_000_000,
        "trillion" => 1_000_000_000_000,
        "dozen" => 12,
        _ => return None,
    };
    Some((integer(factor), &rest[1..]))
}

/// `5 m` and `5 m/s`, whose letters may be variables.
fn letters_as_unit(tokens: &[Token]) -> Option<(RBig, Unit)> {
    let [number, unit, ..] = tokens else {
        return None;
    };
    let (Kind::Number(value, _), Kind::Letters(name)) = (&number.kind, &unit.kind) else {
        return None;
    };
    if !unit.spaced || !units::is_unit(name) {
        return None;
    }
    Some((value.clone(), units::read(&tokens[1..])?))
}

fn labelled(label: Label, value: Form) -> Form {
    Form::Labelled(Box::new(Labelled { label, value }))
}

fn sequence(order: Order, items: Vec<Form>) -> Form {
    // What is unordered inside is so outside: `±1, ±2` has four elements.
    if items.iter().any(|item| {
        matches!(
            item,
            Form::Sequence(Sequence {
                order: Order::Any,
                ..
            })
        )
    }) {
        let items = items.into_iter().flat_map(|item| match item {
            Form::Sequence(Sequence {
                order: Order::Any,
                items,
            }) => items,
            other => vec![other],
        });
        return Form::Sequence(Sequence {
            order: Order::Any,
            items: items.collect(),
        });
    }
    Form::Sequence(Sequence { order, items })
}

/// Several conditions on one variable, as the numbers that they leave.
fn conditions(items: &[Form], joint: Joint) -> Option<Region> {
    let regions = items
        .iter()
        .map(|item| match item {
            Form::Region(region) => Some(region.clone()),
            Form::Relation(relation) => solved(&relation.sides, &relation.comparisons),
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
        }) => Some(Region::of(vec![as_interval(*bracket, items)?])),
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

/// A formula that stands for one thing: without plus-minus.
fn single_formula(tokens: &[Token]) -> Parsed<Expr> {
    if let Some(token) = tokens.iter().find(|token| is_plus_minus(&token.kind)) {
        return Err(unreadable(token.at, "plus-minus has no place here"));
    }
    grammar::formula(tokens, true)
}

/// What the left side of an equation names; `None` where it is a formula like any other.
fn label(tokens: &[Token], formula: Option<&Expr>) -> Option<Label> {
    let tokens = trimmed(tokens);
    let kinds: Vec<&Kind> = tokens.iter().map(|token| &token.kind).collect();
    if let [
        Kind::Letters(name),
        Kind::Open(Bracket::Paren),
        inside @ ..,
        Kind::Close(Bracket::Paren),
    ] = kinds.as_slice()
        && name.chars().count() == 1
        && !matches!(&**name, "x" | "y" | "z" | "a" | "b" | "c")
    {
        return match inside {
            [Kind::Letters(argument)] => Some(Label::Function(name.clone(), argument.clone())),
            [Kind::Number(..)] => Some(Label::Other),
            _ => None,
        };
    }
    if let [
        Kind::Letters(name),
        Kind::Caret,
        Kind::Open(Bracket::Group),
        Kind::Minus,
        Kind::Number(..),
        Kind::Close(Bracket::Group),
        Kind::Open(Bracket::Paren),
        Kind::Letters(argument),
        Kind::Close(Bracket::Paren),
    ] = kinds.as_slice()
        && matches!(&**name, "f" | "g" | "h")
    {
        // The inverse of a function.
        let inverse = format!("{name}^-1").into();
        return Some(Label::Function(inverse, argument.clone()));
    }
    if let [Kind::Letters(name)] = kinds.as_slice()
        && name.len() > 1
        && name.bytes().all(|byte| byte.is_ascii_uppercase())
    {
        // A segment, such as AB.
        return Some(Label::Variable(name.clone()));
    }
    match formula {
        Some(Expr::Variable(name)) => Some(Label::Variable(name.clone())),
        Some(_) => None,
        None => Some(Label::Other),
    }
}

/// Whether two runs of tokens are written alike.
fn same(a: &[Token], b: &[Token]) -> bool {
    let kinds = |tokens: &[Token]| -> Vec<Kind> {
        let tokens = trimmed(tokens).iter();
        tokens.map(|token| token.kind.clone()).collect()
    };
    kinds(a) == kinds(b)
}

fn has_variables(left: &Expr, right: &Expr) -> bool {
    !left.variables().is_empty() || !right.variables().is_empty()
}

/// Refuses a chain of equations that contradicts itself, such as `2 + 3 = 6`.
fn check_true(sides: &[Option<Expr>], first: &[Token]) -> Parsed<()> {
    let mut numbers = sides
        .iter()
        .flatten()
        .filter(|side| side.variables().is_empty());
    let Some(one) = numbers.next() else {
        return Ok(());
    };
    for other in numbers {
        if equality::equal(one, other) != Ok(true) {
            let at = first.first().map_or(0, |token| token.at);
            return Err(unreadable(at, "the two sides are different numbers"));
        }
    }
    Ok(())
}

fn is_plus_minus(kind: &Kind) -> bool {
    matches!(kind, Kind::PlusMinus | Kind::MinusPlus)
}

/// The tokens with one reading of every plus-minus.
fn chosen(tokens: &[Token], plus: bool) -> Vec<Token> {
    let sign = |positive| if positive { Kind::Plus } else { Kind::Minus };
    let choose = |token: &Token| Token {
        kind: match &token.kind {
            Kind::PlusMinus => sign(plus),
            Kind::MinusPlus => sign(!plus),
            other => other.clone(),
        },
        ..token.clone()
    };
    tokens.iter().map(choose).collect()
}

/// Without punctuation behind it.
fn trimmed(mut tokens: &[Token]) -> &[Token] {
    let mark = |kind: &Kind| matches!(kind, Kind::Period | Kind::Comma | Kind::Semicolon);
    while let [rest @ .., last] = tokens
        && mark(&last.kind)
    {
        tokens = rest;
    }
    tokens
}

/// Without braces of LaTeX around all of it; `{1, 2}` is a set.
fn unwrapped(mut tokens: &[Token]) -> &[Token] {
    while let [first, inside @ .., _] = tokens
        && first.kind == Kind::Open(Bracket::Group)
        && !inside.is_empty()
        && close_of(tokens) == Some(tokens.len() - 1)
        && elements(inside).len() == 1
    {
        tokens = trimmed(inside);
    }
    tokens
}

fn depth_change(kind: &Kind) -> i32 {
    match kind {
        Kind::Open(_) | Kind::Begin(_) => 1,
        Kind::Close(_) | Kind::End => -1,
        _ => 0,
    }
}

/// Where the bracket that the tokens begin with is closed.
fn close_of(tokens: &[Token]) -> Option<usize> {
    let mut depth = 0;
    for (place, token) in tokens.iter().enumerate() {
        depth += depth_change(&token.kind);
        if depth <= 0 {
            return (place > 0).then_some(place);
        }
    }
    None
}

/// The first token outside of all brackets that the question is true of.
fn outermost(tokens: &[Token], question: impl Fn(&Kind) -> bool) -> Option<usize> {
    let mut depth = 0;
    tokens.iter().position(|token| {
        depth += depth_change(&token.kind);
        depth == 0 && question(&token.kind)
    })
}

fn last_outermost(tokens: &[Token], question: impl Fn(&Kind) -> bool) -> Option<usize> {
    let mut depth = 0;
    tokens.iter().rposition(|token| {
        depth += depth_change(&token.kind);
        depth == 0 && question(&token.kind)
    })
}

/// The tokens between separators outside of all brackets.
fn parts(tokens: &[Token], separates: impl Fn(&Kind) -> bool) -> Vec<&[Token]> {
    let mut parts = Vec::new();
    let mut rest = tokens;
    while let Some(place) = outermost(rest, &separates) {
        parts.push(&rest[..place]);
        rest = &rest[place + 1..];
    }
    parts.push(rest);
    parts
}

fn elements(tokens: &[Token]) -> Vec<&[Token]> {
    parts(tokens, |kind| matches!(kind, Kind::Comma | Kind::Semicolon))
}

fn joint(kind: &Kind) -> Option<Joint> {
    match kind {
        Kind::Comma | Kind::Semicolon => Some(Joint::Comma),
        Kind::And => Some(Joint::And),
        Kind::Or => Some(Joint::Or),
        Kind::Letters(word) | Kind::Text(word) => match &**word {
            "and" => Some(Joint::And),
            "or" => Some(Joint::Or),
            _ => None,
        },
        _ => None,
    }
}

/// The elements of a list; no joint where there is only one. A word decides over commas.
fn split(tokens: &[Token]) -> (Vec<&[Token]>, Option<Joint>) {
    let mut strongest = None;
    let mut depth = 0;
    for token in tokens {
        depth += depth_change(&token.kind);
        if depth == 0
            && let Some(found) = joint(&token.kind)
            && strongest.is_none_or(|strongest| strongest == Joint::Comma)
        {
            strongest = Some(found);
        }
    }
    let mut parts = parts(tokens, |kind| joint(kind).is_some());
    // `1, 2, and 3` has nothing between its comma and its word.
    parts.retain(|part| !part.is_empty());
    (parts, strongest)
}

fn check_depth(tokens: &[Token], depth: usize) -> Result<(), Unreadable> {
    if depth > limits::DEPTH {
        let at = tokens.first().map_or(0, |token| token.at);
        return Err(unreadable(at, "lists are too deep"));
    }
    Ok(())
}

fn too_many(tokens: &[Token]) -> Unreadable {
    let at = tokens.first().map_or(0, |token| token.at);
    unreadable(at, format!("more than {} elements", limits::ELEMENTS))
}
