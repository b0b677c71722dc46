//! Points with their names: `P(1,2)`.

use crate::{
    answer::{Form, Label},
    expr::{Expr, Function},
    grammar::{self, Parsed},
    reading::{Reader, labelled},
    slicing::{close_of, elements},
    token::{Bracket, Kind, Token},
};

impl Reader<'_> {
    /// A capital letter and its coordinates; nothing where it may be a value, as `P(5,2)` is.
    pub(crate) fn named_point(&self, tokens: &[Token], depth: usize) -> Parsed<Option<Form>> {
        let [name, point @ ..] = tokens else {
            return Ok(None);
        };
        let capital = match &name.kind {
            Kind::Letters(letter) => {
                letter.len() == 1 && letter.starts_with(|c: char| c.is_ascii_uppercase())
            }
            _ => false,
        };
        let Some(open) = point.first() else {
            return Ok(None);
        };
        let tuple = open.kind == Kind::Open(Bracket::Paren) && !open.spaced;
        if !capital || !tuple || close_of(point) != Some(point.len() - 1) {
            return Ok(None);
        }
        let coordinates = elements(&point[1..point.len() - 1]).len();
        if !(2..=3).contains(&coordinates) {
            return Ok(None);
        }
        // It has a value, unless it takes more than there are.
        let counts = |function| matches!(function, Function::Binomial | Function::Permutations);
        let is_count = |node: &Expr| matches!(node, Expr::Call(function, _) if counts(*function));
        let has_value = match grammar::formula(tokens, true) {
            Ok(Expr::Number(count)) => !count.is_zero(),
            Ok(expr) => expr.any(is_count) && !expr.variables().is_empty(),
            Err(_) => false,
        };
        if has_value {
            return Ok(None);
        }
        let Kind::Letters(name) = &name.kind else {
            return Ok(None);
        };
        let point = self.item(point, depth + 1)?;
        Ok(Some(labelled(Label::Variable(name.clone()), point)))
    }
}
