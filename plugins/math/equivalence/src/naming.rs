//! What the left side of an equation names: a variable, a function, a tuple of names, a quantity in signs or in words.
//!
//! A name may be left out of an answer, so everything that is taken for one is something that pays if its value does.
//! `2x = 6` names nothing, it asks; `not x = 3` and `9 at x = 5` say something else than their last number. So this is a
//! list of what is a name, and all that is not on it is none.

mod notation;
mod words;

use notation::{is_notation, is_quantity, is_size};

pub use notation::is_of_matrix;
pub use words::{announced, concluded, denies, is_words, retracts};

use crate::{
    answer::Label,
    expr::{Expr, Function},
    slicing::{close_of, elements, trimmed, unwrapped},
    token::{Bracket, Kind, Token},
};

/// What a left side is.
pub enum Left {
    /// It stands for what is on the right, whatever that is.
    Name(Label),
    /// A quantity that has a number for its value: `m + n`, `|AB|`, `f(1) + f(2)`. In front of anything else it is a
    /// formula.
    Quantity,
    Formula,
    /// Neither a name nor a formula.
    Garbled,
}

/// The left side of an equation, with the formula that it is if it is one.
pub fn left(tokens: &[Token], formula: Option<&Expr>) -> Left {
    let tokens = unwrapped(trimmed(tokens));
    if let Some(label) = function(tokens)
        .or_else(|| derivative(tokens))
        .or_else(|| names(tokens))
    {
        return Left::Name(label);
    }
    if let [
        Token {
            kind: Kind::Letters(name),
            ..
        },
    ] = tokens
        && name.len() > 1
        && name.bytes().all(|byte| byte.is_ascii_uppercase())
    {
        // A segment, such as AB.
        return Left::Name(Label::Variable(name.clone()));
    }
    let largest = matches!(
        tokens.first().map(|token| &token.kind),
        Some(Kind::Function(Function::Max | Function::Min))
    );
    if (largest && !denies(tokens)) || notation::is_composition(tokens) {
        return Left::Name(Label::Other);
    }
    if let [difference, of] = tokens
        && let (Kind::Letters(delta), Kind::Letters(name)) = (&difference.kind, &of.kind)
        && &**delta == "Delta"
    {
        return Left::Name(Label::Variable(format!("Delta {name}").into()));
    }
    match formula {
        // `f(x + 1)` is a value of f, and no name of what it is as a formula.
        Some(Expr::Variable(name)) if name.contains('[') => Left::Quantity,
        Some(Expr::Variable(name)) => Left::Name(Label::Variable(name.clone())),
        Some(formula) if is_quantity(formula) || is_size(tokens) => Left::Quantity,
        Some(_) => Left::Formula,
        None if is_size(tokens) => Left::Quantity,
        None if is_notation(tokens) || is_words(tokens) => Left::Name(Label::Other),
        None => Left::Garbled,
    }
}

/// `f(x)`, `f'(x)`, `x(t)`, `f^{-1}(x)`, `f(x, y)`; and `f(2)`, `P(X = 2)`, `E[X]`, whose argument is no name.
fn function(tokens: &[Token]) -> Option<Label> {
    let open = tokens
        .iter()
        .position(|token| matches!(token.kind, Kind::Open(Bracket::Paren | Bracket::Square)))?;
    let (head, group) = tokens.split_at(open);
    let head = unwrapped(head);
    if close_of(group) != Some(group.len() - 1) {
        return None;
    }
    let [
        Token {
            kind: Kind::Letters(name) | Kind::Text(name),
            ..
        },
        marks @ ..,
    ] = head
    else {
        return None;
    };
    let mut characters = name.chars();
    let single = characters.next().is_some() && characters.next().is_none();
    if !single && crate::token::greek(name).is_none() {
        return None;
    }
    let decorated = !marks.is_empty();
    if !marks.iter().all(|mark| {
        matches!(
            mark.kind,
            Kind::Prime
                | Kind::Underscore
                | Kind::Caret
                | Kind::Minus
                | Kind::Number(..)
                | Kind::Letters(_)
                | Kind::Text(_)
                | Kind::Open(Bracket::Group)
                | Kind::Close(Bracket::Group)
        )
    }) {
        return None;
    }
    // `x^2(t)` is a product; `f^{-1}(x)` is the inverse.
    let raised = marks.iter().any(|mark| mark.kind == Kind::Caret);
    if raised && !matches!(&**name, "f" | "g" | "h") {
        return None;
    }
    let inside = &group[1..group.len() - 1];
    let arguments = elements(inside);
    let plain = matches!(&**name, "x" | "y" | "z" | "a" | "b" | "c" | "k" | "m" | "n");
    let mut letters = Vec::with_capacity(arguments.len());
    for argument in &arguments {
        match argument {
            [
                Token {
                    kind: Kind::Letters(letter),
                    ..
                },
            ] if letter != name => letters.push(&**letter),
            _ => break,
        }
    }
    if letters.len() == arguments.len() {
        // `a(n)` is a sequence and `y(x)` a function; `a(b)` is a product.
        let usual = letters
            .iter()
            .all(|letter| matches!(*letter, "t" | "x" | "n" | "s" | "u" | "theta"));
        if plain && !decorated && (!usual || **name == *"x" && letters != ["t"]) {
            return None;
        }
        let marks: String = marks.iter().map(|mark| written(&mark.kind)).collect();
        return Some(Label::Function(
            format!("{name}{marks}").into(),
            letters.join(",").into(),
        ));
    }
    let known = matches!(&**name, "f" | "g" | "h" | "F" | "G" | "H" | "P" | "E") || name.len() > 1;
    let constant = crate::grammar::formula(inside, true)
        .is_ok_and(|inside| inside.variables().is_empty())
        || arguments.len() > 1 && !plain;
    let of_letters =
        crate::grammar::formula(inside, true).is_ok_and(|inside| !inside.variables().is_empty());
    if of_letters && matches!(&**name, "f" | "g" | "h") {
        return None;
    }
    let of_sets = inside
        .iter()
        .any(|token| matches!(token.kind, Kind::Union | Kind::Intersection));
    (known || decorated || of_sets || (constant && !plain)).then_some(Label::Other)
}

fn written(kind: &Kind) -> String {
    match kind {
        Kind::Prime => "'".to_owned(),
        Kind::Underscore => "_".to_owned(),
        Kind::Caret => "^".to_owned(),
        Kind::Minus => "-".to_owned(),
        Kind::Number(value, _) => value.to_string(),
        Kind::Letters(word) | Kind::Text(word) => word.to_string(),
        _ => String::new(),
    }
}

/// `\frac{dy}{dx}`.
fn derivative(tokens: &[Token]) -> Option<Label> {
    let [frac, rest @ ..] = tokens else {
        return None;
    };
    if frac.kind != Kind::Frac {
        return None;
    }
    let letters = |token: &Token| match &token.kind {
        Kind::Letters(letters) => Some(letters.clone()),
        _ => None,
    };
    let words: Vec<Box<str>> = rest.iter().filter_map(letters).collect();
    let [above, below] = words.as_slice() else {
        return None;
    };
    let groups = rest.len() - 2;
    let (above, below) = (above.strip_prefix('d')?, below.strip_prefix('d')?);
    let single = |name: &str| name.chars().count() == 1;
    (groups == 4 && single(above) && single(below))
        .then(|| Label::Function(format!("{above}'").into(), below.into()))
}

/// `(x, y)`.
fn names(tokens: &[Token]) -> Option<Label> {
    let (first, last) = (tokens.first()?, tokens.last()?);
    let paren =
        first.kind == Kind::Open(Bracket::Paren) && last.kind == Kind::Close(Bracket::Paren);
    if !paren || close_of(tokens) != Some(tokens.len() - 1) {
        return None;
    }
    let names = elements(&tokens[1..tokens.len() - 1])
        .into_iter()
        .map(|element| match crate::grammar::formula(element, true) {
            Ok(Expr::Variable(name)) => Some(name),
            _ => None,
        });
    let names: Vec<Box<str>> = names.collect::<Option<_>>()?;
    let apart = names
        .iter()
        .enumerate()
        .all(|(place, name)| !names[..place].contains(name));
    (names.len() > 1 && apart).then_some(Label::Names(names))
}
