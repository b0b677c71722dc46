//! A formula with what stands around it: a unit, a currency, degrees, a percent sign.

use dashu_ratio::RBig;

use crate::{
    answer::Quantity,
    expr::{Builder, Constant, Expr, Function, integer},
    grammar::{self, Parsed},
    lexer::unreadable,
    naming,
    reading::Reader,
    slicing::{close_of, trimmed},
    token::{Bracket, Kind, Literal, Token},
    units::{self, Unit},
    words::scale_word,
};

impl Reader<'_> {
    /// A formula with its unit.
    pub(crate) fn quantity(&self, tokens: &[Token]) -> Parsed<Quantity> {
        let at = tokens[0].at;
        let mut unit = None;
        let mut left: Vec<Token> = Vec::with_capacity(tokens.len());
        for token in tokens {
            match token.kind {
                Kind::Currency(name) if unit.is_none() => unit = Some(units::currency(name)),
                Kind::Currency(_) => return Err(unreadable(token.at, "a second currency")),
                _ => left.push(token.clone()),
            }
        }
        units::spelled_out(&mut left);
        let trigonometry = left.iter().any(|token| match &token.kind {
            Kind::Function(function) => !matches!(function, Function::Sqrt | Function::Cbrt),
            Kind::Letters(name) | Kind::Text(name) => &**name == "cis",
            _ => false,
        });
        let angle = !trigonometry && left.iter().any(|token| token.kind == Kind::Degree);
        if let Some((value, read)) = scientific(&left).filter(|(_, unit)| !unit.powers.is_empty())
            && unit.is_none()
        {
            return Ok(Quantity {
                expr: Expr::Number(value),
                unit: Some(read),
                percent: false,
                unreduced: false,
                decimal: left.iter().any(is_decimal),
                otherwise: None,
            });
        }
        // `45/2%` are 22.5 hundredths: the sign is of all that is before it.
        let mut said = Vec::new();
        if let Some(place) = left.iter().rposition(|token| token.kind == Kind::Percent)
            && left[place + 1..].iter().all(is_word)
        {
            // `20% increase`: the words are its unit.
            said = left.split_off(place + 1);
        }
        let percent = matches!(left.last().map(|token| &token.kind), Some(Kind::Percent));
        if percent {
            left.pop();
        }
        let leading = grammar::leading_formula(&left, true)?;
        let mut expr = leading.expr;
        if percent {
            let built = Builder::default().quotient(expr, integer(100));
            expr = built.map_err(|_| unreadable(at, "the number is too large"))?;
        }
        let mut rest = trimmed(leading.rest);
        if rest.is_empty() {
            rest = &said;
        } else if !said.is_empty() {
            return Err(unreadable(rest[0].at, "expected the end of the formula"));
        }
        let mut whole = false;
        while let Some((factor, behind)) = multiplier(rest) {
            // `5 hundred thousandths` may be either of two numbers.
            if whole && !factor.is_int() {
                return Err(unreadable(rest[0].at, "a part of what is unclear"));
            }
            whole = factor.is_int();
            let built = Builder::default().product(vec![expr, Expr::Number(factor)]);
            expr = built.map_err(|_| unreadable(at, "the number is too large"))?;
            rest = behind;
        }
        if angle {
            // The formula has it in radians.
            let degrees = Expr::Quotient(Box::new([
                Expr::Product(vec![integer(180), expr]),
                Expr::Constant(Constant::Pi),
            ]));
            expr = simplified_degrees(&degrees);
            unit = Some(Unit::named("degree"));
            if let [scale] = rest
                && let Kind::Letters(name) | Kind::Text(name) = &scale.kind
                && matches!(&**name, "C" | "F")
            {
                unit = Some(Unit::named(if &**name == "C" {
                    "celsius"
                } else {
                    "fahrenheit"
                }));
                rest = &[];
            }
        }
        if !rest.is_empty() {
            if naming::retracts(rest) {
                return Err(unreadable(
                    rest[0].at,
                    "what follows the number takes it back",
                ));
            }
            let read = units::read(rest).ok_or_else(|| {
                unreadable(rest[0].at, "expected the end of the formula, or a unit")
            })?;
            if read.has_two_sides() && left.iter().any(|token| token.kind == Kind::Times) {
                return Err(unreadable(at, "the sides of a table are no product"));
            }
            // `$5 dollars` says it twice.
            if unit.as_ref().is_some_and(|unit| *unit != read) && !read.powers.is_empty() {
                let mut both = unit.unwrap_or_else(Unit::none);
                both.multiply(&read, 1);
                unit = Some(both);
            } else {
                unit = Some(read);
            }
        }
        Ok(Quantity {
            unreduced: leading.unreduced,
            percent,
            decimal: left.iter().any(is_decimal),
            otherwise: if unit.is_none() {
                scientific(&left).or_else(|| letters_as_unit(&left))
            } else {
                None
            },
            unit,
            expr,
        })
    }
}

/// Degrees in a formula are a fraction of pi; times 180 and over pi again they are numbers.
pub fn simplified_degrees(degrees: &Expr) -> Expr {
    let number = |expr: &Expr| match expr {
        Expr::Product(factors) => match factors.as_slice() {
            [Expr::Number(number), Expr::Constant(Constant::Pi)] => Some(number.clone()),
            [Expr::Constant(Constant::Pi)] => Some(RBig::ONE),
            _ => None,
        },
        Expr::Constant(Constant::Pi) => Some(RBig::ONE),
        _ => None,
    };
    if let Expr::Quotient(parts) = degrees
        && let Expr::Product(factors) = &parts[0]
        && let Some(of_pi) = factors.get(1).and_then(number)
    {
        return Expr::Number(of_pi * RBig::from(180));
    }
    degrees.clone()
}

fn is_decimal(token: &Token) -> bool {
    matches!(token.kind, Kind::Number(_, Literal::Decimal))
}

/// Whether this is a word that is no variable.
fn is_word(token: &Token) -> bool {
    match &token.kind {
        Kind::Text(word) => word.len() > 1,
        Kind::Letters(word) => !grammar::is_variables(word) || units::is_named(word),
        _ => false,
    }
}

/// `million`, `dozens` or `tenths` behind a number.
fn multiplier(rest: &[Token]) -> Option<(RBig, &[Token])> {
    let (Kind::Letters(word) | Kind::Text(word)) = &rest.first()?.kind else {
        return None;
    };
    let factor = scale_word(&word.to_lowercase())?;
    Some((factor, &rest[1..]))
}

/// `3 x 10^8`, perhaps with a unit, whose x may be typed for a times sign.
fn scientific(tokens: &[Token]) -> Option<(RBig, Unit)> {
    let x = tokens.iter().position(|token| {
        matches!(&token.kind, Kind::Letters(name) | Kind::Text(name) if matches!(&**name, "x" | "X"))
    })?;
    let (number, [_, ten, caret, exponent @ ..]) = tokens.split_at(x) else {
        return None;
    };
    let is_ten =
        matches!(&ten.kind, Kind::Number(value, Literal::Whole) if *value == RBig::from(10));
    let is_number = match number {
        [digits] => matches!(digits.kind, Kind::Number(..)),
        [sign, digits] => sign.kind == Kind::Minus && matches!(digits.kind, Kind::Number(..)),
        _ => false,
    };
    if !is_ten || !is_number || caret.kind != Kind::Caret {
        return None;
    }
    let length = match exponent.first()?.kind {
        Kind::Open(Bracket::Group) => close_of(exponent)? + 1,
        Kind::Minus => 2,
        _ => 1,
    };
    let end = x + 3 + length;
    let mut product = tokens.get(..end)?.to_vec();
    product[x].kind = Kind::Times;
    let Ok(Expr::Number(value)) = grammar::formula(&product, true) else {
        return None;
    };
    let unit = match &tokens[end..] {
        [] => Unit::none(),
        behind => units::read(behind)?,
    };
    Some((value, unit))
}

/// `5 m`, `5 m/s`, `9.8\frac{m}{s^2}`, whose letters may be variables.
fn letters_as_unit(tokens: &[Token]) -> Option<(RBig, Unit)> {
    let begin = (0..tokens.len()).find(|&place| match &tokens[place].kind {
        Kind::Letters(_) => true,
        Kind::Frac => units::fraction_of_units(&tokens[place..]).is_some(),
        _ => false,
    })?;
    let (number, unit) = tokens.split_at(begin);
    if let Kind::Letters(name) = &unit[0].kind
        && (!unit[0].spaced || !units::is_unit(name))
    {
        return None;
    }
    let value = match number {
        [] => return None,
        [number] => match &number.kind {
            Kind::Number(value, _) => value.clone(),
            _ => return None,
        },
        _ => match grammar::formula(number, true).ok()? {
            Expr::Number(value) => value,
            _ => return None,
        },
    };
    Some((value, units::read(unit)?))
}

/// `2024-01-02` and `1/2/2024`.
pub fn is_date(tokens: &[Token]) -> bool {
    let [first, sign, second, other, third] = tokens else {
        return false;
    };
    let digits = [first, second, third].map(|token| match token.kind {
        Kind::Number(_, Literal::Whole) if !token.spaced => token.end - token.at,
        _ => 0,
    });
    let signs = sign.kind == other.kind && !sign.spaced && !other.spaced;
    signs
        && match sign.kind {
            Kind::Minus => digits == [4, 2, 2] || digits == [2, 2, 4],
            Kind::Slash => matches!(digits, [1..=2, 1..=2, 4]),
            _ => false,
        }
}
