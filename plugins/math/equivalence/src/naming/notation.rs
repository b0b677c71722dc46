//! Quantities and names in signs: `m + n`, `|AB|`, `\angle ABC`, `\det A`, `A \cup B`.

use super::words::denies;
use crate::{
    expr::{Expr, Function},
    slicing::ungrouped,
    token::{Bracket, Kind, Token},
};

/// A combination of names without a number in it: `m + n`, `\frac{AB}{CD}`, `f(1) - f(2)`, `\sin 2\theta`. Not of x, y
/// and z, which are the unknowns of equations.
pub fn is_quantity(formula: &Expr) -> bool {
    let unknown = |name: &&str| matches!(*name, "x" | "y" | "z");
    match formula {
        Expr::Variable(name) => !unknown(&&**name),
        Expr::Sum(terms) => terms.iter().all(|term| match term {
            // The sign of a difference.
            Expr::Product(factors) => match factors.as_slice() {
                [Expr::Number(sign), rest @ ..] if *sign == -dashu_ratio::RBig::ONE => {
                    rest.iter().all(is_quantity)
                }
                factors => factors.iter().all(is_quantity),
            },
            term => is_quantity(term),
        }),
        Expr::Product(factors) => factors.iter().all(is_quantity),
        Expr::Quotient(parts) => parts.iter().all(is_quantity),
        Expr::Call(function, arguments) => {
            use Function::{Abs, Cos, Cot, Gcd, Lcm, Sin, Tan};
            let names: Vec<&str> = arguments.iter().flat_map(Expr::variables).collect();
            matches!(function, Abs | Sin | Cos | Tan | Cot | Gcd | Lcm)
                && !names.is_empty()
                && !names.iter().any(unknown)
        }
        Expr::Number(_) | Expr::Constant(_) | Expr::Power(_) => false,
    }
}

/// The size of one thing: `|z|`, `\|v\|`, `|AB|`, `[ABC]`, `\overline{AB}`, `\sigma^2`.
pub fn is_size(tokens: &[Token]) -> bool {
    let mut kinds = ungrouped(tokens);
    while let [Kind::Bar, inside @ .., Kind::Bar] = kinds.as_slice() {
        kinds = inside.to_vec();
        // `|x| = 3` is an equation.
        if matches!(kinds.as_slice(), [Kind::Letters(name)] if matches!(&**name, "x" | "y")) {
            return false;
        }
        if matches!(kinds.as_slice(), [Kind::Letters(_) | Kind::Named(_)]) {
            return true;
        }
    }
    match kinds.as_slice() {
        [
            Kind::Open(Bracket::Abs),
            Kind::Letters(name),
            Kind::Close(Bracket::Abs),
        ] => !matches!(&**name, "x" | "y"),
        [
            Kind::Open(Bracket::Square),
            Kind::Letters(name),
            Kind::Close(Bracket::Square),
        ] => name.len() > 2 && name.bytes().all(|byte| byte.is_ascii_uppercase()),
        [Kind::Conjugate, Kind::Letters(name)] => !matches!(&**name, "y" | "z"),
        [Kind::Letters(name), Kind::Caret, Kind::Number(..)] => &**name == "sigma",
        _ => false,
    }
}

/// Signs that only names are written with: `\angle ABC`, `m\angle A`, `a:b:c`, `(f\circ g)(2)`, `\max f(x)`, `x_{\max}`.
pub fn is_notation(tokens: &[Token]) -> bool {
    let has = |wanted: &dyn Fn(&Kind) -> bool| tokens.iter().any(|token| wanted(&token.kind));
    let numbers = has(&|kind| matches!(kind, Kind::Number(..)));
    let part = |kind: &Kind| {
        matches!(
            kind,
            Kind::Letters(_)
                | Kind::Text(_)
                | Kind::Named(_)
                | Kind::Angle
                | Kind::Degree
                | Kind::Colon
                | Kind::Open(Bracket::Paren | Bracket::Group)
                | Kind::Close(Bracket::Paren | Bracket::Group)
                | Kind::Function(
                    Function::Max | Function::Min | Function::Sin | Function::Cos | Function::Tan
                )
                | Kind::Underscore
                | Kind::Prime
                | Kind::Conjugate
                | Kind::Number(..)
        )
    };
    if is_operation(tokens) || is_of_sets(tokens) || is_marked(tokens) {
        return true;
    }
    if !tokens.iter().all(|token| part(&token.kind)) || denies(tokens) {
        return false;
    }
    let angle =
        has(&|kind| *kind == Kind::Angle) && !has(&|kind| *kind == Kind::Degree) && !numbers;
    let largest =
        has(&|kind| matches!(kind, Kind::Function(Function::Max | Function::Min))) && !numbers;
    let ratio = has(&|kind| *kind == Kind::Colon)
        && tokens
            .iter()
            .all(|token| matches!(token.kind, Kind::Colon | Kind::Letters(_)));
    let vector = has(&|kind| matches!(kind, Kind::Named(_) | Kind::Conjugate)) && !numbers;
    angle || largest || ratio || vector
}

/// `\det A`, `\lim_{x \to 2} x^2`, `\int_0^1 f(x) dx`: what is asked for, written out.
fn is_operation(tokens: &[Token]) -> bool {
    const OPERATIONS: [&str; 13] = [
        "det", "dim", "Pr", "lim", "sum", "int", "prod", "nabla", "partial", "rank", "deg", "arg",
        "iint",
    ];
    let operation = match tokens.first().map(|token| &token.kind) {
        Some(Kind::Unknown(name)) => OPERATIONS.contains(&&**name),
        Some(Kind::Letters(name) | Kind::Text(name)) => &**name == "det" || &**name == "Delta",
        // The expectation and the probability.
        Some(Kind::NumberSet(letter)) => matches!(letter, 'E' | 'P'),
        _ => false,
    };
    operation && tokens.len() > 1
}

/// `(f \circ g)(2)`: the circle between two functions is that of degrees.
pub fn is_composition(tokens: &[Token]) -> bool {
    let function =
        |kind: &Kind| matches!(kind, Kind::Letters(name) if matches!(&**name, "f" | "g" | "h"));
    tokens.windows(3).any(|three| {
        three[1].kind == Kind::Degree && function(&three[0].kind) && function(&three[2].kind)
    })
}

/// `A \cup B`, `|A \cap B|`.
fn is_of_sets(tokens: &[Token]) -> bool {
    let sign = |token: &Token| {
        matches!(
            token.kind,
            Kind::Union | Kind::Intersection | Kind::SetMinus
        )
    };
    let capital = |token: &Token| {
        matches!(&token.kind, Kind::Letters(name)
        if name.len() == 1 && name.as_bytes()[0].is_ascii_uppercase())
    };
    tokens.iter().any(sign)
        && tokens.iter().all(|token| {
            sign(token)
                || capital(token)
                || matches!(
                    token.kind,
                    Kind::Bar
                        | Kind::Open(Bracket::Abs | Bracket::Paren)
                        | Kind::Close(Bracket::Abs | Bracket::Paren)
                )
        })
}

/// `A^{-1}` and `A^T` of a matrix, `x^*`.
fn is_marked(tokens: &[Token]) -> bool {
    let kinds = ungrouped(tokens);
    matches!(
        kinds.as_slice(),
        [Kind::Letters(_), Kind::Caret, Kind::Times]
    )
}

/// The inverse or the transpose of a matrix, which as a formula would be a power.
pub fn is_of_matrix(tokens: &[Token]) -> bool {
    let kinds = ungrouped(tokens);
    match kinds.as_slice() {
        [
            Kind::Letters(name),
            Kind::Caret,
            Kind::Letters(mark) | Kind::Text(mark),
        ] => name.len() == 1 && matches!(&**mark, "T" | "t" | "top"),
        [
            Kind::Letters(name),
            Kind::Caret,
            Kind::Minus,
            Kind::Number(value, _),
        ] => name.len() == 1 && value.is_one(),
        _ => false,
    }
}
