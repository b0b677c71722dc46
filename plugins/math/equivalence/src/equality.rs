//! Whether two formulas are the same function.
//!
//! In the order of cost: as they are written, as fractions, by fingerprint in a finite field
//! (see [`crate::field`]), and at last by value, in ball arithmetic at fixed points (see
//! [`crate::real`]). The first three decide everything that is made of rational numbers,
//! variables, pi, e, i and square roots. By value, "different" is always a proof; "equal"
//! means that the difference vanished with the precision, at every point, and at more than
//! twice the precision of the first look.

use dashu_ratio::RBig;

use crate::{
    expr::{self, Constant, Expr, Function},
    field,
    real::{self, Precision, Trouble},
    value,
};

mod giants;
mod values;

use giants::equal_giants;
use values::{POINTS, coordinate, equal_functions, equal_numbers};

/// That a question has no answer within the limits, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undecided(pub String);

pub type Decision<T = bool> = Result<T, Undecided>;

/// About forty digits, for a look at one of several points.
const POINT_BITS: usize = 128;

pub fn equal(a: &Expr, b: &Expr) -> Decision {
    if let (Expr::Number(a), Expr::Number(b)) = (a, b) {
        return Ok(a == b);
    }
    match (a.infinite(), b.infinite()) {
        (Some(a), Some(b)) => return Ok(a == b),
        (None, None) => {}
        _ => return Ok(false),
    }
    if a == b {
        return Ok(true);
    }
    let mut nodes = 0;
    for expr in [a, b] {
        expr.each(&mut |_| nodes += 1);
    }
    real::spend(10 * nodes).map_err(no_verdict)?;
    match (field::print(a, 0), field::print(b, 0)) {
        (Some(first), Some(second)) if first.same(second) => {
            let again = (field::print(a, 1), field::print(b, 1));
            if matches!(again, (Some(first), Some(second)) if first.same(second)) {
                return Ok(true);
            }
        }
        (Some(first), Some(second)) if first.exact && second.exact => return Ok(false),
        // It divides by zero wherever it is looked at, as (x - x)/(x - x) does.
        (Some(_), None) if field::print(b, 1).is_none() => return Ok(false),
        _ => {}
    }
    if let Some(decided) = equal_giants(a, b)? {
        return Ok(decided);
    }
    let mut names = a.variables();
    names.extend(b.variables());
    if names.is_empty() {
        equal_numbers(a, b)
    } else if are_complex(a, &names) || are_complex(b, &names) {
        let split = |expr: &Expr| {
            expr.substituted(&|name| {
                let imaginary = Expr::Variable(format!("{name} imaginary").into());
                let i = Expr::Constant(Constant::I);
                let imaginary = Expr::Product(vec![i, imaginary]);
                Expr::Sum(vec![Expr::Variable(name.into()), imaginary])
            })
        };
        equal_functions(&split(a), &split(b), &names)
    } else {
        names.sort_unstable();
        names.dedup();
        equal_functions(a, b, &names)
    }
}

/// Whether the variables stand for complex numbers: one is conjugated or taken apart, or
/// z or w has an absolute value.
fn are_complex(expr: &Expr, names: &[&str]) -> bool {
    let usual = names.iter().any(|name| matches!(*name, "z" | "w"));
    expr.any(|node| match node {
        Expr::Call(Function::Conjugate | Function::Re | Function::Im, arguments) => {
            !arguments[0].variables().is_empty()
        }
        Expr::Call(Function::Abs, _) => usual,
        _ => false,
    })
}

/// Whether a formula has no value, or none that could be found within the limits, whatever it is compared with: `\tan
/// 90^\circ`, `\ln 0`, `9^{-9^{9^9}}`. An answer like that is not the gold one, and must not escape its verdict.
pub fn has_no_value(expr: &Expr) -> bool {
    let numbers: &[(usize, bool)] = match expr.variables().is_empty() {
        true => &[(0, false)],
        false => &[
            (0, false),
            (1, false),
            (2, false),
            (3, false),
            (0, true),
            (1, true),
        ],
    };
    let mut imprecise = false;
    for &(number, whole) in numbers {
        let point = |name: &str| coordinate(name, number, whole);
        match value::value(expr, &point, &Precision::new(2 * POINT_BITS)) {
            Ok(_) => return false,
            Err(Trouble::TooMuchWork) => return true,
            Err(Trouble::Imprecise) => imprecise = true,
            Err(Trouble::Undefined | Trouble::OutOfRange) => {}
        }
    }
    !imprecise || expr.any(is_pole)
}

/// Whether it divides by what is zero without looking like it.
fn is_pole(node: &Expr) -> bool {
    use Function::{Cos, Cot, Csc, Ln, Log, Sec, Sin, Tan};
    let zero =
        |of: &Expr| of.variables().is_empty() && equal(of, &Expr::Number(RBig::ZERO)) == Ok(true);
    let of = |function, argument: &Expr| Expr::Call(function, vec![argument.clone()]);
    match node {
        Expr::Quotient(parts) => zero(&parts[1]),
        Expr::Call(Tan | Sec, arguments) => zero(&of(Cos, &arguments[0])),
        Expr::Call(Cot | Csc, arguments) => zero(&of(Sin, &arguments[0])),
        Expr::Call(Ln | Log, arguments) => arguments.iter().any(zero),
        _ => false,
    }
}

fn no_verdict(trouble: Trouble) -> Undecided {
    Undecided(
        match trouble {
            Trouble::Undefined => "the formulas have no value at the points that were tried",
            Trouble::Imprecise | Trouble::OutOfRange => {
                "the precision is not enough to tell the values apart"
            }
            Trouble::TooMuchWork => "comparing the values takes more work than is allowed",
        }
        .to_owned(),
    )
}

/// Whether `b` is `a` times a number that is not zero; with the sign of that number where it
/// is real and known.
pub fn proportional(a: &Expr, b: &Expr) -> Decision<Option<i8>> {
    let zero = Expr::Number(RBig::ZERO);
    if equal(a, &zero)? || equal(b, &zero)? {
        return Ok(None);
    }
    // a(x) b(y) = a(y) b(x) for all x and y.
    let other = |expr: &Expr| expr.renamed(&|name| format!("{name}~").into());
    let crossed = |first: &Expr, second: &Expr| Expr::Product(vec![first.clone(), other(second)]);
    if !equal(&crossed(a, b), &crossed(b, a))? {
        return Ok(None);
    }
    let at = Precision::new(POINT_BITS);
    for number in 0..POINTS {
        let point = |name: &str| coordinate(name, number, false);
        let values = (value::value(a, &point, &at), value::value(b, &point, &at));
        if let (Ok(a), Ok(b)) = values
            && let (Ok(a), Ok(b)) = (a.real(), b.real())
            && a.is_nonzero()
            && b.is_nonzero()
        {
            return Ok(Some(if a.is_positive() == b.is_positive() {
                1
            } else {
                -1
            }));
        }
    }
    Ok(Some(0))
}

/// Whether two numbers differ by less than a twentieth of the first.
pub fn near(a: &Expr, b: &Expr) -> bool {
    let product = |number: i64, of: &Expr| Expr::Product(vec![expr::integer(number), of.clone()]);
    let size = |of: Expr| Expr::Call(Function::Abs, vec![of]);
    let difference = Expr::Sum(vec![a.clone(), product(-1, b)]);
    let room = Expr::Sum(vec![size(a.clone()), product(-20, &size(difference))]);
    a.variables().is_empty() && b.variables().is_empty() && sign(&room) == Ok(Some(1))
}

/// The sign of a number; `None` for what is no real number.
pub fn sign(of: &Expr) -> Decision<Option<i8>> {
    if let Some(sign) = of.infinite() {
        return Ok(Some(sign));
    }
    if let Expr::Number(number) = of {
        let zero = RBig::ZERO;
        return Ok(Some(i8::from(*number > zero) - i8::from(*number < zero)));
    }
    if !of.variables().is_empty() {
        return Ok(None);
    }
    let nowhere = |name: &str| unreachable!("a number has no variable {name}");
    for bits in [POINT_BITS, 4 * POINT_BITS] {
        let at = Precision::new(bits);
        match value::value(of, &nowhere, &at) {
            Ok(value) if !value.is_real() => return Ok(None),
            Ok(value) if value.re.is_positive() => return Ok(Some(1)),
            Ok(value) if value.re.is_negative() => return Ok(Some(-1)),
            Err(Trouble::Undefined) => return Ok(None),
            _ => {}
        }
    }
    match equal(of, &Expr::Number(RBig::ZERO))? {
        true => Ok(Some(0)),
        false => Err(no_verdict(Trouble::Imprecise)),
    }
}
