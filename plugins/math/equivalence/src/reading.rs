//! From tokens to what an answer is: a value, a list, a set, an interval, an equation.
//!
//! Only the outermost structure is found here, from the outside in: separators, then
//! relations, then brackets and signs of sets; what is left is a formula with a unit, which
//! [`crate::grammar`] and [`crate::units`] read.

use crate::{
    Policy,
    answer::{Form, Label, Labelled, Order, Sequence},
    compound::compound,
    conditions::{system, unequal},
    equation::juxtaposed,
    grammar::Parsed,
    lexer::unreadable,
    limits, naming,
    quantity::is_date,
    region::{Interval, Region},
    sets::{as_interval, conditions},
    slicing::{
        check_depth, close_of, depth_change, elements, outermost, parts, too_many, trimmed,
        unwrapped,
    },
    token::{Bracket, Comparison, Kind, Token},
    words,
};

pub struct Reader<'t> {
    pub text: &'t str,
    pub policy: &'t Policy,
}

/// How elements are joined.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Joint {
    Comma,
    And,
    Or,
}

impl Reader<'_> {
    /// Reads all of an answer.
    pub fn answer(&self, tokens: &[Token]) -> Parsed<Form> {
        let tokens = naming::concluded(trimmed(tokens));
        if tokens.is_empty() {
            return Err(unreadable(0, "the answer is empty"));
        }
        self.joined(tokens, 0)
            .or_else(|why| words::fallback(tokens, self.text, self.policy).ok_or(why))
    }

    /// Elements that are joined by commas or words, or one element.
    pub(crate) fn joined(&self, tokens: &[Token], depth: usize) -> Parsed<Form> {
        let tokens = unwrapped(trimmed(tokens));
        check_depth(tokens, depth)?;
        if let Some(form) =
            words::read_choice(tokens).or_else(|| words::read(tokens, self.text, self.policy))
        {
            return Ok(form);
        }
        if let Some(quantity) = compound(tokens) {
            return Ok(Form::Value(quantity));
        }
        if let Some(form) = self.qualified(tokens, depth) {
            return form;
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
    pub(crate) fn combined(&self, items: Vec<Form>, joint: Joint) -> Parsed<Form> {
        let items = unequal(items);
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
            Joint::Or => Order::Either,
            _ if all => Order::Any,
            Joint::Comma => Order::List,
            Joint::And => Order::Any,
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
        let order = if all && order == Order::List {
            Order::Any
        } else {
            order
        };
        let value = sequence(order, values);
        Ok(Form::Labelled(Box::new(Labelled { label, value })))
    }

    /// One element: no separator outside of brackets.
    pub(crate) fn item(&self, tokens: &[Token], depth: usize) -> Parsed<Form> {
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
        if let Some(answer) = naming::announced(tokens) {
            return Ok(labelled(Label::Other, self.item(answer, depth + 1)?));
        }
        if let Some(place) = outermost(tokens, |kind| *kind == Kind::In) {
            return self.membership(&tokens[..place], &tokens[place + 1..], depth);
        }
        if outermost(tokens, |kind| matches!(kind, Kind::Compare(_))).is_some() {
            // `x \le -2 \cup x \ge 5`.
            let conditions = parts(tokens, |kind| *kind == Kind::Union);
            let ordered = |part: &&[Token]| {
                outermost(
                    part,
                    |kind| matches!(kind, Kind::Compare(one) if one.is_order()),
                )
                .is_some()
            };
            if conditions.len() > 1 && conditions.iter().all(ordered) {
                let items = conditions.into_iter().map(|one| self.item(one, depth + 1));
                return self.combined(items.collect::<Parsed<Vec<_>>>()?, Joint::Or);
            }
            if let Some(assignments) = juxtaposed(tokens) {
                let items = assignments.into_iter().map(|one| self.item(one, depth + 1));
                return self.combined(items.collect::<Parsed<Vec<_>>>()?, Joint::Comma);
            }
            return self.relation(tokens, depth);
        }
        if let Some(rows) = system(tokens) {
            // `x &= 3 + 4 \\ &= 7` is one chain of equations.
            let goes_on =
                |row: &Vec<Token>| matches!(row[0].kind, Kind::Compare(Comparison::Equal));
            if rows[1..].iter().all(goes_on) {
                return self.item(&rows.concat(), depth + 1);
            }
            let items = rows.iter().map(|row| self.item(row, depth + 1));
            return self.combined(items.collect::<Parsed<Vec<_>>>()?, Joint::And);
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
        if tokens
            .iter()
            .any(|token| matches!(token.kind, Kind::Begin(_)))
        {
            return self.matrices(tokens);
        }
        if let Some(form) = self.ratio_or_time(tokens)? {
            return Ok(form);
        }
        if let Some(form) = self.named_point(tokens, depth)? {
            return Ok(form);
        }
        if let Some(quantity) = compound(tokens) {
            return Ok(Form::Value(quantity));
        }
        self.quantity(tokens).map(Form::Value)
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
            // A bar may begin an absolute value instead, unless a name stands before it.
            let names = place == 1 || inside[..place].iter().any(|token| token.kind == Kind::In);
            if inside[place].kind != Kind::Bar || names {
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
}

pub fn labelled(label: Label, value: Form) -> Form {
    Form::Labelled(Box::new(Labelled { label, value }))
}

pub fn sequence(order: Order, items: Vec<Form>) -> Form {
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

pub fn is_plus_minus(kind: &Kind) -> bool {
    matches!(kind, Kind::PlusMinus | Kind::MinusPlus)
}

/// The tokens with one reading of every plus-minus.
pub fn chosen(tokens: &[Token], plus: bool) -> Vec<Token> {
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

fn joint(kind: &Kind) -> Option<Joint> {
    match kind {
        Kind::Comma | Kind::Semicolon | Kind::Row => Some(Joint::Comma),
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
