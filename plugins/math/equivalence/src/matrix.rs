//! Matrices, and their determinants between bars.

use crate::{
    answer::Form,
    expr::{Builder, Built, Expr, integer},
    grammar::{self, Parsed},
    lexer::unreadable,
    limits,
    reading::Reader,
    slicing::{close_of, parts, too_many, trimmed},
    token::{Kind, Token},
};

impl Reader<'_> {
    /// A matrix, perhaps with a factor before it.
    pub(crate) fn matrix(&self, factor: &[Token], tokens: &[Token]) -> Parsed<Form> {
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
