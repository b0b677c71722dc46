//! Mixed numbers, such as `4\frac49`.

use dashu_ratio::RBig;

use super::{Grammar, Parsed};
use crate::{
    expr::Expr,
    token::{Bracket, Kind, Literal},
};

impl Grammar<'_> {
    /// A number, with a fraction behind it that makes it a mixed one.
    pub(super) fn mixed(&mut self, whole: RBig, literal: Literal) -> Parsed<Expr> {
        if literal != Literal::Whole || self.after_caret() {
            return Ok(Expr::Number(whole));
        }
        let part = match (self.peek(), self.peek_at(1), self.peek_at(2)) {
            (Some(Kind::Number(part, Literal::Vulgar)), ..) => {
                self.place += 1;
                Some(part.clone())
            }
            (
                Some(Kind::Number(above, Literal::Whole)),
                Some(Kind::Slash),
                Some(Kind::Number(below, Literal::Whole)),
            ) if above < below => {
                self.place += 3;
                Some(above / below)
            }
            (Some(Kind::Frac), ..) => self.proper_fraction()?,
            (Some(Kind::Open(Bracket::Group)), Some(Kind::Frac), _) => {
                let start = self.place;
                self.place += 1;
                let part = self.proper_fraction()?;
                let closed = part.is_some() && self.accept(&Kind::Close(Bracket::Group));
                if !closed {
                    self.place = start;
                }
                part.filter(|_| closed)
            }
            _ => None,
        };
        Ok(Expr::Number(match part {
            Some(part) => whole + part,
            None => whole,
        }))
    }

    pub(super) fn after_caret(&self) -> bool {
        self.place >= 2 && self.tokens[self.place - 2].kind == Kind::Caret
    }

    /// A fraction of two plain numbers below one; anything else is a factor.
    pub(super) fn proper_fraction(&mut self) -> Parsed<Option<RBig>> {
        let start = self.place;
        self.place += 1;
        let mut parts = [RBig::ZERO, RBig::ZERO];
        for part in &mut parts {
            let group = self.accept(&Kind::Open(Bracket::Group));
            let Some(Kind::Number(value, Literal::Whole)) = self.peek() else {
                self.place = start;
                return Ok(None);
            };
            *part = value.clone();
            self.place += 1;
            if group && !self.accept(&Kind::Close(Bracket::Group)) {
                self.place = start;
                return Ok(None);
            }
        }
        let [above, below] = parts;
        // `22\frac12^2` raises the fraction alone; a degree sign is of the whole number.
        let raised = self.peek() == Some(&Kind::Caret) && !self.degree_follows();
        if above >= below || raised {
            self.place = start;
            return Ok(None);
        }
        Ok(Some(above / below))
    }
}
