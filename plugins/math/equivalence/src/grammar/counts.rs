//! Numbers of combinations and permutations in the notations of schools: `C_{10}^{3}`,
//! `^{10}C_3`, `{}_{10}C_3`, and the same with `P`.

use dashu_ratio::RBig;

use super::{Grammar, Parsed};
use crate::{
    expr::{Expr, Function},
    lexer::unreadable,
    token::{Bracket, Kind},
};

impl Grammar<'_> {
    /// `{}_{10}` or `^{10}`, that belongs to what follows it.
    pub(super) fn prescript_follows(&self) -> bool {
        let empty = self.peek() == Some(&Kind::Open(Bracket::Group))
            && self.peek_at(1) == Some(&Kind::Close(Bracket::Group));
        matches!(
            self.peek_at(if empty { 2 } else { 0 }),
            Some(Kind::Underscore | Kind::Caret)
        )
    }

    /// `{}_{10}C_3` and `^{10}C_3`.
    pub(super) fn prescript(&mut self) -> Parsed<Expr> {
        if self.accept(&Kind::Open(Bracket::Group)) {
            self.expect(&Kind::Close(Bracket::Group), "}")?;
        }
        self.place += 1;
        let n = self.argument()?;
        let function = match self.peek() {
            Some(Kind::Letters(name) | Kind::Text(name)) => function(name),
            _ => None,
        };
        let Some(function) = function else {
            return Err(unreadable(self.at(), "expected C or P behind its index"));
        };
        self.place += 1;
        self.expect(&Kind::Underscore, "_")?;
        let k = self.argument()?;
        let built = self.builder.call(function, vec![n, k]);
        self.built(built)
    }

    /// `C_{10}^{3}` or `C^3_{10}`, with the letter here. Nothing is read where the letter may be
    /// a variable with an index and a power, as in `C_1^2 + C_2^2`.
    pub(super) fn combination(&mut self, name: &str) -> Parsed<Option<Expr>> {
        let Some(function) = function(name) else {
            return Ok(None);
        };
        let start = self.place;
        self.place += 1;
        let mut parts: [Option<Expr>; 2] = [None, None];
        for _ in 0..2 {
            let part = match self.peek() {
                Some(Kind::Underscore) => 0,
                Some(Kind::Caret) => 1,
                _ => break,
            };
            if parts[part].is_some() || !self.is_short(self.place + 1) {
                break;
            }
            self.place += 1;
            parts[part] = self.argument().ok();
        }
        let [Some(n), Some(k)] = parts else {
            self.place = start;
            return Ok(None);
        };
        if !is_count(&n, &k) {
            self.place = start;
            return Ok(None);
        }
        let built = self.builder.call(function, vec![n, k]);
        self.built(built).map(Some)
    }

    /// Whether an index or exponent begins here that is short enough to be read twice.
    fn is_short(&self, place: usize) -> bool {
        const LONGEST: usize = 8;
        let mut tokens = self.tokens[place.min(self.tokens.len())..].iter();
        match tokens.next().map(|token| &token.kind) {
            Some(Kind::Open(Bracket::Group)) => tokens
                .take(LONGEST)
                .take_while(|token| !matches!(token.kind, Kind::Open(_)))
                .any(|token| token.kind == Kind::Close(Bracket::Group)),
            Some(Kind::Number(..) | Kind::Letters(_)) => true,
            _ => false,
        }
    }
}

fn function(name: &str) -> Option<Function> {
    match name {
        "C" => Some(Function::Binomial),
        "P" => Some(Function::Permutations),
        _ => None,
    }
}

/// Whether these are how many there are and how many are taken: two whole numbers that fit, or
/// an n with what is taken of it.
fn is_count(n: &Expr, k: &Expr) -> bool {
    match (n, k) {
        (Expr::Number(n), Expr::Number(k)) => {
            n.is_int() && k.is_int() && *k >= RBig::ZERO && k <= n && *n > RBig::from(2)
        }
        (Expr::Number(n), _) => n.is_int() && *n > RBig::from(2),
        _ => n
            .variables()
            .iter()
            .all(|name| matches!(*name, "n" | "m" | "N")),
    }
}
