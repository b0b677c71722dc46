//! Numbers that no precision holds, and what can be said of them all the same.

use super::{Decision, POINT_BITS, equal};
use crate::{
    expr::{Expr, Function},
    real::Precision,
    value,
};

/// Numbers that no precision holds, such as 10^(10^(10^10)) and (10^10)!: none of them is a
/// number of an ordinary size, and two powers of one base are as equal as their exponents.
pub(super) fn equal_giants(a: &Expr, b: &Expr) -> Decision<Option<bool>> {
    let (giant, other) = match (least_log(a), least_log(b)) {
        (None, None) => return Ok(None),
        (Some(_), Some(_)) => {
            return match (a, b) {
                (Expr::Power(a), Expr::Power(b)) if a[0] == b[0] => equal(&a[1], &b[1]).map(Some),
                _ => Ok(None),
            };
        }
        (Some(giant), None) => (giant, b),
        (None, Some(giant)) => (giant, a),
    };
    if !other.variables().is_empty() {
        return Ok(None);
    }
    let nowhere = |name: &str| unreachable!("a number has no variable {name}");
    let value = value::value(other, &nowhere, &Precision::new(POINT_BITS));
    let smaller = value.is_ok_and(|value| value.magnitude() < giant - 1.0);
    Ok(smaller.then_some(false))
}

/// Exponents from here on are out of reach.
const GIANT: f64 = 1e12;

/// A lower bound of a giant's logarithm to base two.
fn least_log(expr: &Expr) -> Option<f64> {
    let above = |number: &Expr, least: f64| match number {
        Expr::Number(number) => number.to_f64_fast() > least,
        _ => false,
    };
    match expr {
        // n! is more than 2^n from n = 4 on.
        Expr::Call(Function::Factorial, arguments) => match &arguments[0] {
            Expr::Number(n) if n.is_int() && above(&arguments[0], 1000.0) => {
                Some(n.to_f64_fast().min(GIANT))
            }
            _ => None,
        },
        Expr::Power(parts) if above(&parts[0], 1.99) => {
            let exponent = &parts[1];
            let large = match exponent {
                Expr::Number(_) => above(exponent, GIANT),
                // 2^40 is above the bound.
                Expr::Power(inner) => above(&inner[0], 1.99) && above(&inner[1], 40.0),
                _ => false,
            };
            (large || least_log(exponent).is_some()).then_some(GIANT)
        }
        _ => None,
    }
}
