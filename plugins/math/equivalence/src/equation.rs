//! Equations and inequalities: which name a value, and which are themselves the answer.

use crate::{
    answer::{Form, Label, Order, Relation, Sequence},
    equality,
    expr::Expr,
    grammar::{self, Parsed},
    inequality::solved,
    lexer::unreadable,
    naming::{self, Left},
    reading::{Joint, Reader, chosen, is_plus_minus, labelled},
    region::Region,
    slicing::{outermost, trimmed},
    token::{Bracket, Comparison, Kind, Token},
};

impl Reader<'_> {
    pub(crate) fn relation(&self, tokens: &[Token], depth: usize) -> Parsed<Form> {
        let about = |kind: &Kind| *kind == Kind::Compare(Comparison::About);
        if let Some(place) = outermost(tokens, about) {
            return self.approximation(tokens, place, depth);
        }
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
        if let ([first, last], [comparison]) = (&sides[..], &comparisons[..])
            && first.is_empty()
            && comparison.is_order()
        {
            // `> 5`, of whatever it may be.
            let sides = [Expr::Variable("".into()), single_formula(last)?];
            let region = solved(&sides, &comparisons);
            return match region {
                Some(region) => Ok(Form::Region(Region {
                    variable: None,
                    ..region
                })),
                None => Err(unreadable(last[0].at, "expected a number behind the sign")),
            };
        }
        if comparisons == [Comparison::NotEqual]
            && tokens.iter().any(|token| is_plus_minus(&token.kind))
        {
            let both = [true, false].map(|plus| self.item(&chosen(tokens, plus), depth + 1));
            let [plus, minus] = both;
            return self.combined(vec![plus?, minus?], Joint::And);
        }
        // `all n \ge 3`.
        let general = |token: &&Token| {
            matches!(&token.kind, Kind::Letters(word) | Kind::Text(word)
            if matches!(&**word, "all" | "any" | "every" | "real" | "integers" | "numbers"))
        };
        sides[0] = &sides[0][sides[0].iter().take_while(general).count()..];
        let sides = sides
            .into_iter()
            .map(single_formula)
            .collect::<Parsed<Vec<_>>>()?;
        Ok(Form::Relation(Relation { sides, comparisons }))
    }

    /// `\sqrt3 \approx 1.73` says what the number is and then what it is about; `x \approx 1.73` says nothing else.
    fn approximation(&self, tokens: &[Token], place: usize, depth: usize) -> Parsed<Form> {
        let (exact, behind) = (&tokens[..place], &tokens[place + 1..]);
        let constant = |form: &Form| form.is_constant();
        if let Some(exact) = self.item(exact, depth + 1).ok().filter(constant) {
            let value = match &exact {
                Form::Labelled(labelled) => labelled.value.expr(),
                form => form.expr(),
            };
            let about = self.item(behind, depth + 1)?;
            return match (value, about.expr()) {
                (Some(value), Some(about)) if equality::near(value, about) => Ok(exact),
                _ => Err(unreadable(
                    tokens[place].at,
                    "the two sides are not near each other",
                )),
            };
        }
        let equal = tokens.iter().map(|token| match token.kind {
            Kind::Compare(Comparison::About) => Token {
                kind: Kind::Compare(Comparison::Equal),
                ..token.clone()
            },
            _ => token.clone(),
        });
        self.relation(&equal.collect::<Vec<_>>(), depth)
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
        let at = first.first().map_or(0, |token| token.at);
        for (side, formula) in sides.iter().zip(&formulas).skip(1).take(sides.len() - 2) {
            if formula.is_none() && !is_product_of_words(side) {
                return Err(unreadable(at, "a side in the middle is no formula"));
            }
        }
        let name = naming::left(first, formulas[0].as_ref());
        if let Left::Name(Label::Variable(name)) = &name
            && formulas[1..]
                .iter()
                .flatten()
                .any(|side| side.variables().contains(&&**name))
            && sides.len() > 2
        {
            return Err(unreadable(at, "two equations with nothing between them"));
        }
        if let ([Some(left), Some(right)], Left::Formula | Left::Quantity) = (&formulas[..], &name)
        {
            let number = right.variables().is_empty();
            match right {
                // `3 = x` is `x = 3`.
                Expr::Variable(name) if left.variables().is_empty() => {
                    let value = self.item(first, depth + 1)?;
                    return Ok(labelled(Label::Variable(name.clone()), value));
                }
                _ if matches!(name, Left::Quantity) && number => {}
                // `0 = 0` says nothing, so it is no way to write 0.
                _ if has_variables(left, right) || same(first, last) => {
                    return Ok(Form::Relation(Relation {
                        sides: vec![left.clone(), right.clone()],
                        comparisons: vec![Comparison::Equal],
                    }));
                }
                _ => {}
            }
        }
        if let (Left::Name(Label::Variable(name)), [Some(left), Some(right)]) =
            (&name, &formulas[..])
            && right.variables().contains(&&**name)
        {
            // `x = 2x + 3` is an equation still.
            return Ok(Form::Relation(Relation {
                sides: vec![left.clone(), right.clone()],
                comparisons: vec![Comparison::Equal],
            }));
        }
        let value = self.item(last, depth + 1)?;
        let signs = || Label::Quantity(self.signs(first));
        let not_solved = || {
            unreadable(
                at,
                "the left side is neither a name nor equal to the right side",
            )
        };
        let label = match name {
            Left::Name(Label::Names(names)) => match &value {
                Form::Sequence(Sequence {
                    order: Order::Tuple(_),
                    items,
                }) if items.len() == names.len() => Label::Names(names),
                _ => return Err(not_solved()),
            },
            Left::Name(Label::Other) if !naming::is_words(first) => signs(),
            Left::Name(label) => label,
            Left::Quantity if is_number(&value) => signs(),
            _ if matches!(value, Form::Matrix(_)) && naming::is_of_matrix(first) => signs(),
            Left::Formula | Left::Quantity => match &formulas[0] {
                // What is worked out in steps: `5 + 6 = 11`, `9 \text{ cm} + 2 \text{ cm} = 11 \text{ cm}`.
                Some(left) if left.variables().is_empty() => {
                    let names = formulas
                        .iter()
                        .flatten()
                        .any(|side| !side.variables().is_empty());
                    let equal = value
                        .expr()
                        .is_some_and(|right| equality::equal(left, right) == Ok(true));
                    if names || !equal {
                        return Err(not_solved());
                    }
                    Label::Other
                }
                Some(_) if sides.len() > 2 && is_number(&value) => Label::Other,
                _ => return Err(not_solved()),
            },
            Left::Garbled => {
                return Err(unreadable(
                    at,
                    "expected a formula or a name before the sign",
                ));
            }
        };
        Ok(labelled(label, value))
    }
}

impl Reader<'_> {
    /// How tokens are written, but for spaces and braces.
    fn signs(&self, tokens: &[Token]) -> Box<str> {
        let (Some(first), Some(last)) = (tokens.first(), tokens.last()) else {
            return "".into();
        };
        let text = self.text[first.at..last.end]
            .replace("\\left", "")
            .replace("\\right", "");
        text.chars()
            .filter(|one| !one.is_whitespace() && !matches!(one, '{' | '}'))
            .collect()
    }
}

/// A value without variables.
fn is_number(form: &Form) -> bool {
    form.expr()
        .is_some_and(|value| value.variables().is_empty())
}

/// `\text{base} \times \text{height}`, in the middle of a chain.
fn is_product_of_words(tokens: &[Token]) -> bool {
    let words = |kind: &Kind| {
        matches!(
            kind,
            Kind::Text(_)
                | Kind::Letters(_)
                | Kind::Times
                | Kind::Plus
                | Kind::Minus
                | Kind::Slash
                | Kind::Frac
                | Kind::Open(Bracket::Group | Bracket::Paren)
                | Kind::Close(Bracket::Group | Bracket::Paren)
                | Kind::Number(..)
                | Kind::Caret
                | Kind::Angle
        )
    };
    let measured = |kind: &Kind| matches!(kind, Kind::Text(word) if word.chars().count() > 1);
    tokens.iter().all(|token| words(&token.kind))
        && tokens.iter().any(|token| measured(&token.kind))
        && !naming::denies(tokens)
}

/// The assignments of `x = 3 \quad y = 7`, which have nothing but space between them. A space inside a side would be a
/// product, as in `d = 2 r = 10`; nobody writes one of a number and the name that the next sign belongs to.
pub fn juxtaposed(tokens: &[Token]) -> Option<Vec<&[Token]>> {
    let equals = |kind: &Kind| *kind == Kind::Compare(Comparison::Equal);
    let mut assignments = Vec::new();
    let mut begin = 0;
    let mut place = outermost(tokens, equals)?;
    while let Some(next) = outermost(&tokens[place + 1..], equals) {
        let next = place + 1 + next;
        let between = &tokens[place + 1..next];
        let [value @ .., name] = between else {
            return None;
        };
        let named = matches!(&name.kind, Kind::Letters(letters) if letters.chars().count() == 1);
        let number = single_formula(trimmed(value)).is_ok_and(|value| value.variables().is_empty());
        if !(named && name.spaced && number) {
            return None;
        }
        assignments.push(&tokens[begin..next - 1]);
        begin = next - 1;
        place = next;
    }
    assignments.push(&tokens[begin..]);
    (assignments.len() > 1).then_some(assignments)
}

/// A formula that stands for one thing: without plus-minus.
pub fn single_formula(tokens: &[Token]) -> Parsed<Expr> {
    if let Some(token) = tokens.iter().find(|token| is_plus_minus(&token.kind)) {
        return Err(unreadable(token.at, "plus-minus has no place here"));
    }
    grammar::formula(tokens, true)
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
