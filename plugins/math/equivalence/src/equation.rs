//! Equations and inequalities: which name a value, and which are themselves the answer.

use crate::{
    answer::{Form, Label, Relation},
    equality,
    expr::Expr,
    grammar::{self, Parsed},
    lexer::unreadable,
    reading::{Reader, is_plus_minus, labelled},
    slicing::{outermost, trimmed},
    token::{Bracket, Comparison, Kind, Token},
};

impl Reader<'_> {
    pub(crate) fn relation(&self, tokens: &[Token], depth: usize) -> Parsed<Form> {
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

    pub(crate) fn equation(&self, sides: &[&[Token]], depth: usize) -> Parsed<Form> {
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
        let garbled = trimmed(first)
            .iter()
            .any(|token| matches!(token.kind, Kind::Frac | Kind::Binom | Kind::Function(_)));
        if formulas[0].is_none() && garbled {
            return Err(unreadable(first[0].at, "expected a formula or a name"));
        }
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
}

/// A formula that stands for one thing: without plus-minus.
pub fn single_formula(tokens: &[Token]) -> Parsed<Expr> {
    if let Some(token) = tokens.iter().find(|token| is_plus_minus(&token.kind)) {
        return Err(unreadable(token.at, "plus-minus has no place here"));
    }
    grammar::formula(tokens, true)
}

/// What the left side of an equation names; `None` where it is a formula like any other.
pub fn label(tokens: &[Token], formula: Option<&Expr>) -> Option<Label> {
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
pub fn same(a: &[Token], b: &[Token]) -> bool {
    let kinds = |tokens: &[Token]| -> Vec<Kind> {
        let tokens = trimmed(tokens).iter();
        tokens.map(|token| token.kind.clone()).collect()
    };
    kinds(a) == kinds(b)
}

pub fn has_variables(left: &Expr, right: &Expr) -> bool {
    !left.variables().is_empty() || !right.variables().is_empty()
}

/// Refuses a chain of equations that contradicts itself, such as `2 + 3 = 6`.
pub fn check_true(sides: &[Option<Expr>], first: &[Token]) -> Parsed<()> {
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
