//! Runs of letters, which are words, names, functions without a backslash, or several
//! variables; and the raised and lowered characters that are attached to them.

use dashu_ratio::RBig;

use super::{Lexer, unreadable};
use crate::{
    Unreadable,
    expr::{Constant, Function},
    number,
    token::{self, Bracket, Comparison, Kind, Literal},
};

impl Lexer<'_> {
    pub(super) fn letters(&mut self, at: usize, end: usize) -> Result<usize, Unreadable> {
        let rest = &self.text[at..end];
        if let Some((value, length)) = number::based(rest) {
            self.push(Kind::Number(value, Literal::Based), at, at + length)?;
            return Ok(at + length);
        }
        if let Some(first) = rest.chars().next() {
            if self.wants_one_character() {
                let next = at + first.len_utf8();
                let kind = token::character(first)
                    .unwrap_or_else(|| Kind::Letters(first.to_string().into()));
                self.push(kind, at, next)?;
                return Ok(next);
            }
            let single = token::greek_character(first)
                .filter(|name| *name != "pi")
                .map(|name| Kind::Letters(name.into()))
                .or_else(|| token::character(first));
            if let Some(kind) = single {
                let next = at + first.len_utf8();
                self.push(kind, at, next)?;
                return Ok(next);
            }
            if token::superscript(first).is_some() {
                return self.raised(at, end, Kind::Caret, token::superscript);
            }
            if token::subscript(first).is_some() {
                return self.raised(at, end, Kind::Underscore, token::subscript);
            }
        }
        let length = rest
            .find(|letter: char| {
                !letter.is_alphabetic()
                    || token::superscript(letter).is_some()
                    || token::subscript(letter).is_some()
                    || token::character(letter).is_some()
                    || token::greek_character(letter).is_some()
            })
            .unwrap_or(rest.len())
            .max(rest.chars().next().map_or(1, char::len_utf8));
        let run = &rest[..length];
        let next = at + length;
        let behind = &self.text[next..end];
        if run == "U" && behind.starts_with(|c: char| " ([".contains(c)) && !self.words {
            // `(1, 2) U (3, 4)`, typed without the sign.
            let before = self.tokens.last().map(|token| &token.kind);
            if matches!(before, Some(Kind::Close(_))) {
                self.push(Kind::Union, at, next)?;
                return Ok(next);
            }
        }
        // `\operatorname{Re} z` and `Re(z)`; without either they are two variables.
        if self.words || behind.starts_with('(') {
            let part = match run {
                "Re" => Some(Function::Re),
                "Im" => Some(Function::Im),
                _ => None,
            };
            if let Some(part) = part {
                self.push(Kind::Function(part), at, next)?;
                return Ok(next);
            }
        }
        if run == "o" && self.raises_a_number() {
            self.push(Kind::Degree, at, next)?;
            return Ok(next);
        }
        if run == "per" && self.tokens.last().is_some_and(|last| !is_word(&last.kind)) {
            // `25 per cent`.
            let blank = behind.len() - behind.trim_start().len();
            let after = behind.trim_start().strip_prefix("cent");
            if after.is_some_and(|after| !after.starts_with(char::is_alphabetic)) {
                let next = next + blank + "cent".len();
                self.push(Kind::Percent, at, next)?;
                return Ok(next);
            }
        }
        if let Some(kind) = plain_word(run) {
            self.push(kind, at, next)?;
            return Ok(next);
        }
        if self.words {
            self.push(Kind::Text(run.into()), at, next)?;
            return Ok(next);
        }
        // `sinx`, but not `since`.
        for name in [
            "sin", "cos", "tan", "cot", "sec", "csc", "ln", "log", "sqrt",
        ] {
            if let Some(argument) = run.strip_prefix(name)
                && argument.len() == 1
                && let Some(function) = token::function(name)
            {
                self.push(Kind::Function(function), at, next - 1)?;
                self.push(Kind::Letters(argument.into()), next - 1, next)?;
                return Ok(next);
            }
        }
        // `x^mx^n`: one letter is raised, as in LaTeX, and in `{}_nC_k` one is lowered.
        let raised = self.tokens.last().map(|token| &token.kind) == Some(&Kind::Caret)
            || self.lowers_nothing();
        if let (true, Some(first)) = (raised, run.chars().next()) {
            let next = at + first.len_utf8();
            self.push(Kind::Letters(run[..first.len_utf8()].into()), at, next)?;
            return Ok(next);
        }
        self.push(Kind::Letters(run.into()), at, next)?;
        Ok(next)
    }

    /// Whether what comes next is lowered at the front, before what it belongs to.
    fn lowers_nothing(&self) -> bool {
        let mut kinds = self.tokens.iter().rev().map(|token| &token.kind);
        kinds.next() == Some(&Kind::Underscore)
            && match kinds.next() {
                None => true,
                Some(Kind::Close(Bracket::Group)) => {
                    kinds.next() == Some(&Kind::Open(Bracket::Group))
                }
                _ => false,
            }
    }

    /// Whether what comes next is raised behind a number: `60^{\text{o}}` is meant as degrees.
    fn raises_a_number(&self) -> bool {
        let kinds = self.tokens.iter().rev().map(|token| &token.kind);
        let mut kinds = kinds.skip_while(|kind| **kind == Kind::Open(Bracket::Group));
        kinds.next() == Some(&Kind::Caret)
            && match kinds.next() {
                Some(Kind::Number(..)) => true,
                Some(Kind::Close(_)) => self.words,
                _ => false,
            }
    }

    /// Raised or lowered characters, as a group on the line.
    pub(super) fn raised(
        &mut self,
        at: usize,
        end: usize,
        kind: Kind,
        on_the_line: fn(char) -> Option<char>,
    ) -> Result<usize, Unreadable> {
        self.push(kind, at, at)?;
        self.push(Kind::Open(Bracket::Group), at, at)?;
        let mut next = at;
        let mut digits = 0_i64;
        let mut counted = 0;
        let flush = |lexer: &mut Self, at, counted: &mut u32, digits: &mut i64| {
            if std::mem::take(counted) > 0 {
                let value = RBig::from(std::mem::take(digits));
                lexer.push(Kind::Number(value, Literal::Whole), at, at)?;
            }
            Ok(())
        };
        for raised in self.text[at..end].chars() {
            let Some(plain) = on_the_line(raised) else {
                break;
            };
            match plain {
                '0'..='9' if counted < 15 => {
                    digits = digits * 10 + i64::from(plain as u32 - '0' as u32);
                    counted += 1;
                }
                '0'..='9' => return Err(unreadable(next, "the raised number is too long")),
                _ => {
                    flush(self, next, &mut counted, &mut digits)?;
                    let kind = token::character(plain)
                        .unwrap_or_else(|| Kind::Letters(plain.to_string().into()));
                    self.push(kind, next, next)?;
                }
            }
            next += raised.len_utf8();
        }
        flush(self, next, &mut counted, &mut digits)?;
        self.push(Kind::Close(Bracket::Group), next, next)?;
        Ok(next)
    }
}

fn is_word(kind: &Kind) -> bool {
    matches!(kind, Kind::Letters(_) | Kind::Text(_))
}

/// Words of plain text that are signs.
fn plain_word(run: &str) -> Option<Kind> {
    if let Some(function) = token::function(run) {
        return Some(Kind::Function(function));
    }
    Some(match run {
        "pi" | "Pi" => Kind::Constant(Constant::Pi),
        "infinity" | "inf" | "Infinity" | "oo" | "infty" => Kind::Constant(Constant::Infinity),
        "percent" => Kind::Percent,
        "approx" => Kind::Compare(Comparison::About),
        "USD" => Kind::Currency("usd"),
        "EUR" => Kind::Currency("eur"),
        "GBP" => Kind::Currency("gbp"),
        "union" => Kind::Union,
        _ => return token::greek(run).map(|name| Kind::Letters(name.into())),
    })
}
