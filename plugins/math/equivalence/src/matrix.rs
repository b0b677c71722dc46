//! Matrices, sums of them, transposes, and determinants between bars.

use crate::{
    Unreadable,
    answer::Form,
    expr::{Builder, Built, Expr, Fault, integer},
    grammar::{self, Parsed},
    lexer::unreadable,
    limits,
    reading::Reader,
    slicing::{close_of, outermost, parts, too_many, trimmed},
    token::{Bracket, Kind, Token},
};

impl Reader<'_> {
    /// A matrix or a determinant, or a sum of matrices: `a + t b` is how lines are given.
    pub(crate) fn matrices(&self, tokens: &[Token]) -> Parsed<Form> {
        let at = tokens[0].at;
        let terms = terms(tokens);
        if let [(true, term)] = terms.as_slice() {
            return self.matrix(term);
        }
        let mut sum: Option<Vec<Vec<Expr>>> = None;
        for (positive, term) in terms {
            let Form::Matrix(rows) = self.matrix(term)? else {
                return Err(unreadable(at, "the terms of such a sum are matrices"));
            };
            sum = Some(match (sum, positive) {
                (None, true) => rows,
                (None, false) => negated(rows).map_err(|_| too_large(at))?,
                (Some(sum), _) => {
                    let fits = sum.len() == rows.len() && sum[0].len() == rows[0].len();
                    if !fits {
                        return Err(unreadable(at, "matrices in a sum have the same shape"));
                    }
                    let rows = if positive { Ok(rows) } else { negated(rows) };
                    rows.and_then(|rows| added(sum, rows))
                        .map_err(|_| too_large(at))?
                }
            });
        }
        sum.map(Form::Matrix)
            .ok_or_else(|| unreadable(at, "expected a matrix"))
    }

    /// A matrix, perhaps with a factor before it and a `^T` behind.
    fn matrix(&self, tokens: &[Token]) -> Parsed<Form> {
        let begin = tokens
            .iter()
            .position(|token| matches!(token.kind, Kind::Begin(_)));
        let Some(begin) = begin else {
            let at = tokens.first().map_or(0, |token| token.at);
            return Err(unreadable(at, "expected a matrix"));
        };
        let (factor, tokens) = tokens.split_at(begin);
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
        let end = close_of(tokens).ok_or_else(|| unreadable(at, "the matrix has no end"))?;
        let transposed = match &tokens[end + 1..] {
            [] => false,
            behind if !determinant && is_transpose(behind) => true,
            _ => return Err(unreadable(at, "expected nothing behind the matrix")),
        };
        let scale = match trimmed(factor) {
            [] => None,
            factor => Some(grammar::formula(factor, true)?),
        };
        let inside = &tokens[1..end];
        let mut rows: Vec<Vec<Expr>> = Vec::new();
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
        if transposed {
            let columns = 0..rows[0].len();
            let column = |place: usize| rows.iter().map(|row| row[place].clone()).collect();
            rows = columns.map(column).collect();
        }
        Ok(Form::Matrix(rows))
    }
}

/// The terms of a sum outside of all brackets, with whether each is added.
fn terms(tokens: &[Token]) -> Vec<(bool, &[Token])> {
    let mut terms = Vec::new();
    let mut positive = true;
    let mut rest = tokens;
    while let Some(place) = outermost(rest, |kind| matches!(kind, Kind::Plus | Kind::Minus)) {
        // A sign in front is no end of a term.
        if place > 0 {
            terms.push((positive, &rest[..place]));
            positive = true;
        }
        positive ^= rest[place].kind == Kind::Minus;
        rest = &rest[place + 1..];
    }
    terms.push((positive, rest));
    terms
}

/// `^T`, `^{T}` and `^\top` behind a matrix.
fn is_transpose(behind: &[Token]) -> bool {
    let mark = |token: &Token| {
        matches!(&token.kind, Kind::Letters(name) | Kind::Text(name) | Kind::Unknown(name)
            if matches!(&**name, "T" | "top" | "intercal"))
    };
    let is = |token: &Token, kind: Kind| token.kind == kind;
    match behind {
        [caret, name] => is(caret, Kind::Caret) && mark(name),
        [caret, open, name, close] => {
            is(caret, Kind::Caret)
                && is(open, Kind::Open(Bracket::Group))
                && mark(name)
                && is(close, Kind::Close(Bracket::Group))
        }
        _ => false,
    }
}

fn negated(rows: Vec<Vec<Expr>>) -> Result<Vec<Vec<Expr>>, Fault> {
    let mut builder = Builder::default();
    let mut row = |row: Vec<Expr>| row.into_iter().map(|cell| builder.negative(cell)).collect();
    rows.into_iter().map(&mut row).collect()
}

fn added(rows: Vec<Vec<Expr>>, others: Vec<Vec<Expr>>) -> Result<Vec<Vec<Expr>>, Fault> {
    let mut builder = Builder::default();
    let mut row = |(row, other): (Vec<Expr>, Vec<Expr>)| {
        let cells = row.into_iter().zip(other);
        cells
            .map(|(cell, other)| builder.sum(vec![cell, other]))
            .collect()
    };
    rows.into_iter().zip(others).map(&mut row).collect()
}

fn too_large(at: usize) -> Unreadable {
    unreadable(at, "the sum of the matrices is too large to work out")
}

/// The determinant of the last rows and some columns, by its first row.
pub fn minor(rows: &[Vec<Expr>], columns: &[usize], builder: &mut Builder) -> Built {
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
